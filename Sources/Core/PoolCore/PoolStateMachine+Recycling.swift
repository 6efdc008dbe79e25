import Time

/// Recycling: workers at a limit, and all of them on request, are replaced.
///
/// With `surge` the replacement comes first (make before break, gunicorn #2417): a worker at its limit is *overdue* and
/// serves on; `surge` replacements are started for those overdue; when one more has loaded than the pool should have,
/// the overdue one goes that is free, or else the oldest. No more than `surge` are on their way out for that reason at
/// once. A replacement that fails to start leaves its predecessor serving. Where ready is no proof, a replacement
/// counts when it has done a job or has settled. Without surge a worker at its limit gets no further lease, and its
/// successor starts when it is gone.
///
/// So that limits are kept all the same, a replacement is started ahead of them, by the time that a start takes of
/// late. When starts take longer than limits leave, they follow each other without a pause, and old workers serve past
/// theirs.
extension PoolStateMachine {
  /// Replacements that may serve beside the workers they will replace.
  @inline(__always)
  var replacements: Int { phase == .open ? min(configuration.surge, census.overdue) : 0 }

  /// The worker has reached a limit, or is to be replaced for another reason that can wait.
  mutating func limitReached(_ slot: Int, _ reason: RetireReason, at now: Instant, into actions: inout [PoolAction]) {
    guard slots[slot].isServing else { return }
    guard configuration.surge > 0 else { return retire(slot, reason, .graceful, at: now, into: &actions) }
    // A limit outlasts a mere request: when a roll is given up, the worker must still go.
    if slots[slot].overdue == nil || slots[slot].overdue == .requested { amend(slot) { $0.overdue = reason } }
    reconcile(at: now, into: &actions)
  }

  mutating func limitExceeded(
    _ worker: WorkerID, _ reason: RetireReason, at now: Instant, into actions: inout [PoolAction]
  ) {
    if let slot = slot(of: worker) { limitReached(slot, reason, at: now, into: &actions) }
  }

  /// Looks at the job limit after `count` jobs. A single job per worker is a promise of isolation: it is kept at any
  /// price.
  mutating func checkJobLimit(_ slot: Int, after count: Int, at now: Instant, into actions: inout [PoolAction]) {
    if configuration.maximumJobs == 1 { return retire(slot, .jobs, .graceful, at: now, into: &actions) }
    let (jobs, limit) = (slots[slot].jobs, slots[slot].jobLimit)
    let isReached = jobs >= limit && jobs - count < limit
    if isReached || slots[slot].overdue == nil && isJobLimitNear(slot, after: jobs, at: now) {
      limitReached(slot, .jobs, at: now, into: &actions)
    }
  }

  /// True when the jobs that are left after `jobs` will take no longer than a start.
  @inline(__always)
  func isJobLimitNear(_ slot: Int, after jobs: Int, at now: Instant) -> Bool {
    guard configuration.surge > 0, jobs < slots[slot].jobLimit else { return false }
    let timed = configuration.readyIsProof ? jobs : jobs - 1
    guard timed > 0 else { return false }
    let pace = (now - slots[slot].pacedSince) / UInt64(timed)
    return UInt64(slots[slot].jobLimit - jobs) <= typicalStart / pace
  }

  /// The age at which a worker is to be replaced: its limit, less what a start takes, but not less than half of it.
  func ageOfReplacement(limit: Nanoseconds) -> Nanoseconds {
    configuration.surge > 0 ? limit - min(typicalStart, limit / 2) : limit
  }

  // MARK: On request

  mutating func recycleAll(at now: Instant, into actions: inout [PoolAction]) {
    guard phase == .open else { return }
    rollBefore = lastSerial + 1
    rollIsTrusted = false
    for slot in slots.indices where slots[slot].overdue == nil {
      if slots[slot].isServing || slots[slot].state == .starting { amend(slot) { $0.overdue = .requested } }
    }
    reconcile(at: now, into: &actions)
  }

  mutating func recycle(_ worker: WorkerID, at now: Instant, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker) else { return }
    if slots[slot].state == .starting { return retire(slot, .requested, .graceful, at: now, into: &actions) }
    limitReached(slot, .requested, at: now, into: &actions)
  }

  // MARK: Replacement by replacement

  /// Lets overdue workers go, as far as replacements are there: never below the target, with surge; one at a time
  /// without.
  mutating func advanceRecycling(at now: Instant, into actions: inout [PoolAction]) {
    guard census.overdue > 0 else {
      rollBefore = 0
      return
    }
    while mayReplace, let slot = nextOverdue {
      setRetiring(slot, slots[slot].overdue ?? .requested, into: &actions)
      amend(slot) { $0.isBeingReplaced = true }
      if slots[slot].state == .idle { beginStop(slot, .graceful, into: &actions) }
      dispatch(at: now, into: &actions)
    }
  }

  private var mayReplace: Bool {
    guard census.replaceable > 0, phase == .open else { return false }
    let hasRoom =
      configuration.surge > 0
      ? census.replaced < configuration.surge && isReplacementReady
      : census.serving >= strength && census.occupied == census.serving && census.backingOff == 0
    return hasRoom && !awaitsCanary
  }

  @inline(__always)
  private var strength: Int { min(target, configuration.maximum) }

  /// With surge: one more has loaded than the pool should have, and an overdue worker can go.
  @inline(__always)
  var isReplacementReady: Bool { census.serving - census.unproved > strength }

  /// During a roll, the first replacement must do a job or settle before an old worker goes for it, even if it was
  /// proved to be ready; each later one must at least be proved. A bad build that dies after a moment would replace the
  /// whole pool (react_on_rails #2764).
  private var awaitsCanary: Bool {
    guard rollBefore > 0 else { return false }
    if census.unproved > 0 { return true }
    // This searches, but only until the first has settled.
    return !rollIsTrusted && slots.contains { $0.isServing && !$0.hasSettled && $0.serial >= rollBefore }
  }

  /// An idle one first, it is free at once; then the one that serves longest, so that none is passed over for ever.
  /// This searches, but only when one does go.
  private var nextOverdue: Int? {
    var next: Int?
    for slot in slots.indices where slots[slot].overdue != nil && slots[slot].isServing {
      guard let best = next else {
        next = slot
        continue
      }
      let isFree = slots[slot].state == .idle
      let bestIsFree = slots[best].state == .idle
      if isFree == bestIsFree ? slots[slot].serial < slots[best].serial : isFree { next = slot }
    }
    return next
  }

  /// The canary died: what still serves goes on serving (react_on_rails #2764).
  mutating func abortRoll(afterFailureOf serial: UInt64, into actions: inout [PoolAction]) {
    guard rollBefore > 0, serial >= rollBefore else { return }
    for slot in slots.indices where slots[slot].overdue == .requested { amend(slot) { $0.overdue = nil } }
    rollBefore = 0
    actions.append(.report(.recyclingAborted))
  }
}
