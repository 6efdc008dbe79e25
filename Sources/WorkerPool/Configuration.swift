import JobCore
import PoolCore
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

extension WorkerPool {
  /// What runs in a pool, how many of it, and what may become of a job.
  public struct Configuration: Sendable {
    /// The workers and how they are kept: protocol, readiness, probes, recycling, limits, surroundings.
    public var workers: WorkerPoolConfiguration
    /// How long one attempt at a job may take, counted from when its worker has it; nil for as long as it takes. The
    /// worker is then stopped, unless it can give up the job (`WorkerPoolConfiguration.cancelGrace`).
    public var timeout: Duration?
    /// How long a job may wait for a worker each time; nil for as long as it takes.
    public var queueTimeout: Duration?
    /// How many more attempts a job has after one that failed, 0 or more. A job that its worker never began costs none.
    public var retries = 0
    /// The wait before an attempt is repeated: doubled with each that fails, from the first to the second; nil: none.
    public var retryDelay: ClosedRange<Duration>?
    /// A job that has killed this many workers is given up, whatever `retries` is: 1 or more.
    public var quarantineAfter = 3

    /// Workers that run this program, which is looked for in PATH if its name has no slash.
    /// - Parameters:
    ///   - command: the program and its arguments; at least the program.
    ///   - workers: the least and the most workers, 1 or more at most. They are started when they are needed, the least
    ///     number at once. By default from one to as many as there are CPUs for this process.
    ///   - workerProtocol: what is spoken with them: `Framing.lines` (a line for a line), or another `WorkerProtocol`.
    public init(
      _ command: [String], workers: ClosedRange<Int> = 1...UsableProcessors.count,
      protocol workerProtocol: any WorkerProtocol = Framing.lines
    ) {
      var pool = PoolConfiguration(minimum: workers.lowerBound, maximum: workers.upperBound)
      // Jobs come from many tasks: one of them must not stop the pool for the others.
      pool.blamesJobs = true
      self.workers = WorkerPoolConfiguration(
        command: WorkerCommand(command.isEmpty ? [""] : command).adding(workerProtocol.workerArguments),
        protocol: workerProtocol, maximumReplySize: 64 << 20, pool: pool)
      if workerProtocol.marksReplies { self.workers.readiness = .announced }
    }

    /// A pool of `count` workers, 1 or more.
    public init(_ command: [String], workers count: Int, protocol workerProtocol: any WorkerProtocol = Framing.lines) {
      self.init(command, workers: count...count, protocol: workerProtocol)
    }

    /// What is wrong with it; nil if nothing is.
    public var defect: String? {
      if workers.command.words.first?.isEmpty != false { return "the command is empty, it must name a program" }
      if workers.command.words.contains(where: { $0.contains(0) }) { return "the command contains a NUL" }
      for (name, time) in [("timeout", timeout), ("queueTimeout", queueTimeout)] {
        if let time, time <= .zero { return "\(name) is \(time), it must be more than zero" }
      }
      if let retryDelay, retryDelay.lowerBound < .zero { return "retryDelay is \(retryDelay), it must not be negative" }
      if workers.readiness == .probed, workers.probe == nil { return "readiness is probed, but there is no probe" }
      if workers.pool.capacity != 1 { return "pool.capacity is \(workers.pool.capacity), it must be 1" }
      if workers.adoptsOrphans { return "adoptsOrphans is for programs that start no other children" }
      return workers.pool.defect ?? ledger.defect
    }

    /// What the ledger of jobs needs to know.
    var ledger: JobLedger.Configuration {
      // Tasks wait for their replies, so there is no other limit to how many jobs wait.
      var ledger = JobLedger.Configuration(
        keepOrder: false, queueLimit: .max, retries: retries, runLimit: timeout?.nanoseconds,
        queueLimitTime: queueTimeout?.nanoseconds, quarantineAfter: quarantineAfter)
      ledger.retryDelay = retryDelay.map {
        RetryDelay(minimum: $0.lowerBound.nanoseconds, maximum: $0.upperBound.nanoseconds)
      }
      return ledger
    }
  }
}
