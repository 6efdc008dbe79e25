import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Jobs that wait as a number") struct OfferTests {
  @Test("a free worker is offered at once, one for each job")
  func offers() {
    var pool = PoolHarness.open(3)
    pool.demand(2)
    #expect(pool.actions.count == 2 && Set(pool.offered).count == 2)
    #expect(pool.pool.demand == 0 && pool.pool.idleWorkers == 1)
  }

  @Test("where all are busy the number is kept, and nothing else happens; the next that is free is offered")
  func keepsNumber() {
    var pool = PoolHarness.open(1)
    pool.demand(1)
    for count in 1...3 { #expect(pool.demand(count).isEmpty) }
    #expect(pool.pool.demand == 3)
    for left in [2, 1, 0] {
      pool.release(0)
      #expect(pool.offered == [0] && pool.pool.demand == left)
    }
    pool.release(0)
    #expect(pool.offered.isEmpty && pool.pool.idleWorkers == 1)
  }

  @Test("the number replaces the one before")
  func replaces() {
    var pool = PoolHarness.open(1)
    pool.demand(1)
    pool.demand(9)
    pool.demand(1)
    pool.release(0)
    #expect(pool.offered == [0])
    pool.release(0)
    #expect(pool.offered.isEmpty)
  }

  @Test("an offer without a job is given back, and is no job")
  func noJob() {
    var pool = PoolHarness.open(1) { $0.maximumJobs = 1 }
    pool.demand(1)
    #expect(pool.release(0, .unused).isEmpty)
    #expect(pool.retirements.isEmpty && pool.pool.idleWorkers == 1)
  }

  @Test("waiters go first")
  func waitersFirst() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.demand(1)
    pool.request()
    pool.release(slot)
    #expect(pool.granted.count == 1 && pool.offered.isEmpty)
    pool.release(slot)
    #expect(pool.offered == [slot])
  }

  @Test("a worker is started for each job and each waiter, up to the maximum")
  func grows() {
    var pool = PoolHarness.open(0, 6) { $0.growsGradually = false }
    pool.request()
    pool.demand(2)
    #expect(pool.starting.count == 3)
    pool.demand(3)
    #expect(pool.starting.count == 4)
    pool.demand(1_000)
    #expect(pool.starting.count == 6)
    pool.demand(1)
    pool.bringUp()
    #expect(pool.pending.isEmpty && pool.pool.demand == 0 && pool.pool.idleWorkers == 4)
  }

  @Test("growth begins with one worker and doubles while jobs wait")
  func growsGradually() {
    var pool = PoolHarness.open(0, 16)
    pool.demand(100)
    for expected in [1, 2, 4, 8] {
      #expect(pool.starting.count == expected)
      pool.bringUpOnce()
    }
  }

  @Test("a worker that dies is replaced for the jobs that wait")
  func death() {
    var pool = PoolHarness.open(0, 1)
    pool.demand(2)
    pool.bringUp()
    pool.advance(by: 2 * second)
    pool.gone(0)
    #expect(pool.starting == [0])
    pool.ready(0)
    #expect(pool.offered == [0])
  }

  @Test("jobs that wait before the start are served after it")
  func beforeStart() {
    var pool = PoolHarness(PoolConfiguration(minimum: 0, maximum: 2))
    #expect(pool.demand(1).isEmpty)
    pool.send(.start)
    pool.bringUp()
    #expect(pool.offered == [0])
  }

  @Test("a negative number is reported as an error, and the greatest one does not overflow")
  func extremes() {
    var core = PoolHarness.open(1, 4).pool
    var actions: [PoolAction] = []
    core.setDemand(-1, at: 0, into: &actions)
    #expect(actions == [.report(.internalError(.badLifecycle))] && core.demand == 0)
    core.setDemand(.max, at: 0, into: &actions)
    core.setDemand(.max, at: 0, into: &actions)
    #expect(core.demand > 1_000_000_000_000)
  }

  // MARK: Workers that must be prepared

  /// A pool of one worker up to four, which is probed or reset before its next lease.
  func prepared(_ isReset: Bool) -> PoolHarness {
    var pool = PoolHarness.open(1, 4) {
      $0.growsGradually = false
      if isReset { $0.resetsBeforeLease = true } else { $0.probeBeforeLeaseUnlessUsedWithin = 1 }
    }
    pool.release(pool.lease())
    pool.advance(by: 2 * second)
    return pool
  }

  func finish(_ pool: inout PoolHarness, _ isReset: Bool, passes: Bool = true) {
    let worker = pool.worker(0)
    if isReset {
      pool.send(passes ? .resetPassed(worker) : .resetFailed(worker))
    } else {
      pool.send(passes ? .probePassed(worker) : .probeFailed(worker))
    }
  }

  @Test(
    "a worker that is prepared for a job covers it: no other worker is started or prepared", arguments: [true, false])
  func covers(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    #expect(pool.offered.isEmpty && pool.pool.demand == 1)
    #expect(pool.demand(1).isEmpty)
    finish(&pool, isReset)
    #expect(pool.offered == [0] && pool.pool.demand == 0 && pool.starts == 1)
  }

  @Test("a second job is not covered by it", arguments: [true, false])
  func coversOne(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    pool.demand(2)
    #expect(pool.starting == [1])
    pool.bringUp()
    #expect(pool.offered == [1])
    finish(&pool, isReset)
    #expect(pool.offered == [0])
  }

  @Test("when the preparation fails, the job is still there", arguments: [true, false])
  func fails(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    finish(&pool, isReset, passes: false)
    #expect(pool.stopping == [0] && pool.starting == [1] && pool.pool.demand == 1)
    pool.bringUp()
    #expect(pool.offered == [1])
  }

  @Test(
    "a job that is withdrawn meanwhile gets no offer; the next job waits for the same worker",
    arguments: [true, false])
  func withdrawn(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    pool.demand(0)
    var other = pool
    finish(&pool, isReset)
    #expect(pool.offered.isEmpty && pool.pool.idleWorkers == 1)
    other.demand(1)
    finish(&other, isReset)
    #expect(other.offered == [0] && other.starts == 1)
  }

  @Test("a waiter who comes meanwhile gets the worker, and the job needs another", arguments: [true, false])
  func overtaken(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    pool.request()
    finish(&pool, isReset)
    #expect(pool.granted == [pool.worker(0)] && pool.offered.isEmpty)
    pool.bringUp()
    #expect(pool.offered == [1])
  }

  @Test("a worker that is to go while it is prepared leaves the job to one that is free", arguments: [true, false])
  func retires(isReset: Bool) {
    var pool = prepared(isReset)
    pool.demand(1)
    pool.send(.resized(minimum: 2, maximum: 4))
    pool.bringUp()
    #expect(pool.offered.isEmpty && pool.pool.idleWorkers == 1)
    pool.send(.recycle(pool.worker(0)))
    #expect(pool.offered == [1] && pool.pool.demand == 0)
    finish(&pool, isReset)
    #expect(pool.offered.isEmpty && pool.stopping == [0])
  }

  @Test("preparing a worker for a job proves it")
  func preparesEach() {
    var pool = PoolHarness.open(0, 1) {
      $0.preparesEachLease = true
      $0.settleTime = 0
    }
    pool.demand(1)
    pool.bringUp()
    #expect(pool.actions.contains(.prepareWorker(pool.worker(0), probesFirst: false)))
    pool.send(.probePassed(pool.worker(0)))
    #expect(pool.offered == [0] && pool.pool.slots[0].isProved)
  }

  @Test("when preparation is turned off, the job waits for the worker as it is")
  func reconfigured() {
    var pool = prepared(true)
    pool.demand(1)
    pool.reconfigure { $0.resetsBeforeLease = false }
    #expect(pool.pool.census.preparing == 0 && pool.pool.demand == 1)
    pool.send(.resetPassed(pool.worker(0)))
    #expect(pool.pool.demand == 0)
  }

  // MARK: Refusals

  @Test("the whole demand is refused once when starts fail and no worker is left, and again if it is set again")
  func startsFail() {
    var pool = PoolHarness.open(1, isUp: false) { $0.restartBudget = RestartBudget(failures: 1, period: second) }
    pool.demand(5)
    pool.gone(0, .failedStart)
    #expect(pool.actions.count { $0 == .refuseDemand(.startsFail) } == 1)
    #expect(pool.pool.demand == 0)
    #expect(pool.demand(2) == [.refuseDemand(.startsFail)])
    #expect(pool.demand(0).isEmpty)
  }

  @Test("where starts are tried for those that wait, one is tried for a job")
  func triesStart() {
    var pool = PoolHarness.open(0, 1) {
      $0.triesStartsForWaiters = true
      $0.restartBudget = RestartBudget(failures: 1, period: second)
    }
    pool.demand(1)
    pool.gone(0, .failedStart)
    #expect(pool.pool.demand == 0)
    pool.demand(1)
    pool.advance(by: second)
    #expect(pool.starting == [0])
    pool.bringUp()
    #expect(pool.offered == [0])
  }

  @Test("a draining pool serves the jobs that wait, and refuses any after it is closed")
  func drain() {
    var pool = PoolHarness.open(1)
    pool.demand(2)
    pool.send(.drain)
    pool.release(0)
    #expect(pool.offered == [0])
    pool.gone(0)
    pool.demand(1)
    #expect(pool.starting.isEmpty && pool.isClosed && pool.refusedDemand == [.closed])
    #expect(pool.demand(0).isEmpty)
  }

  @Test("a draining pool also serves a job that comes back from a dead worker")
  func comesBack() {
    var pool = PoolHarness.open(2)
    pool.demand(2)
    pool.send(.drain)
    pool.gone(0)
    pool.demand(1)
    #expect(pool.starting == [0])
    pool.bringUp()
    #expect(pool.offered == [0])
    for slot in 0..<2 { pool.release(slot) }
    pool.buryStopped()
    #expect(pool.isClosed)
  }

  @Test("a pool that closes or stops refuses all jobs, and later ones", arguments: [PoolEvent.close, .stop(.graceful)])
  func closes(event: PoolEvent) {
    var pool = PoolHarness.open(1)
    pool.demand(3)
    pool.send(event)
    #expect(pool.refusedDemand == [.closed] && pool.pool.demand == 0)
    #expect(pool.demand(1) == [.refuseDemand(.closed)])
    if pool.stopping.isEmpty { pool.release(0) }
    pool.buryStopped()
    #expect(pool.isClosed)
  }
}
