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

/// Limits the readings of all workers together, so that they cost a few percent of the time at most, however many
/// workers there are: on average one in `JobMeter.shortestInterval`, and more at a moment at which many jobs end.
public struct MeterBudget: Sendable {
  /// The most readings that may be made at one moment.
  public static let mostAtOnce = 64
  /// Until when the readings that were made use up the budget.
  private var usedUntil = Instant.origin

  /// The whole budget.
  public init() {}

  /// Takes one reading out of the budget; false if it is used up.
  public mutating func take(at now: Instant) -> Bool {
    let begin = max(usedUntil, now)
    guard begin - now < JobMeter.shortestInterval * UInt64(Self.mostAtOnce) else { return false }
    usedUntil = begin + JobMeter.shortestInterval
    return true
  }
}

/// Measures what jobs cost a worker: the process itself, without what it starts. A reading takes one to three
/// microseconds: a CPU clock (clock_getcpuclockid(3)) and /proc/PID/statm, which stays open. So each job costs one
/// reading at most: the end of one job is the beginning of the next, and anything that the worker does in between
/// counts for the next one. Jobs that follow each other within `shortestInterval` are measured together.
public struct JobMeter: ~Copyable, Sendable {
  /// The shortest time between two readings of one worker.
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
  /// was less than `shortestInterval` ago or the budget is used up: then the next reading includes this job.
  public mutating func cost(at now: Instant, within budget: inout MeterBudget) -> JobCost? {
    if let last, now - last.time < Self.shortestInterval { return nil }
    guard budget.take(at: now), let cpu = clock.time, let bytes = memory.ownResidentBytes() else { return nil }
    defer { last = (now, cpu, bytes) }
    return last.map { JobCost(cpu: cpu - $0.cpu, memoryChange: Int64(bytes - $0.bytes)) }
  }
}
