import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("What pools of objects ask of the core") struct ObjectPolicyTests {
  // MARK: How many, how fast

  @Test("one worker more than may be idle goes, the coldest, and busy ones do not count")
  func maximumIdle() {
    var pool = PoolHarness.open(0, .max) {
      $0.maximumIdle = 2
      $0.growsGradually = false
    }
    for _ in 0..<5 { pool.request() }
    pool.bringUp()
    #expect(pool.serving.count == 5 && pool.stopping.isEmpty)
    pool.release(3)
    pool.release(1)
    #expect(pool.stopping.isEmpty)
    pool.release(4)
    #expect(pool.stopping == [3])
    pool.release(0)
    #expect(pool.stopping.sorted() == [1, 3])
    #expect(pool.retirements == [.spare, .spare])
  }

  @Test("with nobody allowed to be idle each worker goes after its lease; a minimum is kept all the same")
  func noneIdle() {
    var none = PoolHarness.open(0, 3) { $0.maximumIdle = 0 }
    none.request()
    none.bringUp()
    none.release(0)
    #expect(none.stopping == [0])
    var pool = PoolHarness.open(2, 3) { $0.maximumIdle = 0 }
    for slot in [pool.lease(), pool.lease()] { pool.release(slot) }
    #expect(pool.serving.count == 2 && pool.starts == 2)
  }

  @Test("without gradual growth as many start at once as are waited for", arguments: [true, false])
  func growth(isGradual: Bool) {
    var pool = PoolHarness.open(0, 8) { $0.growsGradually = isGradual }
    for _ in 0..<6 { pool.request() }
    #expect(pool.starting.count == (isGradual ? 1 : 6))
  }

  @Test("a prefill starts what is missing up to its number, once")
  func prefill() {
    var pool = PoolHarness.open(0, 5)
    pool.request()
    pool.bringUp()
    pool.send(.prefill(3))
    #expect(pool.starting.count == 2)
    pool.bringUp()
    #expect(pool.serving.count == 3)
    pool.gone(1, .stopped)
    #expect(pool.starting.isEmpty, "it was once")
    pool.send(.prefill(.max))
    #expect(pool.starting.count == 3, "no more than the maximum")
  }

  @Test("what is made ahead does not go for being idle before all is there")
  func prefillOutlastsIdleLimit() {
    var pool = PoolHarness.open(0, 3) {
      $0.idleLimit = second
      $0.maximumStarting = 1
    }
    pool.send(.prefill(3))
    for slot in 0..<3 {
      pool.advance(by: 2 * second)
      pool.ready(slot)
    }
    #expect(pool.serving.count == 3 && pool.retirements.isEmpty)
    pool.advance(by: 2 * second)
    #expect(pool.serving.isEmpty, "then they age out like all others")
  }

  @Test("a prefill is given up when the breaker opens")
  func prefillFails() {
    var pool = PoolHarness.open(0, 2) { $0.restartBudget = RestartBudget(failures: 1, period: second) }
    pool.send(.prefill(2))
    pool.gone(0, .failedStart)
    pool.gone(1, .failedStart)
    pool.advance(by: 1000 * second)
    #expect(pool.starts == 2)
  }

  // MARK: Clean and sound when handed out

  @Test("a used worker is reset before its next lease, while its holder waits; a fresh one is not")
  func resetBeforeLease() {
    var pool = PoolHarness.open(1) { $0.resetsBeforeLease = true }
    let slot = pool.lease()
    #expect(pool.release(slot, .unused).isEmpty)
    #expect(pool.lease() == slot, "what was not used is clean")
    pool.release(slot)
    #expect(pool.shadows[slot].check == .none)
    pool.request()
    #expect(pool.shadows[slot].check == .reset && pool.granted.isEmpty)
    pool.send(.resetPassed(pool.worker(slot)))
    #expect(pool.granted == [pool.worker(slot)])
  }

  @Test("when the reset for a waiter fails, or hangs, the waiter gets the next worker", arguments: [true, false])
  func resetForWaiterFails(hangs: Bool) {
    var pool = PoolHarness.open(1) { $0.resetsBeforeLease = true }
    pool.release(pool.lease())
    pool.request()
    if hangs { pool.fire(0, .reset) } else { pool.send(.resetFailed(pool.worker(0))) }
    #expect(pool.retirements == [.reset])
    pool.gone(0, .stopped)
    pool.bringUp()
    #expect(pool.granted == [pool.worker(0)] && pool.pending.isEmpty)
  }

  @Test("after the reset comes the probe, if one is due")
  func resetThenProbe() {
    var pool = PoolHarness.open(1) {
      $0.resetsBeforeLease = true
      $0.probeBeforeLeaseUnlessUsedWithin = 0
    }
    pool.release(pool.lease())
    pool.request()
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.shadows[0].check == .probe && pool.granted.isEmpty)
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("a waiter who gives up during the reset for it leaves the worker to the others")
  func resetForNobody() {
    var pool = PoolHarness.open(1) { $0.resetsBeforeLease = true }
    pool.release(pool.lease())
    pool.request(.within(second))
    pool.fire(0, .reset)
    pool.gone(0, .stopped)
    pool.bringUp()
    #expect(pool.granted.count == 1)
    pool.release(0)
    pool.request()
    pool.send(.leaseWithdrawn(WaiterID(pool.lastWaiter)))
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.granted.isEmpty)
    #expect(pool.lease() == 0, "it is clean")
  }

  @Test("with a grace of nothing every used worker is probed before a lease, even within the same moment")
  func probeAlways() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.release(pool.lease())
    pool.request()
    #expect(pool.shadows[0].check == .probe)
  }

  @Test(
    "a used worker is probed after its lease, after the reset, and is as warm as any afterwards",
    arguments: [true, false])
  func probeAfterLease(resets: Bool) {
    var pool = PoolHarness.open(2) {
      $0.probesAfterLease = true
      $0.resetsAfterLease = resets
    }
    let (first, second) = (pool.lease(), pool.lease())
    for slot in [first, second] {
      pool.release(slot)
      if resets { pool.send(.resetPassed(pool.worker(slot))) }
      #expect(pool.shadows[slot].check == .probe)
      pool.send(.probePassed(pool.worker(slot)))
    }
    #expect(pool.lease() == second)
    pool.release(second)
    if resets { pool.send(.resetPassed(pool.worker(second))) }
    pool.send(.probeFailed(pool.worker(second)))
    #expect(pool.retirements == [.probe])
  }

  // MARK: The end

  @Test("closing refuses those who wait, waits for leases, and ends the rest at once")
  func close() {
    var pool = PoolHarness.open(2, 3)
    let (first, second) = (pool.lease(), pool.lease())
    pool.send(.prefill(3))
    pool.release(second)
    pool.request()
    pool.request(.within(1))
    pool.request()
    pool.send(.close)
    #expect(pool.refused.allSatisfy { $0 == .closed } && pool.pending.isEmpty)
    pool.buryStopped()
    #expect(!pool.isClosed)
    pool.release(first)
    pool.release(second)
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a drain that takes too long can be turned into a close")
  func drainThenClose() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.request()
    pool.send(.drain)
    #expect(pool.refused.isEmpty)
    pool.send(.close)
    #expect(pool.refused == [.closed])
    pool.release(slot)
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  // MARK: The shortcut

  @Test("the shortcut serves a pool at rest, and declines whenever something is to be decided")
  func shortcut() {
    let pool = PoolHarness.open(1) { $0.settleTime = 0 }
    let worker = pool.worker(0)
    var core = pool.pool
    var done: [Bool] = []
    done.append(core.leaseAtOnce(at: 0) == worker)
    done.append(core.leaseAtOnce(at: 0) == nil)  // nobody is free
    done.append(!core.releaseAtOnce(worker, at: 0))  // the first job proves the worker
    var actions: [PoolAction] = []
    core.handle(.leaseReleased(worker, .healthy), at: 0, into: &actions)
    done.append(core.leaseAtOnce(at: 0) == worker)
    done.append(core.releaseAtOnce(worker, at: 0))
    done.append(!core.releaseAtOnce(worker, at: 0))  // it is not leased
    done.append(core.leaseAtOnce(at: 0) == worker)
    core.handle(.leaseRequested(WaiterID(1), .forever), at: 0, into: &actions)
    done.append(!core.releaseAtOnce(worker, at: 0))  // somebody waits
    #expect(done == Array(repeating: true, count: 8))
  }
}
