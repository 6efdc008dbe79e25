@testable import PoolCore

/// What must be true after each event, whatever happened.
extension PoolHarness {
  /// The cheap ones.
  mutating func checkQuickly() {
    if !pool.waiters.isEmpty, pool.available.pick(.lifo) != nil { violate("somebody waits while a worker is free") }
    if pool.census.occupied != occupied {
      violate("census says \(pool.census.occupied) workers, there are \(occupied)")
    }
    if pool.internalErrors != 0 { violate("\(pool.internalErrors) internal errors with a legal driver") }
  }

  /// All of them.
  mutating func checkInvariants() {
    checkQuickly()
    checkCensus()
    checkWaiters()
    for slot in pool.slots.indices {
      checkWorker(slot)
      checkTimers(slot)
    }
  }

  private mutating func checkCensus() {
    var recount = Census()
    var listed = 0
    for slot in pool.slots {
      recount.add(slot.state, isServing: slot.isServing)
      if slot.overdue != nil { recount.overdue += 1 }
      if slot.isListed { listed += 1 }
    }
    if recount != pool.census { violate("census is \(pool.census), recounted \(recount)") }
    // The list is walked by emptying a copy of it.
    var slots = pool.slots
    var available = pool.available
    while let slot = available.pick(pool.configuration.leaseOrder) {
      available.remove(slot, from: &slots)
      listed -= 1
    }
    if listed != 0 { violate("\(listed) listed slots cannot be reached") }
  }

  private mutating func checkWaiters() {
    var probed = 0
    for slot in pool.slots {
      guard case .probing(let waiter?) = slot.state else { continue }
      probed += 1
      if !pending.contains(waiter.id) { violate("a probe is made for \(waiter), who does not wait") }
    }
    if pool.waiters.count + probed != pending.count {
      violate("\(pool.waiters.count) waiters and \(probed) probes for them, but \(pending.count) wait")
    }
    if timers.armedWaiters > pending.count { violate("timers for waiters who do not wait") }
  }

  private mutating func checkWorker(_ index: Int) {
    let slot = pool.slots[index]
    let shadow = index < shadows.count ? shadows[index] : Shadow()
    let expected: Shadow.Life
    switch slot.state {
    case .empty, .backingOff: expected = .none
    case .starting: expected = .starting
    case .idle, .probing, .leased, .resetting: expected = .ready
    case .stopping: expected = .stopping
    }
    if shadow.life != expected { violate("slot \(index) is \(slot.state), its worker \(shadow.life)") }
    if shadow.life != .none, shadow.leases != slot.leases {
      violate("slot \(index) counts \(slot.leases) leases, its worker \(shadow.leases)")
    }
    if (slot.state == .leased) != (slot.leases > 0) {
      violate("slot \(index) is \(slot.state) with \(slot.leases) leases")
    }
    let couldServe =
      slot.retiring == nil
      && (slot.state == .idle || slot.state == .leased && slot.leases < pool.configuration.capacity)
    if slot.isListed != couldServe { violate("slot \(index) is \(slot.state), listed: \(slot.isListed)") }
    if slot.state == .idle, slot.retiring != nil { violate("slot \(index) retires and rests") }
  }

  private mutating func checkTimers(_ index: Int) {
    let slot = pool.slots[index]
    var deadline: SlotTimer?
    var others: [SlotTimer] = [.age, .settle]
    switch slot.state {
    case .empty: others = []
    case .backingOff: (deadline, others) = (.backoff, [])
    case .starting: (deadline, others) = (.start, [])
    case .idle: others += [.idle, .probeInterval]
    case .probing:
      deadline = .probe
      others += [.idle]
    case .leased: others += [.lease]
    case .resetting: deadline = .reset
    case .stopping: (deadline, others) = (.stop, [])
    }
    for kind in SlotTimer.allCases {
      let generation = slot.armed[kind.rawValue]
      if generation != timers.armed(index, kind) { violate("slot \(index): the driver keeps another \(kind) timer") }
      if kind == deadline, generation == 0 { violate("slot \(index) is \(slot.state) without a deadline") }
      if kind != deadline, generation != 0, !others.contains(kind) {
        violate("slot \(index) is \(slot.state) with a \(kind) timer")
      }
    }
  }
}
