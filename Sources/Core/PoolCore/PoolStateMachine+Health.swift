import Time

/// Probes and resets: nobody is handed a worker that is sick or remembers its last job.
extension PoolStateMachine {
  /// Makes a worker forget its last job, after a lease or on behalf of a claim.
  mutating func beginReset(_ slot: Int, for claim: Claim?, at now: Instant, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    slots[slot].checkBegan = now
    setState(slot, .resetting(claim), into: &actions)
    arm(slot, .reset, after: configuration.resetLimit, into: &actions)
    actions.append(.resetWorker(worker(in: slot)))
  }

  /// Checks an idle worker, on behalf of a claim or on its own account.
  mutating func beginProbe(_ slot: Int, for claim: Claim?, at now: Instant, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    // One after a reset is part of the same return.
    if case .resetting = slots[slot].state {} else { slots[slot].checkBegan = now }
    setState(slot, .probing(claim), into: &actions)
    arm(slot, .probe, after: configuration.probeLimit, into: &actions)
    if claim != nil, configuration.preparesEachLease {
      actions.append(.prepareWorker(worker(in: slot), probesFirst: isProbeDue(slot, at: now)))
    } else {
      actions.append(.probeWorker(worker(in: slot)))
    }
  }

  mutating func probePassed(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .probing(let claim) = slots[slot].state else { return }
    slots[slot].lastUsed = now
    recordCheckTime(slot, at: now)
    let followsLease = configuration.probesAfterLease && slots[slot].isUnchecked
    slots[slot].isUnchecked = false
    guard slots[slot].retiring == nil else { return retireChecked(slot, at: now, into: &actions) }
    if let next = firstInLine(claim) {
      grant(next, slot, into: &actions)
      wasPrepared(slot, at: now, into: &actions)
      if next != claim { reconcile(at: now, into: &actions) }
      return
    }
    rest(slot, keepsPlace: !followsLease, at: now, into: &actions)
  }

  /// What gets the worker that was checked for this claim. A waiter that arrived during the check goes before the demand,
  /// which then needs another worker.
  private mutating func firstInLine(_ claim: Claim?) -> Claim? {
    switch claim {
    case .demand: waiters.popFirst().map { .waiter($0) } ?? claim
    case .waiter, nil: claim
    }
  }

  /// The check went well, but meanwhile the worker was told to retire.
  private mutating func retireChecked(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    takeBackClaim(of: slot)
    beginStop(slot, .graceful, into: &actions)
    dispatch(at: now, into: &actions)
    reconcile(at: now, into: &actions)
  }

  mutating func probeFailed(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .probing = slots[slot].state else { return }
    checkEndedBadly(slot, .probe, at: now, into: &actions)
  }

  /// The worker is stopped; its claim is served by the next one.
  mutating func checkEndedBadly(
    _ slot: Int, _ reason: RetireReason, at now: Instant, into actions: inout [PoolAction]
  ) {
    takeBackClaim(of: slot)
    if configuration.preparesEachLease, !slots[slot].isProved { slots[slot].startHasFailed = true }
    retire(slot, reason, .prompt, at: now, into: &actions)
    refuseEager(into: &actions)
  }

  /// If a probe or a reset is under way for a waiter, the waiter returns to its place in the queue; if it is for the
  /// demand, that needs another worker.
  mutating func takeBackClaim(of slot: Int) {
    guard let claim = slots[slot].state.claim else { return }
    dropClaim(slot)
    switch claim {
    case .waiter(let waiter): waiters.putBack(waiter)
    case .demand: break
    }
  }

  /// The check goes on, on no one's behalf.
  mutating func dropClaim(_ slot: Int) { amend(slot) { $0.state = $0.state.withoutClaim } }

  mutating func resetPassed(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .resetting(let claim) = slots[slot].state else { return }
    slots[slot].isDirty = false
    guard slots[slot].retiring == nil else { return retireChecked(slot, at: now, into: &actions) }
    guard let next = firstInLine(claim) else {
      if configuration.probesAfterLease { return beginProbe(slot, for: nil, at: now, into: &actions) }
      recordCheckTime(slot, at: now)
      return rest(slot, at: now, into: &actions)
    }
    recordCheckTime(slot, at: now)
    serve(next, from: slot, at: now, into: &actions)
    if next != claim { reconcile(at: now, into: &actions) }
  }

  mutating func resetFailed(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .resetting = slots[slot].state else { return }
    checkEndedBadly(slot, .reset, at: now, into: &actions)
  }
}
