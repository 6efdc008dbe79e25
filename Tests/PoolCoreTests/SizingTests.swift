import Testing

@testable import PoolCore

@Suite("Sizing") struct SizingTests {
  @Test("a dynamic pool grows with those who wait, up to its maximum")
  func grows() {
    var pool = PoolHarness.open(0, 2)
    #expect(pool.starts == 0)
    for _ in 0..<5 { pool.request() }
    #expect(pool.starting == [0, 1])
    pool.bringUp()
    #expect(pool.pending.count == 3)
  }

  @Test("with capacity it starts no more workers than the waiters fill")
  func growsByCapacity() {
    var pool = PoolHarness.open(0, 8, isUp: false) { $0.capacity = 4 }
    for _ in 0..<9 { pool.request() }
    #expect(pool.starting.count == 3)
  }

  @Test("a waiter that is served meanwhile leaves a start that nobody needs; it ages out")
  func elidedStart() {
    var pool = PoolHarness.open(1, 2) { $0.idleLimit = 10 * second }
    let slot = pool.lease()
    pool.request()
    #expect(pool.starting == [1])
    pool.release(slot)
    #expect(pool.pending.isEmpty)
    pool.release(slot)
    pool.bringUp()
    // The newcomer is the warmest now and serves; the other one is not needed, and must be the one to go.
    for _ in 0..<30 {
      pool.advance(by: second)
      pool.release(pool.lease())
    }
    #expect(pool.retirements == [.idle])
    #expect(pool.serving == [1])
  }

  @Test("idle workers above the minimum retire, those below stay")
  func idleRetires() {
    var pool = PoolHarness.open(1, 3) { $0.idleLimit = 10 * second }
    let slots = [pool.lease()]
    for _ in 0..<2 { pool.request() }
    pool.bringUp()
    for slot in slots + [1, 2] { pool.release(slot) }
    pool.advance(by: 60 * second)
    pool.buryStopped()
    #expect(pool.serving.count == 1)
    #expect(pool.retirements == [.idle, .idle])
  }

  @Test("lesson 18: a probe is no use: probed workers age out, and do not become the warmest")
  func probedWorkersAgeOut() {
    var pool = PoolHarness.open(1, 3) {
      $0.idleLimit = 10 * second
      $0.probeInterval = 3 * second
    }
    for _ in 0..<3 { pool.request() }
    pool.bringUp()
    for slot in 0..<3 { pool.release(slot) }
    for _ in 0..<20 {
      #expect(pool.lease() == 2, "the warmest")
      pool.release(2)
      pool.advance(by: second)
      for slot in 0..<3 where pool.shadows[slot].check == .probe { pool.send(.probePassed(pool.worker(slot))) }
    }
    #expect(pool.retirements == [.idle, .idle])
    #expect(pool.serving == [2])
  }

  @Test("lesson 17: scaling down retires idle workers and never a busy one")
  func shrinksIdleOnly() {
    var pool = PoolHarness.open(4)
    let busy = [pool.lease(), pool.lease(), pool.lease()]
    pool.send(.resized(minimum: 1, maximum: 1))
    #expect(pool.stopping.count == 1)
    for slot in busy { #expect(pool.shadows[slot].life == .ready) }
    pool.release(busy[0])
    #expect(pool.shadows[busy[0]].life == .stopping)
    #expect(pool.shadows[busy[1]].life == .ready)
  }

  @Test("below the number of leased workers it shrinks as leases end, though others wait", arguments: [1, 2])
  func shrinksUnderLoad(capacity: Int) {
    var pool = PoolHarness.open(4) { $0.capacity = capacity }
    for _ in 0..<(12 * capacity) { pool.request() }
    pool.send(.resized(minimum: 1, maximum: 2))
    #expect(pool.stopping.isEmpty)
    for slot in 0..<2 { for _ in 0..<capacity { pool.release(slot) } }
    #expect(pool.stopping == [0, 1])
    #expect(pool.serving == [2, 3])
    pool.release(2)
    #expect(pool.granted.count == 1, "the rest goes on")
  }

  @Test("scaling up starts what is missing")
  func scalesUp() {
    var pool = PoolHarness.open(1)
    pool.send(.resized(minimum: 3, maximum: 3))
    #expect(pool.starting.count == 2)
  }

  @Test("workers that become ready above the new maximum go again")
  func shrinksWhileStarting() {
    var pool = PoolHarness.open(4, isUp: false)
    pool.send(.resized(minimum: 1, maximum: 1))
    pool.bringUp()
    #expect(pool.serving.count == 1)
    #expect(pool.retirements == [.surplus, .surplus, .surplus])
  }

  @Test("lesson 8: need is derived from what lives: workers that recycle under a long queue are replaced at once")
  func queueSurvivesRecycling() {
    var pool = PoolHarness.open(0, 2) { $0.maximumJobs = 1 }
    for _ in 0..<50 { pool.request() }
    var served = 0
    for _ in 0..<200 where served < 50 {
      pool.bringUp()
      for slot in 0..<2 where pool.shadows[slot].leases > 0 {
        pool.release(slot)
        served += 1
      }
      pool.buryStopped()
    }
    #expect(served == 50)
    #expect(pool.pending.isEmpty)
    #expect(pool.starts == 50)
  }
}
