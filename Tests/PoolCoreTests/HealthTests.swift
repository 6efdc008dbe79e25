import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Probes and resets") struct HealthTests {
  @Test("idle workers are probed each interval, and rest again")
  func probesIdle() {
    var pool = PoolHarness.open(1) { $0.probeInterval = 5 * second }
    for _ in 0..<3 {
      pool.advance(by: 5 * second)
      #expect(pool.history.last == .probeWorker(pool.worker(0)))
      pool.send(.probePassed(pool.worker(0)))
    }
    #expect(pool.retirements.isEmpty)
  }

  @Test(
    "a worker that fails its probe is replaced, whether it says so or says nothing (lesson 2, roadrunner #737)",
    arguments: [true, false])
  func probeFails(isAnswered: Bool) {
    var pool = PoolHarness.open(1) {
      $0.probeInterval = 5 * second
      $0.probeLimit = second
    }
    pool.advance(by: 5 * second)
    if isAnswered { pool.send(.probeFailed(pool.worker(0))) } else { pool.advance(by: second) }
    #expect(pool.retirements == [.probe])
    #expect(pool.history.contains(.stopWorker(pool.worker(0), step: 1)))
    pool.gone(0, .stopped)
    #expect(pool.starting == [0])
  }

  @Test("before a lease a cold worker is probed, one used of late is not")
  func probesBeforeLease() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = second }
    pool.release(pool.lease())
    pool.advance(by: 10 * second)
    pool.request()
    #expect(pool.granted.isEmpty)
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("when the probe fails the waiter keeps its place and its deadline")
  func waiterKeepsItsPlace() {
    var pool = PoolHarness.open(2) { $0.probeBeforeLeaseUnlessUsedWithin = second }
    pool.advance(by: 10 * second)
    pool.request(.within(60 * second))
    pool.request()
    pool.request()
    pool.send(.probeFailed(pool.worker(1)))
    #expect(pool.pending == [WaiterID(1), WaiterID(2), WaiterID(3)])
    pool.gone(1, .stopped)
    pool.bringUp()
    #expect(pool.actions.contains(.grantLease(WaiterID(1), pool.worker(1))))
    #expect(pool.timers.armedWaiters == 0)
  }

  @Test("the deadline of a waiter runs while a probe is made for it (lesson 19, php-src #11260)")
  func waiterTimesOutInProbe() {
    var pool = PoolHarness.open(1) {
      $0.probeBeforeLeaseUnlessUsedWithin = 0
      $0.probeLimit = 10 * second
    }
    pool.advance(by: second)
    pool.request(.within(second))
    pool.advance(by: second)
    #expect(pool.refused == [.timedOut])
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.granted.isEmpty)
    pool.request()
    #expect(pool.granted.count == 1, "just probed")
  }

  @Test("one who does not want to wait for others gets the next worker when the probe made for it fails")
  func impatientProbe() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request(.unlessExhausted)
    pool.send(.probeFailed(pool.worker(0)))
    #expect(pool.refused.isEmpty)
    pool.buryStopped()
    pool.ready(0)
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("or gets another one that is free")
  func impatientProbeMovesOn() {
    var pool = PoolHarness.open(2) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request(.unlessExhausted)
    pool.gone(1, .died)
    #expect(pool.refused.isEmpty)
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("a waiter that withdraws during its probe leaves the worker free")
  func withdrawnInProbe() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request(.within(second))
    pool.send(.leaseWithdrawn(WaiterID(1)))
    #expect(pool.timers.armedWaiters == 0)
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.serving == [0])
    #expect(pool.granted.isEmpty)
  }

  @Test("a worker told to retire during a probe does not serve the waiter any more")
  func retiresInProbe() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request()
    pool.send(.recycle(pool.worker(0)))
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.stopping == [0])
    pool.gone(0, .stopped)
    pool.bringUp()
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("a worker is reset after each job, and serves nobody before that")
  func resets() {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = true }
    let slot = pool.lease()
    pool.request()
    #expect(pool.release(slot).contains(.resetWorker(pool.worker(slot))))
    #expect(pool.granted.isEmpty)
    pool.send(.resetPassed(pool.worker(slot)))
    #expect(pool.granted == [pool.worker(slot)])
    pool.release(slot, .unused)
    #expect(pool.shadows[slot].check == .none, "it did nothing it could remember")
  }

  @Test("a reset that fails or never ends costs the worker (lesson 4, roadrunner #1669)", arguments: [true, false])
  func resetFails(isAnswered: Bool) {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = true }
    pool.release(pool.lease())
    if isAnswered { pool.send(.resetFailed(pool.worker(0))) } else { pool.advance(by: 6 * second) }
    #expect(pool.retirements == [.reset])
    #expect(pool.stopping == [0])
  }

  @Test("a reset and the worker's end come in any order, and the pool goes on (lesson 3, roadrunner #1180)")
  func resetAndExit() {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = true }
    pool.release(pool.lease())
    let old = pool.worker(0)
    pool.gone(0, .died)
    #expect(pool.send(.resetPassed(old)).isEmpty)
    #expect(pool.send(.resetFailed(old)).isEmpty)
    pool.bringUp()
    pool.release(pool.lease())
    pool.send(.resetFailed(pool.worker(0)))
    pool.send(.resetPassed(pool.worker(0)))
    pool.gone(0, .stopped)
    #expect(pool.starting == [0])
  }

  @Test("a worker told to retire during a reset stops when that is done")
  func retiresInReset() {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = true }
    pool.release(pool.lease())
    pool.send(.recycle(pool.worker(0)))
    #expect(pool.stopping.isEmpty)
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.stopping == [0])
  }
}
