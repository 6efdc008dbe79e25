import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("One who waits only as long as something is coming") struct EagerTests {
  @Test("one who waits only unless the pool is exhausted gets a worker that is started for it")
  func eagerGrows() {
    var pool = PoolHarness.open(0, 2)
    pool.request(.unlessExhausted)
    pool.request(.unlessExhausted)
    #expect(pool.refused.isEmpty)
    pool.bringUp()
    #expect(pool.serving.count == 2 && pool.pending.isEmpty)
    #expect(pool.request(.unlessExhausted) == [.refuseLease(WaiterID(3), .exhausted)])
  }

  @Test("it waits for a worker that is being reset, but not for one that is leased")
  func eagerWaitsForReset() {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = true }
    let slot = pool.lease()
    #expect(pool.request(.unlessExhausted) == [.refuseLease(WaiterID(2), .exhausted)])
    pool.release(slot)
    #expect(pool.request(.unlessExhausted).isEmpty)
    pool.send(.resetPassed(pool.worker(slot)))
    #expect(pool.granted == [pool.worker(slot)])
  }

  @Test("it is refused when its start fails, while one who waits longer waits for the next try")
  func eagerIsRefusedOnFailure() {
    var pool = PoolHarness.open(0, 1)
    pool.request()
    pool.request(.unlessExhausted)
    #expect(pool.refused == [.exhausted], "the only worker is for the one before")
    pool.send(.leaseWithdrawn(WaiterID(1)))
    pool.gone(0, .failedStart)
    pool.fire(0, .backoff)
    pool.request(.unlessExhausted)
    pool.request()
    pool.gone(0, .failedStart)
    #expect(pool.refused == [.startsFail])
    #expect(pool.pending == [WaiterID(4)])
    #expect(pool.request(.unlessExhausted) == [.refuseLease(WaiterID(5), .startsFail)])
  }

  @Test("when the worker that was probed for it is sick, it gets another, or waits for a new one: none is leased")
  func eagerOutlivesSickWorker() {
    var pool = PoolHarness.open(1) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request(.unlessExhausted)
    pool.send(.probeFailed(pool.worker(0)))
    #expect(pool.refused.isEmpty, "the sick one still holds the only place, but not for long")
    pool.buryStopped()
    pool.bringUp()
    #expect(pool.pending.isEmpty && pool.granted.count == 1)
  }

  @Test("it waits for the place of a worker that is being stopped")
  func eagerWaitsForPlace() {
    var pool = PoolHarness.open(1)
    pool.send(.workerBroken(pool.worker(pool.lease())))
    #expect(pool.request(.unlessExhausted).isEmpty)
    pool.buryStopped()
    pool.bringUp()
    #expect(pool.granted.count == 1 && pool.refused.isEmpty)
  }

  @Test("when the pool shrinks, it does not wait for the end of another's lease")
  func eagerDoesNotOutstayShrinking() {
    var pool = PoolHarness.open(0, 2) { $0.growsGradually = false }
    pool.request()
    pool.request(.unlessExhausted)
    pool.send(.resized(minimum: 0, maximum: 1))
    pool.ready(0)
    #expect(pool.granted == [pool.worker(0)])
    pool.ready(1)
    #expect(pool.refused == [.exhausted] && pool.pending.isEmpty)
  }
}
