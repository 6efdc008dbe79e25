import Time

/// Leases: asked for, granted, refused, given back.
extension PoolStateMachine {
  mutating func requestLease(
    _ waiter: WaiterID, _ limit: WaitLimit, at now: Instant, into actions: inout [PoolAction]
  ) {
    if let lastWaiter, waiter <= lastWaiter { return impossible(.waiterOutOfOrder, into: &actions) }
    lastWaiter = waiter
    guard phase == .open else { return actions.append(.refuseLease(waiter, .closed)) }
    if waiting == 0 { growth = 1 }
    let slot = waiters.isEmpty ? available.pick(configuration.leaseOrder) : nil
    if let slot, isFit(slot, at: now) {
      return grant(.waiter(Waiter(id: waiter, patience: .endless)), slot, into: &actions)
    }
    let patience: Waiter.Patience
    switch limit {
    case .unlessExhausted: patience = .eager
    case .within(let wait):
      patience = .timed
      actions.append(.arm(.waiter(waiter), after: wait))
    case .forever: patience = .endless
    }
    if let slot { return serve(.waiter(Waiter(id: waiter, patience: patience)), from: slot, at: now, into: &actions) }
    waiters.append(Waiter(id: waiter, patience: patience))
    // A fixed pool at full strength has nothing to decide: this is the path of every job of a busy pool.
    if census.serving < configuration.maximum { reconcile(at: now, into: &actions) }
    refuseEager(into: &actions)
  }

  /// Refuses waiters that wait only as long as a worker is coming for them, the last ones first.
  mutating func refuseEager(into actions: inout [PoolAction]) {
    while waiters.eager > 0, let waiter = waiters.withdrawLastEager(beyond: coming) {
      let startsFail = census.backingOff > 0 || !breaker.allowsStart
      actions.append(.refuseLease(waiter, startsFail ? .startsFail : .exhausted))
    }
  }

  /// Workers that will be free, or can be started, without the end of a lease and without a wait after a failure. The
  /// place of one that is being stopped is as good as free: a dead worker does not exhaust a pool.
  private var coming: Int {
    var (held, ending) = (0, 0)
    for slot in slots {
      let isHeld = slot.state == .leased || slot.state.waiter != nil
      if slot.isServing, isHeld { held += 1 }
      if slot.retiring != nil, !isHeld, !slot.startHasFailed { ending += 1 }
    }
    let taken = census.occupied - ending + census.backingOff
    let startable = breaker.allowsStart ? max(0, configuration.maximum - taken) : 0
    return (census.serving - held + census.starting).addingUpToMax(startable)
  }

  mutating func withdrawLease(_ id: WaiterID, at now: Instant, into actions: inout [PoolAction]) {
    guard let waiter = removeWaiter(id) else { return }
    if waiter.patience == .timed { actions.append(.disarm(.waiter(id))) }
    if phase == .draining { reconcile(at: now, into: &actions) }
  }

  mutating func waitedTooLong(_ id: WaiterID, at now: Instant, into actions: inout [PoolAction]) {
    guard removeWaiter(id) != nil else { return }
    actions.append(.refuseLease(id, .timedOut))
    if phase == .draining { reconcile(at: now, into: &actions) }
  }

  /// Takes the waiter out of the queue, or out of the probe or reset that is made for it; nil if it waits no longer.
  private mutating func removeWaiter(_ id: WaiterID) -> Waiter? {
    if let waiter = waiters.withdraw(id) { return waiter }
    guard preparesLeases else { return nil }
    for slot in slots.indices {
      guard let waiter = slots[slot].state.waiter, waiter.id == id else { continue }
      dropClaim(slot)
      return waiter
    }
    return nil
  }

  /// Workers may be probed or reset for a waiter or the demand.
  @inline(__always)
  var preparesLeases: Bool {
    configuration.probeBeforeLeaseUnlessUsedWithin != nil || configuration.resetsBeforeLease
      || configuration.preparesEachLease
  }

  /// The worker can be handed out as it is.
  @inline(__always)
  func isFit(_ slot: Int, at now: Instant) -> Bool {
    !(configuration.resetsBeforeLease && slots[slot].isDirty) && !configuration.preparesEachLease
      && !isProbeDue(slot, at: now)
  }

  @inline(__always)
  func isProbeDue(_ slot: Int, at now: Instant) -> Bool {
    guard let grace = configuration.probeBeforeLeaseUnlessUsedWithin else { return false }
    return now - slots[slot].lastUsed > grace || grace == .zero && slots[slot].isUnchecked
  }

  /// Gives the claim this available worker, after a reset and a probe if they are due.
  mutating func serve(_ claim: Claim, from slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    if configuration.resetsBeforeLease, slots[slot].isDirty {
      return beginReset(slot, for: claim, at: now, into: &actions)
    }
    if configuration.preparesEachLease || isProbeDue(slot, at: now) {
      return beginProbe(slot, for: claim, at: now, into: &actions)
    }
    grant(claim, slot, into: &actions)
  }

  mutating func grant(_ claim: Claim, _ slot: Int, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    if slots[slot].leases == 0 {
      slots[slot].hasServedInLease = false
      setState(slot, .leased, into: &actions)
      if configuration.leaseReportLimit > .zero {
        arm(slot, .lease, after: configuration.leaseReportLimit, into: &actions)
      }
    }
    slots[slot].leases += 1
    if slots[slot].leases < configuration.capacity { available.insert(slot, into: &slots) }
    switch claim {
    case .waiter(let waiter):
      if waiter.patience == .timed { actions.append(.disarm(.waiter(waiter.id))) }
      actions.append(.grantLease(waiter.id, worker(in: slot)))
    case .demand:
      demand -= 1
      actions.append(.offer(worker(in: slot)))
    }
  }

  /// Serves waiters, then the demand, as long as there are workers for them.
  mutating func dispatch(at now: Instant, into actions: inout [PoolAction]) {
    while waiting > 0, let slot = available.pick(configuration.leaseOrder) {
      serve(waiters.popFirst().map { .waiter($0) } ?? .demand, from: slot, at: now, into: &actions)
    }
  }

  mutating func releaseLease(
    _ worker: WorkerID, _ end: LeaseEnd, at now: Instant, into actions: inout [PoolAction]
  ) {
    guard let slot = slot(of: worker) else { return impossible(.releaseWithoutLease, into: &actions) }
    // The job of a worker that is being stopped may still end well; its lease was void all the same.
    if case .stopping = slots[slot].state { return }
    guard slots[slot].state == .leased else { return impossible(.releaseWithoutLease, into: &actions) }
    available.remove(slot, from: &slots)
    slots[slot].leases -= 1
    switch end {
    case .unused:
      slots[slot].lastUsed = now
      slots[slot].isUnchecked = true
    case .healthy: countJobs(slot, 1, at: now, into: &actions)
    }
    if servesTooMany { setRetiring(slot, .surplus, into: &actions) }
    let wasUsed = end != .unused || slots[slot].hasServedInLease
    if slots[slot].retiring == nil { return giveBack(slot, wasUsed: wasUsed, at: now, into: &actions) }
    if slots[slot].leases == 0 { beginStop(slot, .graceful, into: &actions) }
    reconcile(at: now, into: &actions)
  }

  mutating func countJobs(_ slot: Int, _ count: Int, at now: Instant, into actions: inout [PoolAction]) {
    slots[slot].recordJobs(count, at: now)
    // First what becomes of this worker: one that goes is no reason, proved or not, to let another one go.
    if slots[slot].jobLimit > 0 { checkJobLimit(slot, after: count, at: now, into: &actions) }
    if slots[slot].jobs == count { firstJobDone(slot, at: now, into: &actions) }
  }

  /// The worker goes on serving: to its next waiter, or to rest.
  private mutating func giveBack(_ slot: Int, wasUsed: Bool, at now: Instant, into actions: inout [PoolAction]) {
    if wasUsed, configuration.resetsAfterLease { return beginReset(slot, for: nil, at: now, into: &actions) }
    if wasUsed, configuration.probesAfterLease { return beginProbe(slot, for: nil, at: now, into: &actions) }
    if slots[slot].leases == 0 {
      rest(slot, at: now, into: &actions)
    } else {
      available.insert(slot, into: &slots)
      dispatch(at: now, into: &actions)
    }
  }

  /// One that is merely taken to be ready may still be loading: nobody should wait for that while a worker is free that
  /// works.
  @inline(__always)
  private func isOnTrust(_ slot: Int, after old: SlotState) -> Bool {
    old == .starting && !slots[slot].isProved && configuration.leaseOrder == .lifo
  }

  /// The worker is free: the next waiter gets it, or it rests until one comes. A worker that is one too many goes even
  /// if something waits. With `keepsPlace` it stays as cold as it was: a probe is not a use.
  mutating func rest(_ slot: Int, keepsPlace: Bool = false, at now: Instant, into actions: inout [PoolAction]) {
    let old = slots[slot].state
    setState(slot, .idle, into: &actions)
    if !keepsPlace { slots[slot].idleSince = now }
    if keepsPlace || isOnTrust(slot, after: old) {
      available.insertAsColdest(slot, into: &slots)
    } else {
      available.insert(slot, into: &slots)
    }
    if phase == .draining || servesTooMany { reconcile(at: now, into: &actions) }
    dispatch(at: now, into: &actions)
    if census.serving - census.busy > mostIdle { retireSpare(at: now, into: &actions) }
    guard slots[slot].state == .idle else { return }
    if canShrink { watchIdle(slot, at: now, into: &actions) }
    if configuration.probeInterval > .zero {
      arm(slot, .probeInterval, after: configuration.probeInterval, into: &actions)
    }
  }
}
