import CLinux
import Time

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

  /// Sets it to `deadline` of CLOCK_MONOTONIC: it expires then, or at once if that is past. The
  /// distant future never comes.
  public func set(at deadline: Instant) throws(SystemError) {
    if prefork_timer_set(descriptor.rawValue, deadline.sinceOrigin.count) < 0 { throw SystemError("timerfd_settime") }
  }
}
