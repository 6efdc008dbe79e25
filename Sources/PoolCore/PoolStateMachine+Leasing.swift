/// Leases: asked for, granted, refused, given back.
extension PoolStateMachine {
  mutating func requestLease(
    _ waiter: WaiterID, _ limit: WaitLimit, at now: UInt64, into actions: inout [PoolAction]
  ) {
    if let lastWaiter, waiter <= lastWaiter { return impossible(.waiterOutOfOrder, into: &actions) }
    lastWaiter = waiter
    guard phase == .open else { return actions.append(.refuseLease(waiter, .closed)) }
    if waiters.isEmpty, let slot = available.pick(configuration.leaseOrder) {
      return serve(waiter, from: slot, at: now, into: &actions)
    }
    switch limit {
    case .immediately: return actions.append(.refuseLease(waiter, .exhausted))
    case .within(let wait): actions.append(.arm(.waiter(waiter), after: wait))
    case .forever: break
    }
    waiters.append(waiter)
    // A fixed pool at full strength has nothing to decide: this is the path of every job of a busy pool.
    if census.serving < configuration.maximum { reconcile(at: now, into: &actions) }
  }

  mutating func withdrawLease(_ waiter: WaiterID, into actions: inout [PoolAction]) {
    if removeWaiter(waiter) { actions.append(.disarm(.waiter(waiter))) }
  }

  /// Takes the waiter out of the queue, or out of the probe that is made for it.
  mutating func removeWaiter(_ waiter: WaiterID) -> Bool {
    if waiters.withdraw(waiter) { return true }
    guard configuration.probeBeforeLeaseUnlessUsedWithin != nil else { return false }
    for slot in slots.indices where slots[slot].state == .probing(waiter) {
      slots[slot].state = .probing(nil)
      return true
    }
    return false
  }

  /// Gives the waiter this available worker, after a probe if one is due.
  private mutating func serve(_ waiter: WaiterID, from slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    if let grace = configuration.probeBeforeLeaseUnlessUsedWithin, now &- slots[slot].lastUsed > grace {
      return beginProbe(slot, for: waiter, into: &actions)
    }
    grant(waiter, slot, into: &actions)
  }

  mutating func grant(_ waiter: WaiterID, _ slot: Int, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    if slots[slot].leases == 0 {
      setState(slot, .leased, into: &actions)
      if configuration.leaseReportLimit > 0 { arm(slot, .lease, after: configuration.leaseReportLimit, into: &actions) }
    }
    slots[slot].leases += 1
    if slots[slot].leases < configuration.capacity { available.insert(slot, into: &slots) }
    actions.append(.grantLease(waiter, worker(in: slot)))
  }

  /// Serves waiters as long as there are workers for them.
  mutating func dispatch(at now: UInt64, into actions: inout [PoolAction]) {
    while !waiters.isEmpty, let slot = available.pick(configuration.leaseOrder), let waiter = waiters.popFirst() {
      serve(waiter, from: slot, at: now, into: &actions)
    }
  }

  mutating func releaseLease(
    _ worker: WorkerID, _ end: LeaseEnd, at now: UInt64, into actions: inout [PoolAction]
  ) {
    guard let slot = slot(of: worker), slots[slot].leases > 0, slots[slot].state == .leased else {
      return impossible(.releaseWithoutLease, into: &actions)
    }
    available.remove(slot, from: &slots)
    slots[slot].leases -= 1
    slots[slot].lastUsed = now
    switch end {
    case .unused: break
    case .healthy: countJob(slot, at: now, into: &actions)
    case .wantsToRetire:
      countJob(slot, at: now, into: &actions)
      setRetiring(slot, .own, into: &actions)
    }
    if slots[slot].retiring == nil { return giveBack(slot, wasUsed: end != .unused, at: now, into: &actions) }
    if slots[slot].leases == 0 { beginStop(slot, .graceful, into: &actions) }
    reconcile(at: now, into: &actions)
  }

  private mutating func countJob(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    slots[slot].jobs += 1
    if !slots[slot].isProved { prove(slot, at: now, into: &actions) }
    if slots[slot].jobLimit > 0, slots[slot].jobs == slots[slot].jobLimit {
      limitReached(slot, .jobs, at: now, into: &actions)
    }
  }

  /// The worker goes on serving: to its next waiter, or to rest.
  private mutating func giveBack(_ slot: Int, wasUsed: Bool, at now: UInt64, into actions: inout [PoolAction]) {
    if wasUsed, configuration.resetsAfterLease {
      setState(slot, .resetting, into: &actions)
      arm(slot, .reset, after: configuration.resetLimit, into: &actions)
      return actions.append(.resetWorker(worker(in: slot)))
    }
    if slots[slot].leases == 0 {
      rest(slot, at: now, into: &actions)
    } else {
      available.insert(slot, into: &slots)
      dispatch(at: now, into: &actions)
    }
  }

  /// The worker is free: the next waiter gets it, or it rests until one comes.
  mutating func rest(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    setState(slot, .idle, into: &actions)
    available.insert(slot, into: &slots)
    dispatch(at: now, into: &actions)
    guard slots[slot].state == .idle else { return }
    if phase == .draining || census.serving > configuration.maximum {
      return reconcile(at: now, into: &actions)
    }
    if configuration.idleLimit > 0, census.serving > configuration.minimum {
      arm(slot, .idle, after: configuration.idleLimit, into: &actions)
    }
    if configuration.probeInterval > 0 {
      arm(slot, .probeInterval, after: configuration.probeInterval, into: &actions)
    }
  }
}
