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

/// A loop of another kind that is nested in an `EventLoop`: its descriptor becomes readable when it has events.
public protocol NestedEvents: AnyObject {
  /// Readable until `dispatch` has appended all there is.
  var descriptor: CInt { get }
  /// Appends what happened.
  func dispatch(into events: inout [LoopEvent]) throws(SystemError)
}

/// One thread's loop: an epoll of our own for the descriptors that carry jobs, and a timer for the alarm. What is rare
/// (signals, systemd's watchdog) comes from a loop nested in it, sd-event in `prefork`: see SystemEvents. An sd-event
/// source for each pipe would cost a quarter of the throughput.
///
/// It calls nobody back: `wait` appends what happened to a list, and its owner acts.
public struct EventLoop: ~Copyable {
  /// The tokens of the alarm's timer and of the nested loop; no other descriptor may use them.
  private static let timerToken = UInt64.max
  private static let nestedToken = UInt64.max - 1

  private let epoll: Epoll
  private let timer: TimerDescriptor
  private let ready: UnsafeMutableBufferPointer<Epoll.Ready>
  private var alarm: UInt64?
  /// When the timer expires. It is not moved for an alarm that is cleared or moved later, as most are: to let it expire
  /// once for nothing costs less.
  private var expiry = UInt64.max
  private var turnTime: UInt64
  /// What was nested in it with `nest`.
  public private(set) var nested: (any NestedEvents)?

  /// A loop that watches nothing yet.
  public init() throws(SystemError) {
    let epoll = try Epoll()
    let timer = try TimerDescriptor()
    try epoll.add(timer.rawValue, token: Self.timerToken, readable: true, writable: false)
    self.epoll = epoll
    self.timer = timer
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

  /// Takes the events of another loop from now on. There can be one.
  public mutating func nest(_ events: any NestedEvents) throws(SystemError) {
    precondition(nested == nil, "a loop is nested already")
    try epoll.add(events.descriptor, token: Self.nestedToken, readable: true, writable: false)
    nested = events
  }

  /// Asks for `.alarm` at `deadline` (nanoseconds of CLOCK_MONOTONIC), or for none. Cheap unless it is the earliest for
  /// some time.
  public mutating func setAlarm(at deadline: UInt64?) throws(SystemError) {
    alarm = deadline
    if let deadline, deadline < expiry { try setTimer(at: deadline) }
  }

  /// Waits until something happens, or patience ends, and appends it to `events`.
  public mutating func wait(
    into events: inout [LoopEvent], atMost patience: LoopPatience = .endless
  ) throws(SystemError) {
    let count = try epoll.wait(ready, timeout: patience.rawValue)
    turnTime = monotonicNow()
    var hasExpired = false
    var isNestedReady = false
    for index in 0..<count {
      let entry = ready[index]
      switch entry.token {
      case Self.timerToken: hasExpired = true
      case Self.nestedToken: isNestedReady = true
      default:
        events.append(
          .ready(
            token: entry.token, readable: entry.events & 5 != 0, writable: entry.events & 2 != 0,
            hangup: entry.events & 4 != 0))
      }
    }
    if isNestedReady { try nested?.dispatch(into: &events) }
    if hasExpired { try timerExpired(into: &events) }
  }

  /// The alarm may have been cleared or moved later meanwhile; then it does not ring yet.
  private mutating func timerExpired(into events: inout [LoopEvent]) throws(SystemError) {
    if let deadline = alarm, deadline <= turnTime {
      alarm = nil
      events.append(.alarm)
    }
    try setTimer(at: alarm ?? .max)
  }

  private mutating func setTimer(at deadline: UInt64) throws(SystemError) {
    try timer.set(at: deadline)
    expiry = deadline
  }
}
