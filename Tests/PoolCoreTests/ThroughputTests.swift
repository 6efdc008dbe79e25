import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Limits are kept without a dip") struct ThroughputTests {
  /// Two workers, 300 ms to start, 5 ms for a job, a new one after 50 jobs.
  func world(
    stop: Nanoseconds = 20 * millisecond, usesDemand: Bool = false, _ adjust: (inout PoolConfiguration) -> Void
  ) -> BusyWorld {
    var configuration = PoolConfiguration(minimum: 2, maximum: 2)
    configuration.surge = 1
    configuration.maximumJobs = 50
    adjust(&configuration)
    return BusyWorld(start: 300 * millisecond, job: 5 * millisecond, stop: stop, usesDemand: usesDemand, configuration)
  }

  @Test(
    "starts that take longer than limits leave follow each other without a pause, and two always work (lesson 15, gunicorn #2417)",
    arguments: [true, false], [true, false])
  func continuous(readyIsProof: Bool, usesDemand: Bool) {
    var world = world(usesDemand: usesDemand) { $0.readyIsProof = readyIsProof }
    world.run(for: 2 * second)
    world.measure()
    let startsBefore = world.harness.starts
    world.run(for: 30 * second)
    #expect(world.harness.violations == [])
    #expect(world.fewestWorking >= 2)
    #expect(world.jobs >= 12_000, "2 workers, 30 s, 5 ms")
    #expect((95...101).contains(world.harness.starts - startsBefore), "one start each 300 ms")
  }

  @Test("an old worker that takes long to stop costs nothing but a later replacement")
  func slowStop() {
    var world = world(stop: 4 * second) { $0.readyIsProof = true }
    world.run(for: 2 * second)
    world.measure()
    world.run(for: 30 * second)
    #expect(world.harness.violations == [])
    #expect(world.fewestWorking >= 2)
    #expect(world.jobs >= 12_000)
    #expect((7...9).contains(world.harness.retirements.count))
  }

  @Test("a bad build behind a limit never drops the pool below its size (lesson 16, react_on_rails #2764)")
  func badBuild() {
    var world = world { $0.readyIsProof = true }
    world.run(for: 2 * second)
    world.failing = .max
    world.run(for: second)
    world.measure()
    world.run(for: 60 * second)
    #expect(world.fewestWorking >= 2)
    world.failing = 0
    let retired = world.harness.retirements.count
    world.run(for: 60 * second)
    #expect(world.harness.retirements.count > retired + 50, "it goes on where it was")
  }

  @Test("a replacement is started as much ahead of the job limit as a start takes", arguments: [true, false])
  func aheadOfJobs(readyIsProof: Bool) {
    var world = world {
      $0.maximumJobs = 500
      $0.jitter = 0.5
      $0.readyIsProof = readyIsProof
    }
    world.run(for: 2 * second)
    world.measure()
    world.run(for: 40 * second)
    #expect(world.harness.violations == [])
    #expect(world.fewestWorking >= 2)
    let living = world.harness.shadows.map(\.serial)
    let over = world.limits.filter { !living.contains($0.key) }.map { world.jobsOf[$0.key, default: 0] - $0.value }
    #expect(over.count > 30)
    // A start takes as long as 60 jobs: when two are due at the same time, one has to wait for the other.
    #expect(over.allSatisfy { (-65...65).contains($0) })
    #expect(over.count { (-1...1).contains($0) } * 3 > over.count * 2, "over the limit by \(over)")
  }

  @Test("and ahead of the age limit, but not more than half of it")
  func aheadOfAge() {
    var pool = PoolHarness.open(1, isUp: false) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    pool.advance(by: 4 * second)
    pool.ready(0)
    #expect(pool.timers.deadline(0, .age) == pool.now + 6 * second)
    pool.fire(0, .age)
    pool.advance(by: 20 * second)
    pool.ready(1)
    // What starts take is learned by a quarter of the difference: 4 s, then 20 s, is 8 s.
    #expect(pool.pool.typicalStart == 8 * second)
    #expect(pool.timers.deadline(1, .age) == pool.now + 5 * second)
  }

  @Test("where ready is no proof, a start is timed by a first job that waited for it, and by no other")
  func startTimeOnTrust() {
    var pool = PoolHarness.open(2) { $0.readyIsProof = false }
    pool.advance(by: 10 * second)
    pool.release(pool.lease())
    #expect(pool.pool.typicalStart == 0)
    for _ in 0..<3 { pool.request() }
    pool.gone(0)
    pool.bringUp()
    pool.advance(by: 3 * second)
    pool.release(0)
    #expect(pool.pool.typicalStart == 3 * second)
  }

  @Test("without surge there is nothing to be ahead of")
  func notAheadWithoutSurge() {
    var pool = PoolHarness.open(1, isUp: false) {
      $0.maximumAge = 10 * second
      $0.maximumJobs = 3
    }
    pool.advance(by: 4 * second)
    pool.ready(0)
    #expect(pool.timers.deadline(0, .age) == pool.now + 10 * second)
    for _ in 0..<2 { pool.release(pool.lease()) }
    #expect(pool.retirements.isEmpty)
  }
}
