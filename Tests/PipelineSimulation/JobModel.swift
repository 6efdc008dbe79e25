import JobCore
import Time

/// What the simulation knows of each job, by its number from 1, apart from the pipeline.
struct KnownJob {
  let id: JobID
  let size: Int
  let client: ClientID
  /// More attempts after one that failed.
  let retries: Int
  /// Of its own; zero for none.
  let runLimit: Nanoseconds
  let acceptedAt: Instant
  /// The serial numbers of the workers that have read some of it.
  var readers: [Int] = []
  /// When the last of them has read the first of it.
  var readAt: Instant = .origin
  /// How often it came to the head of a worker.
  var heads = 0
  /// When it last did, while it is there.
  var headSince: Instant?
  /// The longest span by which timers may have been late while it was there.
  var longestSkip: Nanoseconds = .zero
  /// Then its worker had proved that it works.
  var headIsProved = false
  /// Somebody has cancelled it.
  var isCancelled = false
  /// The job of its client that must come out before it, where each client has its order.
  var predecessor: Int?
  /// It never was a job.
  var isRejected = false
  var outcome: Outcome?
  var isOut = false
}

/// All jobs of a life, and what must be true of them.
struct JobModel {
  var jobs: [KnownJob] = []
  var settled = 0
  var withdrawn = 0
  var unsettledBytes = 0
  /// The number of the next job to come out, if the order is kept.
  var nextOut = 1
  var outcomes: [Outcome: Int] = [:]
  /// The number of the last job of each client whose answers keep their order.
  private var lastOfClient: [ClientID: Int] = [:]
  /// The number of the last job with each index.
  private var numberOfIndex: [Int] = []

  var unsettled: Int { jobs.count - settled }

  subscript(number: Int) -> KnownJob {
    _read { yield jobs[number - 1] }
    _modify { yield &jobs[number - 1] }
  }

  /// `ordered`: it comes out behind the jobs of its client before it that are ordered, too.
  mutating func add(_ job: KnownJob, ordered: Bool) -> Int {
    jobs.append(job)
    if ordered {
      self[jobs.count].predecessor = lastOfClient[job.client]
      lastOfClient[job.client] = jobs.count
    }
    while numberOfIndex.count <= Int(job.id.index) { numberOfIndex.append(0) }
    numberOfIndex[Int(job.id.index)] = jobs.count
    unsettledBytes += job.size
    return jobs.count
  }

  /// The number of a job that the pipeline reports.
  func number(of job: JobID) throws -> Int {
    let number = Int(job.index) < numberOfIndex.count ? numberOfIndex[Int(job.index)] : 0
    try require(number > 0 && self[number].id == job, "\(job) is not known")
    return number
  }

  mutating func settle(_ number: Int, _ outcome: Outcome) throws {
    let before = self[number].outcome
    try require(before == nil, "job \(number) is \(outcome), and was \(before!) before")
    self[number].outcome = outcome
    self[number].headSince = nil
    settled += 1
    unsettledBytes -= self[number].size
    outcomes[outcome, default: 0] += 1
  }

  mutating func emit(_ number: Int, _ outcome: Outcome, inOrder: Bool) throws {
    try require(self[number].outcome == outcome, "job \(number) comes out as \(outcome): \(self[number])")
    try require(!self[number].isOut, "job \(number) comes out twice")
    if inOrder {
      try require(number == nextOut, "job \(number) comes out before job \(nextOut)")
      nextOut += 1
    }
    if let predecessor = self[number].predecessor {
      try require(
        self[predecessor].isOut, "job \(number) comes out before job \(predecessor) of the same client")
    }
    self[number].isOut = true
  }

  mutating func withdraw(_ number: Int) throws {
    try require(self[number].outcome == .ok && !self[number].isOut, "job \(number) is withdrawn: \(self[number])")
    self[number].outcome = .failed
    withdrawn += 1
    outcomes[.ok, default: 0] -= 1
    outcomes[.failed, default: 0] += 1
  }

  func checkAllOut() throws {
    for number in jobs.indices.map({ $0 + 1 }) where !self[number].isOut {
      throw Violation("at the end job \(number) is not out: \(self[number])")
    }
  }
}
