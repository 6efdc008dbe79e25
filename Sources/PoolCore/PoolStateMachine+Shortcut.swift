import Time

/// A lease and its end in a pool where nothing else is to be decided: the same transitions as `.leaseRequested` and
/// `.leaseReleased`, without a list of actions. A driver whose leases last for nanoseconds may call these first; when
/// they decline, nothing has changed, and the event must be handled.
extension PoolStateMachine {
  /// Leases a worker that is free, to somebody who waits for nothing; nil when the request must be handled as an event.
  public mutating func leaseAtOnce(at now: Instant) -> WorkerID? {
    guard hasShortcut, phase == .open, waiters.isEmpty, let slot = available.pick(configuration.leaseOrder),
      isFit(slot, at: now)
    else { return nil }
    growth = 1
    available.remove(slot, from: &slots)
    census.busy += 1
    slots[slot].state = .leased
    slots[slot].leases = 1
    return worker(in: slot)
  }

  /// Takes a worker back after a healthy lease; false when the end of the lease must be handled as an event.
  public mutating func releaseAtOnce(_ worker: WorkerID, at now: Instant) -> Bool {
    let slot = worker.slot.index
    guard hasShortcut, phase == .open, waiters.isEmpty, slot < slots.count, isPlain(slot, worker),
      census.serving <= configuration.maximum,
      configuration.maximumIdle == .max || census.serving - census.busy < mostIdle,
      !watchesIdle || slots[slot].armed[SlotTimer.idle.rawValue] != 0
    else { return false }
    slots[slot].lastUsed = now
    slots[slot].idleSince = now
    slots[slot].isUnchecked = true
    slots[slot].isDirty = true
    slots[slot].jobs += 1
    slots[slot].leases = 0
    slots[slot].state = .idle
    census.busy -= 1
    available.insert(slot, into: &slots)
    return true
  }

  /// The worker serves on after this lease, and is not new to its work.
  @inline(__always)
  private func isPlain(_ slot: Int, _ worker: WorkerID) -> Bool {
    slots[slot].serial == worker.serial && slots[slot].state == .leased && slots[slot].retiring == nil
      && slots[slot].overdue == nil && slots[slot].jobs > 0
      && (slots[slot].jobLimit == .zero || configuration.surge == 0 && slots[slot].jobs + 1 < slots[slot].jobLimit)
  }
}
