import Time

/// Retirement of one worker, the stop ladder, and the end of all.
extension PoolStateMachine {
  mutating func workerBroken(
    _ worker: WorkerID, _ jobUntouched: Bool, _ interrupted: Bool, at now: Instant, into actions: inout [PoolAction]
  ) {
    guard let slot = slot(of: worker) else { return }
    switch slots[slot].state {
    case .empty, .backingOff, .stopping: break
    case .leased:
      let mayBeTheJob = interrupted || hasProvedOnce || configuration.blamesJobs
      slots[slot].startHasFailed =
        jobUntouched ? !slots[slot].isProved || !slots[slot].hasSettled : !slots[slot].isProved && !mayBeTheJob
    case .starting, .idle, .probing, .resetting:
      slots[slot].startHasFailed = !slots[slot].isProved || !slots[slot].hasSettled
    }
    takeBackClaim(of: slot)
    retire(slot, .broken, .prompt, at: now, into: &actions)
  }

  mutating func retirementRequested(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return }
    switch slots[slot].state {
    case .empty, .backingOff, .stopping: return
    case .leased: break
    // One that goes without having worked must not be started again at once, for ever.
    case .starting, .idle, .probing, .resetting: slots[slot].startHasFailed = !slots[slot].hasSettled
    }
    retire(slot, .own, .graceful, at: now, into: &actions)
  }

  /// No further lease; stopped now, or when its last lease ends. Bad ends (`.prompt`) do not wait for leases.
  mutating func retire(
    _ slot: Int, _ reason: RetireReason, _ urgency: StopUrgency, at now: Instant, into actions: inout [PoolAction]
  ) {
    setRetiring(slot, reason, into: &actions)
    switch slots[slot].state {
    case .empty, .backingOff: return
    case .stopping: beginStop(slot, urgency, into: &actions)
    case .probing, .leased, .resetting: if urgency != .graceful { beginStop(slot, urgency, into: &actions) }
    case .starting, .idle: beginStop(slot, urgency, into: &actions)
    }
    dispatch(at: now, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// Puts the worker on the stop ladder. Its leases, if any, are void.
  mutating func beginStop(_ slot: Int, _ urgency: StopUrgency, into actions: inout [PoolAction]) {
    let lastStep = configuration.stopLadder.count - 1
    let step: Int
    switch urgency {
    case .graceful: step = 0
    case .prompt: step = min(1, lastStep)
    case .immediate: step = lastStep
    }
    if case .stopping(let current) = slots[slot].state, current >= step { return }
    if slots[slot].retiring == nil { setRetiring(slot, .stopped, into: &actions) }
    available.remove(slot, from: &slots)
    slots[slot].leases = 0
    disarmLife(slot, into: &actions)
    takeStopStep(slot, step, into: &actions)
  }

  private mutating func takeStopStep(_ slot: Int, _ step: Int, into actions: inout [PoolAction]) {
    let rung = min(step, configuration.stopLadder.count - 1)
    setState(slot, .stopping(step: step), into: &actions)
    arm(slot, .stop, after: configuration.stopLadder[rung], into: &actions)
    actions.append(.stopWorker(worker(in: slot), step: rung))
  }

  mutating func stopTimedOut(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard case .stopping(let step) = slots[slot].state else { return }
    let steps = configuration.stopLadder.count
    if step + 1 == steps { actions.append(.report(.stuck(worker(in: slot)))) }
    if step + 1 >= steps, configuration.abandonsAfterLadder {
      actions.append(.abandonWorker(worker(in: slot)))
      return workerGone(worker(in: slot), .stopped, at: now, into: &actions)
    }
    takeStopStep(slot, min(step + 1, steps), into: &actions)
    guard slots[slot].isBeingReplaced, step + 1 == steps else { return }
    // One that cannot be killed, perhaps for days, must not keep all others past their limits.
    amend(slot) { $0.isBeingReplaced = false }
    reconcile(at: now, into: &actions)
  }

  /// Makes the slot empty, whatever was in it.
  mutating func vacate(_ slot: Int, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    disarmLife(slot, into: &actions)
    amend(slot) {
      $0.overdue = nil
      $0.retiring = nil
      $0.isBeingReplaced = false
    }
    setEmpty(slot, into: &actions)
    slots[slot].leases = 0
    slots[slot].startHasFailed = false
  }

  // MARK: The end

  mutating func drain(at now: Instant, into actions: inout [PoolAction]) {
    guard phase == .open || phase == .new else { return }
    phase = .draining
    reconcile(at: now, into: &actions)
  }

  mutating func close(at now: Instant, into actions: inout [PoolAction]) {
    guard phase == .open || phase == .new || phase == .draining else { return }
    isClosing = true
    refuseAllWaiters(.closed, into: &actions)
    phase = .draining
    reconcile(at: now, into: &actions)
  }

  mutating func stop(_ urgency: StopUrgency, into actions: inout [PoolAction]) {
    guard phase != .closed else { return }
    phase = .stopping
    refuseAllWaiters(.closed, into: &actions)
    for slot in slots.indices {
      switch slots[slot].state {
      case .empty: break
      case .backingOff: setEmpty(slot, into: &actions)
      case .starting, .idle, .probing, .leased, .resetting, .stopping: beginStop(slot, urgency, into: &actions)
      }
    }
    closeIfDone(into: &actions)
  }

  mutating func closeIfDone(into actions: inout [PoolAction]) {
    switch phase {
    case .new, .open, .closed: return
    case .draining: guard waiting == 0, census.backingOff == 0 else { return }
    case .stopping: break
    }
    guard census.occupied == 0 else { return }
    phase = .closed
    endReview(into: &actions)
    if let timer = breaker.timer { actions.append(.disarm(timer)) }
    actions.append(.closed)
  }
}
