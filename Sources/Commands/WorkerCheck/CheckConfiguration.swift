import Time
import WorkerPoolDriver

/// Everything `prefork check` needs to know.
public struct CheckConfiguration: Sendable {
  /// How long warm jobs are sent when their number is not given.
  static let patience: Nanoseconds = .seconds(30)
  /// The number of warm jobs, if they fit into that.
  static let usualWarmJobs = 100

  /// The worker, and how long it may take to start, to answer a probe or a reset, and to stop. Of the rest of its
  /// `pool` (sizes, recycling, backoff) nothing counts: one worker is started, once.
  public var pool: WorkerPoolConfiguration
  /// What is sent as each job, without framing. The framing must be able to carry it.
  public var job: [UInt8]
  /// How many jobs follow the first; nil for 100, or as many as are done in 30 s.
  public var warmJobs: Int?
  /// Longest wait for the reply to one job.
  public var replyLimit: Nanoseconds

  /// A check with these parts.
  public init(pool: WorkerPoolConfiguration, job: [UInt8], warmJobs: Int?, replyLimit: Nanoseconds) {
    self.pool = pool
    self.job = job
    self.warmJobs = warmJobs
    self.replyLimit = replyLimit
  }

  /// How long a worker may take after each step of the stop ladder.
  var ladder: [Nanoseconds] { pool.pool.stopLadder }

  /// The configuration of a pool that starts one worker, once, when it is asked for one. Probe and reset are sent like
  /// jobs, so that they can be timed and shown: the pool itself has only the probe that proves readiness.
  func poolOfOne() -> WorkerPoolConfiguration {
    var one = pool
    one.pool.minimum = 0
    one.pool.maximum = 1
    one.pool.surge = 0
    one.pool.maximumJobs = 0
    one.pool.maximumAge = .zero
    one.pool.idleLimit = .zero
    one.pool.probeInterval = .zero
    one.pool.probeBeforeLeaseUnlessUsedWithin = nil
    one.pool.restartBudget.failures = 1
    one.reset = nil
    // A worker that is late is heard out before it is stopped, which the pool's own clock would not wait for. But only
    // the pool knows of a worker that asks for more time (EXTEND_TIMEOUT_USEC=).
    switch pool.readiness {
    case .notified: break
    case .line, .probed, .announced: one.pool.startLimit = .max
    // A worker that is never seen waiting for its first job gets it after half of this time, and leaves it unread.
    case .assumed: one.pool.startLimit = pool.pool.startLimit * 3 / 2
    }
    return one
  }
}

/// How a check ended; the command turns it into an exit status.
public enum CheckEnd: Sendable, Equatable {
  /// Nothing is wrong with the worker.
  case nothingWrong
  /// It works, but does something that will hurt.
  case hurts
  /// It does not start, or does not become ready.
  case doesNotStart
  /// It does not keep to the protocol.
  case breaksProtocol
  /// The report could not be written.
  case outputFailed
  /// Ended by this signal, which the command raises again.
  case interrupted(signal: CInt)
  /// Our own bug was noticed.
  case internalError
}
