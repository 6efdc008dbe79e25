import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Make before break") struct SurgeTests {
  @Test("the replacement is ready before the old worker goes (lesson 15, gunicorn #2417)")
  func makeBeforeBreak() {
    var pool = PoolHarness.open(2) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    pool.fire(0, .age)
    #expect(pool.starting == [2])
    #expect(pool.serving == [0, 1])
    pool.ready(2)
    #expect(pool.stopping == [0])
    #expect(pool.serving == [1, 2])
  }

  @Test(
    "where ready is no proof, the replacement has done a job or has settled before the old one goes",
    arguments: [true, false])
  func replacementOnTrust(byJob: Bool) {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.readyIsProof = false
      $0.maximumAge = 60 * second
    }
    pool.fire(0, .age)
    pool.bringUp()
    #expect(pool.serving == [0, 1], "the new one may still be loading")
    if byJob {
      #expect(pool.lease() == 0, "nobody should wait for a worker that loads while another is free")
      #expect(pool.lease() == 1)
      pool.release(1)
    } else {
      pool.advance(by: pool.pool.configuration.settleTime)
    }
    #expect(pool.retirements == [.age])
    #expect(pool.serving == [1])
  }

  @Test("no more go at once than replacements may be started (lesson 14, gunicorn #862)", arguments: [1, 2, 3])
  func limitedRetirements(surge: Int) {
    var pool = PoolHarness.open(8) {
      $0.surge = surge
      $0.maximumAge = 10 * second
    }
    pool.advance(by: 10 * second)
    #expect(pool.starting.count == surge)
    #expect(pool.serving.count == 8)
    var lowest = 8
    while !pool.starting.isEmpty || !pool.stopping.isEmpty {
      pool.bringUp()
      lowest = min(lowest, pool.serving.count)
      #expect(pool.stopping.count <= surge)
      if let slot = pool.stopping.first { pool.gone(slot, .stopped) }
    }
    #expect(lowest == 8)
    #expect(pool.retirements == Array(repeating: .age, count: 8))
  }

  @Test(
    "an old worker that is slow to stop does not hold up the start of the next replacement, as far as the surge goes")
  func slowStop() {
    var pool = PoolHarness.open(4) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    pool.advance(by: 10 * second)
    pool.ready(4)
    #expect(pool.stopping == [0])
    #expect(pool.starting == [5], "while the first is still stopping")
    pool.ready(5)
    #expect(pool.stopping == [0], "no more than one goes at a time")
    #expect(pool.starting.isEmpty, "nor is there a third beyond the four")
    #expect(pool.serving == [1, 2, 3, 4, 5])
    pool.gone(0, .stopped)
    #expect(pool.stopping == [1])
    #expect(pool.starting == [0])
  }

  @Test("without surge the old one must be gone before the next one starts")
  func breakBeforeMake() {
    var pool = PoolHarness.open(2) { $0.maximumAge = 10 * second }
    pool.fire(0, .age)
    #expect(pool.stopping == [0])
    #expect(pool.starting.isEmpty)
    pool.gone(0, .stopped)
    #expect(pool.starting == [0])
  }

  @Test(
    "a replacement that fails to start leaves the old worker serving, however often (lesson 16, react_on_rails #2764)")
  func replacementFails() {
    var pool = PoolHarness.open(2) {
      $0.surge = 1
      $0.maximumJobs = 2
    }
    let slot = pool.lease()
    pool.release(slot)
    pool.release(pool.lease())
    for _ in 0..<10 {
      pool.gone(pool.starting[0], .failedStart)
      #expect(pool.serving == [0, 1])
      #expect(pool.lease() == slot, "past its limit")
      pool.release(slot)
      while pool.starting.isEmpty { pool.advance(by: 30 * second) }
    }
    pool.bringUp()
    #expect(pool.retirements == [.jobs])
  }

  @Test("the one that serves longest goes first, so that none is passed over for ever")
  func oldestFirst() {
    var pool = PoolHarness.open(2) { $0.surge = 1 }
    for slot in [0, 1] {
      pool.send(.recycle(pool.worker(slot)))
      pool.bringUp()
      pool.buryStopped()
    }
    #expect(pool.serving == [0, 2])
    for _ in 0..<2 { _ = pool.lease() }
    pool.send(.recycle(pool.worker(0)))
    pool.send(.recycle(pool.worker(2)))
    pool.bringUp()
    #expect(pool.worker(2).serial < pool.worker(0).serial)
    #expect(pool.shadows[2].isRetiring)
    #expect(!pool.shadows[0].isRetiring)
  }

  @Test("but before it one that is free, as that is gone at once")
  func freeOneFirst() {
    var pool = PoolHarness.open(2) { $0.surge = 1 }
    while pool.lease() != 0 {}
    pool.release(1)
    for slot in 0..<2 { pool.send(.recycle(pool.worker(slot))) }
    pool.ready(2)
    #expect(pool.stopping == [1])
    #expect(pool.serving == [0, 2])
  }

  @Test("a replacement that says ready and then dies replaces nobody (lesson 16, react_on_rails #2764)")
  func canaryWithProof() {
    var pool = PoolHarness.open(3) { $0.surge = 1 }
    pool.advance(by: 2 * second)
    pool.send(.recycleAll)
    pool.ready(3)
    #expect(pool.serving.count == 4)
    #expect(pool.stopping.isEmpty, "nobody goes before the canary has settled")
    pool.gone(3, .died)
    #expect(pool.notices.contains(.recyclingAborted))
    #expect(pool.serving.count == 3)
    #expect(pool.retirements.isEmpty)
  }

  @Test("one that cannot be killed does not keep the others past their limits for ever (lesson 4, roadrunner #1669)")
  func stuckOne() {
    var pool = PoolHarness.open(3) {
      $0.surge = 1
      $0.settleTime = 0
      $0.stopLadder = [second, second]
    }
    pool.send(.recycleAll)
    pool.bringUp()
    #expect(pool.stopping == [0])
    pool.advance(by: 2 * second)
    #expect(pool.notices.contains(.stuck(pool.worker(0))))
    #expect(pool.stopping == [0, 1])
  }

  @Test("with one job per worker nobody gets a second one, whatever the surge, and the next is started at once")
  func oneJobEach() {
    var pool = PoolHarness.open(2) {
      $0.surge = 1
      $0.maximumJobs = 1
    }
    let slot = pool.lease()
    pool.release(slot)
    #expect(pool.retirements == [.jobs])
    #expect(pool.stopping == [slot])
    #expect(pool.starting == [2], "the old one is not gone yet")
    let other = pool.lease()
    pool.request()
    pool.release(other)
    #expect(pool.granted.isEmpty)
    pool.bringUp()
    #expect(pool.pending.isEmpty)
  }

  @Test("the successor is started before the old one is stopped: that brings more workers a second")
  func successorFirst() {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.maximumJobs = 1
    }
    pool.release(pool.lease())
    let order = pool.actions.compactMap { action -> String? in
      switch action {
      case .startWorker: "start"
      case .stopWorker: "stop"
      default: nil
      }
    }
    #expect(order == ["start", "stop"])
  }

  @Test("a worker that goes with its first job is no replacement for another one")
  func goesWithItsFirstJob() {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.maximumJobs = 1
      $0.readyIsProof = false
    }
    pool.advance(by: 2 * second)
    let old = pool.lease()
    pool.send(.recycle(pool.worker(old)))
    pool.bringUp()
    let new = pool.lease()
    pool.release(new)
    #expect(pool.retirements == [.jobs])
    #expect(pool.serving == [old])
  }

  @Test("a worker in the middle of a job goes when that is done")
  func replacedWhileLeased() {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    let slot = pool.lease()
    pool.fire(slot, .age)
    pool.bringUp()
    #expect(pool.retirements == [.age])
    #expect(pool.stopping.isEmpty)
    pool.request()
    #expect(pool.granted == [pool.worker(1)])
    pool.release(slot)
    #expect(pool.stopping == [slot])
  }

  @Test("a replacement gets its own timers")
  func replacementIsProbed() {
    var pool = PoolHarness.open(1) {
      $0.surge = 1
      $0.probeInterval = 5 * second
    }
    pool.send(.recycle(pool.worker(0)))
    pool.bringUp()
    #expect(pool.serving == [1])
    #expect(pool.timers.isArmed(1, .probeInterval))
  }

  @Test("above the minimum, too, as many replacements start at once as the surge allows")
  func replacesAboveMinimum() {
    var pool = PoolHarness.open(0, 4) { $0.surge = 2 }
    for _ in 0..<3 { pool.request() }
    pool.bringUp()
    pool.release(0)
    #expect(pool.lease() == 0)
    for slot in 0..<3 { pool.send(.recycle(pool.worker(slot))) }
    #expect(pool.starting.count == 2)
  }

  @Test("nobody is replaced who is not needed any more")
  func notNeeded() {
    var pool = PoolHarness.open(0, 2) {
      $0.surge = 1
      $0.maximumAge = 10 * second
    }
    pool.request()
    pool.bringUp()
    pool.release(0)
    pool.fire(0, .age)
    #expect(pool.stopping == [0])
    #expect(pool.starts == 1)
  }

  // MARK: Limits that the driver sees

  @Test("a worker over its memory serves on until it is replaced", arguments: [true, false])
  func memoryWithSurge(isLeased: Bool) {
    var pool = PoolHarness.open(1) { $0.surge = 1 }
    if isLeased { _ = pool.lease() }
    pool.send(.limitExceeded(pool.worker(0), .memory))
    #expect(pool.serving == [0])
    pool.bringUp()
    #expect(pool.retirements == [.memory])
  }

  @Test("without surge it gets no further lease, and stops when it is free", arguments: [true, false])
  func memoryWithoutSurge(isReset: Bool) {
    var pool = PoolHarness.open(1) { $0.resetsAfterLease = isReset }
    let slot = pool.lease()
    if isReset { pool.release(slot) }
    pool.send(.limitExceeded(pool.worker(slot), .memory))
    #expect(pool.retirements == [.memory])
    #expect(pool.stopping.isEmpty)
    if isReset { pool.send(.resetPassed(pool.worker(slot))) } else { pool.release(slot) }
    #expect(pool.stopping == [slot])
  }

  @Test("a worker that asks to go while it is free goes at once, whatever the surge", arguments: [0, 1])
  func asksToGo(surge: Int) {
    var pool = PoolHarness.open(2) { $0.surge = surge }
    pool.advance(by: 2 * second)
    pool.send(.retirementRequested(pool.worker(0)))
    #expect(pool.retirements == [.own])
    #expect(pool.stopping == [0])
    pool.gone(0, .died)
    #expect(pool.backoffs.isEmpty)
    #expect(pool.starting.count == 1)
  }

  @Test("one that asks to go in the middle of a job finishes it")
  func asksToGoWhileLeased() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.send(.retirementRequested(pool.worker(slot)))
    #expect(pool.stopping.isEmpty)
    pool.release(slot)
    #expect(pool.stopping == [slot])
    pool.gone(slot, .stopped)
    #expect(pool.backoffs.isEmpty)
  }

  @Test("one that asks to go before it has worked costs a growing wait (lesson 2, roadrunner #737)", arguments: [0, 1])
  func asksToGoAtOnce(isReady: Int) {
    var pool = PoolHarness.open(1, isUp: false)
    for failures in 1...3 {
      if isReady == 1 { pool.ready(0) }
      pool.send(.retirementRequested(pool.worker(0)))
      pool.gone(0, .stopped)
      #expect(pool.backoffs.count == failures)
      #expect(pool.starting.isEmpty)
      pool.advance(by: 31 * second)
    }
  }
}
