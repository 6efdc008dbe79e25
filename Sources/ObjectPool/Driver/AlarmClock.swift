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

  /// The driver's timers are next due at `deadline`, on the exact clock, if not before. What was set for it earlier than
  /// that stays: threads come here without a lock, in any order, and a driver that is called too early calls again.
  func set(_ driver: PoolDriver, at deadline: UInt64) {
    let mustStart = locked.withLock { state in
      if let entry = state.entries[driver.id], entry.deadline <= deadline { return false }
      state.entries[driver.id] = Entry(driver: driver, deadline: deadline)
      let isEarlier = state.alarms.earliest.map { deadline < $0 } ?? true
      state.alarms.arm(driver.id, at: deadline)
      if isEarlier { changed.signal() }
      defer { state.isRunning = true }
      return !state.isRunning
    }
    // Without a thread there are no timeouts for now; the next timer tries again.
    if mustStart, !DaemonThread.start({ self.run() }) { locked.withLock { $0.isRunning = false } }
  }

  private func run() -> Never {
    while true {
      let due = locked.withLock { state -> [Entry] in
        var due: [Entry] = []
        while due.isEmpty {
          let now = Clock.now
          while let id = state.alarms.popExpired(at: now) {
            if let entry = state.entries.removeValue(forKey: id) { due.append(entry) }
          }
          if due.isEmpty { locked.wait(for: changed, until: state.alarms.earliest) }
        }
        return due
      }
      for entry in due { entry.driver?.timersAreDue() }
    }
  }
}
