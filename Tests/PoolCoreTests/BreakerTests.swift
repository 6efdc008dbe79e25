import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("The breaker") struct BreakerTests {
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
