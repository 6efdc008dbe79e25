import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Several jobs in one lease") struct SeatTests {
  /// A pool whose one worker, in slot 0, was offered for a job and has settled.
  func leased(_ maximum: Int = 1, _ adjust: (inout PoolConfiguration) -> Void = { _ in }) -> PoolHarness {
    var pool = PoolHarness.open(1, maximum) {
      $0.settleTime = 0
      adjust(&$0)
    }
    pool.demand(1)
    return pool
  }

  func seats(_ pool: PoolHarness, _ slot: Int = 0) -> Int { pool.pool.seatsLeft(pool.worker(slot)) }

  @Test("a leased worker may have any number of jobs, one without a lease none")
  func unlimited() {
    var pool = leased()
    #expect(seats(pool) == .max)
    pool.release(0)
    #expect(seats(pool) == 0)
    #expect(pool.pool.seatsLeft(WorkerID(slot: SlotID(7), serial: 7)) == 0)
    #expect(pool.pool.seatsLeft(WorkerID(slot: SlotID(0), serial: 7)) == 0)
    pool.demand(1)
    pool.send(.workerBroken(pool.worker(0)))
    #expect(seats(pool) == 0)
  }

  @Test("jobs that are done are counted, and the lease goes on")
  func counts() {
    var pool = leased()
    for count in [1, 3, 0] { pool.done(0, count) }
    #expect(pool.shadows[0].leases == 1 && pool.pool.slots[0].jobs == 4)
    pool.release(0)
    #expect(pool.pool.slots[0].jobs == 5)
    pool.demand(1)
    pool.done(0, 2)
    pool.release(0, .unused)
    #expect(pool.pool.slots[0].jobs == 7)
  }

  @Test("the first job that is done proves a worker that was merely taken to be ready")
  func proof() {
    var pool = PoolHarness.open(0, 4) { $0.readyIsProof = false }
    pool.demand(100)
    pool.bringUpOnce()
    #expect(pool.starting.isEmpty, "it may still be loading")
    pool.done(0, 1)
    #expect(pool.pool.slots[0].isProved && pool.starting.count == 2)
  }

  @Test("with a limit the worker gets what is left of it, and never more")
  func limit() {
    var pool = leased { $0.maximumJobs = 10 }
    #expect(seats(pool) == 10)
    pool.done(0, 4)
    #expect(seats(pool) == 6)
    pool.done(0, 6)
    #expect(pool.retirements == [.jobs] && seats(pool) == 0)
    #expect(pool.stopping.isEmpty, "its lease goes on")
    pool.release(0, .unused)
    #expect(pool.stopping == [0])
  }

  @Test("the job that ends the lease may be the last one, too")
  func limitAtTheEnd() {
    var pool = leased { $0.maximumJobs = 3 }
    pool.done(0, 2)
    #expect(seats(pool) == 1 && pool.retirements.isEmpty)
    pool.release(0)
    #expect(pool.retirements == [.jobs] && pool.stopping == [0])
  }

  @Test("one job per worker is exactly one, whatever the surge", arguments: [0, 1])
  func strict(surge: Int) {
    var pool = leased {
      $0.maximumJobs = 1
      $0.surge = surge
    }
    #expect(seats(pool) == 1)
    pool.done(0, 1)
    #expect(seats(pool) == 0 && pool.retirements == [.jobs])
    pool.release(0, .unused)
    #expect(pool.stopping == [0])
  }

  @Test("with surge it serves on past its limit until its replacement is ready")
  func surge() {
    var pool = leased {
      $0.maximumJobs = 10
      $0.surge = 1
    }
    #expect(seats(pool) == 10)
    pool.done(0, 10)
    #expect(pool.starting == [1] && pool.retirements.isEmpty)
    #expect(seats(pool) == .max)
    pool.done(0, 25)
    pool.bringUp()
    #expect(pool.retirements == [.jobs] && seats(pool) == 0)
    pool.release(0)
    #expect(pool.stopping == [0])
    #expect(pool.pool.slots[0].jobs == 36)
  }

  @Test("several jobs at once pass the limit as one does")
  func passesLimit() {
    var pool = leased {
      $0.maximumJobs = 10
      $0.surge = 1
    }
    pool.done(0, 8)
    pool.done(0, 8)
    #expect(pool.starting == [1], "its replacement")
    pool.done(0, 8)
    #expect(pool.starting == [1])
  }

  @Test("an overdue worker gets one job at a time once a replacement is ready that could be its own")
  func replacementReady() {
    var pool = PoolHarness.open(2) {
      $0.surge = 1
      $0.settleTime = 0
    }
    pool.demand(2)
    for slot in 0..<2 { pool.send(.recycle(pool.worker(slot))) }
    pool.bringUpOnce()
    let goes = pool.shadows[0].isRetiring ? 0 : 1
    let stays = 1 - goes
    #expect(seats(pool, stays) == .max, "none is ready for it")
    pool.release(goes)
    pool.bringUpOnce()
    #expect(pool.stopping == [goes] && seats(pool, stays) == 1)
    pool.done(stays, 1)
    #expect(seats(pool, stays) == 0)
  }

  @Test(
    "a reset or a probe for each lease allows one job per lease",
    arguments: ["reset", "reset before", "probe", "probe before"])
  func oneForEach(what: String) {
    var pool = leased {
      $0.resetsAfterLease = what == "reset"
      $0.resetsBeforeLease = what == "reset before"
      $0.probesAfterLease = what == "probe"
      $0.probeBeforeLeaseUnlessUsedWithin = what == "probe before" ? 0 : nil
    }
    #expect(seats(pool) == 1)
    pool.done(0, 1)
    #expect(seats(pool) == 0)
    pool.release(0, .unused)
    let worker = pool.worker(0)
    switch what {
    case "reset": #expect(pool.actions.contains(.resetWorker(worker)), "it was used")
    case "probe": #expect(pool.actions.contains(.probeWorker(worker)), "it was used")
    case "reset before": #expect(pool.demand(1).contains(.resetWorker(worker)), "it was used")
    default: #expect(pool.demand(1).contains(.probeWorker(worker)), "it was used")
    }
  }

  @Test("a worker that retires during its lease may do the job that it was leased for, and no other")
  func retires() {
    var pool = leased()
    pool.send(.retirementRequested(pool.worker(0)))
    #expect(seats(pool) == 1)
    pool.done(0, 1)
    #expect(seats(pool) == 0 && pool.stopping.isEmpty)
    pool.release(0, .unused)
    #expect(pool.stopping == [0])
  }

  @Test("a surplus worker retires after the jobs that it has")
  func surplus() {
    var pool = PoolHarness.open(2)
    pool.demand(2)
    pool.send(.resized(minimum: 1, maximum: 1))
    #expect(seats(pool, 0) == 1 && seats(pool, 1) == 1)
    pool.done(0, 1)
    #expect(pool.retirements == [.surplus] && pool.stopping.isEmpty)
    #expect(seats(pool, 1) == .max, "it is alone now")
    pool.release(0, .unused)
    #expect(pool.stopping == [0])
  }

  @Test("the report of a long lease counts from the last job")
  func longLease() {
    var pool = leased { $0.leaseReportLimit = second }
    for _ in 0..<10 {
      pool.advance(by: 900 * millisecond)
      pool.done(0, 1)
    }
    #expect(!pool.notices.contains(.leaseOverdue(pool.worker(0))))
    pool.advance(by: second)
    #expect(pool.notices.contains(.leaseOverdue(pool.worker(0))))
  }

  @Test("jobs of a worker that is being stopped are ignored; jobs without a lease are an error")
  func late() {
    var pool = leased()
    pool.send(.stop(.graceful))
    #expect(pool.done(0, 1).isEmpty)
    var core = PoolHarness.open(1).pool
    var actions: [PoolAction] = []
    core.jobsDone(WorkerID(slot: SlotID(0), serial: 1), 1, at: 0, into: &actions)
    #expect(actions == [.report(.internalError(.releaseWithoutLease))])
  }

  // MARK: A lease that goes on

  @Test("a worker that has done its job gets the next one at once, as long as nothing is to be decided")
  func goesOn() {
    var pool = leased()
    pool.demand(3)
    pool.goOn(0, false, "its first job proves it")
    pool.release(0)
    #expect(pool.offered == [0] && pool.pool.demand == 2)
    for left in [1, 0] {
      pool.goOn(0)
      #expect(pool.pool.demand == left && pool.actions.isEmpty)
    }
    pool.goOn(0, false, "no job waits")
    pool.release(0)
    #expect(pool.pool.slots[0].jobs == 4 && pool.pool.idleWorkers == 1)
    pool.goOn(0, false, "it holds no lease")
  }

  @Test("not when a waiter comes first, the worker retires or is to be replaced, or the pool drains")
  func doesNotGoOn() {
    let events: [(PoolHarness) -> PoolEvent] = [
      { .leaseRequested(WaiterID($0.lastWaiter + 1), .forever) }, { .retirementRequested($0.worker(0)) },
      { .recycle($0.worker(0)) }, { _ in .drain }, { _ in .stop(.graceful) },
    ]
    for event in events {
      var pool = leased { $0.surge = 1 }
      pool.demand(5)
      pool.release(0)
      pool.goOn(0)
      pool.send(event(pool))
      pool.goOn(0, false, "after \(pool.event)")
    }
  }

  @Test("nor when it must be checked between jobs, and not past its limit")
  func limits() {
    var checked = leased { $0.probesAfterLease = true }
    checked.release(0)
    checked.send(.probePassed(checked.worker(0)))
    checked.demand(2)
    checked.goOn(0, false, "it must be probed")

    var limited = leased { $0.maximumJobs = 5 }
    limited.demand(10)
    limited.release(0)
    for _ in 0..<3 { limited.goOn(0) }
    limited.goOn(0, false, "this is its last one")
    limited.release(0)
    #expect(limited.retirements == [.jobs] && limited.pool.slots[0].jobs == 5)
  }

  @Test("a job that the demand does not count yet can get a free worker at once")
  func atOnce() {
    var core = leased(2).pool
    var actions: [PoolAction] = []
    let worker = core.worker(in: 0)
    let whileBusy = core.leaseAtOnce(at: 0)
    core.handle(.leaseReleased(worker, .healthy), at: 0, into: &actions)
    let whileFree = core.leaseAtOnce(at: 0)
    #expect(whileBusy == nil && whileFree == worker && core.demand == 0)
    core.handle(.demandChanged(1), at: 0, into: &actions)
    let isReleased = core.releaseAtOnce(worker, at: 0)
    #expect(!isReleased, "a job waits for it")
  }
}
