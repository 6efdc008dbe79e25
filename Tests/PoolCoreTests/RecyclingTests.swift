import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Recycling: limits, surge, rolls") struct RecyclingTests {
  @Test("a worker at its job limit retires before it could get another lease (lesson 9, celery #1310)")
  func retiresBeforeLease() {
    var pool = PoolHarness.open(1) { $0.maximumJobs = 2 }
    pool.release(pool.lease())
    let slot = pool.lease()
    pool.request()
    let actions = pool.release(slot)
    #expect(pool.retirements == [.jobs])
    #expect(actions.contains(.stopWorker(pool.worker(slot), step: 0)))
    #expect(pool.granted.isEmpty)
    pool.gone(slot, .stopped)
    pool.bringUp()
    #expect(pool.granted == [pool.worker(0)])
  }

  @Test("an old worker retires when its lease ends, and is not interrupted")
  func ageWhileLeased() {
    var pool = PoolHarness.open(1) { $0.maximumAge = 10 * second }
    let slot = pool.lease()
    pool.advance(by: 20 * second)
    #expect(pool.retirements == [.age])
    #expect(pool.stopping.isEmpty)
    pool.release(slot)
    #expect(pool.stopping == [slot])
  }

  @Test("with room, a replacement starts while the old worker finishes its lease")
  func replacesWhileLeased() {
    var pool = PoolHarness.open(1, 2) { $0.maximumAge = 10 * second }
    _ = pool.lease()
    pool.fire(0, .age)
    #expect(pool.starting == [1])
  }

  @Test(
    "limits are drawn from the seed below their value, so that workers do not retire in step (lesson 14, gunicorn #862)"
  )
  func limitsAreJittered() {
    let pool = PoolHarness.open(8) {
      $0.jitter = 0.5
      $0.maximumJobs = 1_000
      $0.maximumAge = 1_000 * second
    }
    let jobs = pool.pool.slots.map(\.jobLimit)
    #expect(jobs.allSatisfy { (500...1_000).contains($0) })
    #expect(Set(jobs).count > 4)
    let ages = (0..<8).compactMap { pool.timers.deadline($0, .age).map { $0 - .origin } }
    #expect(ages.allSatisfy { (500 * second...1_000 * second).contains($0) })
    #expect(Set(ages).count == 8)
  }

  @Test("limits are jittered unless that is turned off (lesson 14, gunicorn #862)")
  func jitterByDefault() {
    var configuration = PoolConfiguration(minimum: 8, maximum: 8)
    configuration.maximumJobs = 1_000
    var pool = PoolHarness(configuration)
    pool.send(.start)
    let jobs = pool.pool.slots.map(\.jobLimit)
    #expect(jobs.allSatisfy { (900...1_000).contains($0) })
    #expect(Set(jobs).count > 4)
  }

  @Test("full jitter never draws the limit 0, which would mean no limit", arguments: [1, 2, Int.max])
  func fullJitter(limit: Int) {
    for seed in 1...50 {
      let pool = PoolHarness.open(4, seed: UInt64(seed)) {
        $0.jitter = 1
        $0.maximumJobs = limit
      }
      #expect(pool.pool.slots.allSatisfy { (1...limit).contains($0.jobLimit) })
    }
  }

  @Test("a roll replaces everybody, one at a time", arguments: [0, 1])
  func rolls(surge: Int) {
    var pool = PoolHarness.open(3) {
      $0.surge = surge
      $0.settleTime = 0
    }
    let old = (0..<3).map { pool.worker($0).serial }
    pool.send(.recycleAll)
    for _ in 0..<20 {
      #expect(pool.serving.count >= 2 + surge)
      pool.bringUp()
      pool.buryStopped()
    }
    #expect(pool.serving.count == 3)
    #expect(pool.serving.allSatisfy { !old.contains(pool.worker($0).serial) })
    #expect(pool.retirements == [.requested, .requested, .requested])
  }

  @Test(
    "the first replacement that fails ends the roll; who still serves goes on (lesson 16, react_on_rails #2764)",
    arguments: [0, 1])
  func canaryDies(surge: Int) {
    var pool = PoolHarness.open(3) { $0.surge = surge }
    pool.send(.recycleAll)
    pool.buryStopped()
    pool.gone(pool.starting[0], .failedStart)
    #expect(pool.notices.contains(.recyclingAborted))
    let left = pool.serving
    #expect(left.count == 2 + surge)
    pool.advance(by: 60 * second)
    pool.bringUp()
    #expect(pool.serving.count == 3)
    #expect(Set(left).isSubset(of: pool.serving))
  }

  @Test(
    "a replacement that merely runs is no canary: the next waits until it has proved itself (lesson 16, react_on_rails #2764)",
    arguments: [0, 1])
  func canaryMustProve(surge: Int) {
    var pool = PoolHarness.open(3) {
      $0.surge = surge
      $0.readyIsProof = false
    }
    pool.advance(by: 2 * second)
    func roll(_ pool: inout PoolHarness) -> Int {
      pool.send(.recycleAll)
      pool.buryStopped()
      pool.bringUp()
      return pool.shadows.indices.max { pool.shadows[$0].serial < pool.shadows[$1].serial } ?? 0
    }
    let canary = roll(&pool)
    // Without surge the first one has gone before.
    #expect(pool.retirements.count == 1 - surge)
    pool.gone(canary, .failedStart)
    #expect(pool.notices.contains(.recyclingAborted))
    #expect(pool.serving.count == 2 + surge)
    #expect(pool.retirements.count == 1 - surge)

    pool.advance(by: 60 * second)
    pool.bringUp()
    pool.advance(by: 2 * second)
    _ = roll(&pool)
    let retired = pool.retirements.count
    pool.advance(by: second)
    #expect(pool.retirements.count == retired + 1)
  }

  @Test("a roll asked for again replaces the replacements, too")
  func rollsTwice() {
    var pool = PoolHarness.open(2) { $0.settleTime = 0 }
    pool.send(.recycleAll)
    pool.buryStopped()
    pool.bringUp()
    let last = pool.shadows.map(\.serial).max() ?? 0
    pool.send(.recycleAll)
    for _ in 0..<20 {
      pool.buryStopped()
      pool.bringUp()
    }
    #expect(pool.serving.count == 2)
    #expect(pool.serving.allSatisfy { pool.worker($0).serial > last })
  }

  @Test("a roll replaces workers that are still starting: they carry the old build")
  func rollsStarting() {
    var pool = PoolHarness.open(2, isUp: false) { $0.settleTime = 0 }
    pool.send(.recycleAll)
    for _ in 0..<20 {
      pool.bringUp()
      pool.buryStopped()
    }
    #expect(pool.serving.count == 2)
    #expect(pool.serving.allSatisfy { pool.worker($0).serial > 2 })
  }

  @Test("a limit reached during a roll outlasts the roll's failure")
  func limitOutlastsRoll() {
    var pool = PoolHarness.open(2) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    pool.send(.recycleAll)
    pool.fire(0, .age)
    pool.gone(2, .failedStart)
    #expect(pool.notices.contains(.recyclingAborted))
    pool.fire(2, .backoff)
    pool.bringUp()
    #expect(pool.retirements == [.age])
  }

  @Test("recycling one that starts, one that is leased, one that is gone")
  func recycleOne() {
    var pool = PoolHarness.open(2, isUp: false)
    let first = pool.worker(0)
    pool.send(.recycle(first))
    #expect(pool.stopping == [0])
    pool.gone(0, .stopped)
    #expect(pool.send(.recycle(first)).isEmpty)
    pool.bringUp()
    let slot = pool.lease()
    pool.send(.recycle(pool.worker(slot)))
    #expect(pool.stopping.isEmpty)
    pool.release(slot)
    #expect(pool.stopping == [slot])
    #expect(pool.backoffs.isEmpty)
  }

  @Test("with capacity a worker at its limit stops when its last lease has ended")
  func limitWithCapacity() {
    var pool = PoolHarness.open(1) {
      $0.capacity = 3
      $0.maximumJobs = 2
    }
    for _ in 0..<3 { pool.request() }
    pool.release(0)
    pool.request()
    pool.release(0)
    #expect(pool.retirements == [.jobs])
    #expect(pool.stopping.isEmpty)
    pool.release(0)
    #expect(pool.stopping.isEmpty)
    pool.release(0)
    #expect(pool.stopping == [0])
  }
}
