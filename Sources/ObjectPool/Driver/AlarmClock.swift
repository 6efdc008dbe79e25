import DaemonThreads
import Time
import Timers

/// Calls pools when their next timer is due. One thread for all pools of the process, started with the first timer.
final class AlarmClock: Sendable {
  static let shared = AlarmClock()

  private struct Entry {
    weak var driver: PoolDriver?
    let deadline: Instant
  }

  private struct State {
    var alarms = TimerQueue<UInt64>()
    var entries: [UInt64: Entry] = [:]
    var grace = StandstillGrace()
    var isRunning = false
  }

  private let locked = Locked(State())
  private let changed = Condition()

  /// A timer of the driver is due at `deadline`, on the exact clock. An earlier alarm for it stays: these calls come
  /// from any thread, without the driver's lock, and may overtake each other. One alarm too many does no harm. False if
  /// no alarm will ring, because the system has no thread to give.
  func set(_ driver: PoolDriver, at deadline: Instant) -> Bool {
    locked.withLock { state in
      if !state.isRunning { state.isRunning = DaemonThread.start { self.run() } }
      guard state.isRunning else { return false }
      if let entry = state.entries[driver.id], entry.deadline <= deadline { return true }
      state.entries[driver.id] = Entry(driver: driver, deadline: deadline)
      let isEarlier = state.alarms.earliest.map { deadline < $0 } ?? true
      state.alarms.arm(driver.id, at: deadline)
      if isEarlier { changed.signal() }
      return true
    }
  }

  private func run() -> Never {
    while true {
      let due = locked.wait(for: changed) { state -> Look<[Entry]> in
        var due: [Entry] = []
        let now = Clock.now
        if let end = state.grace.end(at: now) { return .wait(until: end) }
        while let id = state.alarms.popExpired(at: now) {
          if let entry = state.entries.removeValue(forKey: id) { due.append(entry) }
        }
        state.grace.nextLook = due.isEmpty ? state.alarms.earliest : nil
        return due.isEmpty ? .wait(until: state.alarms.earliest) : .done(due)
      }
      for entry in due { entry.driver?.timersAreDue() }
    }
  }
}

/// After a standstill of the process (SIGSTOP, a frozen container, a stalled machine), alarms wait for a moment, so that
/// calls that would have ended in time can end. A look at the alarms that comes too late shows that the process stood
/// still.
struct StandstillGrace {
  /// A busy machine may make a look as late as this.
  static let tolerance: Nanoseconds = .milliseconds(100)
  /// How long alarms wait after a standstill.
  static let length: Nanoseconds = .milliseconds(250)

  /// When the clock will look again if nothing wakes it before; nil for never.
  var nextLook: Instant?
  private var graceEnd: Instant?

  /// The clock looks at its alarms. How long they have to wait; nil if they may ring. A grace is not prolonged, however
  /// late the look is that ends it.
  mutating func end(at now: Instant) -> Instant? {
    if let graceEnd {
      if now < graceEnd { return graceEnd }
      self.graceEnd = nil
    } else if let nextLook, now > nextLook + Self.tolerance {
      graceEnd = now + Self.length
    }
    nextLook = nil
    return graceEnd
  }
}
