import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Records
import Text
import Time
import Timers
import WireFormats
import WorkerPool
import WorkerProcess

/// Jobs on workers: the ledger decides about jobs, the pool's core about workers, and this struct carries their decisions out on
/// real processes and bytes. `run` feeds it from stdin, `serve` from connections.
///
/// It calls nobody back. Its owner runs the loop, hands jobs in with `accept`, events of the loop to `pool` and time with `fireTimers`,
/// and after each calls `advance` until it has nothing more to tell. While a result is told (`emit`), it can be read with `withResult`: the
/// reply of a worker is copied nowhere on its way.
package struct JobEngine: ~Copyable {
  /// The timers of jobs.
  enum Timer: Hashable {
    case job(JobTimer)
    /// Looks again whether a fresh worker has begun to read its first job: only then its run clock starts.
    case begin(JobID, WorkerID)
    /// Looks for jobs that run for long.
    case silence
  }

  package private(set) var configuration: JobEngineConfiguration
  package var pool: WorkerPool
  package var ledger: JobLedger
  package var store = JobStore()
  package var facts: JobFacts
  var timers = TimerQueue<Timer>()

  /// What the ledger wants done; those before `nextAction` are done.
  var actions: [JobAction] = []
  private var nextAction = 0
  /// Which of the pool's events is next.
  private var nextEvent = 0
  /// What is to be told before anything else is done.
  var outputs: [JobEngineOutput] = []
  private var nextOutput = 0

  /// The worker of each leased job, by the job's index.
  var workerOfJob: [WorkerID?] = []
  /// Workers that have done something since jobs were parked last: there may be room for more.
  var workersWithRoom: [WorkerID] = []
  /// The time that the run clock of each job gets, by the job's index, while it waits for its worker to begin.
  var runLimitOfJob: [Nanoseconds] = []
  /// The job whose reply is being settled, and its worker, which keeps the reply meanwhile.
  var replying: (job: JobID, worker: WorkerID)?
  /// Why jobs are cancelled from now on, since all of them are to end.
  private var endCause: CancelCause?
  /// Jobs that are being cancelled, each by itself.
  private var cancelCauses: [JobID: CancelCause] = [:]
  /// The ledger will never ask for a worker again, and the pool knows it.
  private var poolIsClosing = false
  /// The workers are being stopped for good.
  package private(set) var isStopping = false

  /// How often a worker wrote more than it was asked for.
  package internal(set) var surplusReplies = 0
  var hasHintedAtSurplus = false
  /// The timer that looks for jobs that run for long is armed.
  var isWatchingForSilence = false
  /// Those that were named.
  var silentJobs: Set<JobID> = []
  var silenceHints: Set<SilenceHint> = []
  /// Workers that were looked at because their jobs ran out of time.
  var timeoutsLookedAt = 0
  /// The failed starts that opened the breaker last, and in what time they came.
  var failedStarts: (count: Int, period: Nanoseconds) = (0, .zero)
  var lastFailedStart: DeathReport?
  var lastSpawnError: SpawnError?
  /// Why the last start failed, whichever way.
  var lastStartFailure: Failure?

  package init(_ configuration: JobEngineConfiguration) {
    self.configuration = configuration
    pool = WorkerPool(configuration.pool, seed: configuration.seed)
    ledger = JobLedger(configuration: configuration.ledger)
    facts = JobFacts(keepsDetails: configuration.keepsDetails)
  }

  /// When `fireTimers` is wanted, by the monotonic clock; nil for never.
  package var nextDeadline: Instant? { earliest(pool.nextDeadline, timers.earliest) }

  /// Whether `advance` has something to do.
  package var hasNews: Bool {
    !pool.events.isEmpty || !actions.isEmpty || !outputs.isEmpty || ledger.demand != pool.demand
  }

  // MARK: Jobs in

  /// Why the workers' framing cannot carry these bytes, which came in this one; nil if it can.
  package func defect(of payload: UnsafeRawBufferPointer, from framing: Framing?) -> FramingError? {
    framing == configuration.pool.framing ? nil : configuration.pool.framing.canCarry(payload.bytes)
  }

  /// A job comes in, with bytes that have no `defect`. Before the next one, what follows from it must be taken (`nextOutput`).
  /// `complete` adds what is known of it, if anybody wants the details. Nil for a client that is not there.
  @discardableResult
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, _ terms: JobTerms, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) -> JobID? {
    guard let job = ledger.accept(terms, into: &actions) else { return nil }
    store.store(payload, as: configuration.pool.framing, for: job)
    begin(job, sent: payload.count, answer, loop, complete)
    return job
  }

  /// A job that cannot be run is an outcome, too: it keeps its place, and loses nothing else.
  package mutating func reject(
    _ reason: String, bytes: [UInt8], terms: JobTerms = .usual, isAJob: Bool = true, answer: Framing?,
    _ loop: borrowing EventLoop, _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) -> JobID? {
    guard let job = ledger.accept(terms, into: &actions) else { return nil }
    bytes.withUnsafeBytes { store.store($0, as: .lines, for: job) }
    begin(job, sent: bytes.count, answer, loop) { details in
      details.failure = Failure(message: "the job \(reason)")
      if !isAJob { details.rejected = bytes }
      complete(&details)
    }
    ledger.handle(.rejected(job), into: &actions)
    return job
  }

  /// A job for which there is no room in the queue: `expired` at once, for this reason.
  @discardableResult
  package mutating func refuse(
    _ reason: String, _ terms: JobTerms, sent: Int, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID? {
    guard let job = ledger.refuse(terms, into: &actions) else { return nil }
    store.store(UnsafeRawBufferPointer(start: nil, count: 0), as: .lines, for: job)
    begin(job, sent: sent, answer, loop) { details in
      details.failure = Failure(message: reason, code: Self.busyCode)
      complete(&details)
    }
    return job
  }

  private mutating func begin(
    _ job: JobID, sent: Int, _ answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void
  ) {
    facts.begin(job, at: loop.now(), answer: answer)
    guard facts.keepsDetails else { return }
    facts[job].sent = sent
    complete(&facts[job])
  }

  /// In a failure: come again later (EX_TEMPFAIL of sysexits.h).
  package static let busyCode = 75

  /// Tells the ledger what happens to all jobs or to a client: the end of the input, for one.
  package mutating func tell(_ event: JobEvent) { ledger.handle(event, into: &actions) }

  /// Starts nothing new: queued jobs are cancelled for this reason, running ones finish.
  package mutating func drain(because cause: CancelCause) {
    endCause = cause
    ledger.handle(.drain, into: &actions)
  }

  /// No worker starts: the jobs that wait end for that reason.
  package mutating func giveUpWaiting() {
    let first = actions.count
    for _ in 0..<ledger.demand { ledger.handle(.workersUnavailable, into: &actions) }
    guard facts.keepsDetails else { return }
    for case .settled(let job, .failed) in actions[first...] {
      // It may have been with workers that ended unread; none of them is where it ended.
      (facts[job].leasedAt, facts[job].slot, facts[job].pid) = (nil, nil, nil)
      facts[job].failure = startFailure
    }
  }

  /// Cancels one job, wherever it is.
  package mutating func cancel(_ job: JobID, because cause: CancelCause) {
    let first = actions.count
    ledger.handle(.cancel(job), into: &actions)
    // It may have ended before this was reported.
    for case .settled(let settled, .cancelled) in actions[first...] { cancelCauses[settled] = cause }
  }

  /// Whatever is not settled is cancelled. What follows from it must be advanced through before the workers are stopped.
  package mutating func abandon(because cause: CancelCause) {
    endCause = cause
    ledger.handle(.abort, into: &actions)
  }

  /// Why the job is cancelled. Without a reason of its own and without an end of all, it is that its client has left.
  func cancelCause(of job: JobID) -> CancelCause {
    cancelCauses[job] ?? endCause ?? (ledger.isHalted ? .halted : .clientGone)
  }

  /// The job has been cancelled.
  mutating func recordCancellation(of job: JobID) {
    facts.recordCancellation(of: job, cancelCause(of: job))
    if !cancelCauses.isEmpty { cancelCauses[job] = nil }
  }

  /// A ledger that drains asks for no worker any more: none that ends is replaced.
  private mutating func closePoolIfDraining(_ loop: inout EventLoop) {
    guard ledger.isDraining, !poolIsClosing else { return }
    poolIsClosing = true
    pool.close(&loop)
  }

  /// From now on workers and jobs are kept like this, and the workers that live are replaced: see `WorkerPool.reconfigure` and
  /// `JobLedger.reconfigure`, and ask `WorkerPool.cannotChange(to:)` before.
  package mutating func reconfigure(
    _ pool: WorkerPoolConfiguration, _ ledger: JobLedger.Configuration, _ loop: inout EventLoop
  ) {
    configuration.pool = pool
    configuration.ledger = ledger
    self.ledger.reconfigure(ledger, into: &actions)
    self.pool.reconfigure(pool, &loop)
  }

  /// One worker more, or one fewer. A pool that was asked to be of a fixed size keeps one; of a variable pool the upper bound moves, and
  /// takes the lower one along only as long as it is below it.
  package mutating func resize(by change: Int, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard !isStopping else { return }
    let asked = configuration.pool.pool
    let maximum = max(1, pool.size.upperBound + change)
    let minimum = asked.minimum == asked.maximum ? maximum : min(asked.minimum, maximum)
    resize(to: minimum...maximum, &loop, &reporter)
  }

  /// From so many workers to so many, and people are told.
  package mutating func resize(
    to size: ClosedRange<Int>, _ loop: inout EventLoop, _ reporter: inout Reporter, askedBy: String? = nil
  ) {
    if size != pool.size { pool.resize(to: size, &loop) }
    let bounds = size.count == 1 ? "\(size.upperBound)" : "\(size.lowerBound) to \(size.upperBound)"
    let workers = counted(size.upperBound, "worker")
    reporter.note("the pool now keeps \(bounds) \(workers)" + (askedBy.map { " (asked by \($0))" } ?? ""))
  }

  /// Stops the workers; ends with `closed`.
  package mutating func stopPool(_ urgency: StopUrgency, _ loop: inout EventLoop) {
    isStopping = true
    pool.stop(urgency, &loop)
  }

  /// Lends the reply of a job that is being told as `emit` with the outcome ok.
  package func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    if let replying, replying.job == job { return pool.withReply(of: replying.worker, body) }
    return store.withReply(of: job, body)
  }

  // MARK: Going on

  /// Fires the timers that have run out.
  package mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    pool.fireTimers(&loop)
    fireJobTimers(&loop, &reporter)
  }

  /// Does what is to be done until there is something to report; nil when nothing is left for now.
  package mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> JobEngineOutput? {
    while true {
      if let output = nextOutput(&loop, &reporter) { return output }
      if nextEvent < pool.events.count {
        nextEvent += 1
        take(pool.events[nextEvent - 1], &loop, &reporter)
        continue
      }
      pool.events.removeAll(keepingCapacity: true)
      nextEvent = 0
      pool.setDemand(isStopping ? 0 : ledger.demand, &loop)
      if !pool.events.isEmpty { continue }
      parkJobs(&loop)
      pool.flushJobs(&loop)
      if actions.isEmpty, outputs.isEmpty, pool.events.isEmpty { return nil }
    }
  }

  /// What follows from what was decided; nil when that is done. No worker is given a job and none is heard: more jobs can come in
  /// first, and the most urgent of them is sent.
  package mutating func nextOutput(_ loop: inout EventLoop, _ reporter: inout Reporter) -> JobEngineOutput? {
    while true {
      if nextOutput < outputs.count {
        nextOutput += 1
        return outputs[nextOutput - 1]
      }
      if nextOutput > 0 {
        outputs.removeAll(keepingCapacity: true)
        nextOutput = 0
      }
      closePoolIfDraining(&loop)
      if nextAction < actions.count {
        nextAction += 1
        if let output = perform(actions[nextAction - 1], &loop, &reporter) { return output }
        continue
      }
      if nextAction > 0 {
        actions.removeAll(keepingCapacity: true)
        nextAction = 0
      }
      guard let replying else { return nil }
      self.replying = nil
      finishReply(of: replying.worker, &loop, &reporter)
    }
  }
}

/// What an engine tells its owner.
package enum JobEngineOutput {
  /// The job has ended, in the order in which jobs end. Exactly once per job.
  case settled(JobID, Outcome)
  /// The job's turn to come out, in the order of the input if that is kept. Exactly once per job; its facts are gone after it.
  case emit(JobID, Outcome)
  /// A job that was reported as settled `ok`, and whose answer is not out yet, has failed: the answer cannot be
  /// trusted.
  case withdrawn(JobID)
  /// An attempt begins on this worker; only with `tellsAttempts`.
  case attemptStarted(JobID, Int, WorkerID)
  /// It is over, for this reason if it did not go well; only with `tellsAttempts`.
  case attemptEnded(JobID, failure: String?)
  /// The first answer of a worker that was merely taken to be ready.
  case firstReply(WorkerID)
  /// The job of this worker is cancelled: it is stopped for that, and not for a fault of its own.
  case workerGivenUp(WorkerID)
  /// Something about workers, after people were told. Indirect, because it is rare and would make all the others large.
  indirect case worker(WorkerPoolEvent)
  /// No job is left and none will come.
  case idle
  /// No worker is left: the pool is finished.
  case closed
}

/// Everything an engine needs to know.
package struct JobEngineConfiguration: Sendable {
  /// The workers and how they are kept.
  package var pool: WorkerPoolConfiguration
  /// Queue, retries, order, limits of the jobs.
  package var ledger: JobLedger.Configuration
  /// Seed of all jitter.
  package var seed: UInt64
  /// Whether anybody wants to know about single jobs.
  package var keepsDetails = false
  /// Whether attempts that failed are remembered until the job is settled.
  package var keepsFailedAttempts = false
  /// Whether anybody wants to hear of single attempts.
  package var tellsAttempts = false

  package init(pool: WorkerPoolConfiguration, ledger: JobLedger.Configuration, seed: UInt64) {
    self.pool = pool
    self.ledger = ledger
    self.seed = seed
  }
}

/// The earlier of two times, if there are any.
package func earliest(_ left: Instant?, _ right: Instant?) -> Instant? {
  guard let left, let right else { return left ?? right }
  return min(left, right)
}
