import Time

/// Size: how many workers should serve, which slots start one for that, and which worker is one too many.
///
/// Up to the minimum, workers are started `maximumStarting` at a time. Above it the pool grows by demand, one worker at
/// first: each that was started for growth and has loaded while somebody still waits lets one more load at the same
/// moment, so that their number doubles with every generation, up to `maximumStarting`. As soon as nobody waits, it is
/// one again. This is the spawn rate of php-fpm (`pm.max_spawn_rate`) and Apache (`MAX_SPAWN_RATE`), where it doubles
/// each second; here the workers themselves are the clock, as acknowledgements are in TCP's slow start (RFC 5681),
/// because a start may take 50 ms or a minute. A start that is not begun when the demand goes is never begun, as the
/// need is counted anew each time; one that was begun is let finish, and that worker ages out if it stays idle.
extension PoolStateMachine {
  /// Workers that should serve, from demand: everyone busy, and as many more as the waiters and the waiting jobs need
  /// beyond those that are coming back to them.
  @inline(__always)
  var target: Int {
    switch phase {
    case .new, .stopping, .closed: return 0
    case .draining: return min(configuration.maximum, census.busy + workersForWaiters - comingBack)
    case .open:
      return max(leastServing, min(configuration.maximum, census.busy + workersForWaiters - comingBack))
    }
  }

  /// Workers that should serve whatever the demand.
  @inline(__always)
  private var leastServing: Int { max(configuration.minimum, min(prefilling, configuration.maximum)) }

  /// Most workers that may be idle. Replacements do not count, they are about to be needed.
  @inline(__always)
  var mostIdle: Int { max(configuration.maximumIdle, leastServing).addingUpToMax(replacements) }

  /// Leases that are asked for, and no worker is being prepared for them.
  @inline(__always)
  var waiting: Int { waiters.count + uncoveredDemand }

  @inline(__always)
  var workersForWaiters: Int {
    (waiting + configuration.capacity - 1) / configuration.capacity
  }

  /// More serve than may: one of them goes as soon as it is free.
  @inline(__always)
  var servesTooMany: Bool { census.serving > configuration.maximum && census.serving > mostServing }

  /// Starts what is missing, retires what is too much, and refuses waiters that nobody will ever serve.
  mutating func reconcile(at now: Instant, into actions: inout [PoolAction]) {
    if prefilling > 0, census.serving >= min(prefilling, configuration.maximum) { prefilling = 0 }
    comingBack = 0
    advanceRecycling(at: now, into: &actions)
    refuseWhileStartsFail(into: &actions)
    countComingBack(at: now, into: &actions)
    tryStartForWaiters(at: now, into: &actions)
    startMissing(at: now, into: &actions)
    retireSurplus(at: now, into: &actions)
    watchAllIdle(at: now, into: &actions)
    refuseEager(into: &actions)
    closeIfDone(into: &actions)
  }

  /// Workers that may serve at once: more than the maximum only while some are being replaced.
  @inline(__always)
  var mostServing: Int { configuration.maximum.addingUpToMax(replacements) }

  /// Workers that may exist at once. Those on their way out do not hold up their successors, as far as the surge goes;
  /// without surge the old one must be gone before the next one starts.
  @inline(__always)
  var mostOccupied: Int {
    configuration.maximum.addingUpToMax(configuration.surge)
      .addingUpToMax(min(configuration.surge, census.leaving))
  }

  private mutating func startMissing(at now: Instant, into actions: inout [PoolAction]) {
    while breaker.allowsStart, census.loading < configuration.maximumStarting,
      census.occupied + census.backingOff < mostOccupied
    {
      // A failed start costs its wait, also while the failure is still being stopped.
      let present = census.serving + census.starting + census.backingOff + census.failing
      guard present < target + replacements else { return }
      let isForGrowth = configuration.growsGradually && present >= leastServing + replacements
      if isForGrowth, census.growing >= growth.addingUpToMax(replacements) { return }
      startWorker(in: emptySlot(), isForGrowth: isForGrowth, at: now, into: &actions)
    }
  }

  /// The lowest, so that slots stay dense.
  private mutating func emptySlot() -> Int {
    guard census.occupied + census.backingOff < slots.count else {
      slots.append(Slot())
      return slots.count - 1
    }
    while slots[lowestEmpty].state != .empty { lowestEmpty += 1 }
    return lowestEmpty
  }

  /// The worker in the slot loads no longer: it is proved, or has settled.
  mutating func hasLoaded(_ slot: Int) {
    guard slots[slot].isForGrowth else { return }
    growth = min(growth + 1, configuration.maximumStarting)
  }

  mutating func resize(_ minimum: Int, _ maximum: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard maximum >= 1, (0...maximum).contains(minimum) else { return impossible(.badLifecycle, into: &actions) }
    configuration.minimum = minimum
    configuration.maximum = maximum
    reconcile(at: now, into: &actions)
  }

  /// Retires idle workers that are too many; a busy one is looked at again when it is free (uwsgi #1291).
  private mutating func retireSurplus(at now: Instant, into actions: inout [PoolAction]) {
    switch phase {
    case .new, .stopping, .closed: return
    case .open: while census.serving > mostServing, retireColdest(.surplus, into: &actions) {}
    case .draining:
      guard waiting == 0 else { return }
      while retireColdest(.drained, into: &actions) {}
      if census.starting > 0 {
        for slot in slots.indices where slots[slot].state == .starting { stopUnneeded(slot, into: &actions) }
      }
      if census.backingOff > 0 {
        for slot in slots.indices where slots[slot].state == .backingOff { setEmpty(slot, into: &actions) }
      }
    }
  }

  /// Enough others are idle: the coldest of all goes.
  mutating func retireSpare(at now: Instant, into actions: inout [PoolAction]) {
    guard retireColdest(.spare, into: &actions) else { return }
    reconcile(at: now, into: &actions)
  }

  mutating func prefill(_ count: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard phase == .open else { return }
    prefilling = max(prefilling, count)
    reconcile(at: now, into: &actions)
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

  // MARK: Idle workers

  /// Without this no idle worker needs to be watched: a pool that cannot shrink arms no timer. One that serves with
  /// more than its minimum only until overdue workers are replaced cannot shrink, or it would lose those that are in
  /// order.
  @inline(__always)
  var canShrink: Bool {
    configuration.idleLimit > .zero && leastServing < configuration.maximum
      && census.serving > leastServing + replacements
  }

  /// Arms the idle timer. It runs on through leases, so that it costs nothing per job; when it fires, what counts is
  /// since when the worker is idle.
  mutating func watchIdle(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard slots[slot].armed[SlotTimer.idle.rawValue] == 0 else { return }
    arm(slot, .idle, after: configuration.idleLimit - (now - slots[slot].idleSince), into: &actions)
  }

  /// When the pool can shrink from now on, those that began to rest before are watched, too.
  private mutating func watchAllIdle(at now: Instant, into actions: inout [PoolAction]) {
    guard canShrink != watchesIdle else { return }
    watchesIdle.toggle()
    guard watchesIdle else { return }
    for slot in slots.indices where slots[slot].state == .idle { watchIdle(slot, at: now, into: &actions) }
  }

  /// A worker that is not idle is watched again when it rests. (A probe is not a use, or probed workers would never age
  /// out: php-src #4101.)
  mutating func idleTooLong(_ slot: Int, at now: Instant, into actions: inout [PoolAction]) {
    switch slots[slot].state {
    case .idle, .probing(nil): break
    case .empty, .backingOff, .starting, .probing, .leased, .resetting, .stopping: return
    }
    guard canShrink else { return }
    guard now - slots[slot].idleSince >= configuration.idleLimit else {
      return watchIdle(slot, at: now, into: &actions)
    }
    retire(slot, .idle, .graceful, at: now, into: &actions)
  }
}

extension Int {
  /// The sum, or the greatest number: limits may be `Int.max`, "no limit".
  @inline(__always)
  func addingUpToMax(_ other: Int) -> Int {
    let sum = addingReportingOverflow(other)
    return sum.overflow ? .max : sum.partialValue
  }
}
