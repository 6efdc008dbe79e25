import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Drain, stop, the stop ladder, timers") struct EndingTests {
  @Test("a drain serves those who wait, refuses newcomers, and ends closed")
  func drains() {
    var pool = PoolHarness.open(2)
    let busy = [pool.lease(), pool.lease()]
    pool.request()
    pool.send(.drain)
    pool.request()
    #expect(pool.refused == [.closed])
    pool.release(busy[0])
    #expect(pool.granted.count == 1)
    pool.release(busy[1])
    #expect(pool.stopping == [busy[1]])
    pool.release(busy[0])
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("an idle pool and one that never opened drain at once")
  func drainsIdle() {
    var pool = PoolHarness.open(0, 3)
    #expect(pool.send(.drain) == [.closed])
    var unopened = PoolHarness(PoolConfiguration(minimum: 1, maximum: 1))
    #expect(unopened.send(.drain) == [.closed])
    var stopped = PoolHarness(PoolConfiguration(minimum: 1, maximum: 1))
    #expect(stopped.send(.stop(.graceful)) == [.closed])
  }

  @Test("a drain gives up starts and waits for starts that nobody needs")
  func drainsWhileStarting() {
    var pool = PoolHarness.open(2, isUp: false)
    pool.gone(1, .failedStart)
    pool.send(.drain)
    #expect(pool.stopping == [0])
    pool.gone(0, .stopped)
    #expect(pool.isClosed)
  }

  @Test("a drain still starts a worker for those who wait")
  func drainStartsForWaiters() {
    var pool = PoolHarness.open(1, isUp: false)
    pool.request()
    pool.send(.drain)
    pool.gone(0, .failedStart)
    pool.advance(by: second)
    pool.bringUp()
    #expect(pool.granted.count == 1)
    pool.release(0)
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a drain ends when the last waiter gives up", arguments: [true, false])
  func drainsWithoutWaiters(byTimer: Bool) {
    var pool = PoolHarness.open(1, isUp: false) { $0.backoff = Backoff(minimum: 60 * second, maximum: 60 * second) }
    pool.request(.within(second))
    pool.gone(0, .failedStart)
    pool.send(.drain)
    #expect(!pool.isClosed)
    if byTimer { pool.advance(by: second) } else { pool.send(.leaseWithdrawn(WaiterID(1))) }
    #expect(pool.isClosed)
  }

  @Test("a drain with the breaker open refuses who waits, and closes at once")
  func drainsWithOpenBreaker() {
    var pool = PoolHarness.open(2, isUp: false) { $0.refusesWhileBreakerIsOpen = true }
    pool.gone(0, .cannotStart)
    pool.request()
    pool.send(.drain)
    pool.gone(1, .failedStart)
    #expect(pool.isClosed)
  }

  @Test("a drain with the breaker half open closes, too")
  func drainsHalfOpen() {
    var pool = PoolHarness.open(1, isUp: false)
    pool.gone(0, .cannotStart)
    pool.advance(by: 59 * second)
    #expect(pool.starting == [0])
    pool.send(.drain)
    pool.gone(0, .stopped)
    #expect(pool.isClosed)
  }

  @Test("a drain during a roll starts no more replacements")
  func drainsDuringRoll() {
    var pool = PoolHarness.open(1) { $0.surge = 1 }
    let slot = pool.lease()
    pool.send(.recycleAll)
    pool.send(.drain)
    let starts = pool.starts
    for _ in 0..<5 { if pool.stopping.contains(1) { pool.gone(1, .stopped) } }
    #expect(pool.starts == starts)
    pool.release(slot)
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a stop refuses all, takes everybody from the step asked for, and voids leases", arguments: [0, 1, 2])
  func stops(step: Int) {
    var pool = PoolHarness.open(2)
    let slot = pool.lease()
    _ = pool.lease()
    pool.request(.within(second))
    let urgency: StopUrgency = [.graceful, .prompt, .immediate][step]
    pool.send(.stop(urgency))
    #expect(pool.refused == [.closed])
    #expect(pool.actions.contains(.stopWorker(pool.worker(slot), step: step)))
    #expect(pool.send(.leaseReleased(pool.worker(slot), .healthy)).isEmpty, "the job may still end well")
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a stop while a probe is made for a waiter, and while a slot backs off")
  func stopsWhileProbing() {
    var pool = PoolHarness.open(2, isUp: false) { $0.probeBeforeLeaseUnlessUsedWithin = 0 }
    pool.ready(0)
    pool.gone(1, .failedStart)
    pool.advance(by: 1)
    pool.request()
    #expect(pool.shadows[0].check == .probe)
    pool.send(.stop(.graceful))
    #expect(pool.refused == [.closed])
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a second, more urgent stop goes up the ladder at once; a less urgent one does not go down")
  func stopEscalates() {
    var pool = PoolHarness.open(1)
    pool.send(.stop(.graceful))
    pool.send(.stop(.immediate))
    #expect(pool.actions.contains(.stopWorker(pool.worker(0), step: 2)))
    #expect(pool.send(.stop(.prompt)).isEmpty)
  }

  @Test(
    "the ladder is climbed step by step; the last is repeated until the worker is gone, and said once (lesson 12, pebble #129)"
  )
  func climbsLadder() {
    var pool = PoolHarness.open(1) { $0.stopLadder = [second, 2 * second, 3 * second] }
    let worker = pool.worker(0)
    pool.send(.recycle(worker))
    var steps: [Int] = []
    pool.advance(by: 11 * second)
    for case .stopWorker(worker, let step) in pool.history { steps.append(step) }
    #expect(steps == [0, 1, 2, 2, 2])
    #expect(pool.notices.count { $0 == .stuck(worker) } == 1)
    #expect(pool.starting.isEmpty, "its slot is taken until its death is confirmed")
    pool.gone(0, .stopped)
    #expect(pool.starting == [0])
  }

  @Test("what cannot be disposed of is abandoned, if so configured")
  func abandons() {
    var pool = PoolHarness.open(1) {
      $0.stopLadder = [second]
      $0.abandonsAfterLadder = true
    }
    let worker = pool.worker(0)
    pool.send(.recycle(worker))
    pool.advance(by: second)
    #expect(pool.history.contains(.abandonWorker(worker)))
    #expect(pool.starting == [0])
  }

  @Test("the pool is closed in spite of an abandoned worker")
  func abandonsAtEnd() {
    var pool = PoolHarness.open(1) { $0.abandonsAfterLadder = true }
    pool.send(.stop(.immediate))
    pool.advance(by: second)
    #expect(pool.isClosed)
  }

  @Test("a worker that never answers anything is gone in the end, whatever it is in (lesson 4, roadrunner #1669)")
  func nothingIsStuck() {
    var pool = PoolHarness.open(3) {
      $0.resetsAfterLease = true
      $0.probeInterval = second
      $0.abandonsAfterLadder = true
      $0.startLimit = 60 * second
    }
    pool.release(pool.lease())
    let old = (0..<3).map { pool.worker($0) }
    pool.advance(by: 30 * second)
    for worker in old { #expect(!pool.isAlive(worker)) }
  }

  @Test("stale timers and news of workers that are gone are ignored")
  func staleNews() {
    var pool = PoolHarness.open(1) { $0.probeInterval = 5 * second }
    let generation = pool.timers.armed(0, .probeInterval)
    let slot = pool.lease()
    #expect(pool.send(.timerFired(.slot(SlotID(0), .probeInterval, generation: generation))).isEmpty)
    let old = pool.worker(slot)
    pool.gone(slot, .died)
    for event: PoolEvent in [
      .workerReady(old), .probePassed(old), .probeFailed(old), .resetPassed(old), .resetFailed(old), .workerBroken(old),
      .recycle(old), .timerFired(.waiter(WaiterID(1))), .timerFired(.breaker(generation: 9)),
      .timerFired(.slot(SlotID(0), .start, generation: 0)), .timerFired(.slot(SlotID(9), .start, generation: 1)),
    ] {
      #expect(pool.send(event).isEmpty)
    }
  }
}
