import CLinux

/// A timer that is a descriptor: readable from its time on, until it is set anew.
public struct TimerDescriptor: ~Copyable {
  private let descriptor: FileDescriptor

  /// A timer that is not set.
  public init() throws(SystemError) {
    let number = prefork_timer_create()
    if number < 0 { throw SystemError("timerfd_create") }
    descriptor = FileDescriptor(owning: number)
  }

  /// To be watched for reading.
  public var rawValue: CInt { descriptor.rawValue }

  /// Sets it to `deadline`, in nanoseconds of CLOCK_MONOTONIC: it expires then, or at once if that is past. The end of
  /// time never comes.
  public func set(at deadline: UInt64) throws(SystemError) {
    if prefork_timer_set(descriptor.rawValue, deadline) < 0 { throw SystemError("timerfd_settime") }
  }
}
