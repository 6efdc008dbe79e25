import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("New values for a pool that lives") struct ReconfiguringTests {
  @Test("every worker is replaced, one after the other, and none goes before its replacement is there")
  func rolls() {
    var pool = PoolHarness.open(2) { $0.surge = 1 }
    pool.reconfigure { $0.startLimit = 7 * second }
    #expect(pool.starting == [2])
    #expect(pool.serving == [0, 1])
    pool.ready(2)
    pool.fire(2, .settle)
    #expect(pool.stopping.count == 1)
    pool.gone(pool.stopping[0], .stopped)
    pool.bringUp()
    #expect(pool.retirements == [.requested, .requested])
  }

  @Test("values that no worker can live with leave the old ones serving")
  func canary() {
    var pool = PoolHarness.open(2) { $0.surge = 1 }
    pool.reconfigure { $0.maximumAge = 5 * second }
    pool.gone(2, .failedStart)
    #expect(pool.serving == [0, 1])
    #expect(pool.notices.contains(.recyclingAborted))
    pool.advance(by: 60 * second)
    #expect(pool.serving.starts(with: [0, 1]))
  }

  @Test("more are started and too many retire, as the new sizes say", arguments: [(1, 4), (4, 1)])
  func sizes(before: Int, after: Int) {
    var pool = PoolHarness.open(before)
    pool.reconfigure {
      $0.minimum = after
      $0.maximum = after
    }
    while !pool.starting.isEmpty || !pool.stopping.isEmpty {
      pool.bringUp()
      if let slot = pool.stopping.first { pool.gone(slot, .stopped) }
    }
    #expect(pool.serving.count == after)
  }

  @Test("who holds a lease keeps it, and its worker goes when it is free")
  func leases() {
    var pool = PoolHarness.open(1) { $0.surge = 1 }
    #expect(pool.lease() == 0)
    pool.reconfigure()
    pool.ready(1)
    pool.fire(1, .settle)
    #expect(pool.stopping.isEmpty)
    pool.release(0)
    #expect(pool.stopping == [0])
  }

  @Test("a start that waits for its next try comes at once: what failed were the old values")
  func backoffEnds() {
    var pool = PoolHarness.open(1, isUp: false) { $0.backoff = Backoff(minimum: 20 * second, maximum: 20 * second) }
    pool.gone(0, .failedStart)
    #expect(pool.starting.isEmpty)
    pool.reconfigure { $0.backoff = Backoff(minimum: second, maximum: second) }
    #expect(pool.starting == [0])
    pool.gone(0, .failedStart)
    #expect(pool.backoffs.count == 2)
    #expect(pool.backoffs[1] <= second, "the first failure of these values")
  }

  @Test("an open breaker lets one start be tried, and all when that is well")
  func breaker() {
    var pool = PoolHarness.open(3, isUp: false) { $0.restartBudget = RestartBudget(failures: 3, period: 10 * second) }
    for slot in 0..<3 { pool.gone(slot, .failedStart) }
    #expect(pool.pool.isBreakerOpen)
    pool.reconfigure { $0.restartBudget = RestartBudget(failures: 2, period: 10 * second) }
    #expect(pool.starting.count == 1)
    pool.bringUp()
    #expect(!pool.pool.isBreakerOpen)
    #expect(pool.serving.count == 3)
  }

  @Test("the trial of the old values decides nothing about the new ones")
  func trialOfOldValues() {
    var pool = PoolHarness.open(1, isUp: false) { $0.restartBudget = RestartBudget(failures: 1, period: 10 * second) }
    pool.gone(0, .failedStart)
    pool.advance(by: 60 * second)
    #expect(pool.starting == [0])
    pool.reconfigure { $0.surge = 1 }
    #expect(pool.starting == [0, 1])
    pool.ready(1)
    #expect(!pool.pool.isBreakerOpen)
  }

  @Test("idle workers are probed from now on, or no longer", arguments: [true, false])
  func probes(begins: Bool) {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.probeInterval = begins ? 0 : second
    }
    pool.reconfigure { $0.probeInterval = begins ? second : 0 }
    #expect((pool.timers.armed(0, .probeInterval) != 0) == begins)
    #expect(pool.pool.hasShortcut == !begins)
  }

  @Test("one who waits for a check that nobody wants any more waits with the others, and is served")
  func waiterOfAProbe() {
    var pool = PoolHarness.open(2) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.advance(by: second)
    pool.request()
    #expect(pool.granted.isEmpty)
    pool.reconfigure { $0.probeBeforeLeaseUnlessUsedWithin = nil }
    #expect(pool.granted.count == 1)
  }

  @Test("those that rest already age out by the new limit")
  func idleLimit() {
    var pool = PoolHarness.open(0, 2) { $0.idleLimit = 60 * second }
    for _ in 0..<2 { pool.request() }
    pool.bringUp()
    pool.release(0)
    pool.release(1)
    pool.reconfigure { $0.idleLimit = second }
    pool.advance(by: 2 * second)
    #expect(pool.retirements.contains(.idle))
  }

  @Test("a pool that drains takes new values and goes on draining")
  func draining() {
    var pool = PoolHarness.open(1)
    #expect(pool.lease() == 0)
    pool.send(.drain)
    pool.reconfigure {
      $0.minimum = 3
      $0.maximum = 3
    }
    #expect(pool.starting.isEmpty)
    pool.release(0)
    pool.gone(0, .stopped)
    #expect(pool.isClosed)
  }

  @Test(
    "values that cannot be change nothing, and are reported",
    arguments: [
      { $0.maximum = 0 }, { $0.capacity = 2 }, { $0.stopLadder = [second] },
    ] as [@Sendable (inout PoolConfiguration) -> Void])
  func impossible(adjust: @Sendable (inout PoolConfiguration) -> Void) {
    var pool = PoolStateMachine(
      configuration: PoolConfiguration(minimum: 1, maximum: 1), generator: SeededGenerator(seed: 1))
    var actions: [PoolAction] = []
    pool.handle(.start, at: 0, into: &actions)
    actions = []
    var configuration = pool.configuration
    adjust(&configuration)
    pool.reconfigure(configuration, at: 0, into: &actions)
    #expect(actions == [.report(.internalError(.badLifecycle))])
    #expect(pool.configuration.maximum == 1)
  }
}
