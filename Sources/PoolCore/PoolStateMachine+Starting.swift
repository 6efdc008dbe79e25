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
    startMissing(at: now, into: &actions)
    retireSurplus(at: now, into: &actions)
    if breaker.isOpen, census.serving == 0, census.starting == 0, configuration.refusesWhileBreakerIsOpen {
      if case .halfOpen = breaker.state { return }
      refuseAllWaiters(.startsFail, into: &actions)
    }
    closeIfDone(into: &actions)
  }

  private mutating func startMissing(at now: UInt64, into actions: inout [PoolAction]) {
    let replacements = min(configuration.surge, census.overdue)
    let room = configuration.maximum.addingReportingOverflow(configuration.surge)
    let mostOccupied = room.overflow ? Int.max : room.partialValue
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
    let span = Int(Double(configuration.maximumJobs) * configuration.jitter)
    return configuration.maximumJobs - (span > 0 ? Int.random(in: 0...span, using: &generator) : 0)
  }

  mutating func workerReady(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), slots[slot].state == .starting else { return }
    slots[slot].lastUsed = now
    if configuration.maximumAge > 0 {
      let jitter = UInt64(Double(configuration.maximumAge) * configuration.jitter * generator.nextUnit())
      arm(slot, .age, after: configuration.maximumAge - jitter, into: &actions)
    }
    if configuration.readyIsProof { prove(slot, at: now, into: &actions) }
    rest(slot, at: now, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// The worker has shown that it works: whatever failed before is forgotten.
  mutating func prove(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    slots[slot].isProved = true
    slots[slot].failures = 0
    hasProvedOnce = true
    guard breaker.noteSuccess() else { return }
    actions.append(.report(.breakerClosed))
    startMissing(at: now, into: &actions)
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
    takeBackWaiter(of: slot)
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
    case (_, .failedStart): return !slots[slot].isProved
    case (_, .died), (_, .stopped): return false
    }
  }

  private mutating func noteStartFailure(
    _ slot: Int, isFinal: Bool, at now: UInt64, into actions: inout [PoolAction]
  ) {
    slots[slot].failures += 1
    let wait = configuration.backoff.wait(afterFailures: slots[slot].failures, using: &generator)
    actions.append(.report(.startFailed(worker(in: slot), failures: slots[slot].failures, wait: wait)))
    abortRoll(afterFailureOf: slots[slot].serial, into: &actions)
    if let failures = breaker.noteFailure(serial: slots[slot].serial, at: now, isFinal: isFinal), let timer = breaker.timer {
      let retryAfter = configuration.backoff.wait(afterFailures: failures + breaker.openings, using: &generator)
      actions.append(.arm(timer, after: retryAfter))
      actions.append(
        .report(
          .breakerOpened(failures: failures, period: configuration.restartBudget.period, retryAfter: retryAfter)))
    }
    guard phase == .open || phase == .draining else { return }
    setState(slot, .backingOff, into: &actions)
    arm(slot, .backoff, after: wait, into: &actions)
  }

  func isRollReplacement(_ serial: UInt64) -> Bool { rollBefore > 0 && serial >= rollBefore }

  mutating func refuseAllWaiters(_ refusal: LeaseRefusal, into actions: inout [PoolAction]) {
    for slot in slots.indices { takeBackWaiter(of: slot) }
    while let waiter = waiters.popFirst() {
      actions.append(.disarm(.waiter(waiter)))
      actions.append(.refuseLease(waiter, refusal))
    }
  }
}
