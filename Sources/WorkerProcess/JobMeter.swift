import Glibc
import LinuxIO

/// What a job has cost its worker.
public struct JobCost: Sendable, Equatable {
  /// CPU time, in nanoseconds.
  public var cpu: UInt64
  /// By how many bytes the resident memory has grown, or shrunk.
  public var memoryChange: Int64
}

/// Measures what jobs cost a worker: the process itself, without what it starts. A reading takes about a microsecond: a CPU clock
/// (clock_getcpuclockid(3)) and /proc/PID/statm, whose descriptor is kept.
public struct JobMeter: ~Copyable, Sendable {
  private let clock: clockid_t
  private let memory: MemoryReader
  private var cpuBefore: UInt64?
  private var memoryBefore = 0

  /// Begins with a process that is alive or not yet reaped.
  public init(pid: CInt) throws(SystemError) {
    let memory = try MemoryReader(pid: pid)
    var clock = clockid_t()
    let code = clock_getcpuclockid(pid, &clock)
    if code != 0 { throw SystemError("clock_getcpuclockid \(pid)", code) }
    self.clock = clock
    self.memory = memory
  }

  /// A job begins.
  public mutating func begin() {
    cpuBefore = cpuTime
    memoryBefore = memory.ownResidentBytes() ?? 0
  }

  /// What was used since the job began; nil when the process is dead.
  public func cost() -> JobCost? {
    guard let cpuBefore, let cpu = cpuTime, let bytes = memory.ownResidentBytes(), memoryBefore > 0 else { return nil }
    return JobCost(cpu: cpu &- cpuBefore, memoryChange: Int64(bytes - memoryBefore))
  }

  private var cpuTime: UInt64? {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return nil }
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
