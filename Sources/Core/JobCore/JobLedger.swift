import Time

/// The job ledger as a pure state machine: events in, actions out. No I/O, no clock, no bytes; it counts.
///
/// It decides which job gets a lease, whether a failed attempt is repeated, how each job ends (exactly once) and when
/// its result may come out. It does not know workers: whichever is there gets the job that needs it most at that
/// moment.
///
/// Clients share the leases: see `JobSlab+Turns`. A driver without clients of its own has one, `ClientID.sole`.
///
/// A job: `queued → leased → settled`, and back from leased to queued while it has attempts left.
///
/// How many workers are needed is derived from what is queued now (`demand`), never from tokens that could be lost
/// (cpython #115634).
///
/// What drivers look at several times per job is inlinable: the whole ledger would be copied for a call.
public struct JobLedger: Sendable {
  /// What a held job costs of the order window besides its result, in bytes: its record here and what a driver keeps of
  /// it. Without it, jobs with empty results could pile up without end behind one that hangs.
  public static let heldJobCost = 320

  /// A job that comes back unread this many times has failed.
  public static let mostFreeReturns = 20

  /// The settings from the beginning, or since then from `reconfigure`.
  public internal(set) var configuration: Configuration
  /// How many jobs are where.
  public internal(set) var counts = JobCounts()
  /// Impossible events seen so far: each is a defect, and was reported.
  public internal(set) var internalErrors = 0
  /// How long the jobs ran that were answered.
  public internal(set) var runTimes = RunTimes()
  /// The run was given up because too many jobs ended badly.
  public private(set) var isHalted = false

  /// Jobs that may wait beyond the limit of the queue, 0 or more: as many as workers may take to park them.
  public var prefetchRoom = 0

  @usableFromInline var slab = JobSlab()
  /// How many batches the queued jobs make; nil if they go one by one.
  @usableFromInline var batches: BatchCensus?
  /// The limit that follows from the median, once it is known.
  var medianLimit: Nanoseconds?
  /// Answered jobs at which the median is looked at again.
  var nextMedian: UInt64 = 3
  @usableFromInline var inputEnded = false
  /// Nothing is started any more.
  public internal(set) var isDraining = false
  private var saidIdle = false

  /// An empty ledger. The configuration must have no `defect`.
  public init(configuration: Configuration) {
    precondition(configuration.defect == nil, configuration.defect ?? "")
    self.configuration = configuration
    batches = configuration.batches.map { BatchCensus($0) }
  }

  /// What happens to jobs, but for `accept`, `refuse` and `send`. Actions are appended.
  public mutating func handle(_ event: JobEvent, into actions: inout [JobAction]) {
    switch event {
    case .skipped: counts.skipped += 1
    case .inputEnded: inputEnded = true
    case .clientJoined(let client): clientJoined(client, into: &actions)
    case .clientLeft(let client): clientLeft(client, into: &actions)
    case .clientPaused(let client): setPaused(client, true, into: &actions)
    case .clientResumed(let client): setPaused(client, false, into: &actions)
    case .workersUnavailable: workersUnavailable(into: &actions)
    case .started(let job): started(job, into: &actions)
    case .replied(let job, let resultBytes, let time): replied(job, resultBytes, time, into: &actions)
    case .settledElsewhere(let job, let outcome, let resultBytes, let attempts, let time):
      settledElsewhere(job, outcome, resultBytes, attempts, time, into: &actions)
    case .kept(let job, let bytes): keep(bytes, of: job)
    case .answerWithdrawn(let job): withdrawAnswer(of: job, into: &actions)
    case .attemptFailed(let job, let failure): attemptFailed(job, failure, into: &actions)
    case .returnedUnstarted(let job): returnedUnstarted(job, into: &actions)
    case .batchLost(let job): batchLost(job, into: &actions)
    case .rejected(let job): reject(job, into: &actions)
    case .timerFired(.run(let job)): runLimitReached(job, into: &actions)
    case .timerFired(.queue(let job)): queueLimitReached(job, into: &actions)
    case .timerFired(.retry(let job)): retryIsDue(job, into: &actions)
    case .timerFired(.batch(let job)): batchIsDue(job)
    case .cancel(let job): cancel(job, into: &actions)
    case .drain: drain(into: &actions)
    case .abort: abort(into: &actions)
    }
    conclude(into: &actions)
  }

  /// What may follow from any event.
  @inline(__always)
  mutating func conclude(into actions: inout [JobAction]) {
    if let rule = configuration.halt, !isDraining, rule.isReached(counts) { halt(rule.urgency, into: &actions) }
    reportIdle(into: &actions)
  }

  /// Whether another job may come in: there is room in the queue and in the order window, and the input goes on. When
  /// it is false with the input still open, the end of a living job makes it true again.
  @inlinable public var canAccept: Bool {
    waiting < mostWaiting && counts.delayed < mostDelayed && !isDraining && !inputEnded
      && !isWindowFull
  }

  /// Queued jobs that a lease could go to. Those of clients that are paused take nobody's room: it would be a way to
  /// stop the others.
  @inlinable var waiting: Int { counts.queued - slab.pausedCount }

  /// Jobs that may wait for a worker.
  @inlinable var mostWaiting: Int {
    let (sum, overflow) = configuration.queueLimit.addingReportingOverflow(prefetchRoom)
    return overflow ? .max : sum
  }

  /// The number of jobs that may wait for their next attempt before the ledger accepts no new one: they must not stop
  /// the others, but must not pile up without end either.
  @inlinable var mostDelayed: Int { max(configuration.queueLimit, 1024) }

  /// Whether a worker has the job.
  @inlinable public func isLeased(_ job: JobID) -> Bool {
    guard let index = slab.findRecord(job), case .leased = slab.records[index].state else { return false }
    return true
  }

  /// Whether a worker has the job, and has not come to it yet.
  public func isParked(_ job: JobID) -> Bool {
    isLeased(job) && (slab.findRecord(job).map { slab[$0].isParked } ?? false)
  }

  /// The job's number in the input, from 1. Known until the index is used again; 0 for a job that is not known.
  @inlinable public func sequence(of job: JobID) -> UInt64 {
    guard let index = slab.findRecord(job) else { return 0 }
    return slab.records[index].sequence
  }

  /// The job's attempts that count, the running one included. Known until the index is used again; 0 for a job that is
  /// not known.
  @inlinable public func attempts(of job: JobID) -> Int {
    guard let index = slab.findRecord(job) else { return 0 }
    return Int(slab.records[index].attempts)
  }

  /// Whether the job's terms have a run limit of their own. Known until the index is used again.
  public func hasOwnRunLimit(_ job: JobID) -> Bool { slab.findRecord(job).map { slab[$0].runLimit > .zero } ?? false }

  /// Whether the results that wait for an earlier job fill the order window: then only that job may start.
  @inlinable var isWindowFull: Bool {
    counts.held > 0 && counts.heldBytes >= configuration.orderWindow && configuration.keepOrder
  }

  private mutating func reportIdle(into actions: inout [JobAction]) {
    guard inputEnded || isDraining, !saidIdle else { return }
    // Nothing is held then, either: what is held waits for one of these.
    guard counts.queued == 0, counts.delayed == 0, counts.leased == 0 else { return }
    saidIdle = true
    actions.append(.idle)
  }

  private mutating func halt(_ urgency: HaltRule.Urgency, into actions: inout [JobAction]) {
    isHalted = true
    switch urgency {
    case .soon: drain(into: &actions)
    case .now: abort(into: &actions)
    }
  }

  mutating func impossible(_ what: StaticString, into actions: inout [JobAction]) {
    internalErrors += 1
    actions.append(.reportInternalError(what))
  }
}
