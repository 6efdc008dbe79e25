import TestSupport
import Time

@testable import JobCore

/// Something that must not be, found by the model.
struct Violation: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// What a driver would know: arrays by job index, and counts. It performs the ledger's actions and refuses those that
/// are illegal; what each event must lead to is written down before the ledger hears of it.
struct JobModel {
  enum Phase: UInt8 { case free, queued, running, delayed, settled, held }

  struct Job {
    var phase = Phase.free
    var generation: UInt32 = 0
    var sequence = 0
    var attempts = 0
    var kills = 0
    var resultBytes = 0
    var outcome: Outcome?
    /// What the event at hand must end the job with; nil = it must not end.
    var expected: Outcome?
    var runArmed = false
    var queueArmed = false
    var retryArmed = false
    var retries = 0
    /// Of its own.
    var runLimit: Nanoseconds?
    var freeReturns = 0
    var lastFailure = AttemptFailure.failed
    /// The place in `running`.
    var place = 0
    /// The place in `workers`.
    var worker = 0
    /// Its worker had others before it, and its clock was not started since.
    var isParked = false
    /// The place in `clients`.
    var client = 0
    var priority: Int32 = 0
    var isOrdered = true
  }

  let configuration: JobLedger.Configuration
  var jobs: [Job] = []
  var clients: [Client] = [Client()]
  /// How often somebody was served.
  var turns = 0
  /// How often a choice was made against another client of the same priority, and how many clients have left.
  var contested = 0
  var left = 0
  /// How often one was paused.
  var pauses = 0
  /// While the ledger is told that no worker can be started.
  var isRefusing = false
  /// The indices of jobs that a worker has, in no order.
  var running: [Int] = []
  /// What each worker has, the head first.
  var workers: [[Int]] = []
  /// How often a job was parked, and how often one came back from there.
  var parkings = 0
  var returns = 0
  var prefetchRoom = 0
  var runTimes = TimesModel()
  var queued = 0
  /// Queued jobs of clients that are paused.
  var paused: Int { clients.reduce(0) { $0 + ($1.isPaused ? $1.queue.count : 0) } }
  /// Those that a lease could go to.
  var waiting: Int { queued - paused }
  var delayed = 0
  var held = 0
  var heldBytes = 0
  var accepted = 0
  var settled = 0
  var emitted = 0
  /// Settled as neither ok nor cancelled.
  var bad = 0
  var isOver = false
  var isDraining = false
  var idleSaid = false
  /// Defects of the driver that the ledger must report now, and those that it has reported.
  var defectsDue = 0
  var defects = 0
  /// How often a job that waits was not sent, because the order window was full.
  var declined = 0
  /// How often the window was full and the job that all wait for was sent.
  var sentThroughFullWindow = 0
  /// The job whose worker must be interrupted by the event at hand, and which goes back to the queue.
  var interrupted: Int?
  /// The held job whose answer must be withdrawn by the event at hand, and how often that was.
  var withdraws: Int?
  var withdrawn = 0
  /// While the ledger drains or aborts: whom that ends as cancelled.
  var cancelsQueued = false
  var cancelsRunning = false
  var isHalted = false
  /// The event at hand reached the halt rule; jobs that were ended by such.
  var isHalting = false
  var endedByHalt = 0

  init(_ configuration: JobLedger.Configuration) { self.configuration = configuration }

  var isWindowFull: Bool { configuration.keepOrder && held > 0 && heldBytes >= configuration.orderWindow }
  var living: Int { accepted - emitted }

  /// Without those that the halt rule ended.
  var settledByEvents: Int { settled - endedByHalt }

  /// How many jobs a worker could be given: all that wait, or the one that all others wait for if it does.
  var demand: Int {
    guard isWindowFull else { return waiting }
    return jobs.contains { $0.phase == .queued && $0.sequence == emitted + 1 } ? 1 : 0
  }

  /// How long an attempt of this job may run that starts now.
  func runLimit(of index: Int) -> Nanoseconds? {
    jobs[index].runLimit ?? [runTimes.limit, configuration.runLimit].compactMap { $0 }.min()
  }

  func id(_ index: Int) -> JobID { JobID(index: UInt32(index), generation: jobs[index].generation) }

  mutating func perform(_ action: JobAction) throws {
    switch action {
    case .interrupt(let job, _): try interrupt(try index(job))
    case .interruptBatch, .arm(.batch, _), .disarm(.batch): throw Violation("there are no batches: \(action)")
    case .settled(let job, let outcome): try settle(try index(job), outcome)
    case .emit(let job, let outcome): try emit(try index(job), outcome)
    case .hold(let job): try hold(try index(job))
    case .withdrawn(let job): try withdraw(try index(job))
    case .forget(let job): try forget(try index(job))
    case .arm(.run(let job), let after):
      jobs[try index(job)].runArmed = true
      try require(after == runLimit(of: Int(job.index)), "a run clock of \(after) ns")
      try require(!jobs[Int(job.index)].isParked, "a run clock of a job that is parked")
    case .arm(.retry(let job), let after):
      jobs[try index(job)].retryArmed = true
      let limits = configuration.retryDelay ?? RetryDelay(minimum: 0, maximum: 0)
      try require((limits.minimum / 2...limits.maximum).contains(after), "a wait of \(after) ns before a retry")
    case .disarm(.retry(let job)):
      try require(jobs[index(job)].retryArmed, "a retry put off that is not due")
      jobs[Int(job.index)].retryArmed = false
    case .arm(.queue(let job), let after):
      jobs[try index(job)].queueArmed = true
      try require(after == configuration.queueLimitTime, "a queue clock of \(after) ns")
    case .disarm(.run(let job)):
      try require(jobs[index(job)].runArmed, "a run clock stopped that does not go")
      jobs[Int(job.index)].runArmed = false
    case .disarm(.queue(let job)):
      try require(jobs[index(job)].queueArmed, "a queue clock stopped that does not go")
      jobs[Int(job.index)].queueArmed = false
    case .idle:
      try require(living == 0 && (isOver || isDraining) && !idleSaid, "idle with \(living) living, or twice")
      idleSaid = true
    case .reportInternalError(let what):
      defects += 1
      defectsDue -= 1
      try require(defectsDue >= 0, "internal error: \(what)")
    }
  }

  /// What was expected of one event is not expected of the next.
  mutating func endEvent() {
    (isHalting, isRefusing, cancelsQueued, cancelsRunning) = (false, false, false, false)
    for index in jobs.indices { jobs[index].expected = nil }
  }

  func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds { throw Violation(what()) }
  }

  /// The index of a job that the ledger names; it must be one that lives.
  private func index(_ job: JobID) throws -> Int {
    let index = Int(job.index)
    try require(index < jobs.count && jobs[index].generation == job.generation, "an unknown \(job)")
    try require(jobs[index].phase != .free, "a forgotten \(job)")
    return index
  }

  /// No job for the worker that was there.
  mutating func decline() throws {
    try require(demand == 0, "\(demand) jobs wait, and a worker got none")
    // Liveness: what gives a worker nothing with jobs in the queue must have one running whose end changes that.
    try require(waiting == 0 || !running.isEmpty || delayed > 0, "a worker got nothing and nothing runs")
    if queued > 0 { declined += 1 }
  }

  /// The worker gets this job.
  mutating func send(_ assignment: Assignment, to worker: Int) throws {
    let (index, attempt) = (try index(assignment.job), assignment.attempt)
    try require(jobs[index].phase == .queued, "job \(jobs[index].sequence) sent from \(jobs[index].phase)")
    try require(!isDraining, "sent while draining")
    try require(
      !isWindowFull || jobs[index].sequence == emitted + 1, "job \(jobs[index].sequence) sent with a full window")
    if isWindowFull { sentThroughFullWindow += 1 } else { try checkChoice(of: index) }
    try serve(index)
    jobs[index].attempts += 1
    try require(attempt == jobs[index].attempts, "attempt \(attempt) is number \(jobs[index].attempts)")
    try require(attempt <= 1 + jobs[index].retries, "attempt \(attempt) of \(1 + jobs[index].retries)")
    queued -= 1
    clients[jobs[index].client].queue.removeAll { $0 == index }
    clients[jobs[index].client].leased += 1
    jobs[index].phase = .running
    jobs[index].place = running.count
    running.append(index)
    jobs[index].worker = worker
    jobs[index].isParked = !workers[worker].isEmpty
    if jobs[index].isParked { parkings += 1 }
    workers[worker].append(index)
  }

  /// A job that the ledger has named came in. Where it goes is the caller's affair.
  mutating func arrive(_ job: JobID?, _ terms: JobTerms) throws -> Int {
    guard let job else { throw Violation("a job that came in got no name") }
    let index = Int(job.index)
    if index == jobs.count { jobs.append(Job()) }
    try require(index < jobs.count && jobs[index].phase == .free, "\(job) is in use")
    try require(job.generation == jobs[index].generation + 1, "\(job) was there before")
    accepted += 1
    jobs[index] = Job()
    jobs[index].phase = .queued
    jobs[index].generation = job.generation
    jobs[index].sequence = accepted
    jobs[index].client = Int(terms.client.index)
    jobs[index].priority = terms.priority
    jobs[index].isOrdered = terms.isOrdered
    jobs[index].retries = terms.retries < 0 ? configuration.retries : Int(terms.retries)
    jobs[index].runLimit = terms.runLimit > .zero ? terms.runLimit : nil
    return index
  }

  private mutating func interrupt(_ index: Int) throws {
    if interrupted == index {
      interrupted = nil
    } else {
      try require(jobs[index].phase == .running, "an interrupt for a job that is \(jobs[index].phase)")
    }
  }

  private mutating func settle(_ index: Int, _ outcome: Outcome) throws {
    let phase = jobs[index].phase
    let isCancelled =
      (cancelsQueued && phase == .queued) || (cancelsRunning && (phase == .running || phase == .delayed))
    let isGivenUp = cancelsQueued && phase == .delayed
    let expected =
      jobs[index].expected ?? (isCancelled ? .cancelled : isGivenUp ? jobs[index].lastFailure.outcome : nil)
    try require(outcome == expected, "\(outcome) of \(jobs[index])")
    switch phase {
    case .queued:
      if isRefusing {
        let isFirst = isWindowFull && jobs[index].sequence == emitted + 1
        if !isFirst { try checkChoice(of: index) }
        try serve(index)
      }
      queued -= 1
      clients[jobs[index].client].queue.removeAll { $0 == index }
    case .running: stopRunning(index)
    case .delayed:
      delayed -= 1
      clients[jobs[index].client].delayed -= 1
    case .free, .settled, .held: throw Violation("job \(jobs[index].sequence) settled twice")
    }
    jobs[index].phase = .settled
    jobs[index].outcome = outcome
    settled += 1
    if isHalting { endedByHalt += 1 }
    if outcome != .ok, outcome != .cancelled { didEndBadly() }
  }

  /// The last one that the halt rule bears ends what is queued, or all, after what the event leads to by itself.
  private mutating func didEndBadly() {
    bad += 1
    guard let rule = configuration.halt, !isDraining, case .count(bad) = rule.limit else { return }
    endEvent()
    (isHalted, isHalting, isDraining, cancelsQueued, cancelsRunning) = (true, true, true, true, rule.urgency == .now)
  }

  private mutating func hold(_ index: Int) throws {
    let isOrdered = configuration.keepOrder || (configuration.ordersEachClient && jobs[index].isOrdered)
    try require(jobs[index].phase == .settled && isOrdered, "held from \(jobs[index].phase)")
    jobs[index].phase = .held
    held += 1
    heldBytes += jobs[index].resultBytes + JobLedger.heldJobCost
  }

  private mutating func withdraw(_ index: Int) throws {
    try require(withdraws == index, "an answer withdrawn that is not in doubt: \(jobs[index])")
    try require(jobs[index].phase == .held && jobs[index].outcome == .ok, "withdrawn: \(jobs[index])")
    withdraws = nil
    withdrawn += 1
    jobs[index].outcome = .failed
    heldBytes -= jobs[index].resultBytes
    jobs[index].resultBytes = 0
    didEndBadly()
  }

  private mutating func emit(_ index: Int, _ outcome: Outcome) throws {
    try require(jobs[index].outcome == outcome, "emitted as \(outcome): \(jobs[index])")
    emitted += 1
    let isNext = jobs[index].sequence == emitted
    try require(!configuration.keepOrder || isNext, "job \(jobs[index].sequence) emitted as number \(emitted)")
    if configuration.ordersEachClient, jobs[index].isOrdered { try checkTurn(of: index) }
    switch jobs[index].phase {
    case .settled: break
    case .held:
      held -= 1
      heldBytes -= jobs[index].resultBytes + JobLedger.heldJobCost
    case .free, .queued, .running, .delayed: throw Violation("emitted from \(jobs[index].phase)")
    }
    jobs[index].phase = .settled
    // Emitted twice would now be a contradiction.
    jobs[index].outcome = nil
  }

  private mutating func forget(_ index: Int) throws {
    try require(jobs[index].phase == .settled && jobs[index].outcome == nil, "forgotten before it was emitted")
    let goes = jobs[index].runArmed || jobs[index].queueArmed || jobs[index].retryArmed
    try require(!goes, "forgotten with a clock that goes")
    jobs[index].phase = .free
  }

  /// A running job is settled or goes back to the queue.
  mutating func stopRunning(_ index: Int) {
    clients[jobs[index].client].leased -= 1
    workers[jobs[index].worker].removeAll { $0 == index }
    let place = jobs[index].place
    let last = running.removeLast()
    if last != index {
      running[place] = last
      jobs[last].place = place
    }
  }
}
