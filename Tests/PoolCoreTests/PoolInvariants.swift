import TestSupport
import Time

@testable import PoolCore

/// What must be true after each event, whatever happened.
extension PoolHarness {
  /// The cheap ones.
  mutating func checkQuickly() {
    if pool.waiting > 0, pool.available.pick(.lifo) != nil { violate("somebody waits while a worker is free") }
    if pool.demand != demand { violate("the pool counts \(pool.demand) jobs that wait, there are \(demand)") }
    if pool.uncoveredDemand < 0 { violate("\(pool.census.preparing) workers are prepared for \(demand) jobs") }
    if pool.census.occupied != occupied {
      violate("census says \(pool.census.occupied) workers, there are \(occupied)")
    }
    // Those that load when fewer may are let finish.
    mostLoading = max(pool.configuration.maximumStarting, min(mostLoading, pool.census.loading))
    if pool.census.loading > mostLoading {
      violate("\(pool.census.loading) workers load, at most \(pool.configuration.maximumStarting) may")
    }
    if pool.internalErrors != 0 { violate("\(pool.internalErrors) internal errors with a legal driver") }
  }

  /// All of them.
  mutating func checkInvariants() {
    checkQuickly()
    checkCensus()
    checkWaiters()
    checkTries()
    for slot in pool.slots.indices {
      checkWorker(slot)
      checkTimers(slot)
    }
  }

  private mutating func checkCensus() {
    var recount = Census()
    var listed = 0
    for slot in pool.slots {
      recount.add(slot)
      if slot.isListed { listed += 1 }
    }
    if recount != pool.census { violate("census is \(pool.census), recounted \(recount)") }
    if let empty = pool.slots.firstIndex(where: { $0.state == .empty }), empty < pool.lowestEmpty {
      violate("slot \(empty) is empty, but the search begins at \(pool.lowestEmpty)")
    }
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
      guard let waiter = slot.state.waiter else { continue }
      probed += 1
      if !pending.contains(waiter.id) { violate("a probe is made for \(waiter), who does not wait") }
    }
    if pool.waiters.count + probed != pending.count {
      violate("\(pool.waiters.count) waiters and \(probed) probes for them, but \(pending.count) wait")
    }
    if timers.armedWaiters > pending.count { violate("timers for waiters who do not wait") }
  }

  /// A request that waits while failures hold starts back is not forgotten.
  private mutating func checkTries() {
    guard pool.configuration.triesStartsForWaiters, pool.phase == .open, pool.waiting > pool.waiters.eager,
      pool.census.occupied == 0, timers.reviewDeadline == nil
    else { return }
    violate("\(pool.waiting) wait, nothing is started, and no start is going to be tried")
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
    if shadow.life != .none { checkJobs(index) }
    let couldServe =
      slot.retiring == nil
      && (slot.state == .idle || slot.state == .leased && slot.leases < pool.configuration.capacity)
    if slot.isListed != couldServe { violate("slot \(index) is \(slot.state), listed: \(slot.isListed)") }
    if slot.state == .idle, slot.retiring != nil { violate("slot \(index) retires and rests") }
  }

  private mutating func checkJobs(_ index: Int) {
    let slot = pool.slots[index]
    let jobs = shadows[index].jobs
    if slot.jobs != jobs { violate("slot \(index) counts \(slot.jobs) jobs, its worker did \(jobs)") }
    if slot.jobLimit > 0, slot.jobs > slot.jobLimit, pool.configuration.capacity == 1, !hadSurge || isStrict {
      violate("slot \(index) did \(jobs) jobs, at most \(slot.jobLimit) may be")
    }
  }

  private mutating func checkTimers(_ index: Int) {
    let slot = pool.slots[index]
    var deadline: SlotTimer?
    var others: [SlotTimer] = [.age, .settle, .idle]
    switch slot.state {
    case .empty: others = []
    case .backingOff: (deadline, others) = (.backoff, [])
    case .starting: (deadline, others) = (.start, [])
    case .idle:
      others += [.probeInterval]
      if pool.canShrink, !timers.isArmed(index, .idle) { violate("slot \(index) is idle and would never age out") }
    case .probing: deadline = .probe
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

/// What must be true of each decision.
extension PoolHarness {
  /// After all actions of an event: was it right to start those who were started, and to retire those who retire?
  mutating func checkDecisions() {
    for case .startWorker(let worker) in actions { checkStart(of: worker) }
    checkNeed()
    if isReplacing, pool.configuration.surge > 0 { checkStrength() }
  }

  /// No worker is started for a waiter that one which is coming back can serve, if that began not long ago.
  private mutating func checkNeed() {
    guard pool.phase == .open, pool.configuration.capacity == 1, isPlainRequest,
      actions.contains(where: { if case .startWorker = $0 { true } else { false } })
    else { return }
    let patience = max(pool.typicalStart, PoolStateMachine.leastPatience)
    let returning = pool.slots.count {
      ($0.state == .resetting(nil) || $0.state == .probing(nil)) && $0.retiring == nil
        && now - $0.checkBegan < patience && pool.typicalCheck <= patience
    }
    let waiting = max(0, pool.waiting - returning)
    let wanted = max(pool.configuration.minimum, pool.prefilling, pool.census.busy + waiting) + pool.replacements
    let census = pool.census
    if census.serving + census.starting > wanted {
      violate("\(census.serving + census.starting) workers, though \(returning) are coming back to \(waiting)")
    }
  }

  private var isPlainRequest: Bool {
    switch event {
    case .leaseRequested, .demandChanged: true
    case .start, .leaseWithdrawn, .leaseReleased, .jobsDone, .startExtended, .workerReady, .workerGone, .workerBroken,
      .limitExceeded, .retirementRequested, .probePassed, .probeFailed, .resetPassed, .resetFailed, .timerFired,
      .resized, .recycleAll, .recycle, .prefill, .drain, .close, .stop:
      false
    }
  }

  private mutating func checkStart(of worker: WorkerID) {
    let configuration = pool.configuration
    let leaving = shadows.count { $0.life == .stopping || $0.life == .ready && $0.isRetiring }
    let most = configuration.maximum.addingUpToMax(configuration.surge)
      .addingUpToMax(min(configuration.surge, leaving))
    if occupied > most { violate("starts \(worker): \(occupied) workers, at most \(most) may be") }
    if pool.slots[worker.slot.index].isForGrowth,
      pool.census.growing > pool.growth.addingUpToMax(configuration.surge)
    {
      violate("starts \(worker): \(pool.census.growing) are started for growth, at most \(pool.growth) may be")
    }
  }

  /// Replacing somebody has never left fewer than there should be.
  private mutating func checkStrength() {
    // With more leases per worker the target is rounded, and moves by one when a waiter is served.
    let strength = pool.configuration.capacity == 1 ? pool.target : pool.configuration.minimum
    let least = min(strength, pool.configuration.maximum)
    if pool.phase == .open, pool.census.serving < least {
      violate("replaces somebody, and \(pool.census.serving) are left of \(least)")
    }
  }

  mutating func checkReplacement(of worker: WorkerID) {
    let surge = pool.configuration.surge
    guard surge > 0 else { return }
    let replaced = shadows.count { $0.life != .none && $0.isBeingReplaced }
    if replaced > surge { violate("replaces \(worker): \(replaced) go at once, at most \(surge) may") }
  }

  /// Nobody's job is cut short because the worker is not needed, has reached a limit or is to be replaced.
  mutating func checkInterruption(_ worker: WorkerID) {
    let shadow = shadows[worker.slot.index]
    guard shadow.leases > 0, pool.phase != .stopping, pool.phase != .closed, event != .workerBroken(worker) else {
      return
    }
    switch shadow.retiring {
    case .jobs, .age, .memory, .idle, .spare, .surplus, .requested, .own, .drained:
      violate("stops \(worker) in the middle of \(shadow.leases) leases")
    case nil, .stopped, .startTimeout, .probe, .reset, .broken: break
    }
  }
}

extension PoolStateMachine {
  /// True for a reason that waits for a replacement, as far as there is a surge.
  func isReplacement(_ reason: RetireReason) -> Bool {
    switch reason {
    case .jobs: configuration.maximumJobs != 1
    case .age, .memory, .requested: true
    case .idle, .spare, .surplus, .own, .drained, .stopped, .startTimeout, .probe, .reset, .broken: false
    }
  }
}
