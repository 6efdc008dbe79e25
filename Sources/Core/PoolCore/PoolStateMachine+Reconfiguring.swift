import Time

/// A new configuration for a pool that lives.
///
/// What is decided from now on is decided by the new values: sizes, limits of time, checks, the waits after failures.
/// What was drawn or armed for a worker that lives stays as it was: the jobs and the age that it may reach, the
/// deadline of a start or a check. All of them are replaced anyway, as by `recycleAll`: with the canary, so that values
/// which no worker can live with leave the old workers serving.
extension PoolStateMachine {
  /// The pool behaves like this from now on, and every worker that lives now is replaced. Without effect when it is
  /// being stopped. The new values must have no `defect`, the same `capacity` and as many steps on the stop ladder;
  /// else nothing changes, and an internal error is reported.
  ///
  /// What failed so far failed by the old values: it is forgotten. Starts that wait for their next try come at once,
  /// and an open breaker lets one be tried. Waiters keep their place and their patience.
  public mutating func reconfigure(
    _ new: PoolConfiguration, at now: Instant, into actions: inout [PoolAction]
  ) {
    guard new.defect == nil, new.capacity == configuration.capacity,
      new.stopLadder.count == configuration.stopLadder.count
    else {
      return impossible(.badLifecycle, into: &actions)
    }
    switch phase {
    case .new: return use(new)
    case .open, .draining: break
    case .stopping, .closed: return
    }
    let preparedLeases = preparesLeases
    use(new)
    if preparedLeases, !preparesLeases { takeBackClaims() }
    forgetFailures(into: &actions)
    rearmIdle(into: &actions)
    // Waiters are served by the workers that are there, before those are replaced.
    dispatch(at: now, into: &actions)
    recycleAll(at: now, into: &actions)
    reconcile(at: now, into: &actions)
    while census.serving - census.busy > mostIdle, let slot = available.coldest {
      retire(slot, .spare, .graceful, at: now, into: &actions)
    }
  }

  private mutating func use(_ new: PoolConfiguration) {
    configuration = new
    hasShortcut = Self.hasShortcut(new)
    allowsManyJobs = Self.allowsManyJobs(new)
    growth = min(growth, new.maximumStarting)
    breaker.budget = new.restartBudget
  }

  /// Waiters for which a worker is being checked wait with the others again: no worker is checked for a lease any more.
  private mutating func takeBackClaims() {
    for slot in slots.indices { takeBackClaim(of: slot) }
  }

  private mutating func forgetFailures(into actions: inout [PoolAction]) {
    if let timer = breaker.timer { actions.append(.disarm(timer)) }
    breaker.forgetFailures()
    refusesAtOpening = false
    for slot in slots.indices {
      slots[slot].failures = 0
      if slots[slot].state == .backingOff { setEmpty(slot, into: &actions) }
    }
  }

  /// The timers of idle workers run by the new values; those that are needed in order to shrink are armed by
  /// `reconcile`.
  private mutating func rearmIdle(into actions: inout [PoolAction]) {
    watchesIdle = false
    for slot in slots.indices {
      disarm(slot, .idle, into: &actions)
      guard slots[slot].state == .idle else { continue }
      disarm(slot, .probeInterval, into: &actions)
      guard configuration.probeInterval > .zero else { continue }
      arm(slot, .probeInterval, after: configuration.probeInterval, into: &actions)
    }
  }
}
