import DaemonThreads
import Glibc
import JobCore
import LinuxIO
import PoolCore
import Time
import WorkerProtocols

/// A pool of warm worker processes for a program of your own.
///
/// ```swift
/// let pool = try await WorkerPool.start(.init(["./model.py"], workers: 4))
/// let reply = try await pool.run("a job")
/// await pool.stop()
/// ```
///
/// Any number of tasks may call `run` at the same time: each job goes to a worker that is free, and has exactly one
/// outcome. The pool has a thread of its own, which does nothing while nothing happens. A pool that is no longer
/// referenced stops its workers. `WorkerPoolDriver` is the same for a program that has a loop of its own.
public final class WorkerPool: Sendable {
  private let inbox: Inbox
  private let hub: EventHub
  private let workerProtocol: any WorkerProtocol

  private init(_ inbox: Inbox, _ hub: EventHub, _ workerProtocol: any WorkerProtocol) {
    self.inbox = inbox
    self.hub = hub
    self.workerProtocol = workerProtocol
  }

  deinit { inbox.post(.stop(.graceful, nil)) }

  // MARK: Life

  /// Starts a pool, and returns when its first worker is ready; at once if it has no least number of workers.
  ///
  /// Throws `WorkerPoolError.invalid`, `WorkerPoolError.cannotStart` with the reason when the program cannot be started
  /// or its workers keep ending before they are ready, or `CancellationError` if the task is cancelled meanwhile.
  /// SIGPIPE is ignored in the whole program from then on, if it has its default action.
  public static func start(_ configuration: Configuration) async throws -> WorkerPool {
    if let defect = configuration.defect { throw WorkerPoolError.invalid(defect) }
    try Task.checkCancellation()
    let (inbox, hub) = (try Inbox(), EventHub())
    let isStarted = DaemonThread.start {
      inbox.close(because: PoolThread.run(configuration, inbox, hub))
      hub.finish()
    }
    guard isStarted else { throw SystemError("pthread_create", EAGAIN) }
    let pool = WorkerPool(inbox, hub, configuration.workers.workerProtocol)
    do {
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { inbox.post(.start($0)) }
      } onCancel: {
        inbox.post(.stop(.prompt, nil))
      }
    } catch {
      try Task.checkCancellation()
      throw error
    }
    try Task.checkCancellation()
    return pool
  }

  /// Stops the pool, and returns when no worker is left. `graceful`: the jobs that it has are done first; else they
  /// fail with `WorkerPoolError.stopped`. Jobs that come later fail so in any case.
  public func stop(_ urgency: StopUrgency = .graceful) async {
    _ = try? await withCheckedThrowingContinuation { inbox.post(.stop(urgency, $0)) }
  }

  // MARK: Jobs

  /// Runs a job on a worker that is free, or will be, and returns the reply.
  /// - Parameters:
  ///   - job: its bytes, without the delimiter or length that the protocol adds.
  ///   - timeout: how long an attempt may take, in place of the configuration's; more than zero.
  ///   - priority: jobs of a higher priority go first; usually 0.
  ///
  /// Throws `WorkerPoolError`, or `CancellationError` if the task is cancelled before the reply is there: then a worker
  /// that has begun the job is asked to give it up, if its protocol can (`WorkerPoolConfiguration.cancelGrace`), else
  /// replaced.
  public func run(_ job: [UInt8], timeout: Duration? = nil, priority: Int32 = 0) async throws -> [UInt8] {
    if let defect = job.withUnsafeBytes({ workerProtocol.defect(of: $0.bytes) }) {
      throw WorkerPoolError.invalid("the job cannot be sent: \(defect)")
    }
    if let timeout, timeout <= .zero { throw WorkerPoolError.invalid("the timeout is \(timeout), it must be more") }
    let job = Job(job, timeout: timeout?.nanoseconds ?? .zero, priority: priority)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { job.post(to: inbox, $0) }
    } onCancel: {
      job.cancel(in: inbox)
    }
  }

  /// The same for text: UTF-8 there and back. What is not UTF-8 in the reply becomes U+FFFD.
  public func run(_ job: String, timeout: Duration? = nil, priority: Int32 = 0) async throws -> String {
    String(decoding: try await run(Array(job.utf8), timeout: timeout, priority: priority), as: UTF8.self)
  }

  // MARK: Operation

  /// What happens in the pool from now on, for any number of readers; the first has what happened so far, too. A reader
  /// that does not keep up with it misses what is more than 1024 events ago. It ends with the pool.
  public var events: AsyncStream<Event> { hub.events() }

  /// How the pool does at the moment. Throws `WorkerPoolError.stopped` when it is over.
  public func status() async throws -> Status {
    try await withCheckedThrowingContinuation { inbox.post(.status($0)) }
  }

  /// Changes the least and the most workers, 0 or more and 1 or more. Workers above the most go when they are idle.
  public func resize(to size: ClosedRange<Int>) {
    precondition(size.lowerBound >= 0 && size.upperBound >= 1, "a pool of \(size) workers")
    inbox.post(.resize(size))
  }

  /// Replaces all workers, one after the other, each by one that is ready.
  public func recycle() { inbox.post(.recycle) }

  /// How a pool does.
  public struct Status: Sendable {
    /// Workers that are ready for jobs or have one.
    public let ready: Int
    /// Workers that are not ready yet.
    public let starting: Int
    /// Workers that are on their way out.
    public let stopping: Int
    /// Starts have failed so often that the next one waits.
    public let startsFail: Bool
    /// The pool takes no more jobs: `stop` was called.
    public let isStopping: Bool
    /// Jobs that workers have.
    public let running: Int
    /// Jobs that wait for a worker, or for their next attempt.
    public let waiting: Int
    /// Jobs that have ended, by outcome.
    public let settled: [Outcome: Int]
  }
}
