import CSystemd
import Glibc
import LinuxIO
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

/// One thread's loop: an epoll of our own for the descriptors that carry jobs, with sd-event nested in it for all that
/// is rare (signals, the alarm, the watchdog). An sd-event source for each pipe would cost a quarter of the throughput.
///
/// It calls nobody back: `wait` appends what happened to a list, and its owner acts.
public struct EventLoop: ~Copyable {
  /// The token of the nested loop; no other descriptor may use it.
  private static let nestedToken = UInt64.max
  /// An alarm may come so much late, in microseconds; less would cost wake-ups, more would blur short timeouts.
  private static let alarmAccuracy: UInt64 = 500
  /// After a standstill it is looked this often for what became ready, 256 descriptors at a time.
  private static let mostLooks = 32

  private let epoll: Epoll
  private let system: SystemEvents
  private let ready: UnsafeMutableBufferPointer<Epoll.Ready>
  private var alarm: UInt64?
  private var clock: LoopClock

  /// A loop that watches nothing yet.
  public init() throws(SystemError) {
    let epoll = try Epoll()
    let system = try SystemEvents()
    try epoll.add(system.descriptor, token: Self.nestedToken, readable: true, writable: false)
    self.epoll = epoll
    self.system = system
    ready = .allocate(capacity: 256)
    clock = LoopClock(at: monotonicNow())
  }

  deinit { ready.deallocate() }

  /// The time at which this turn of the loop began, in nanoseconds of CLOCK_MONOTONIC less all the time in which this
  /// process stood still (see `LoopClock`). Deadlines and alarms are times of this clock.
  public func now() -> UInt64 { clock.now }

  /// What CLOCK_MONOTONIC shows at a time of this clock, in nanoseconds.
  public func monotonicTime(at time: UInt64) -> UInt64 { clock.reading(at: time) }

  /// Has `now` be this very moment; what the turn has taken so far counts, however long that was: a call waited on
  /// purpose.
  public mutating func countTime() { clock.count(until: monotonicNow()) }

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

  /// Blocks these signals in this thread and turns them into events. SIGINT, SIGQUIT, SIGHUP and SIGTSTP stay ignored
  /// if they are: a shell starts a background job so, and nohup(1) its command.
  public mutating func watchSignals(_ signals: [CInt]) throws(SystemError) { try system.watchSignals(signals) }

  /// Stops this process as the signal (SIGTSTP, SIGTTIN, SIGTTOU) does by default, and returns when it goes on; the
  /// time in between does not count. False if it was not stopped: nobody could continue it, as its process group is
  /// orphaned.
  public mutating func stop(by signal: CInt) throws(SystemError) -> Bool {
    clock.count(until: monotonicNow())
    let wasStopped = stopByDefaultAction(signal)
    clock.leaveOut(until: monotonicNow())
    try programAlarm()
    return wasStopped
  }

  /// Waits for `milliseconds` at most for this watched signal to come again, and forgets that it did.
  public func absorbRepeat(of signal: CInt, milliseconds: Int) {
    _ = consumePending(signal, milliseconds: milliseconds)
  }

  /// Asks for `.alarm` at `deadline` (nanoseconds of this loop's clock), or for none. Cheap when nothing changes.
  public mutating func setAlarm(at deadline: UInt64?) throws(SystemError) {
    guard deadline != alarm else { return }
    alarm = deadline
    try programAlarm()
  }

  private func programAlarm() throws(SystemError) {
    // Rounded up: an alarm may be late, never early.
    let microseconds = alarm.map { clock.reading(at: max($0, clock.now)) }.map { $0 / 1000 + ($0 % 1000 == 0 ? 0 : 1) }
    try system.setAlarm(at: microseconds, accuracy: Self.alarmAccuracy)
  }

  /// Pings systemd's watchdog as long as the loop turns, if the service has one; false if it has none.
  public mutating func enableWatchdog() throws(SystemError) -> Bool { try system.enableWatchdog() }

  /// Waits until something happens, or patience ends, and appends it to `events`, the alarm last. When the process
  /// stood still, everything that became ready meanwhile is among the events: nothing is found silent only because it
  /// was not read.
  public mutating func wait(
    into events: inout [LoopEvent], atMost patience: LoopPatience = .endless
  ) throws(SystemError) {
    let before = events.count
    var hasTimedOut = false
    repeat {
      hasTimedOut = try waitOnce(into: &events, patience)
    } while hasTimedOut && patience == .endless && events.count == before
  }

  /// True if nothing was ready.
  private mutating func waitOnce(into events: inout [LoopEvent], _ patience: LoopPatience) throws(SystemError) -> Bool {
    // Setting an alarm can take a signal off the kernel's hands: then epoll knows nothing of it any more.
    var isNestedReady = system.hasNews
    let (timeout, planned) = plan(isNestedReady ? .none : patience)
    var count = try epoll.wait(ready, timeout: timeout)
    let stoodStill = clock.beginTurn(at: monotonicNow(), planned: planned, interrupted: count == nil)
    if stoodStill, alarm != nil {
      try programAlarm()
      isNestedReady = isNestedReady || system.hasNews
    }
    if stoodStill || count == nil { count = try lookAgain(into: &events, &isNestedReady) }
    if let count { append(count, to: &events, &isNestedReady) }
    if isNestedReady, try system.dispatch(into: &events) { alarm = nil }
    return count == 0 && !isNestedReady
  }

  /// How long to wait: in milliseconds for the kernel, and at most in nanoseconds; nil for as long as it takes.
  private func plan(_ patience: LoopPatience) -> (timeout: CInt, planned: UInt64?) {
    guard patience == .endless else { return (patience.rawValue, UInt64(patience.rawValue) * 1_000_000) }
    guard let alarm, let wait = clock.longestWait(until: alarm) else { return (patience.rawValue, nil) }
    // The last part of the way is left to the alarm, which is more exact.
    if wait >= alarm - min(alarm, clock.now) { return (patience.rawValue, wait) }
    return (CInt(clamping: wait / 1_000_000 + 1), wait)
  }

  /// What is ready now, which may be more than one look shows. Returns how much the last look has shown.
  private func lookAgain(into events: inout [LoopEvent], _ isNestedReady: inout Bool) throws(SystemError) -> Int? {
    var rounds = Self.mostLooks
    var count = try epoll.wait(ready, timeout: 0)
    while rounds > 0, count == ready.count || count == nil {
      if let count { append(count, to: &events, &isNestedReady) }
      count = try epoll.wait(ready, timeout: 0)
      rounds -= 1
    }
    return count
  }

  private func append(_ count: Int, to events: inout [LoopEvent], _ isNestedReady: inout Bool) {
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
  }
}
