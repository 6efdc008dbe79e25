import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Records
import Text
import Time
import Timers
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// Jobs on workers: the ledger decides about jobs, the pool's core about workers, and this struct carries their
/// decisions out on real processes and bytes. `run` feeds it from stdin, `serve` from connections.
///
/// It calls nobody back. Its owner runs the loop, hands jobs in with `jobs.accept`, events of the loop to `pool` and
/// time with `fireTimers`, and after each calls `advance` until it has nothing more to report. While a result is
/// reported (`emit`), it can be read with `withResult`: the reply of a worker is copied nowhere on its way.
package struct JobEngine: ~Copyable {
  /// The timers of jobs.
  enum Timer: TimerKey {
    case job(JobTimer)
    /// Looks again whether a fresh worker has begun to read its first job: only then its run clock starts.
    case begin(JobID, WorkerID)
    /// Looks for jobs that run for long.
    case silence

    /// Five for each job, by its index.
    var place: Int? {
      switch self {
      case .job(.run(let job)): 5 * Int(job.index)
      case .job(.queue(let job)): 5 * Int(job.index) + 1
      case .job(.retry(let job)): 5 * Int(job.index) + 2
      case .begin(let job, _): 5 * Int(job.index) + 3
      case .job(.batch(let job)): 5 * Int(job.index) + 4
      case .silence: nil
      }
    }
  }

  package private(set) var configuration: JobEngineConfiguration
  package var pool: WorkerPoolDriver
  package var jobs: JobTable
  var timers = TimerQueue<Timer>()

  /// Which of the pool's events is next.
  private var nextEvent = 0
  /// What is to be reported before anything else is done.
  var outputs: [JobEngineOutput] = []
  private var nextOutput = 0

  /// The worker of each leased job, by the job's index.
  var workerOfJob: [WorkerID?] = []
  /// Workers that were given a job since jobs were parked last: there may be room for more behind it.
  var workersWithRoom: [WorkerID] = []
  /// The time that the run clock of each job gets, by the job's index, while it waits for its worker to begin.
  var runLimitOfJob: [Nanoseconds] = []
  /// The worker whose reply is being settled: it keeps the reply meanwhile.
  var answeringWorker: WorkerID?
  /// The ledger will never ask for a worker again, and the pool knows it.
  private var poolIsClosing = false
  /// The workers are being stopped for good.
  package private(set) var isStopping = false

  /// How often a worker wrote more, or fewer, answers than it was asked for.
  package internal(set) var breachesOfStep = 0
  var hasHintedAtSurplus = false
  var hasReportedBanner = false
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
  /// Why workers that do start cannot do their jobs; nil if they can.
  var unfitness: String?

  package init(_ configuration: JobEngineConfiguration) {
    self.configuration = configuration
    pool = WorkerPoolDriver(configuration.pool, seed: configuration.seed)
    jobs = JobTable(
      configuration.ledger, to: .workers(configuration.pool.workerProtocol), keepsDetails: configuration.keepsDetails,
      keepsJobs: configuration.keepsFailedAttempts)
  }

  /// When `fireTimers` is wanted, by the monotonic clock; nil for never.
  package var nextDeadline: Instant? { earliest(pool.nextDeadline, timers.earliest) }

  /// Whether `advance` has something to do.
  package var hasNews: Bool {
    !pool.events.isEmpty || !jobs.actions.isEmpty || !outputs.isEmpty || jobs.ledger.demand != pool.demand
  }

  // MARK: Jobs in

  /// No worker starts: the jobs that wait end for that reason.
  package mutating func giveUpWaiting() {
    let first = jobs.actions.count
    for _ in 0..<jobs.ledger.counts.queued where jobs.ledger.demand > 0 {
      jobs.ledger.handle(.workersUnavailable, into: &jobs.actions)
    }
    guard jobs.facts.keepsDetails else { return }
    for case .settled(let job, .failed) in jobs.actions[first...] {
      // It may have been with workers that ended unread; none of them is where it ended.
      jobs.facts[job].forgetWorker()
      jobs.facts[job].failure = startFailure
    }
  }

  /// A ledger that drains asks for no worker any more: none that ends is replaced.
  private mutating func closePoolIfDraining(_ loop: inout EventLoop) {
    guard jobs.ledger.isDraining, !poolIsClosing else { return }
    poolIsClosing = true
    pool.close(&loop)
  }

  /// From now on workers and jobs are kept like this, and the workers that live are replaced: see
  /// `WorkerPoolDriver.reconfigure` and `JobLedger.reconfigure`, and ask `WorkerPoolDriver.cannotChange(to:)` before.
  package mutating func reconfigure(
    _ pool: WorkerPoolConfiguration, _ ledger: JobLedger.Configuration, _ loop: inout EventLoop
  ) {
    configuration.pool = pool
    configuration.ledger = ledger
    jobs.reconfigure(ledger, to: .workers(pool.workerProtocol))
    self.pool.reconfigure(pool, &loop)
    hasReportedBanner = false
  }

  /// One worker more, or one fewer. A pool that was asked to be of a fixed size keeps one; of a variable pool the upper
  /// bound moves, and takes the lower one along only as long as it is below it.
  package mutating func resize(by change: Int, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard !isStopping else { return }
    let asked = configuration.pool.pool
    let maximum = max(1, pool.size.upperBound + change)
    let minimum = asked.minimum == asked.maximum ? maximum : min(asked.minimum, maximum)
    resize(to: minimum...maximum, &loop, &reporter)
  }

  /// Sets the least and the most workers of the pool, and reports it.
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

  /// Lends the reply of a job that is being reported as `emit` with the outcome ok.
  package func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    if let answeringWorker, jobs.answering == job { return pool.withReply(of: answeringWorker, body) }
    return jobs.store.withReply(of: job, body)
  }

  // MARK: Going on

  /// Fires the timers that have run out.
  package mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    pool.fireTimers(&loop)
    fireJobTimers(&loop, &reporter)
  }

  /// Works until there is something to report; nil when nothing is left to do.
  package mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> JobEngineOutput? {
    while true {
      if let output = nextOutput(&loop, &reporter) { return output }
      if nextEvent < pool.events.count {
        nextEvent += 1
        take(pool.events[nextEvent - 1], &loop, &reporter)
        continue
      }
      if nextEvent > 0 {
        pool.events.removeAll(keepingCapacity: true)
        nextEvent = 0
      }
      pool.setDemand(isStopping ? 0 : jobs.ledger.demand, &loop)
      if !pool.events.isEmpty { continue }
      parkJobs(&loop, &reporter)
      pool.flushJobs(&loop)
      if jobs.actions.isEmpty, outputs.isEmpty, pool.events.isEmpty { return nil }
    }
  }

  /// What follows from what was decided; nil when that is done. No worker is given a job and no reply is read: more
  /// jobs can come in first, and the most urgent of them is sent.
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
      if let step = jobs.next(at: loop.now()) {
        switch step {
        case .output(let output): return .job(output)
        case .decision(let action): perform(action, &loop, &reporter)
        }
        continue
      }
      guard let worker = answeringWorker else { return nil }
      (answeringWorker, jobs.answering) = (nil, nil)
      finishReply(of: worker, &loop, &reporter)
    }
  }
}

/// What an engine reports to its owner.
package enum JobEngineOutput {
  /// What becomes of a job.
  case job(JobOutput)
  /// An attempt begins on this worker; only with `tellsAttempts`.
  case attemptStarted(JobID, Int, WorkerID)
  /// It is over, for this reason if it did not go well; only with `tellsAttempts`.
  case attemptEnded(JobID, failure: String?)
  /// The first answer of a worker that was merely taken to be ready.
  case firstReply(WorkerID)
  /// The job of this worker is cancelled: it is stopped for that, and not for a fault of its own.
  case workerGivenUp(WorkerID)
  /// Something about workers, after it was reported to people. Indirect, because it is rare and would make all the
  /// others large.
  indirect case worker(WorkerPoolEvent)
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
  /// Whether what workers write to stderr during a job is kept until the job has come out. Needs an `ErrorRule`.
  package var keepsErrorText = false

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
