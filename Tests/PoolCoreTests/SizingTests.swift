import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Sizing") struct SizingTests {
  @Test("a dynamic pool grows with those who wait, up to its maximum")
  func grows() {
    var pool = PoolHarness.open(0, 2)
    #expect(pool.starts == 0)
    for _ in 0..<5 { pool.request() }
    pool.bringUp()
    #expect(pool.starts == 2)
    #expect(pool.pending.count == 3)
  }

  @Test("it grows by one at first, by twice as many with each generation, and never by more than may load at once")
  func growthDoubles() {
    var pool = PoolHarness.open(2, 40) { $0.maximumStarting = 6 }
    for _ in 0..<60 { pool.request() }
    var generations: [Int] = []
    while !pool.starting.isEmpty {
      let generation = pool.starting
      generations.append(generation.count)
      for slot in generation { pool.ready(slot) }
    }
    // Each that is ready lets the next one start at once; what is counted is who loads when the generation is over.
    #expect(generations.prefix(4) == [1, 2, 4, 6])
    #expect(generations.max() == 6)
    #expect(pool.serving.count == 40)
  }

  @Test("where ready is no proof, growth goes on when the first job is done")
  func growthOnTrust() {
    var pool = PoolHarness.open(0, 8) {
      $0.readyIsProof = false
      $0.maximumStarting = 4
    }
    for _ in 0..<20 { pool.request() }
    pool.bringUp()
    #expect(pool.serving == [0])
    pool.release(0)
    #expect(pool.starting == [1, 2])
  }

  @Test("up to the minimum a pool does not start slowly")
  func minimumAtOnce() {
    let pool = PoolHarness.open(5, 8, isUp: false)
    #expect(pool.starting.count == 5)
  }

  @Test("when nobody waits, growth begins with one again")
  func growthBeginsAnew() {
    var pool = PoolHarness.open(0, 16)
    for _ in 0..<7 { pool.request() }
    pool.bringUp()
    #expect(pool.serving.count == 7)
    #expect(pool.pool.growth > 2)
    for _ in 0..<5 { pool.request() }
    #expect(pool.starting.count == 1)
  }

  @Test("a start that was not begun when the demand went is never begun (lesson 8, cpython #115634)")
  func demandGoes() {
    var pool = PoolHarness.open(1, 8)
    let slot = pool.lease()
    for _ in 0..<3 { pool.request() }
    #expect(pool.starts == 2)
    for _ in 0..<3 { pool.release(slot) }
    pool.bringUp()
    #expect(pool.starts == 2)
    #expect(pool.serving.count == 2)
  }

  @Test("a slot whose starts fail does not keep the others from growing (lesson 1, roadrunner #772)")
  func growthPastFailure() {
    var pool = PoolHarness.open(0, 3) { $0.backoff = Backoff(minimum: 60 * second, maximum: 60 * second) }
    for _ in 0..<3 { pool.request() }
    pool.gone(0, .failedStart)
    pool.bringUp()
    #expect(pool.serving == [1, 2])
  }

  @Test("with capacity it starts no more workers than the waiters fill")
  func growsByCapacity() {
    var pool = PoolHarness.open(0, 8) { $0.capacity = 4 }
    for _ in 0..<9 { pool.request() }
    pool.bringUp()
    #expect(pool.serving.count == 3)
  }

  @Test("scaling down retires idle workers and never a busy one (lesson 17, uwsgi #1291)")
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

  @Test("a worker that is one too many when its reset is done goes, though others wait")
  func shrinksAfterReset() {
    var pool = PoolHarness.open(2) { $0.resetsAfterLease = true }
    for _ in 0..<3 { pool.request() }
    for slot in 0..<2 { pool.release(slot) }
    pool.send(.resized(minimum: 1, maximum: 1))
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.stopping == [0])
    #expect(pool.granted.isEmpty)
    pool.send(.resetPassed(pool.worker(1)))
    #expect(pool.granted.count == 1)
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

  @Test(
    "need is derived from what lives: workers that recycle under a long queue are replaced at once (lesson 8, cpython #115634)"
  )
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
