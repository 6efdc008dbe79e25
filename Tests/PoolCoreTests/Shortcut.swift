import TestSupport
import Time

@testable import PoolCore

/// The shortcuts for an event, tried on copies of the pool. Where one does not decline it must do what the event does.
struct Shortcut {
  private let event: PoolEvent
  private var results: [(pool: PoolStateMachine, actions: [PoolAction])] = []

  init(_ event: PoolEvent, in original: PoolStateMachine, at now: Instant) {
    var copy = original
    self.event = event
    switch event {
    case .leaseRequested(let waiter, _):
      if let worker = copy.leaseAtOnce(at: now) { results.append((copy, [.grantLease(waiter, worker)])) }
    case .leaseReleased(let worker, .healthy):
      if copy.releaseAtOnce(worker, at: now) { results.append((copy, [])) }
      var other = original
      if other.continueLease(worker, at: now) { results.append((other, [.offer(worker)])) }
    case .demandChanged(let count):
      if count == copy.demand + 1, let worker = copy.leaseAtOnce(at: now) { results.append((copy, [.offer(worker)])) }
      if original.changesNothing(count) { results.append(decided(count, in: original, at: now)) }
    case .start, .leaseWithdrawn, .leaseReleased, .jobsDone, .startExtended, .workerReady, .workerGone, .workerBroken,
      .limitExceeded, .retirementRequested, .probePassed, .probeFailed, .resetPassed, .resetFailed, .timerFired,
      .resized, .recycleAll, .recycle, .prefill, .drain, .close, .stop:
      break
    }
  }

  /// What the long way leads to, where the pool takes the number to change nothing.
  private func decided(
    _ count: Int, in original: PoolStateMachine, at now: Instant
  ) -> (pool: PoolStateMachine, actions: [PoolAction]) {
    var (copy, actions) = (original, [PoolAction]())
    copy.changeDemand(to: count, at: now, into: &actions)
    return (copy, actions)
  }

  /// What the event did that a shortcut would not have done.
  func difference(to other: PoolStateMachine, _ done: [PoolAction]) -> String? {
    for (pool, actions) in results {
      if actions != done { return "the shortcut would do \(actions) instead of \(done)" }
      if pool.census != other.census { return "the shortcut leads to \(pool.census) instead of \(other.census)" }
      if pool.demand != other.demand || pool.growth != other.growth {
        return "the shortcut leads to a demand of \(pool.demand), growth \(pool.growth)"
      }
      if case .demandChanged = event, done.isEmpty { continue }
      for (one, two) in zip(pool.slots, other.slots) where describe(one) != describe(two) {
        return "the shortcut leads to \(one) instead of \(two)"
      }
    }
    return nil
  }

  /// All that counts of a slot.
  private func describe(_ slot: Slot) -> String {
    var slot = slot
    if !slot.isListed { (slot.previous, slot.next) = (-1, -1) }
    return "\(slot)"
  }
}
