/// Starts: as many as are wanted, failed ones again after a wait, through the breaker.
extension PoolStateMachine {
  /// Workers that should serve, from demand: everyone busy, and as many more as the waiters need.
  var target: Int {
    switch phase {
    case .new, .stopping, .closed: return 0
    case .draining: return min(configuration.maximum, census.busy + workersForWaiters)
    case .open:
      return max(configuration.minimum, min(configuration.maximum, census.busy + workersForWaiters))
    }
  }

  private var workersForWaiters: Int {
    (waiters.count + configuration.capacity - 1) / configuration.capacity
  }

  /// Starts what is missing, retires what is too much, and refuses waiters that nobody will ever serve.
  mutating func reconcile(at now: UInt64, into actions: inout [PoolAction]) {
    advanceRecycling(at: now, into: &actions)
    startMissing(into: &actions)
    if case .open = breaker.state, configuration.refusesWhileBreakerIsOpen, census.serving + census.starting == 0 {
      refuseAllWaiters(.startsFail, into: &actions)
    }
    retireSurplus(at: now, into: &actions)
    closeIfDone(into: &actions)
  }

  /// Replacements that may serve beside the workers they will replace.
  private var replacements: Int { phase == .open ? min(configuration.surge, census.overdue) : 0 }

  /// Workers that may serve at once: more than the maximum only while some are being replaced.
  var mostServing: Int { configuration.maximum.addingUpToMax(replacements) }

  private mutating func startMissing(into actions: inout [PoolAction]) {
    let mostOccupied = configuration.maximum.addingUpToMax(configuration.surge)
    while census.serving + census.starting + census.backingOff < target + replacements,
      census.occupied + census.backingOff < mostOccupied, census.starting < configuration.maximumStarting,
      breaker.allowsStart
    {
      startWorker(in: emptySlot(), into: &actions)
    }
  }

  private mutating func emptySlot() -> Int {
    if census.occupied + census.backingOff < slots.count, let slot = slots.firstIndex(where: { $0.state == .empty }) {
      return slot
    }
    slots.append(Slot())
    return slots.count - 1
  }

  private mutating func startWorker(in slot: Int, into actions: inout [PoolAction]) {
    lastSerial += 1
    let failures = slots[slot].failures
    let armed = slots[slot].armed
    slots[slot] = Slot()
    slots[slot].serial = lastSerial
    slots[slot].failures = failures
    slots[slot].armed = armed
    slots[slot].jobLimit = jitteredJobLimit()
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

  mutating func workerReady(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), slots[slot].state == .starting else { return }
    slots[slot].lastUsed = now
    if configuration.maximumAge > 0 {
      let jitter = UInt64(Double(configuration.maximumAge) * configuration.jitter * generator.nextUnit())
      arm(slot, .age, after: configuration.maximumAge - jitter, into: &actions)
    }
    if configuration.readyIsProof { prove(slot, into: &actions) }
    if configuration.settleTime > 0 {
      arm(slot, .settle, after: configuration.settleTime, into: &actions)
    } else {
      survive(slot, into: &actions)
    }
    rest(slot, at: now, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// The worker has shown that it works: starts need not be held back. The caller reconciles.
  private mutating func prove(_ slot: Int, into actions: inout [PoolAction]) {
    slots[slot].isProved = true
    hasProvedOnce = true
    let timer = breaker.timer
    guard breaker.noteSuccess() else { return }
    if let timer { actions.append(.disarm(timer)) }
    actions.append(.report(.breakerClosed))
  }

  /// The worker did its first job.
  mutating func firstJobDone(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    if !slots[slot].isProved { prove(slot, into: &actions) }
    survive(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// The worker has lived for the settle time, or as long as it may.
  mutating func settled(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    guard !slots[slot].hasSettled else { return }
    survive(slot, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// One that was merely taken to be ready proves nothing by living on: it may still be starting, and its failures are
  /// not forgotten. But as the breaker's trial it lets the others start, or the pool would stay small until a job
  /// comes.
  private mutating func survive(_ slot: Int, into actions: inout [PoolAction]) {
    disarm(slot, .settle, into: &actions)
    slots[slot].hasSettled = true
    if slots[slot].isProved { slots[slot].failures = 0 }
    if breaker.trialSurvived(serial: slots[slot].serial) { actions.append(.report(.breakerClosed)) }
  }

  mutating func startTimedOut(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    slots[slot].startHasFailed = true
    retire(slot, .startTimeout, .prompt, at: now, into: &actions)
  }

  mutating func backoffEnded(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    setState(slot, .empty, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// A worker is gone: settle its account, and decide what becomes of its slot.
  mutating func workerGone(_ worker: WorkerID, _ cause: GoneCause, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return impossible(.goneWithoutWorker, into: &actions) }
    let failed = startFailed(slot, cause)
    takeBackWaiter(of: slot, at: now, into: &actions)
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
    _ slot: Int, isFinal: Bool, at now: UInt64, into actions: inout [PoolAction]
  ) {
    guard phase == .open || phase == .draining else { return }
    slots[slot].failures += 1
    let wait = configuration.backoff.wait(afterFailures: slots[slot].failures, using: &generator)
    actions.append(.report(.startFailed(worker(in: slot), failures: slots[slot].failures, wait: wait)))
    abortRoll(afterFailureOf: slots[slot].serial, into: &actions)
    if let failures = breaker.noteFailure(serial: slots[slot].serial, at: now, isFinal: isFinal),
      let timer = breaker.timer
    {
      let retryAfter = configuration.backoff.wait(afterFailures: failures + breaker.openings, using: &generator)
      actions.append(.arm(timer, after: retryAfter))
      actions.append(
        .report(
          .breakerOpened(failures: failures, period: configuration.restartBudget.period, retryAfter: retryAfter)))
    }
    setState(slot, .backingOff, into: &actions)
    arm(slot, .backoff, after: wait, into: &actions)
  }

  func isRollReplacement(_ serial: UInt64) -> Bool { rollBefore > 0 && serial >= rollBefore }

  mutating func refuseAllWaiters(_ refusal: LeaseRefusal, into actions: inout [PoolAction]) {
    for slot in slots.indices {
      guard case .probing(let waiter?) = slots[slot].state else { continue }
      slots[slot].state = .probing(nil)
      waiters.putBack(waiter)
    }
    while let waiter = waiters.popFirst() {
      if waiter.patience == .timed { actions.append(.disarm(.waiter(waiter.id))) }
      actions.append(.refuseLease(waiter.id, refusal))
    }
  }
}

extension Int {
  /// The sum, or the greatest number: limits may be `Int.max`, "no limit".
  func addingUpToMax(_ other: Int) -> Int {
    let sum = addingReportingOverflow(other)
    return sum.overflow ? .max : sum.partialValue
  }
}
