import TestSupport
import Time

@testable import PoolCore

/// The friendly world: everybody does what they are told, and time passes. Whatever happened before, the pool must
/// serve all who wait, come back to its size, and be able to end.
extension Simulation {
  mutating func recover() {
    turnFriendly()
    let mayRefuse = harness.pool.phase != .open
    guard settleDown() else { return }
    if !mayRefuse, !harness.isClosed { checkStrength() }
    guard !harness.isClosed, harness.violations.isEmpty else { return }
    if happens(50) { serveSome() }
    guard harness.violations.isEmpty else { return }
    if !mayRefuse, happens(30) { restUntilSmall() }
    guard harness.violations.isEmpty else { return }
    end()
  }

  /// Nobody asks for anything for a while: a pool that may shrink is as small as it can be then.
  private mutating func restUntilSmall() {
    let configuration = harness.pool.configuration
    guard configuration.idleLimit > 0 else { return }
    let end = harness.now + 2 * configuration.idleLimit
    for _ in 0..<10_000 {
      guard harness.violations.isEmpty else { return }
      if turnFriendly() { continue }
      guard let (_, deadline) = harness.timers.next, deadline <= end else { break }
      _ = harness.fireNext()
      observe()
    }
    let most = configuration.minimum + (isNeverAtRest ? configuration.surge : 0)
    let serving = harness.pool.census.serving
    if configuration.minimum < configuration.maximum, serving > most {
      harness.violate("serves with \(serving) after a long rest, \(most) are enough")
    }
  }

  /// Workers answer at once, jobs end, time passes, until nobody waits and nothing but the clock could change anything.
  @discardableResult
  private mutating func settleDown() -> Bool {
    for _ in 0..<20_000 {
      guard harness.violations.isEmpty else { return false }
      if turnFriendly() { continue }
      if isAtStrength { return true }
      // The clock is all that is left to wait for.
      if !harness.fireNext() { break }
      observe()
    }
    harness.violate(
      "does not recover: \(harness.pending.count) waiters and \(harness.demand) jobs, phase \(harness.pool.phase), "
        + "\(harness.pool.census), breaker \(harness.pool.breaker.state)")
    return false
  }

  /// Every worker does the next thing that is asked of it. False when there was nothing to do.
  @discardableResult
  private mutating func turnFriendly() -> Bool {
    var didSomething = false
    for slot in harness.shadows.indices where harness.violations.isEmpty {
      let shadow = harness.shadows[slot]
      let worker = WorkerID(slot: SlotID(slot), serial: shadow.serial)
      switch (shadow.life, shadow.check) {
      case (.none, _): continue
      case (.starting, _): send(.workerReady(worker))
      case (.stopping, _): send(.workerGone(worker, .stopped))
      case (.ready, .probe): send(.probePassed(worker))
      case (.ready, .reset): send(.resetPassed(worker))
      case (.ready, .none):
        guard shadow.leases > 0 else { continue }
        endLease(of: worker)
      }
      didSomething = true
    }
    return didSomething
  }

  /// The pool has nobody waiting and is as large as it should be, or is closed.
  private var isAtStrength: Bool {
    let pool = harness.pool
    if case .open = pool.breaker.state, pool.phase == .open { return false }
    switch pool.phase {
    case .new, .closed: return harness.isClosed
    case .draining, .stopping: return false
    case .open:
      guard harness.pending.isEmpty, harness.demand == 0 else { return false }
      return isNeverAtRest
        || pool.census.serving >= pool.configuration.minimum
          && pool.census.occupied == pool.census.serving && pool.census.overdue == 0
    }
  }

  /// When it takes a while until a new worker is trusted, others may have reached their age by then, without end.
  private var isNeverAtRest: Bool {
    let configuration = harness.pool.configuration
    return configuration.maximumAge > 0 && configuration.settleTime > 0 && !configuration.readyIsProof
  }

  private mutating func checkStrength() {
    harness.checkInvariants()
    let serving = harness.pool.census.serving
    if serving > harness.pool.mostServing {
      harness.violate("serves with \(serving), more than \(harness.pool.mostServing)")
    }
  }

  /// A recovered pool answers each waiter with a worker, and refuses nobody.
  private mutating func serveSome() {
    let refusals = sightings.refusals + sightings.demandsRefused
    ask(for: 20)
    guard settleDown() else { return }
    if sightings.refusals + sightings.demandsRefused > refusals {
      harness.violate("refused a waiter or a job with healthy workers")
    }
  }

  private mutating func ask(for count: Int) {
    if client != .demand {
      for _ in 0..<count { send(.leaseRequested(WaiterID(harness.lastWaiter + 1), .forever)) }
    }
    if client != .waiters { send(.demandChanged(count)) }
  }

  /// By drain or by stop, with somebody still waiting: closed once, everybody answered, nothing left behind.
  private mutating func end() {
    ask(for: 3)
    send(happens(50) ? .drain : .stop(.graceful))
    guard settleDown() else { return }
    harness.checkInvariants()
    ask(for: 1)
    if !harness.pending.isEmpty || harness.demand > 0 {
      harness.violate("a closed pool left a waiter or a job without an answer")
    }
  }
}
