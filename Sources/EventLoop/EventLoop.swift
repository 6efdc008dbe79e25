import CSystemd
import Glibc
import LinuxIO

/// What the loop has seen.
public enum LoopEvent: Equatable, Sendable {
  /// A watched descriptor is ready. `hangup` (the other side closed, or an error) comes with `readable`, so that its
  /// owner reads what is left.
  case ready(token: UInt64, readable: Bool, writable: Bool, hangup: Bool)
  /// A watched signal came.
  case signal(CInt)
  /// The alarm's deadline has passed.
  case alarm
}

/// How long a loop may wait for something to happen.
public enum LoopPatience: CInt, Sendable {
  /// As long as it takes.
  case endless = -1
  /// Not at all: it only looks.
  case none = 0
  /// A moment.
  case millisecond = 1
}

/// One thread's loop: an epoll of our own for the descriptors that carry jobs, with sd-event nested in it for all that
/// is rare (signals, the alarm, the watchdog). An sd-event source for each pipe would cost a quarter of the throughput.
///
/// It calls nobody back: `wait` appends what happened to a list, and its owner acts.
public struct EventLoop: ~Copyable {
  /// The token of the nested loop; no other descriptor may use it.
  private static let nestedToken = UInt64.max
  /// An alarm may come so much late, in microseconds; less would cost wake-ups, more would blur short timeouts.
  private static let alarmAccuracy: UInt64 = 500

  private let epoll: Epoll
  private let system: SystemEvents
  private let ready: UnsafeMutableBufferPointer<Epoll.Ready>
  private var alarm: UInt64?
  private var turnTime: UInt64

  /// A loop that watches nothing yet.
  public init() throws(SystemError) {
    let epoll = try Epoll()
    let system = try SystemEvents()
    try epoll.add(system.descriptor, token: Self.nestedToken, readable: true, writable: false)
    self.epoll = epoll
    self.system = system
    ready = .allocate(capacity: 256)
    turnTime = monotonicNow()
  }

  deinit { ready.deallocate() }

  /// The time at which this turn of the loop began, in nanoseconds of CLOCK_MONOTONIC.
  public func now() -> UInt64 { turnTime }

  /// Watches a descriptor, level-triggered. Regular files and /dev/null are refused (EPERM): they are always ready.
  public mutating func add(_ fd: CInt, token: UInt64, readable: Bool, writable: Bool) throws(SystemError) {
    try epoll.add(fd, token: token, readable: readable, writable: writable)
  }

  /// Changes what is watched of a descriptor.
  public mutating func modify(_ fd: CInt, token: UInt64, readable: Bool, writable: Bool) throws(SystemError) {
    try epoll.modify(fd, token: token, readable: readable, writable: writable)
  }

  /// Stops watching a descriptor; harmless if it is not watched.
  public mutating func remove(_ fd: CInt) { epoll.remove(fd) }

  /// Blocks these signals in this thread and turns them into events.
  public mutating func watchSignals(_ signals: [CInt]) throws(SystemError) { try system.watchSignals(signals) }

  /// Asks for `.alarm` at `deadline` (nanoseconds of CLOCK_MONOTONIC), or for none. Cheap when nothing changes.
  public mutating func setAlarm(at deadline: UInt64?) throws(SystemError) {
    guard deadline != alarm else { return }
    alarm = deadline
    // Rounded up: an alarm may be late, never early.
    let microseconds = deadline.map { $0 / 1000 + ($0 % 1000 == 0 ? 0 : 1) }
    try system.setAlarm(at: microseconds, accuracy: Self.alarmAccuracy)
  }

  /// Pings systemd's watchdog as long as the loop turns, if the service has one; false if it has none.
  public mutating func enableWatchdog() throws(SystemError) -> Bool { try system.enableWatchdog() }

  /// Waits until something happens, or patience ends, and appends it to `events`.
  public mutating func wait(
    into events: inout [LoopEvent], atMost patience: LoopPatience = .endless
  ) throws(SystemError) {
    // Setting an alarm can take a signal off the kernel's hands: then epoll knows nothing of it any more.
    var isNestedReady = system.hasNews
    let count = try epoll.wait(ready, timeout: isNestedReady ? 0 : patience.rawValue)
    turnTime = monotonicNow()
    for index in 0..<count {
      let entry = ready[index]
      if entry.token == Self.nestedToken {
        isNestedReady = true
      } else {
        events.append(
          .ready(
            token: entry.token, readable: entry.events & 5 != 0, writable: entry.events & 2 != 0,
            hangup: entry.events & 4 != 0))
      }
    }
    if isNestedReady, try system.dispatch(into: &events) { alarm = nil }
  }
}
