import Testing

@testable import PoolCore

@Suite("Starts, backoff, breaker") struct StartingTests {
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
    #expect(pool.timers.deadline(0, .start) == 10 * second, "it may have longer anyway")
    pool.advance(by: 9 * second)
    pool.send(.startExtended(pool.worker(0), by: 30 * second))
    #expect(pool.timers.deadline(0, .start) == 39 * second)
    pool.advance(by: 10 * second)
    pool.send(.startExtended(pool.worker(0), by: 5 * second))
    #expect(pool.timers.deadline(0, .start) == 24 * second)
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
    func waits(seed: UInt64) -> [UInt64] {
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
    "the spent budget opens the breaker; one trial decides; its success lets all start (lesson 21, supervisor #1640)")
  func breakerHalfOpens() {
    var pool = PoolHarness.open(3, isUp: false) { $0.restartBudget = RestartBudget(failures: 3, period: 10 * second) }
    for slot in 0..<3 { pool.gone(slot, .failedStart) }
    guard case .breakerOpened(failures: 3, _, let wait)? = pool.notices.last else {
      Issue.record("not opened: \(pool.notices)")
      return
    }
    pool.advance(by: wait + 30 * second)
    #expect(pool.starting.count == 1)
    pool.gone(pool.starting[0], .failedStart)
    #expect(pool.starting.isEmpty)
    pool.advance(by: 60 * second)
    #expect(pool.starting.count == 1)
    pool.ready(pool.starting[0])
    #expect(pool.notices.last == .breakerClosed)
    #expect(pool.starting.count == 2)
  }

  @Test(
    "while the breaker is open and no worker is left, waiters are refused with the start error (lesson 19, php-src #11260)"
  )
  func refusesWhileOpen() {
    var pool = PoolHarness.open(1, isUp: false)
    pool.request()
    pool.request(.within(60 * second))
    pool.gone(0, .cannotStart)
    #expect(pool.refused == [.startsFail, .startsFail])
    #expect(pool.timers.armedWaiters == 0)
    pool.request()
    #expect(pool.refused == [.startsFail])
    pool.advance(by: 60 * second)
    pool.request()
    #expect(pool.refused.isEmpty, "the trial may serve it")
    pool.bringUp()
    #expect(pool.granted.count == 1)
  }

  @Test("without refusal they wait on")
  func waitsWhileOpen() {
    var pool = PoolHarness.open(1, isUp: false) { $0.refusesWhileBreakerIsOpen = false }
    pool.request()
    pool.gone(0, .cannotStart)
    #expect(pool.refused.isEmpty)
    pool.advance(by: 60 * second)
    pool.bringUp()
    #expect(pool.granted.count == 1)
  }

  @Test("a missing program opens the breaker at once, but not once a worker has worked")
  func cannotStart() {
    var pool = PoolHarness.open(2, isUp: false)
    pool.ready(0)
    pool.gone(1, .cannotStart)
    #expect(pool.backoffs.count == 1)
    #expect(!pool.pool.breaker.isOpen)
  }

  @Test("merely running is no proof, but the trial need not wait for a job to prove itself (lesson 1, roadrunner #772)")
  func halfOpenWithoutProof() {
    var pool = PoolHarness.open(3, isUp: false) {
      $0.readyIsProof = false
      $0.restartBudget = RestartBudget(failures: 3, period: 10 * second)
    }
    for slot in 0..<3 { pool.gone(slot, .failedStart) }
    pool.advance(by: 60 * second)
    pool.bringUp()
    #expect(pool.serving.count == 1)
    #expect(pool.notices.last != .breakerClosed)
    pool.advance(by: pool.pool.configuration.settleTime)
    #expect(pool.notices.last == .breakerClosed)
    pool.bringUp()
    #expect(pool.serving.count == 3)
  }

  @Test("a worker taken to be ready that ends without a job has failed to start, however long that took")
  func slowlyFailingStart() {
    var pool = PoolHarness.open(2, isUp: false) {
      $0.readyIsProof = false
      $0.restartBudget = RestartBudget(failures: 5, period: 60 * second)
    }
    for _ in 0..<3 {
      pool.bringUp()
      pool.advance(by: 3 * second)
      for slot in pool.serving { pool.gone(slot, .failedStart) }
      pool.advance(by: 2 * second)
    }
    #expect(pool.backoffs.count >= 5)
    #expect(pool.pool.slots.map(\.failures).max() == 3, "living on alone does not make the next wait short again")
    #expect(pool.pool.breaker.isOpen)
  }

  @Test(
    "starts that fail too slowly to spend the budget open the breaker all the same, and are tried on (lesson 21, supervisor #1640)",
    arguments: [true, false])
  func slowFailuresOpenTheBreaker(readyIsProof: Bool) {
    var pool = PoolHarness.open(1, isUp: false) { $0.readyIsProof = readyIsProof }
    var opened = 0
    for failures in 1...8 {
      while pool.starting.isEmpty { pool.advance(by: 30 * second) }
      pool.advance(by: 6 * second)
      pool.gone(0, .failedStart)
      if pool.pool.breaker.isOpen, opened == 0 { opened = failures }
    }
    #expect(opened == pool.pool.configuration.restartBudget.failures)
    guard case .breakerOpened(failures: 5, let period, _)? = pool.notices.first(where: \.isOpening) else {
      Issue.record("\(pool.notices)")
      return
    }
    #expect(period > 24 * second, "told is what was counted, not the budget")
    while pool.starting.isEmpty { pool.advance(by: 30 * second) }
    pool.bringUp()
    pool.release(pool.lease())
    #expect(!pool.pool.breaker.isOpen)
  }

  @Test("so do workers that say ready each time, and end (lesson 2, roadrunner #737)")
  func readyThenGoneOpensTheBreaker() {
    var pool = PoolHarness.open(1, isUp: false)
    for _ in 0..<5 {
      pool.bringUp()
      pool.gone(0, .died)
      if !pool.pool.breaker.isOpen { pool.advance(by: 12 * second) }
    }
    #expect(pool.pool.breaker.isOpen)
  }

  @Test("but not a slow failure here and there")
  func slowFailuresHereAndThere() {
    var pool = PoolHarness.open(8, isUp: false)
    for slot in 0..<8 {
      pool.gone(slot, .failedStart)
      pool.advance(by: 4 * second)
    }
    #expect(pool.backoffs.count == 8)
    #expect(!pool.pool.breaker.isOpen)
  }

  @Test("but not one slot that fails again and again while the others work")
  func oneBadSlot() {
    var pool = PoolHarness.open(2, isUp: false)
    pool.ready(1)
    for _ in 0..<12 {
      pool.gone(0, .failedStart)
      pool.advance(by: 31 * second)
      #expect(pool.lease() == 1)
      pool.send(.recycle(pool.worker(1)))
      pool.release(1)
      pool.gone(1, .stopped)
      pool.ready(1)
      pool.advance(by: 2 * second)
    }
    #expect(!pool.pool.breaker.isOpen)
  }

  @Test("a job done is proof, too, and closes the breaker at once")
  func provedByJob() {
    var pool = PoolHarness.open(2, isUp: false) {
      $0.readyIsProof = false
      $0.maximumStarting = 1
    }
    pool.gone(0, .cannotStart)
    pool.advance(by: 60 * second)
    #expect(pool.starting == [0])
    pool.ready(0)
    pool.release(pool.lease())
    #expect(pool.notices.last == .breakerClosed)
    #expect(pool.starting.count == 1)
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

  @Test("a breaker that closes early leaves no timer behind")
  func breakerTimer() {
    var pool = PoolHarness.open(2, isUp: false) { $0.restartBudget = RestartBudget(failures: 1, period: second) }
    pool.gone(0, .failedStart)
    #expect(pool.timers.breakerDeadline != nil)
    pool.ready(1)
    #expect(pool.timers.breakerDeadline == nil)
  }
}

extension PoolNotice {
  fileprivate var isOpening: Bool { if case .breakerOpened = self { true } else { false } }
}
