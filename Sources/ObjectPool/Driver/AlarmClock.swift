import Timers

/// Calls pools when their next timer is due. One thread for all pools of the process, started with the first timer.
final class AlarmClock: Sendable {
  static let shared = AlarmClock()

  private struct Entry {
    weak var driver: PoolDriver?
    let deadline: UInt64
  }

  private struct State {
    var alarms = TimerQueue<UInt64>()
    var entries: [UInt64: Entry] = [:]
    var isRunning = false
  }

  private let locked = Locked(State())
  private let changed = Condition()

  /// The driver's timers are next due at `deadline`, on the exact clock. An earlier alarm that was set for it stays: calls
  /// may come in another order than their reasons. False if the alarm will not ring, as the system has no thread to give.
  func set(_ driver: PoolDriver, at deadline: UInt64) -> Bool {
    let mustStart = locked.withLock { state in
      if state.isRunning, let entry = state.entries[driver.id], entry.deadline <= deadline { return false }
      state.entries[driver.id] = Entry(driver: driver, deadline: deadline)
      let isEarlier = state.alarms.earliest.map { deadline < $0 } ?? true
      state.alarms.arm(driver.id, at: deadline)
      if isEarlier { changed.signal() }
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard mustStart, !DaemonThread.start({ self.run() }) else { return true }
    locked.withLock { $0.isRunning = false }
    return false
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
