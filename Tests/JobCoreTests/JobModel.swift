import TestSupport
import Time

@testable import JobCore

/// Something that must not be, found by the model.
struct Violation: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// What a driver would know: arrays by job index, and counts. It performs the ledger's actions and refuses those that are illegal;
/// what each event must lead to is written down before the ledger hears of it.
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
    var runLimit: Nanoseconds?
    var freeReturns = 0
    var lastFailure = AttemptFailure.failed
    /// The place in `running`.
    var place = 0
    /// The place in `clients`.
    var client = 0
    var priority: Int32 = 0
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
  /// While the ledger is told that a lease will not come.
  var isRefusing = false
  /// The indices of jobs that a worker has, in no order.
  var running: [Int] = []
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
  var requested = 0
  var isOver = false
  var isDraining = false
  var idleSaid = false
  /// While the ledger answers a grant: how often it did.
  var grantAnswers = 0
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

  init(_ configuration: JobLedger.Configuration) { self.configuration = configuration }

  var isWindowFull: Bool { held > 0 && heldBytes >= configuration.orderWindow }
  var living: Int { accepted - emitted }

  func id(_ index: Int) -> JobID { JobID(index: UInt32(index), generation: jobs[index].generation) }

  mutating func perform(_ action: JobAction) throws {
    switch action {
    case .requestLease: requested += 1
    case .withdrawLease:
      requested -= 1
      try require(requested >= 0, "more leases withdrawn than asked for")
    case .send(let job, let attempt): try send(try index(job), attempt)
    case .declineLease:
      grantAnswers += 1
      try require(waiting == 0 || isWindowFull, "a lease declined though jobs wait")
      // Liveness: who declines with jobs in the queue must have one running whose end changes that.
      try require(waiting == 0 || !running.isEmpty || delayed > 0, "a lease declined and nothing runs")
      if queued > 0 { declined += 1 }
    case .interrupt(let job, _): try interrupt(try index(job))
    case .settled(let job, let outcome): try settle(try index(job), outcome)
    case .emit(let job, let outcome): try emit(try index(job), outcome)
    case .hold(let job): try hold(try index(job))
    case .withdrawn(let job): try withdraw(try index(job))
    case .forget(let job): try forget(try index(job))
    case .arm(.run(let job), let after):
      jobs[try index(job)].runArmed = true
      try require(after == jobs[Int(job.index)].runLimit, "a run clock of \(after) ns")
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
    case .reportInternalError(let what): throw Violation("internal error: \(what)")
    }
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

  private mutating func send(_ index: Int, _ attempt: Int) throws {
    grantAnswers += 1
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
  }

  private mutating func hold(_ index: Int) throws {
    try require(jobs[index].phase == .settled && configuration.keepOrder, "held from \(jobs[index].phase)")
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
  }

  private mutating func emit(_ index: Int, _ outcome: Outcome) throws {
    try require(jobs[index].outcome == outcome, "emitted as \(outcome): \(jobs[index])")
    emitted += 1
    let isNext = jobs[index].sequence == emitted
    try require(!configuration.keepOrder || isNext, "job \(jobs[index].sequence) emitted as number \(emitted)")
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
    let place = jobs[index].place
    let last = running.removeLast()
    if last != index {
      running[place] = last
      jobs[last].place = place
    }
  }
}

/// What must hold after every event.
extension JobModel {
  func check(_ ledger: JobLedger) throws {
    let counts = ledger.counts
    try require(counts.accepted == accepted && counts.settled == settled, "accepted or settled miscounted")
    try require(counts.queued == queued && counts.leased == running.count, "queued or leased miscounted")
    try require(counts.delayed == delayed, "\(counts.delayed) delayed, \(delayed) are")
    try require(counts.held == held && counts.heldBytes == heldBytes, "held miscounted: \(counts), not \(heldBytes)")
    try require(ledger.requestedLeases == requested, "\(requested) leases asked for, \(ledger.requestedLeases) known")
    if isWindowFull {
      try require(requested <= queued, "\(requested) leases asked for, \(queued) jobs queued")
    } else {
      try require(requested == waiting, "\(requested) leases asked for, \(waiting) jobs wait")
    }
    try require(
      living == 0 || !running.isEmpty || requested > 0 || delayed > 0 || paused > 0,
      "\(living) jobs live, nothing will ever happen")
    try require(idleSaid == (living == 0 && (isOver || isDraining)), "idle was not said")
    let room =
      waiting < configuration.queueLimit && delayed < max(configuration.queueLimit, 1024) && !isOver && !isDraining
      && !isWindowFull
    try require(ledger.canAccept == room, "canAccept is \(ledger.canAccept)")
    try require(ledger.internalErrors == 0, "internal errors")
  }

  /// The same from the ground up; too slow for every event.
  func checkThoroughly(_ ledger: JobLedger) throws {
    var seen = (queued: 0, running: 0, delayed: 0, held: 0, bytes: 0)
    for (index, job) in jobs.enumerated() {
      switch job.phase {
      case .free: continue
      case .settled: throw Violation("job \(job.sequence) is settled, and neither held nor forgotten")
      case .queued: seen.queued += 1
      case .running: seen.running += 1
      case .delayed: seen.delayed += 1
      case .held:
        seen.held += 1
        seen.bytes += job.resultBytes + JobLedger.heldJobCost
      }
      try require(job.runArmed == (job.phase == .running && job.runLimit != nil), "run clock of \(job)")
      try require(job.retryArmed == (job.phase == .delayed), "retry of \(job)")
      let isTimed = job.phase == .queued && configuration.queueLimitTime != nil
      try require(job.queueArmed == isTimed, "queue clock of \(job)")
      try require(ledger.sequence(of: id(index)) == UInt64(job.sequence), "sequence of \(job)")
      try require(ledger.attempts(of: id(index)) == job.attempts, "attempts of \(job)")
    }
    try require(seen == (queued, running.count, delayed, held, heldBytes), "the model lost count: \(seen)")
    try checkClients(ledger)
    let outcomes = Outcome.allCases.reduce(0) { $0 + ledger.counts[$1] }
    try require(outcomes == settled, "\(outcomes) outcomes of \(settled) settled jobs")
  }
}
