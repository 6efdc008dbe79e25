/// Retirement: limits, recycling with or without surge, sizing down, and the stop ladder.
extension PoolStateMachine {
  /// The worker has reached a limit. With surge it serves on until its replacement is ready (make before break);
  /// without, it gets no further lease (gunicorn #2417 is the price, a strict limit the gain).
  mutating func limitReached(_ slot: Int, _ reason: RetireReason, at now: UInt64, into actions: inout [PoolAction]) {
    guard slots[slot].isServing else { return }
    if configuration.surge > 0 {
      // A limit outlasts a mere request: when a roll is given up, the worker must still go.
      if slots[slot].overdue == nil || slots[slot].overdue == .requested { setOverdue(slot, reason) }
      return reconcile(at: now, into: &actions)
    }
    retire(slot, reason, .graceful, at: now, into: &actions)
  }

  mutating func workerBroken(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return }
    switch slots[slot].state {
    case .empty, .backingOff, .stopping: break
    case .leased: slots[slot].startHasFailed = !slots[slot].isProved
    case .starting, .idle, .probing, .resetting:
      slots[slot].startHasFailed = !slots[slot].isProved || !slots[slot].hasSettled
    }
    takeBackWaiter(of: slot, at: now, into: &actions)
    retire(slot, .broken, .prompt, at: now, into: &actions)
  }

  /// No further lease; stopped now, or when its last lease ends. Bad ends (`.prompt`) do not wait for leases.
  mutating func retire(
    _ slot: Int, _ reason: RetireReason, _ urgency: StopUrgency, at now: UInt64, into actions: inout [PoolAction]
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
    disarm(slot, .age, into: &actions)
    disarm(slot, .settle, into: &actions)
    takeStopStep(slot, step, into: &actions)
  }

  private mutating func takeStopStep(_ slot: Int, _ step: Int, into actions: inout [PoolAction]) {
    let rung = min(step, configuration.stopLadder.count - 1)
    setState(slot, .stopping(step: step), into: &actions)
    arm(slot, .stop, after: configuration.stopLadder[rung], into: &actions)
    actions.append(.stopWorker(worker(in: slot), step: rung))
  }

  mutating func stopTimedOut(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    guard case .stopping(let step) = slots[slot].state else { return }
    let steps = configuration.stopLadder.count
    if step + 1 == steps { actions.append(.report(.stuck(worker(in: slot)))) }
    guard step + 1 >= steps, configuration.abandonsAfterLadder else {
      return takeStopStep(slot, min(step + 1, steps), into: &actions)
    }
    actions.append(.abandonWorker(worker(in: slot)))
    workerGone(worker(in: slot), .stopped, at: now, into: &actions)
  }

  /// Makes the slot empty, whatever was in it.
  mutating func vacate(_ slot: Int, into actions: inout [PoolAction]) {
    available.remove(slot, from: &slots)
    disarm(slot, .age, into: &actions)
    disarm(slot, .settle, into: &actions)
    setOverdue(slot, nil)
    setState(slot, .empty, into: &actions)
    slots[slot].leases = 0
    slots[slot].retiring = nil
    slots[slot].startHasFailed = false
  }

  mutating func idleTooLong(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    guard census.serving > configuration.minimum else {
      return arm(slot, .idle, after: configuration.idleLimit, into: &actions)
    }
    retire(slot, .idle, .graceful, at: now, into: &actions)
  }

  mutating func resize(_ minimum: Int, _ maximum: Int, at now: UInt64, into actions: inout [PoolAction]) {
    guard maximum >= 1, (0...maximum).contains(minimum) else { return impossible(.badLifecycle, into: &actions) }
    configuration.minimum = minimum
    configuration.maximum = maximum
    reconcile(at: now, into: &actions)
  }

  /// Retires idle workers that are too many; a busy one is looked at again when it is free (uwsgi #1291).
  mutating func retireSurplus(at now: UInt64, into actions: inout [PoolAction]) {
    switch phase {
    case .new, .stopping, .closed: return
    case .open: while census.serving > mostServing, retireColdest(.surplus, into: &actions) {}
    case .draining:
      guard waiters.isEmpty else { return }
      while retireColdest(.drained, into: &actions) {}
      for slot in slots.indices where slots[slot].state == .starting { stopUnneeded(slot, into: &actions) }
      for slot in slots.indices where slots[slot].state == .backingOff { setState(slot, .empty, into: &actions) }
    }
  }

  private mutating func stopUnneeded(_ slot: Int, into actions: inout [PoolAction]) {
    setRetiring(slot, .drained, into: &actions)
    beginStop(slot, .graceful, into: &actions)
  }

  private mutating func retireColdest(_ reason: RetireReason, into actions: inout [PoolAction]) -> Bool {
    guard let slot = available.coldest else { return false }
    setRetiring(slot, reason, into: &actions)
    beginStop(slot, .graceful, into: &actions)
    return true
  }

  // MARK: Recycling

  mutating func recycleAll(at now: UInt64, into actions: inout [PoolAction]) {
    guard phase == .open else { return }
    rollBefore = lastSerial + 1
    for slot in slots.indices where slots[slot].overdue == nil {
      if slots[slot].isServing || slots[slot].state == .starting { setOverdue(slot, .requested) }
    }
    reconcile(at: now, into: &actions)
  }

  mutating func recycle(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return }
    if slots[slot].state == .starting { return retire(slot, .requested, .graceful, at: now, into: &actions) }
    limitReached(slot, .requested, at: now, into: &actions)
  }

  /// Lets overdue workers go, as far as replacements are ready: never below the target, with surge; one at a time
  /// without.
  mutating func advanceRecycling(at now: UInt64, into actions: inout [PoolAction]) {
    guard census.overdue > 0 else {
      rollBefore = 0
      return
    }
    while census.overdue > 0, mayRetireOverdue, let slot = nextOverdue {
      let reason = slots[slot].overdue ?? .requested
      setRetiring(slot, reason, into: &actions)
      if slots[slot].state == .idle { beginStop(slot, .graceful, into: &actions) }
    }
  }

  private var mayRetireOverdue: Bool {
    guard phase == .open, !awaitsCanary else { return false }
    if configuration.surge > 0 { return census.serving > min(target, configuration.maximum) }
    return census.serving >= min(target, configuration.maximum) && census.occupied == census.serving
      && census.backingOff == 0
  }

  /// During a roll, a replacement that is merely taken to be ready must show that it works before the next old worker
  /// goes: a bad build that dies after a moment would replace the whole pool (react_on_rails #2764).
  private var awaitsCanary: Bool {
    rollBefore > 0 && slots.contains { $0.isServing && !$0.isProved && !$0.hasSettled && isRollReplacement($0.serial) }
  }

  /// An idle one first, it is free at once.
  private var nextOverdue: Int? {
    slots.firstIndex { $0.overdue != nil && $0.state == .idle }
      ?? slots.firstIndex { $0.overdue != nil && $0.isServing }
  }

  /// The canary died: what still serves goes on serving (react_on_rails #2764).
  mutating func abortRoll(afterFailureOf serial: UInt64, into actions: inout [PoolAction]) {
    guard isRollReplacement(serial) else { return }
    for slot in slots.indices where slots[slot].overdue == .requested { setOverdue(slot, nil) }
    rollBefore = 0
    actions.append(.report(.recyclingAborted))
  }

  // MARK: The end

  mutating func drain(at now: UInt64, into actions: inout [PoolAction]) {
    guard phase == .open || phase == .new else { return }
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
      case .backingOff: setState(slot, .empty, into: &actions)
      case .starting, .idle, .probing, .leased, .resetting, .stopping: beginStop(slot, urgency, into: &actions)
      }
    }
    closeIfDone(into: &actions)
  }

  mutating func closeIfDone(into actions: inout [PoolAction]) {
    switch phase {
    case .new, .open, .closed: return
    case .draining: guard waiters.isEmpty, census.backingOff == 0 else { return }
    case .stopping: break
    }
    guard census.occupied == 0 else { return }
    phase = .closed
    if let timer = breaker.timer { actions.append(.disarm(timer)) }
    actions.append(.closed)
  }
}
