import Time

/// A lease and its end in a pool where nothing else is to be decided: the same transitions as `.leaseRequested` and
/// `.leaseReleased`, without a list of actions. A driver whose leases last for nanoseconds may call these first; when
/// they decline, nothing has changed, and the event must be handled.
extension PoolStateMachine {
  /// Leases a worker that is free, to a request that does not wait: a waiter without an identifier, or a job that the
  /// demand does not count yet. Nil when the request must be handled as an event.
  public mutating func leaseAtOnce(at now: Instant) -> WorkerID? {
    guard hasShortcut, phase == .open, waiting == 0, let slot = available.pick(configuration.leaseOrder),
      isFit(slot, at: now)
    else { return nil }
    growth = 1
    available.remove(slot, from: &slots)
    census.busy += 1
    slots[slot].state = .leased
    slots[slot].leases = 1
    slots[slot].hasServedInLease = false
    return worker(in: slot)
  }

  /// Takes a worker back after a healthy lease; false when the end of the lease must be handled as an event.
  public mutating func releaseAtOnce(_ worker: WorkerID, at now: Instant) -> Bool {
    let slot = worker.slot.index
    guard hasShortcut, phase == .open, waiting == 0, census.serving <= configuration.maximum,
      isPlain(slot, worker, at: now),
      configuration.maximumIdle == .max || census.serving - census.busy < mostIdle,
      !watchesIdle || slots[slot].armed[SlotTimer.idle.rawValue] != 0
    else { return false }
    slots[slot].recordJobs(1, at: now)
    slots[slot].idleSince = now
    slots[slot].leases = 0
    slots[slot].state = .idle
    census.busy -= 1
    available.insert(slot, into: &slots)
    return true
  }

  /// Ends a healthy lease and offers the same worker to the next job of the demand: the same as `.leaseReleased` when
  /// that leads to nothing but `.offer` for this worker. False when the end of the lease must be handled as an event.
  public mutating func continueLease(_ worker: WorkerID, at now: Instant) -> Bool {
    let slot = worker.slot.index
    guard allowsManyJobs, configuration.capacity == 1, configuration.leaseReportLimit == .zero, phase == .open,
      uncoveredDemand > 0, waiters.isEmpty, census.serving <= configuration.maximum,
      isPlain(slot, worker, at: now)
    else { return false }
    demand -= 1
    slots[slot].recordJobs(1, at: now)
    slots[slot].idleSince = now
    slots[slot].hasServedInLease = false
    return true
  }

  /// The worker holds a lease, serves on after it, and is not new to its work.
  @inline(__always)
  private func isPlain(_ index: Int, _ worker: WorkerID, at now: Instant) -> Bool {
    guard index < slots.count, slots[index].serial == worker.serial, case .leased = slots[index].state,
      slots[index].retiring == nil, slots[index].overdue == nil, slots[index].jobs > 0,
      // It may be from before `reconfigure`.
      slots[index].armed[SlotTimer.lease.rawValue] == 0
    else { return false }
    return slots[index].jobLimit == 0 || staysBelowLimit(index, at: now)
  }

  /// One more job is not the last one of this worker, nor is it time to start its replacement.
  @inline(__always)
  private func staysBelowLimit(_ slot: Int, at now: Instant) -> Bool {
    let jobs = slots[slot].jobs + 1
    return configuration.maximumJobs != 1 && jobs < slots[slot].jobLimit && !isJobLimitNear(slot, after: jobs, at: now)
  }
}
