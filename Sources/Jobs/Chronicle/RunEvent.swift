import JobCore
import Time

/// What happens in a run, for everything that reports it: the summary, the progress bar, the trace, the report.
///
/// The clock of all times began with the run.
public enum RunEvent: Sendable, Equatable {
  /// A worker was started in this slot.
  case workerStarted(slot: Int, pid: Int32, at: Instant)
  /// The worker can take jobs. The span from `since` is its start.
  case workerReady(slot: Int, pid: Int32, since: Instant, at: Instant)
  /// A probe, a reset or the stop of a worker took from `since` to `at`. Reported when it is over.
  case upkeep(Upkeep, slot: Int, since: Instant, at: Instant, wentWell: Bool)
  /// The worker has ended: `cause` in a few words ("died of SIGSEGV", "exited with status 0").
  case workerEnded(slot: Int, pid: Int32, WorkerEnd, cause: String, at: Instant)

  /// A worker was given the job; this is attempt `attempt`, from 1.
  case attemptStarted(job: UInt64, attempt: Int, slot: Int, at: Instant)
  /// Attempt `attempt`, from 1, is over. `failure` is nil when it was answered, and in a few words what happened
  /// otherwise.
  case attemptEnded(job: UInt64, attempt: Int, slot: Int, failure: String?, since: Instant, at: Instant)
  /// The job has its outcome.
  case jobSettled(SettledJob)

  /// The answer of a job that was settled as `ok` cannot be trusted, and has not come out: the job has failed.
  case answerWithdrawn(job: UInt64, at: Instant)

  /// How much is where, reported at regular times.
  case sample(Sample)
}

/// What is done to a worker between its jobs.
public enum Upkeep: String, Sendable, CaseIterable {
  /// A health check.
  case probe
  /// It forgets its last job.
  case reset
  /// The stop ladder, from its first step to the end of the worker.
  case stop
}

/// How a worker ended.
public enum WorkerEnd: String, Sendable, CaseIterable {
  /// It was asked to: the end of the run, or one worker fewer.
  case stopped
  /// It was replaced, being healthy: jobs, age, memory, on request.
  case recycled
  /// By itself, or stopped because it was broken.
  case died
  /// It never took a job.
  case failedStart
}

/// A job with its outcome. The clock began with the run.
public struct SettledJob: Sendable, Equatable {
  /// Its number in the input, from 1.
  public var sequence: UInt64
  /// What the input calls it, the id of a record; nil if that gives no names.
  public var name: String?
  /// How it ended.
  public var outcome: Outcome
  /// Attempts that counted; 0 when no worker ever had it.
  public var attempts: Int
  /// The slot and process that had it last; nil if none ever had.
  public var slot: Int?
  /// The process.
  public var pid: Int32?
  /// When it was accepted.
  public var acceptedAt: Instant
  /// When its last attempt began; nil if it had none.
  public var startedAt: Instant?
  /// When it was settled.
  public var settledAt: Instant
  /// Bytes of the job.
  public var sent: Int
  /// Bytes of its reply.
  public var received: Int
  /// What went wrong, in words; nil for `ok`.
  public var failure: String?
  /// The last lines of the worker's stderr, if the job did not end well.
  public var errorLines: [String]
  /// CPU time of the worker in the last attempt; nil when it is not known.
  public var cpu: Nanoseconds?
  /// Change of the worker's resident memory over the last attempt, in bytes; nil when it is not known.
  public var memoryChange: Int64?

  /// A job that ended like this; what is not given is not known.
  public init(
    sequence: UInt64, name: String? = nil, outcome: Outcome, attempts: Int = 0, slot: Int? = nil, pid: Int32? = nil,
    acceptedAt: Instant,
    startedAt: Instant? = nil, settledAt: Instant, sent: Int = 0, received: Int = 0, failure: String? = nil,
    errorLines: [String] = [], cpu: Nanoseconds? = nil, memoryChange: Int64? = nil
  ) {
    self.sequence = sequence
    self.name = name
    self.outcome = outcome
    self.attempts = attempts
    self.slot = slot
    self.pid = pid
    self.acceptedAt = acceptedAt
    self.startedAt = startedAt
    self.settledAt = settledAt
    self.sent = sent
    self.received = received
    self.failure = failure
    self.errorLines = errorLines
    self.cpu = cpu
    self.memoryChange = memoryChange
  }
}

/// How much is where at one moment.
public struct Sample: Sendable, Equatable {
  /// When, on the clock that began with the run.
  public var at: Instant
  /// Jobs that wait for a worker.
  public var queued: Int
  /// Jobs that a worker has.
  public var running: Int
  /// Jobs settled so far.
  public var settled: Int
  /// Those of them that are not `ok`.
  public var notOK: Int
  /// Workers that serve.
  public var serving: Int
  /// Workers that are being started.
  public var starting: Int

  /// A sample of these.
  public init(at: Instant, queued: Int, running: Int, settled: Int, notOK: Int, serving: Int, starting: Int) {
    self.at = at
    self.queued = queued
    self.running = running
    self.settled = settled
    self.notOK = notOK
    self.serving = serving
    self.starting = starting
  }
}
