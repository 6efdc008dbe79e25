import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("What those who wait get besides a new worker") struct DemandTests {
  /// Ways for a worker to be away for a moment after each lease.
  enum Return: String, CaseIterable, Sendable {
    case reset, probe, resetAndProbe

    func use(_ configuration: inout PoolConfiguration) {
      configuration.growsGradually = false
      configuration.resetsAfterLease = self != .probe
      configuration.probesAfterLease = self != .reset
    }

    func finish(_ slot: Int, in pool: inout PoolHarness) {
      if self != .probe { pool.send(.resetPassed(pool.worker(slot))) }
      if self != .reset { pool.send(.probePassed(pool.worker(slot))) }
    }
  }

  @Test(
    "one client after the other needs one worker, also while that is reset or probed after each lease",
    arguments: Return.allCases, [0, 30 * millisecond, 2 * second])
  func sequentialClient(kind: Return, start: Nanoseconds) {
    var pool = PoolHarness.open(0, 10, isUp: false, kind.use)
    pool.request()
    pool.advance(by: start)
    pool.bringUp()
    for _ in 0..<200 {
      pool.release(0)
      pool.request(.within(30 * second))
      pool.advance(by: 5 * millisecond)
      kind.finish(0, in: &pool)
      #expect(pool.granted == [pool.worker(0)])
    }
    #expect(pool.starts == 1)
  }

  @Test("a pool that keeps a minimum grows no more than that for one client", arguments: Return.allCases)
  func minimum(kind: Return) {
    var pool = PoolHarness.open(2, 10, kind.use)
    for _ in 0..<50 {
      let slots = [pool.lease(), pool.lease()]
      for slot in slots { pool.release(slot) }
      pool.request()
      pool.request()
      pool.advance(by: 5 * millisecond)
      for slot in slots { kind.finish(slot, in: &pool) }
      for slot in slots { pool.release(slot) }
      for slot in slots { kind.finish(slot, in: &pool) }
    }
    #expect(pool.starts == 2)
  }

  @Test("those whom the returning workers do not suffice for get others")
  func moreWaiters() {
    var pool = PoolHarness.open(0, 10, isUp: false, Return.reset.use)
    for _ in 0..<2 { pool.request() }
    pool.advance(by: second)
    pool.bringUp()
    for slot in 0..<2 { pool.release(slot) }
    for _ in 0..<2 { pool.request() }
    #expect(pool.starts == 2)
    for _ in 0..<3 { pool.request() }
    #expect(pool.starts == 5)
  }

  @Test("a reset that hangs is waited for as long as a start takes, then another worker is started")
  func hangs() {
    var pool = PoolHarness.open(0, 10, isUp: false, Return.reset.use)
    pool.request()
    pool.advance(by: second)
    pool.bringUp()
    pool.release(0)
    pool.advance(by: 300 * millisecond)
    pool.request()
    pool.advance(by: 699 * millisecond)
    #expect(pool.starts == 1)
    pool.advance(by: 1 * millisecond)
    #expect(pool.starts == 2 && pool.starting == [1])
    pool.request()
    #expect(pool.starts == 3, "it counts no more for those who come later")
  }

  @Test("where starts take no time a reset is waited for 100 ms")
  func fastStart() {
    var pool = PoolHarness.open(0, 10, Return.reset.use)
    pool.request()
    pool.bringUp()
    pool.release(0)
    pool.request()
    pool.advance(by: 99 * millisecond)
    #expect(pool.starts == 1)
    pool.advance(by: 1 * millisecond)
    #expect(pool.starts == 2)
  }

  @Test("a start that is faster than the reset is not put off, unless the reset is nearly done")
  func slowReset() {
    var pool = PoolHarness.open(0, 10, isUp: false, Return.reset.use)
    pool.request()
    pool.advance(by: 100 * millisecond)
    pool.bringUp()
    pool.release(0)
    pool.advance(by: second)
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.lease() == 0)
    pool.release(0)
    pool.advance(by: 950 * millisecond)
    pool.request()
    #expect(pool.starts == 1, "50 ms are left, and a start takes 100 ms")
    pool.send(.resetPassed(pool.worker(0)))
    pool.release(0)
    pool.request()
    #expect(pool.starts == 2, "about 1 s is left")
  }

  @Test("a reset that fails, and a worker that dies in it, cost no wait")
  func badReturn() {
    for event in [PoolEvent.resetFailed, { .workerGone($0, .died) }, { .workerBroken($0) }] {
      var pool = PoolHarness.open(1, 4, Return.reset.use)
      pool.advance(by: 2 * second)
      let slot = pool.lease()
      pool.release(slot)
      pool.request()
      #expect(pool.starts == 1)
      pool.send(event(pool.worker(slot)))
      #expect(pool.starts == 2)
    }
  }

  @Test("a request waits for an idle worker that is being probed, also if the probe was for a request since withdrawn")
  func otherProbes() {
    var interval = PoolHarness.open(1, 4) { $0.probeInterval = second }
    interval.advance(by: second)
    interval.request()
    #expect(interval.starts == 1)
    interval.send(.probePassed(interval.worker(0)))
    #expect(interval.granted.count == 1)

    var onAcquire = PoolHarness.open(1, 4) { $0.probeBeforeLeaseUnlessUsedWithin = 1 }
    onAcquire.advance(by: second)
    onAcquire.request()
    onAcquire.send(.leaseWithdrawn(WaiterID(onAcquire.lastWaiter)))
    onAcquire.request()
    #expect(onAcquire.starts == 1)
    onAcquire.send(.probePassed(onAcquire.worker(0)))
    #expect(onAcquire.granted.count == 1)
  }

  @Test("a draining pool serves the last waiting request with the worker that is coming back")
  func draining() {
    var pool = PoolHarness.open(0, 4, Return.reset.use)
    pool.request()
    pool.bringUp()
    pool.release(0)
    pool.request()
    pool.send(.drain)
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.granted.count == 1 && pool.starts == 1)
    pool.release(0)
    pool.send(.resetPassed(pool.worker(0)))
    pool.buryStopped()
    #expect(pool.isClosed)
  }
}

@Suite("Starts that are tried for those who wait") struct TriedStartTests {
  /// A pool of at most one worker whose breaker has opened long ago: the next try of its own is 30 s away.
  func down(_ maximum: Int = 1, _ adjust: (inout PoolConfiguration) -> Void = { _ in }) -> PoolHarness {
    var pool = PoolHarness.open(0, maximum) {
      $0.triesStartsForWaiters = true
      $0.growsGradually = false
      adjust(&$0)
    }
    pool.request(.within(20 * second))
    while let slot = pool.starting.first {
      pool.gone(slot, .failedStart)
      if !pool.pool.breaker.isOpen { pool.advance(by: 2 * second) }
    }
    return pool
  }

  @Test("waiters get the reason at once when the breaker opens")
  func opening() {
    let pool = down()
    #expect(pool.pool.breaker.isOpen && pool.pending.isEmpty)
    #expect(pool.refused == [.startsFail])
  }

  @Test("who comes while it is open has a start tried at once, and is served when that works", arguments: [1, 4])
  func triesAtOnce(maximum: Int) {
    var pool = down(maximum)
    pool.advance(by: second)
    pool.request(.within(30 * second))
    #expect(pool.starting.count == 1 && pool.refused.isEmpty)
    pool.bringUp()
    #expect(pool.granted.count == 1)
    #expect(pool.notices.last == .breakerClosed)
  }

  @Test("a storm of requests has one start tried in each shortest backoff")
  func storm() {
    var pool = down(8)
    let before = pool.starts
    for _ in 0..<1000 {
      pool.advance(by: 1 * millisecond)
      for _ in 0..<3 { pool.request(.within(30 * second)) }
      if let slot = pool.starting.first { pool.gone(slot, .failedStart) }
    }
    #expect(pool.starts - before == 10)
    #expect(pool.pending.count == 3000)
  }

  @Test("a waiting request keeps starts going until one works: it is served a moment after the outage")
  func waitsThroughOutage() {
    var pool = down()
    pool.request(.within(60 * second))
    let end = pool.now + 20 * second
    while pool.now < end {
      if let slot = pool.starting.first { pool.gone(slot, .failedStart) }
      pool.advance(by: 10 * millisecond)
    }
    #expect(pool.pending.count == 1)
    pool.advance(by: 100 * millisecond)
    pool.bringUp()
    #expect(pool.pending.isEmpty && pool.granted.count == 1)
  }

  @Test("it is refused when its own time is over, and not before")
  func ownTime() {
    var pool = down()
    pool.request(.within(5 * second))
    let begin = pool.now
    while !pool.pending.isEmpty, pool.now < begin + 60 * second {
      if let slot = pool.starting.first { pool.gone(slot, .failedStart) }
      pool.advance(by: 10 * millisecond)
    }
    #expect(pool.now - begin == 5 * second)
    #expect(
      pool.history.last { if case .refuseLease = $0 { true } else { false } }
        == .refuseLease(WaiterID(pool.lastWaiter), .timedOut))
  }

  @Test("one that does not want to wait for others has a start tried, too, or is refused at once")
  func eager() {
    var pool = down()
    pool.advance(by: second)
    pool.request(.unlessExhausted)
    #expect(pool.starting.count == 1 && pool.refused.isEmpty)
    pool.gone(0, .failedStart)
    #expect(pool.refused == [.startsFail])
    pool.request(.unlessExhausted)
    #expect(pool.refused == [.startsFail] && pool.starting.isEmpty, "the last try was just now")
    #expect(pool.timers.reviewDeadline == nil, "and no waiter needs another")
  }

  @Test("a long backoff of a place does not outlast the outage either, though the breaker never opens")
  func closedBreaker() {
    var pool = PoolHarness.open(0, 1) {
      $0.triesStartsForWaiters = true
      $0.restartBudget = RestartBudget(failures: 100, period: 10 * second)
    }
    pool.request()
    for _ in 0..<12 {
      pool.gone(0, .failedStart)
      pool.fire(0, .backoff)
    }
    pool.gone(0, .failedStart)
    #expect(pool.backoffs.last! > 10 * second && !pool.pool.breaker.isOpen)
    pool.advance(by: 100 * millisecond)
    #expect(pool.starting == [0], "10 s / 100: no faster than the budget allows")
  }

  @Test("a prefill has a start tried, and a pool that is drained refuses waiters that no worker can serve")
  func others() {
    var prefilled = down()
    prefilled.advance(by: second)
    prefilled.send(.prefill(1))
    #expect(prefilled.starting.count == 1)

    var drained = down()
    drained.request()
    drained.send(.drain)
    #expect(drained.refused == [.startsFail] && drained.isClosed)
  }

  @Test("where starts are not tried for them, those who come while the breaker is open are refused at once")
  func contract() {
    var pool = down { $0.triesStartsForWaiters = false }
    pool.advance(by: second)
    pool.request(.within(30 * second))
    #expect(pool.refused == [.startsFail] && pool.starting.isEmpty)
  }
}
