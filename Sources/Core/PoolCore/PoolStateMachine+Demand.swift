import Time

/// What waiters get besides a new worker: one that is coming back, or a start that is tried at once although failures
/// hold starts back.
///
/// A worker that is being reset or probed will be free without a start. None is started for a waiter that it can serve,
/// unless that takes longer than a start: a sequential client would fill the pool, a worker for each lease, where one
/// is enough.
extension PoolStateMachine {
  /// A check is waited for as long as this, however fast a start is: a worker once started stays.
  static var leastPatience: Nanoseconds { .milliseconds(100) }

  /// Counts the workers that are coming back, no more than are waited for, and looks again when the first of them is
  /// late.
  mutating func countComingBack(at now: Instant, into actions: inout [PoolAction]) {
    guard waiting > 0, checksWorkers, census.occupied + census.backingOff < mostOccupied else { return }
    var soonest = Nanoseconds.max
    for slot in slots where comingBack < workersForWaiters {
      guard let left = timeLeft(of: slot, at: now) else { continue }
      comingBack += 1
      soonest = min(soonest, left)
    }
    if comingBack > 0 { review(after: soonest, at: now, into: &actions) }
  }

  @inline(__always)
  var checksWorkers: Bool {
    configuration.resetsAfterLease || configuration.probesAfterLease || configuration.probeInterval > .zero
      || preparesLeases
  }

  /// How much longer this worker is worth waiting for; nil if it is not coming back, or a start is faster.
  private func timeLeft(of slot: Slot, at now: Instant) -> Nanoseconds? {
    guard slot.isServing, slot.state == .probing(nil) || slot.state == .resetting(nil) else { return nil }
    let patience = max(typicalStart, Self.leastPatience)
    let elapsed = now - slot.checkBegan
    if elapsed < typicalCheck, typicalCheck - elapsed > patience { return nil }
    let limit = max(typicalCheck, patience)
    return elapsed < limit ? limit - elapsed : nil
  }

  /// A check went well that began in this slot some time ago.
  mutating func recordCheckTime(_ slot: Int, at now: Instant) { typicalCheck.follow(now - slots[slot].checkBegan) }

  // MARK: While starts fail

  /// Refuses the waiters and the demand when the breaker has opened and no worker is left to serve them; unless starts
  /// are tried for waiters, also those that come while it is open.
  mutating func refuseWhileStartsFail(into actions: inout [PoolAction]) {
    guard case .open = breaker.state, configuration.refusesWhileBreakerIsOpen, census.serving + census.starting == 0
    else { return }
    if configuration.triesStartsForWaiters, phase == .open, !refusesAtOpening { return }
    refusesAtOpening = false
    refuseAllWaiters(.startsFail, into: &actions)
  }

  /// Lets one start be tried for the waiters, though failures hold it back; if it is too early for that, later.
  mutating func tryStartForWaiters(at now: Instant, into actions: inout [PoolAction]) {
    guard configuration.triesStartsForWaiters, phase == .open, waiting > 0 || prefilling > 0,
      census.occupied < mostOccupied, census.serving + census.starting + census.failing < target + replacements
    else { return }
    switch breaker.state {
    case .closed, .halfOpen(trial: nil): guard census.backingOff > 0 else { return }
    case .halfOpen: return
    case .open: break
    }
    let due = lastTry + shortestWait
    guard now >= due else {
      if waiting > waiters.eager || prefilling > 0 { review(after: due - now, at: now, into: &actions) }
      return
    }
    lastTry = now
    refusesAtOpening = false
    if let timer = breaker.timer { actions.append(.disarm(timer)) }
    breaker.halfOpenNow()
    if let slot = slots.firstIndex(where: { $0.state == .backingOff }) { setEmpty(slot, into: &actions) }
  }

  /// The least time between two starts that are tried for waiters. Before the breaker opens they must not spend
  /// the budget any faster than it allows.
  private var shortestWait: Nanoseconds {
    let budget = configuration.restartBudget
    let backoff = configuration.backoff.minimum
    return breaker.isOpen ? backoff : max(backoff, budget.period / UInt64(budget.failures))
  }

  // MARK: Looking again

  private mutating func review(after wait: Nanoseconds, at now: Instant, into actions: inout [PoolAction]) {
    let deadline = now + wait
    if let nextReview, nextReview.deadline <= deadline { return }
    endReview(into: &actions)
    let generation = nextTimerGeneration()
    nextReview = (deadline, generation)
    actions.append(.arm(.review(generation: generation), after: wait))
  }

  mutating func endReview(into actions: inout [PoolAction]) {
    guard let review = nextReview else { return }
    nextReview = nil
    actions.append(.disarm(.review(generation: review.generation)))
  }
}

extension Nanoseconds {
  /// Follows what is measured, the last times most of all; zero while nothing was.
  mutating func follow(_ time: Nanoseconds) {
    if self == .zero {
      self = time
    } else if time > self {
      self += (time - self) / 4
    } else {
      self -= (self - time) / 4
    }
  }
}
