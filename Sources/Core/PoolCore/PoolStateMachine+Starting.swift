import Time

/// Starts: how one begins, is proved, fails, and is tried again after a wait, through the breaker.
extension PoolStateMachine {
  mutating func startWorker(in slot: Int, isForGrowth: Bool, at now: Instant, into actions: inout [PoolAction]) {
    lastSerial += 1
    let failures = slots[slot].failures
    let armed = slots[slot].armed
    slots[slot] = Slot()
    slots[slot].serial = lastSerial
    slots[slot].failures = failures
    slots[slot].armed = armed
    slots[slot].jobLimit = jitteredJobLimit()
    slots[slot].isForGrowth = isForGrowth
    slots[slot].startedAt = now
    breaker.noteStart(serial: lastSerial)
    setState(slot, .starting, into: &actions)
    arm(slot, .start, after: configuration.startLimit, into: &actions)
    actions.append(.startWorker(worker(in: slot)))
  }

  private mutating func jitteredJobLimit() -> Int {
    guard configuration.maximumJobs > 0 else { return 0 }
    // Below 2^62, so that it fits an Int whatever the maximum.
    let span = Int(min(Double(configuration.maximumJobs) * configuration.jitter, 0x1p62))
    return max(1, configuration.maximumJobs - (span > 0 ? Int.random(in: 0...span, using: &generator) : 0))
  }

  mutating func extendStart(_ worker: WorkerID, by time: Nanoseconds, at now: Instant, into actions: inout [PoolAction])
  {
    guard let slot = slot(of: worker), slots[slot].state == .starting else { return }
    let left = configuration.startLimit - (now - slots[slot].startedAt)
    arm(slot, .start, after: max(left, time), into: &actions)
  }

  mutating func workerReady(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), slots[slot].state == .starting else { return }
    slots[slot].lastUsed = now
    slots[slot].pacedSince = now
    if configuration.readyIsProof { typicalStart.follow(now - slots[slot].startedAt) }
    if configuration.maximumAge > .zero {
      let jitter = configuration.maximumAge.scaled(by: configuration.jitter * generator.nextUnit())
      arm(slot, .age, after: ageOfReplacement(limit: configuration.maximumAge - jitter), into: &actions)
    }
    if configuration.readyIsProof, !configuration.preparesEachLease { prove(slot, into: &actions) }
    if configuration.settleTime > .zero {
      arm(slot, .settle, after: configuration.settleTime, into: &actions)
    } else {
      survive(slot, into: &actions)
    }
    rest(slot, at: now, into: &actions)
    slots[slot].tookJobAtOnce = slots[slot].state == .leased
    reconcile(at: now, into: &actions)
  }

  /// The worker has shown that it works: starts need not be held back. The caller reconciles.
  private mutating func prove(_ slot: Int, into actions: inout [PoolAction]) {
    endLoading(slot) { $0.isProved = true }
    hasProvedOnce = true
    let timer = breaker.timer
    guard breaker.noteSuccess() else { return }
    if let timer { actions.append(.disarm(timer)) }
    actions.append(.report(.breakerClosed))
  }

  /// The worker could be prepared for a lease: where that is done, its first time is the proof.
  mutating func wasPrepared(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard configuration.preparesEachLease, !slots[slot].isProved else { return }
    prove(slot, into: &actions)
    survive(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  private mutating func endLoading(_ slot: Int, _ change: (inout Slot) -> Void) {
    let wasLoading = slots[slot].isLoading
    amend(slot, change)
    if wasLoading { hasLoaded(slot) }
  }

  /// The worker did its first job. Where ready is no proof that is the first that is known of how long a start takes,
  /// if the job waited for it.
  mutating func firstJobDone(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    if !slots[slot].isProved {
      slots[slot].pacedSince = now
      if slots[slot].tookJobAtOnce { typicalStart.follow(now - slots[slot].startedAt) }
      prove(slot, into: &actions)
    }
    survive(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// The worker has lived for the settle time, or as long as it may.
  mutating func settled(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard !slots[slot].hasSettled else { return }
    survive(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// One that was merely taken to be ready proves nothing by living on: it may still be starting, and its failures are
  /// not forgotten. But as the breaker's trial it lets the others start, or the pool would stay small until a job
  /// comes.
  private mutating func survive(_ slot: Int, into actions: inout [PoolAction]) {
    disarm(slot, .settle, into: &actions)
    endLoading(slot) { $0.hasSettled = true }
    if rollBefore > 0, slots[slot].serial >= rollBefore { rollIsTrusted = true }
    if slots[slot].isProved {
      slots[slot].failures = 0
      breaker.endRow()
    }
    if breaker.trialSurvived(serial: slots[slot].serial) { actions.append(.report(.breakerClosed)) }
  }

  mutating func startTimedOut(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    slots[slot].startHasFailed = true
    retire(slot, .startTimeout, .prompt, at: now, into: &actions)
  }

  mutating func backoffEnded(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    setEmpty(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// A worker is gone: settle its account, and decide what becomes of its slot.
  mutating func workerGone(_ worker: WorkerID, _ cause: GoneCause, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return impossible(.goneWithoutWorker, into: &actions) }
    let failed = startFailed(slot, cause)
    takeBackClaim(of: slot)
    vacate(slot, into: &actions)
    if failed {
      noteStartFailure(slot, isFinal: cause == .cannotStart && !hasProvedOnce, at: now, into: &actions)
    } else {
      breaker.trialVanished(serial: worker.serial)
    }
    dispatch(at: now, into: &actions)
    reconcile(at: now, into: &actions)
  }

  private func startFailed(_ slot: Int, _ cause: GoneCause) -> Bool {
    if slots[slot].startHasFailed { return true }
    switch (slots[slot].state, cause) {
    case (.stopping, _): return false
    case (.starting, _), (_, .cannotStart): return true
    case (.leased, .died), (_, .stopped): return false
    case (_, .died): return !slots[slot].hasSettled
    case (_, .failedStart): return !slots[slot].isProved || !slots[slot].hasSettled
    }
  }

  private mutating func noteStartFailure(
    _ slot: Int, isFinal: Bool, at now: Instant, into actions: inout [PoolAction]
  ) {
    guard phase == .open || phase == .draining else { return }
    slots[slot].failures += 1
    lastTry = now
    let wait = configuration.backoff.wait(afterFailures: slots[slot].failures, using: &generator)
    actions.append(.report(.startFailed(worker(in: slot), failures: slots[slot].failures, wait: wait)))
    abortRoll(afterFailureOf: slots[slot].serial, into: &actions)
    let opening = breaker.noteFailure(
      serial: slots[slot].serial, inARow: slots[slot].failures, at: now, isFinal: isFinal)
    if let opening, let timer = breaker.timer {
      prefilling = 0
      refusesAtOpening = breaker.openings == 1
      let wait = configuration.backoff.wait(afterFailures: opening.failures + breaker.openings, using: &generator)
      actions.append(.arm(timer, after: wait))
      actions.append(
        .report(.breakerOpened(failures: opening.failures, period: opening.period, retryAfter: wait)))
    }
    setState(slot, .backingOff, into: &actions)
    arm(slot, .backoff, after: wait, into: &actions)
    refuseEager(into: &actions)
  }

  /// Refuses the waiters and the demand.
  mutating func refuseAllWaiters(_ refusal: LeaseRefusal, into actions: inout [PoolAction]) {
    if preparesLeases {
      for slot in slots.indices { takeBackClaim(of: slot) }
    }
    refuseDemand(refusal, into: &actions)
    while let waiter = waiters.popFirst() {
      if waiter.patience == .timed { actions.append(.disarm(.waiter(waiter.id))) }
      actions.append(.refuseLease(waiter.id, refusal))
    }
  }
}
