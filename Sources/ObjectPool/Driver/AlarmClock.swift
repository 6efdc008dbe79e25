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
        while let id = state.alarms.popExpired(at: now) {
          if let entry = state.entries.removeValue(forKey: id) { due.append(entry) }
        }
        return due.isEmpty ? .wait(until: state.alarms.earliest) : .done(due)
      }
      for entry in due { entry.driver?.timersAreDue() }
    }
  }
}
