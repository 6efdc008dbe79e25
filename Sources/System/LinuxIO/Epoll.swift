import CLinux
import Glibc

/// An epoll, level-triggered unless something else is asked for.
public struct Epoll: ~Copyable {
  /// What became ready.
  public typealias Ready = prefork_ready

  private let descriptor: FileDescriptor

  /// An empty epoll.
  public init() throws(SystemError) {
    if let fault = injectedFault(.epoll) { throw SystemError("epoll_create1", fault) }
    let number = prefork_epoll_create()
    if number < 0 { throw SystemError("epoll_create1") }
    descriptor = FileDescriptor(owning: number)
  }

  /// To be watched for reading, by another epoll: it is readable while something is ready.
  public var rawValue: CInt { descriptor.rawValue }

  /// Watches a descriptor. Errors and hangups are reported even when neither is asked for. `once`: each change is
  /// reported once (edge-triggered), and not for as long as the descriptor is ready.
  public func add(
    _ fd: CInt, token: UInt64, readable: Bool, writable: Bool, once: Bool = false
  ) throws(SystemError) {
    if prefork_epoll_control(descriptor.rawValue, 0, fd, Self.interest(readable, writable, once), token) < 0 {
      throw SystemError("epoll_ctl add descriptor \(fd)")
    }
  }

  /// Changes what is watched. With `once` what is ready now is reported once more.
  public func modify(
    _ fd: CInt, token: UInt64, readable: Bool, writable: Bool, once: Bool = false
  ) throws(SystemError) {
    if prefork_epoll_control(descriptor.rawValue, 1, fd, Self.interest(readable, writable, once), token) < 0 {
      throw SystemError("epoll_ctl modify descriptor \(fd)")
    }
  }

  /// Stops watching; a descriptor that is not watched is none of its business.
  public func remove(_ fd: CInt) { _ = prefork_epoll_control(descriptor.rawValue, 2, fd, 0, 0) }

  /// Waits for `timeout` milliseconds (-1: for ever) and fills `ready`; returns how many. Nil: the wait was broken off,
  /// as it is when a stopped process is continued (signal(7)), and what is ready is not known.
  public func wait(_ ready: UnsafeMutableBufferPointer<Ready>, timeout: CInt) throws(SystemError) -> Int? {
    let count = prefork_epoll_wait(descriptor.rawValue, ready.baseAddress, CInt(ready.count), timeout)
    if count >= 0 { return Int(count) }
    if errno == EINTR { return nil }
    throw SystemError("epoll_wait")
  }

  private static func interest(_ readable: Bool, _ writable: Bool, _ once: Bool) -> UInt32 {
    (readable ? 1 : 0) | (writable ? 2 : 0) | (once ? 4 : 0)
  }
}
