import LinuxIO
import Time
import Timers

/// What the loop has seen.
public enum LoopEvent: Equatable, Sendable {
  /// A watched descriptor is ready. `hangup` (the other side closed, or an error) comes with `readable`, so that its
  /// owner reads what is left.
  case ready(token: UInt64, readable: Bool, writable: Bool, hangup: Bool)
  /// A watched signal came: from a process, or from a key.
  case signal(CInt)
  /// The terminal, not a process, sent SIGTSTP (^Z), SIGTTIN or SIGTTOU (it is in the hands of others), or SIGHUP (it
  /// is gone; the shell passes that on to its background jobs).
  case terminal(CInt)
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
/// (signals, systemd's watchdog) comes from a loop nested in it: see SystemEvents. An sd-event source for each pipe
/// would cost a quarter of the throughput.
///
/// It calls nobody back: `wait` appends what happened to a list, and its owner acts.
public struct EventLoop: ~Copyable {
  /// The tokens of the alarm's timer and of the nested loop; no other descriptor may use them.
  private static let timerToken = UInt64.max
  private static let nestedToken = UInt64.max - 1
  /// Descriptors that are reported in one turn at most, but for a turn after a standstill.
  public static let mostEvents = 256
  /// After a standstill it is looked this often for what became ready, `mostEvents` descriptors at a time.
  private static let mostLooks = 32

  private let epoll: Epoll
  private let timer: TimerDescriptor
  private let ready: UnsafeMutableBufferPointer<Epoll.Ready>
  private var alarm: Instant?
  /// When the timer expires, by the kernel's clock. It is not moved for an alarm that is cleared or moved later, as
  /// most are, nor after a standstill: to let it expire once for nothing costs less.
  private var expiry = Instant.distantFuture
  private var clock: LoopClock
  /// What was nested in it with `nest`.
  public private(set) var nested: (any NestedEvents)?

  /// A loop that watches nothing yet.
  public init() throws(SystemError) { try self.init(at: monotonicNow()) }

  /// A loop with a clock that shows this time, for simulations. Only `skip` moves the clock.
  package init(at time: Instant) throws(SystemError) {
    let epoll = try Epoll()
    let timer = try TimerDescriptor()
    try epoll.add(timer.rawValue, token: Self.timerToken, readable: true, writable: false)
    self.epoll = epoll
    self.timer = timer
    ready = .allocate(capacity: Self.mostEvents)
    clock = LoopClock(at: time)
  }

  deinit { ready.deallocate() }

  /// The time at which this turn of the loop began, of CLOCK_MONOTONIC less all the time in which this
  /// process stood still (see `LoopClock`). Deadlines and alarms are times of this clock.
  public func now() -> Instant { clock.now }

  /// What CLOCK_MONOTONIC shows at a time of this clock.
  public func monotonicTime(at time: Instant) -> Instant { clock.reading(at: time) }

  /// Advances `now` to this moment. The time that the turn has taken so far counts, however long it was: to be called
  /// after a call that waited on purpose.
  public mutating func countTime() { clock.count(until: monotonicNow()) }

  /// Watches a descriptor. Regular files and /dev/null are refused (EPERM): they are always ready.
  ///
  /// It is level-triggered: reported for as long as it is ready. `once`: edge-triggered, reported once for each change,
  /// which saves the kernel a second look after each report; the owner must read until nothing is left, or call
  /// `modify`, and must handle each event.
  public mutating func add(
    _ fd: CInt, token: UInt64, readable: Bool, writable: Bool, once: Bool = false
  ) throws(SystemError) {
    try epoll.add(fd, token: token, readable: readable, writable: writable, once: once)
  }

  /// Changes what is watched of a descriptor. With `once` it is reported once more if it is ready now.
  public mutating func modify(
    _ fd: CInt, token: UInt64, readable: Bool, writable: Bool, once: Bool = false
  ) throws(SystemError) {
    try epoll.modify(fd, token: token, readable: readable, writable: writable, once: once)
  }

  /// Stops watching a descriptor; harmless if it is not watched.
  public mutating func remove(_ fd: CInt) { epoll.remove(fd) }

  /// Takes the events of another loop from now on. There can be one.
  public mutating func nest(_ events: any NestedEvents) throws(SystemError) {
    precondition(nested == nil, "a loop is nested already")
    try epoll.add(events.descriptor, token: Self.nestedToken, readable: true, writable: false)
    nested = events
  }

  /// Stops this process as the signal (SIGTSTP, SIGTTIN, SIGTTOU) does by default, and returns when it goes on; the
  /// time in between does not count. False if it was not stopped: nobody could continue it, as its process group is
  /// orphaned.
  public mutating func stop(by signal: CInt) -> Bool {
    clock.count(until: monotonicNow())
    let wasStopped = stopByDefaultAction(signal)
    clock.leaveOut(until: monotonicNow())
    return wasStopped
  }

  /// Asks for `.alarm` at `deadline` (of this loop's clock), or for none. Cheap unless it is the earliest
  /// for some time. A deadline that has passed costs nothing: the next wait only looks.
  public mutating func setAlarm(at deadline: Instant?) throws(SystemError) {
    alarm = deadline
    guard let deadline, !isAlarmDue else { return }
    let reading = clock.reading(at: deadline)
    if reading < expiry { try setTimer(at: reading) }
  }

  private var isAlarmDue: Bool { alarm.map { $0 <= clock.now } ?? false }

  /// Waits until something happens, or patience ends, and appends it to `events`, the alarm last. When the process
  /// stood still, everything that became ready meanwhile is among the events: no peer may be found silent that was
  /// merely not read.
  public mutating func wait(
    into events: inout [LoopEvent], atMost patience: LoopPatience = .endless
  ) throws(SystemError) {
    let before = events.count
    var hasTimedOut = false
    repeat {
      hasTimedOut = try waitOnce(into: &events, patience)
    } while hasTimedOut && patience == .endless && events.count == before
  }

  /// What of the loop's own is ready.
  private struct OwnEvents {
    var hasExpired = false
    var isNestedReady = false
  }

  /// True if nothing was ready.
  private mutating func waitOnce(into events: inout [LoopEvent], _ patience: LoopPatience) throws(SystemError) -> Bool {
    var own = OwnEvents()
    let (timeout, planned) = plan(patience)
    let waited = try epoll.wait(ready, timeout: timeout)
    var count = waited ?? 0
    let stoodStill = clock.beginTurn(at: monotonicNow(), planned: planned, interrupted: waited == nil)
    if stoodStill || waited == nil {
      count = try lookAgain(after: count, into: &events, &own)
    } else {
      append(count, to: &events, &own)
    }
    if own.isNestedReady { try nested?.dispatch(into: &events) }
    if isAlarmDue {
      alarm = nil
      events.append(.alarm)
    }
    if own.hasExpired { try timerExpired() }
    return count == 0
  }

  // MARK: Simulated time

  /// Moves the clock of a simulation.
  package mutating func skip(_ span: Nanoseconds) { clock.count(until: clock.reading(at: clock.now + span)) }

  /// Appends what is ready now, and leaves the clock as it is: how a simulation waits.
  package mutating func look(into events: inout [LoopEvent]) throws(SystemError) {
    var own = OwnEvents()
    if let count = try epoll.wait(ready, timeout: 0) { append(count, to: &events, &own) }
  }

  /// How long to wait: in milliseconds for the kernel, and how long at most; nil for as long as it takes.
  private func plan(_ patience: LoopPatience) -> (timeout: CInt, planned: Nanoseconds?) {
    if isAlarmDue { return (0, .zero) }
    guard patience == .endless else { return (patience.rawValue, .milliseconds(UInt64(patience.rawValue))) }
    guard let alarm, let wait = clock.longestWait(until: alarm) else { return (patience.rawValue, nil) }
    // The last part of the way is left to the alarm, which is more exact.
    if wait >= alarm - clock.now { return (patience.rawValue, wait) }
    return (CInt(clamping: wait.milliseconds + 1), wait)
  }

  /// Appends what is ready now, which may be more than one look shows, and what the look before has shown and is not
  /// shown again because it is edge-triggered. Nothing comes twice: its owner may read without looking. Returns how
  /// much there is.
  private func lookAgain(
    after before: Int, into events: inout [LoopEvent], _ own: inout OwnEvents
  ) throws(SystemError) -> Int {
    let seenBefore = Array(ready[..<before])
    var seen: Set<UInt64> = []
    var rounds = Self.mostLooks
    var count: Int?
    repeat {
      count = try epoll.wait(ready, timeout: 0)
      for entry in ready[..<(count ?? 0)] where seen.insert(entry.token).inserted { append(entry, to: &events, &own) }
      rounds -= 1
    } while rounds >= 0 && (count == ready.count || count == nil)
    for entry in seenBefore where seen.insert(entry.token).inserted { append(entry, to: &events, &own) }
    return seen.count
  }

  private func append(_ count: Int, to events: inout [LoopEvent], _ own: inout OwnEvents) {
    for index in 0..<count { append(ready[index], to: &events, &own) }
  }

  @inline(__always)
  private func append(_ entry: Epoll.Ready, to events: inout [LoopEvent], _ own: inout OwnEvents) {
    switch entry.token {
    case Self.timerToken: own.hasExpired = true
    case Self.nestedToken: own.isNestedReady = true
    default:
      events.append(
        .ready(
          token: entry.token, readable: entry.events & 5 != 0, writable: entry.events & 2 != 0,
          hangup: entry.events & 4 != 0))
    }
  }

  /// The alarm may have been cleared or moved later meanwhile, or the process stood still: then it has not rung.
  private mutating func timerExpired() throws(SystemError) {
    try setTimer(at: alarm.map { clock.reading(at: $0) } ?? .distantFuture)
  }

  private mutating func setTimer(at reading: Instant) throws(SystemError) {
    try timer.set(at: reading)
    expiry = reading
  }
}
