import TestSupport
import Time

@testable import PoolCore

/// The shortcut for a lease or its end, tried on a copy of the pool. Where it does not decline it must do what the event
/// does.
struct Shortcut {
  private let pool: PoolStateMachine
  private let actions: [PoolAction]

  /// Nil when there is no shortcut for the event, or it declines. Then the copy must be unchanged.
  init?(_ event: PoolEvent, in original: PoolStateMachine, at now: Instant) {
    var copy = original
    switch event {
    case .leaseRequested(let waiter, _):
      guard let worker = copy.leaseAtOnce(at: now) else { return nil }
      actions = [.grantLease(waiter, worker)]
    case .leaseReleased(let worker, .healthy):
      guard copy.releaseAtOnce(worker, at: now) else { return nil }
      actions = []
    case .start, .leaseWithdrawn, .leaseReleased, .startExtended, .workerReady, .workerGone, .workerBroken,
      .limitExceeded, .retirementRequested, .probePassed, .probeFailed, .resetPassed, .resetFailed, .timerFired,
      .resized, .recycleAll, .recycle, .prefill, .drain, .close, .stop:
      return nil
    }
    pool = copy
  }

  /// What the event did that the shortcut would not have done.
  func difference(to other: PoolStateMachine, _ done: [PoolAction]) -> String? {
    if actions != done { return "the shortcut would do \(actions) instead of \(done)" }
    if pool.census != other.census { return "the shortcut leads to \(pool.census) instead of \(other.census)" }
    for (one, two) in zip(pool.slots, other.slots) where "\(one)" != "\(two)" {
      return "the shortcut leads to \(one) instead of \(two)"
    }
    return nil
  }
}
