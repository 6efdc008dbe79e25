import Testing

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

  @Test("a pool that cannot shrink arms no timer for idle workers", arguments: [2, 4])
  func noIdleTimer(maximum: Int) {
    var pool = PoolHarness.open(2, maximum) { $0.idleLimit = 10 * second }
    for _ in 0..<3 { pool.release(pool.lease()) }
    #expect(!pool.history.contains { if case .arm(.slot(_, .idle, _), _) = $0 { true } else { false } })
  }

  @Test("idle timers cost nothing per job: they run on, and look at the idle time when they fire")
  func idleTimerRunsOn() {
    var pool = PoolHarness.open(1, 2) { $0.idleLimit = 10 * second }
    for _ in 0..<2 { pool.request() }
    pool.bringUp()
    pool.release(0)
    let armed = pool.timers.armed(0, .idle)
    for _ in 0..<9 {
      pool.advance(by: second)
      #expect(pool.lease() == 0)
      pool.release(0)
      #expect(pool.timers.armed(0, .idle) == armed)
    }
    pool.advance(by: 9 * second)
    #expect(pool.retirements.isEmpty, "idle for 9 s only")
    pool.advance(by: second)
    #expect(pool.retirements == [.idle])
  }

  @Test("those that began to rest when the pool was at its minimum age out when it has grown")
  func agesOutAfterGrowth() {
    var pool = PoolHarness.open(2, 3) { $0.idleLimit = 10 * second }
    let slots = [pool.lease(), pool.lease()]
    pool.request()
    for slot in slots { pool.release(slot) }
    pool.release(slots[0])
    #expect(!pool.timers.isArmed(slots[0], .idle))
    pool.advance(by: 4 * second)
    pool.bringUp()
    // The newcomer is the warmest and does everything.
    for _ in 0..<6 {
      pool.advance(by: second)
      #expect(pool.lease() == 2)
      pool.release(2)
    }
    #expect(pool.retirements == [.idle])
    #expect(pool.serving.count == 2)
    #expect(pool.serving.contains(2))
    pool.advance(by: 60 * second)
    #expect(pool.retirements == [.idle], "no further than the minimum")
  }

  @Test("those that rested age out when the minimum becomes smaller, by the time they have rested already")
  func agesOutAfterResize() {
    var pool = PoolHarness.open(3) { $0.idleLimit = 10 * second }
    pool.advance(by: 7 * second)
    pool.send(.resized(minimum: 1, maximum: 3))
    pool.advance(by: 2 * second)
    #expect(pool.retirements.isEmpty)
    pool.advance(by: second)
    #expect(pool.retirements == [.idle, .idle])
    pool.send(.resized(minimum: 0, maximum: 3))
    #expect(pool.pool.canShrink)
    pool.advance(by: 1)
    #expect(pool.retirements == [.idle, .idle, .idle])
  }

  @Test("while workers are replaced, those that rest do not go in their place")
  func replacedNotAgedOut() {
    var pool = PoolHarness.open(3, 6) {
      $0.idleLimit = 10 * second
      $0.surge = 1
      // So that for a moment there are four, one of which is not trusted yet.
      $0.readyIsProof = false
    }
    pool.advance(by: 3600 * second)
    pool.send(.recycle(pool.worker(2)))
    pool.bringUp()
    pool.advance(by: 3600 * second)
    #expect(pool.serving == [0, 1, 3])
    #expect(pool.retirements == [.requested])
  }

  @Test("a worker that is busy when its idle time would be over stays (lesson 17, uwsgi #1291)")
  func busyWhenIdleTimerFires() {
    var pool = PoolHarness.open(0, 1) { $0.idleLimit = 10 * second }
    pool.request()
    pool.bringUp()
    pool.release(0)
    pool.advance(by: 5 * second)
    _ = pool.lease()
    pool.advance(by: 60 * second)
    #expect(pool.retirements.isEmpty)
    pool.release(0)
    pool.advance(by: 10 * second)
    #expect(pool.retirements == [.idle])
  }

  @Test("a probe is no use: probed workers age out, and do not become the warmest (lesson 18, php-src #4101, #12798)")
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
