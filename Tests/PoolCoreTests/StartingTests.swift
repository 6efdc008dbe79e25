import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Starts and backoff") struct StartingTests {
  @Test("a pool starts its minimum, so many at the same moment as it may")
  func startsLimited() {
    var pool = PoolHarness.open(5, isUp: false) { $0.maximumStarting = 2 }
    #expect(pool.starting == [0, 1])
    pool.ready(0)
    #expect(pool.starting == [1, 2])
    pool.bringUp()
    #expect(pool.serving.count == 5)
  }

  @Test(
    "two hundred workers that are merely taken to be ready do not start all at once either (lesson 14, gunicorn #862)")
  func noThunderingHerd() {
    var pool = PoolHarness.open(200) {
      $0.readyIsProof = false
      $0.maximumStarting = 8
    }
    #expect(pool.serving.count == 8)
    pool.advance(by: pool.pool.configuration.settleTime)
    pool.bringUp()
    #expect(pool.serving.count == 16, "the first eight have settled")
    for _ in 0..<4 { pool.release(pool.lease()) }
    pool.bringUp()
    #expect(pool.serving.count == 16, "those that work already prove nothing about the others")
    while pool.serving.count < 200 {
      pool.advance(by: pool.pool.configuration.settleTime)
      pool.bringUp()
    }
    #expect(pool.pool.census.loading <= 8)
  }

  @Test("a job done lets the next one start at once, where ready is no proof")
  func provedByJobLetsStart() {
    var pool = PoolHarness.open(5) {
      $0.readyIsProof = false
      $0.maximumStarting = 2
    }
    let slot = pool.lease()
    pool.release(slot)
    #expect(pool.starting == [2])
  }

  @Test("a worker that is starting can ask for more time, which replaces what it asked for before")
  func extendsStart() {
    var pool = PoolHarness.open(1, isUp: false) { $0.startLimit = 10 * second }
    pool.send(.startExtended(pool.worker(0), by: 3 * second))
    #expect(pool.timers.deadline(0, .start) == .origin + 10 * second, "it may have longer anyway")
    pool.advance(by: 9 * second)
    pool.send(.startExtended(pool.worker(0), by: 30 * second))
    #expect(pool.timers.deadline(0, .start) == .origin + 39 * second)
    pool.advance(by: 10 * second)
    pool.send(.startExtended(pool.worker(0), by: 5 * second))
    #expect(pool.timers.deadline(0, .start) == .origin + 24 * second)
    pool.advance(by: 5 * second)
    #expect(pool.retirements == [.startTimeout])
    pool.send(.startExtended(pool.worker(0), by: 60 * second))
    #expect(pool.actions.isEmpty, "too late")
  }

  @Test("one that asks for all the time in the world has it; one that is ready needs none")
  func extendsStartForEver() {
    var pool = PoolHarness.open(1, isUp: false)
    pool.advance(by: 5 * second)
    pool.send(.startExtended(pool.worker(0), by: .max))
    pool.advance(by: 1_000_000 * second)
    #expect(pool.retirements.isEmpty)
    pool.ready(0)
    #expect(pool.send(.startExtended(pool.worker(0), by: second)).isEmpty)
  }

  @Test("a failed start is tried again for ever, and the pool comes back to its size (lesson 1, roadrunner #772)")
  func retriesForEver() {
    var pool = PoolHarness.open(2, isUp: false) { $0.restartBudget = RestartBudget(failures: 3, period: 120 * second) }
    for _ in 0..<200 {
      while let slot = pool.starting.first { pool.gone(slot, .failedStart) }
      pool.advance(by: 31 * second)
    }
    #expect(pool.backoffs.count > 100)
    pool.bringUp()
    pool.advance(by: 60 * second)
    pool.bringUp()
    #expect(pool.serving.count == 2)
    #expect(pool.notices.last == .breakerClosed)
  }

  @Test("waits double, are capped, and jittered downwards (lesson 21, supervisor #487, #1528)")
  func backoffGrows() {
    var generator = SeededGenerator(seed: 1)
    let backoff = Backoff(minimum: 100 * millisecond, maximum: 30 * second)
    var full = 100 * millisecond
    for failures in 1...80 {
      for _ in 0..<20 {
        let wait = backoff.wait(afterFailures: failures, using: &generator)
        #expect((full / 2...full).contains(wait))
      }
      full = min(full * 2, 30 * second)
    }
  }

  @Test("different seeds give different jitter, the same seed the same")
  func jitterFromSeed() {
    func waits(seed: UInt64) -> [Nanoseconds] {
      var pool = PoolHarness.open(3, isUp: false, seed: seed) { $0.jitter = 0.5 }
      for slot in 0..<3 { pool.gone(slot, .failedStart) }
      return pool.backoffs
    }
    #expect(waits(seed: 1) == waits(seed: 1))
    #expect(waits(seed: 1) != waits(seed: 2))
    #expect(Set(waits(seed: 1)).count == 3)
  }

  @Test("a start that hangs is stopped on the second step, and counts as failed when it is gone")
  func startTimeout() {
    var pool = PoolHarness.open(1, isUp: false) { $0.startLimit = second }
    pool.advance(by: second)
    #expect(pool.retirements == [.startTimeout])
    #expect(pool.history.contains(.stopWorker(pool.worker(0), step: 1)))
    #expect(pool.backoffs.isEmpty)
    pool.ready(0)
    #expect(pool.actions.isEmpty, "too late")
    pool.gone(0, .stopped)
    #expect(pool.backoffs.count == 1)
  }

  @Test(
    "a worker that says ready and ends without a job costs growing waits, not a loop of starts (lesson 2, roadrunner #737)"
  )
  func readyThenGone() {
    var pool = PoolHarness.open(1, isUp: false)
    for _ in 0..<6 {
      pool.ready(0)
      pool.gone(0, .died)
      #expect(pool.starting.isEmpty)
      pool.advance(by: 31 * second)
    }
    #expect(pool.backoffs.count == 6)
    #expect(pool.backoffs[5] > pool.backoffs[0] * 8)
  }

  @Test("an exit while idle is normal for one that has worked, and costs nothing (lesson 25, mod_fcgid)")
  func exitWhileIdle() {
    var pool = PoolHarness.open(1)
    pool.release(pool.lease())
    pool.gone(0, .died)
    #expect(pool.starting == [0])
    pool.bringUp()
    pool.advance(by: 2 * second)
    pool.gone(0, .died)
    #expect(pool.starting == [0])
    #expect(pool.backoffs.isEmpty)
  }

  @Test("a worker that never proved itself and breaks has failed to start")
  func brokenBeforeProof() {
    var pool = PoolHarness.open(1) { $0.readyIsProof = false }
    pool.send(.workerBroken(pool.worker(0)))
    pool.gone(0, .stopped)
    #expect(pool.backoffs.count == 1)
  }

  @Test("one that says ready, is given a job and breaks without touching it has failed to start, until it has settled")
  func brokenWithAnUntouchedJob() {
    var pool = PoolHarness.open(1)
    pool.request()
    pool.send(.workerBroken(pool.worker(0), jobUntouched: true))
    pool.gone(0, .stopped)
    #expect(pool.backoffs.count == 1)

    var settled = PoolHarness.open(1)
    settled.advance(by: 2 * second)
    settled.request()
    settled.send(.workerBroken(settled.worker(0), jobUntouched: true))
    settled.gone(0, .stopped)
    #expect(settled.backoffs.isEmpty)
  }

  @Test("one that breaks on its first job has failed to start while no worker ever worked, and not any more after that")
  func brokenOnItsFirstJob() {
    var pool = PoolHarness.open(2) { $0.readyIsProof = false }
    pool.request()
    pool.send(.workerBroken(pool.worker(0)))
    pool.gone(0, .stopped)
    #expect(pool.backoffs.count == 1)

    var proved = PoolHarness.open(2) { $0.readyIsProof = false }
    proved.release(proved.lease())
    for _ in 0..<20 {
      let (one, other) = (proved.lease(), proved.lease())
      proved.send(.workerBroken(proved.worker(one)))
      proved.release(other)
      proved.gone(one, .stopped)
      proved.bringUp()
    }
    #expect(proved.backoffs.isEmpty)
  }

  @Test(
    "one whose first job we interrupted has not failed to start; nor has any that has read its job, where jobs are to blame"
  )
  func interruptedOnItsFirstJob() {
    var pool = PoolHarness.open(1) { $0.readyIsProof = false }
    pool.request()
    pool.send(.workerBroken(pool.worker(0), interrupted: true))
    pool.gone(0, .stopped)
    #expect(pool.backoffs.isEmpty)

    var blaming = PoolHarness.open(1) {
      $0.readyIsProof = false
      $0.blamesJobs = true
    }
    blaming.request()
    blaming.send(.workerBroken(blaming.worker(0)))
    blaming.gone(0, .stopped)
    #expect(blaming.backoffs.isEmpty)
    blaming.bringUp()
    blaming.request()
    blaming.send(.workerBroken(blaming.worker(0), jobUntouched: true))
    blaming.gone(0, .stopped)
    #expect(blaming.backoffs.count == 1, "one that reads nothing is no worker, whatever the job")
  }
}
