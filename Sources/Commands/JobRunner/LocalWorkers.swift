import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobSources
import LinuxIO
import PoolCore
import Text
import Time
import WorkerPoolDriver

/// Workers of our own, as the executor of a run: the engine, and what the run remembers of each worker.
struct LocalWorkers: ~Copyable, RunExecutor {
  /// What is remembered of the worker in a slot until it has ended.
  struct Story {
    var pid: CInt = 0
    var startedAt: Instant = .origin
    /// When it was ready, as far as is known.
    var readyAt: Instant?
    var stoppingSince: Instant?
    var reason: RetireReason?
    /// It is stopped because its job was cancelled.
    var isGivenUp = false
  }

  var engine: JobEngine
  var stories: [Story] = []
  private var hasSaidLoading = false

  init(_ pool: WorkerPoolConfiguration, for run: RunConfiguration) {
    var configuration = JobEngineConfiguration(pool: pool, ledger: run.ledger, seed: run.seed)
    configuration.keepsDetails = run.keepsDetails
    configuration.keepsFailedAttempts = run.keepsJobs
    configuration.keepsErrorText = run.results != nil && pool.errorRule != nil
    configuration.tellsAttempts = run.trace != nil || run.report != nil
    engine = JobEngine(configuration)
  }

  private var pool: WorkerPoolConfiguration { engine.configuration.pool }

  // MARK: Jobs

  var jobs: JobTable {
    _read { yield engine.jobs }
    _modify { yield &engine.jobs }
  }
  var canAccept: Bool { engine.jobs.ledger.canAccept && !hasLargeJobsEnough }
  mutating func accepted(_ job: JobID, _ record: RecordedJob?) {}
  func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R { engine.withResult(of: job, body) }

  /// Jobs of more than 1 MiB per worker are there, and one for each worker that has none: more would only take memory
  /// and leave the processor's cache before their turn.
  private var hasLargeJobsEnough: Bool {
    let bytes = engine.jobs.unsettledBytes
    guard bytes >= 2 << 20 else { return false }
    let workers = engine.pool.size.upperBound
    let counts = engine.jobs.ledger.counts
    return bytes >= (workers + 1) << 20 && counts.queued >= max(1, workers - counts.leased)
  }

  // MARK: Execution

  mutating func start(_ loop: inout EventLoop, _ reporter: inout Reporter) { engine.pool.start(&loop) }
  var nextDeadline: Instant? { engine.nextDeadline }
  mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    engine.fireTimers(&loop, &reporter)
  }
  mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool {
    engine.pool.handle(token: token, hangup: hangup, &loop)
  }
  var hasNews: Bool { engine.hasNews }
  mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> JobEngineOutput? {
    engine.advance(&loop, &reporter)
  }
  mutating func nextOutput(_ loop: inout EventLoop, _ reporter: inout Reporter) -> JobEngineOutput? {
    engine.nextOutput(&loop, &reporter)
  }
  mutating func endTurn(
    holdingResults: Bool, holdingMessages: Bool, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    engine.pool.setReadsErrorOutput(!holdingMessages, &loop)
  }
  mutating func takeBackUnstarted(_ loop: inout EventLoop) { engine.takeBackUnstarted(&loop) }
  var isStopping: Bool { engine.isStopping }
  mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop) { engine.stopPool(urgency, &loop) }

  func suspendWorkers() { engine.pool.suspendWorkers() }
  func resumeWorkers() { engine.pool.resumeWorkers() }

  // MARK: Signals

  var signals: [CInt] { [Signal.hangup, Signal.user1, Signal.child] }

  /// HUP: replace every worker, and open their stderr's file again. USR1: the state. TTIN, TTOU: one worker more, one
  /// fewer.
  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch signal {
    case Signal.hangup:
      reporter.reopenLog()
      engine.pool.recycleAll(&loop)
    case Signal.user1: engine.sayState(loop, &reporter)
    case Signal.child: engine.pool.childrenChanged(&loop)
    case Signal.oneMore: engine.resize(by: 1, &loop, &reporter)
    case Signal.oneFewer: engine.resize(by: -1, &loop, &reporter)
    default: break
    }
  }

  // MARK: Reports

  /// The engine names each job that is silent; here it is about those that are not begun.
  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool {
    if jobs.ledger.counts[.ok] > 0 { return false }
    let running = engine.pool.busyWorkers
    guard running.contains(where: { engine.pool.hasBegun($0) }) else {
      // A worker that has not begun to read is still loading: that may take long, but it is reported.
      if !running.isEmpty || engine.pool.watchesStarts, !hasSaidLoading {
        hasSaidLoading = true
        let limit = durationText(pool.pool.startLimit)
        reporter.note("no worker has begun to read its first job yet; each is given \(limit) (--start-timeout)")
      }
      return true
    }
    return false
  }

  var title: String { pool.command.arguments.joined(separator: " ") }
  var maximumJobs: Int64? { pool.pool.maximumJobs > 0 ? Int64(pool.pool.maximumJobs) : nil }

  var capacity: ExecutorCapacity {
    let snapshot = engine.pool.snapshot
    return ExecutorCapacity(
      serving: snapshot.serving, starting: snapshot.starting, slots: max(snapshot.serving, engine.pool.size.upperBound),
      phase: snapshot.isBreakerOpen ? .breakerOpen : .running)
  }

  func advice(_ advice: MemoryAdvice) -> String? { advice.advice(maxJobs: maximumJobs) }

  var verdict: RunEnd? {
    if engine.breachesOfStep > 0 { return .protocolBroken }
    return engine.jobs.ledger.internalErrors > 0 || engine.pool.internalErrors > 0 ? .internalError : nil
  }

  static func take<Source: JobSource & ~Copyable>(
    _ output: JobEngineOutput, _ driver: inout RunDriver<Source, LocalWorkers>
  ) {
    driver.take(output)
  }
}
