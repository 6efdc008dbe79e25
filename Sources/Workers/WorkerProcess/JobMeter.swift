import LinuxIO
import Time

/// What a job has cost its worker.
public struct JobCost: Sendable, Equatable {
  /// CPU time.
  public var cpu: Nanoseconds
  /// By how many bytes the resident memory has grown, or shrunk.
  public var memoryChange: Int64

  /// What was measured.
  public init(cpu: Nanoseconds, memoryChange: Int64) {
    self.cpu = cpu
    self.memoryChange = memoryChange
  }
}

/// Measures what jobs cost a worker: the process itself, without what it starts. A reading takes one to three
/// microseconds: a CPU clock (clock_getcpuclockid(3)) and /proc/PID/statm, which stays open. So each job costs one
/// reading at most: the end of one job is the beginning of the next, and anything that the worker does in between
/// counts for the next one. Jobs that follow each other within `shortestInterval` are measured together.
public struct JobMeter: ~Copyable, Sendable {
  /// The shortest time between two readings, so that they cost a few percent of the time at most.
  public static let shortestInterval: Nanoseconds = .microseconds(100)

  private let clock: ProcessClock
  private let memory: MemoryReader
  private var last: (time: Instant, cpu: Nanoseconds, bytes: Int)?

  /// Begins with a process that is alive or not yet reaped.
  public init(pid: CInt) throws(SystemError) {
    let clock = try ProcessClock(pid: pid)
    memory = try MemoryReader(pid: pid)
    self.clock = clock
  }

  /// The cost since the last reading. Nil for the first reading, when the process is dead, and when the last reading
  /// was less than `shortestInterval` ago: then the next reading includes this job.
  public mutating func cost(at now: Instant) -> JobCost? {
    if let last, now - last.time < Self.shortestInterval { return nil }
    guard let cpu = clock.time, let bytes = memory.ownResidentBytes() else { return nil }
    defer { last = (now, cpu, bytes) }
    return last.map { JobCost(cpu: cpu - $0.cpu, memoryChange: Int64(bytes - $0.bytes)) }
  }
}
