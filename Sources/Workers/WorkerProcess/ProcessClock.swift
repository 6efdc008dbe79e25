import Glibc
import LinuxIO
import Time

/// The CPU time of a process, without what it starts (clock_getcpuclockid(3)).
public struct ProcessClock: Sendable {
  private let clock: clockid_t

  /// Of a process that is alive or not yet reaped.
  public init(pid: CInt) throws(SystemError) {
    var clock = clockid_t()
    let code = clock_getcpuclockid(pid, &clock)
    if code != 0 { throw SystemError("clock_getcpuclockid \(pid)", code) }
    self.clock = clock
  }

  /// So far; nil when the process is gone.
  public var time: Nanoseconds? {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return nil }
    return .seconds(UInt64(time.tv_sec)) + Nanoseconds(UInt64(time.tv_nsec))
  }
}
