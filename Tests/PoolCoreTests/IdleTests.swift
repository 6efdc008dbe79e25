import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Idle workers") struct IdleTests {
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
}
