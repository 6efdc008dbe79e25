import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("Leases") struct LeasingTests {
  @Test("a free worker is granted at once, with no timer and nothing else to do")
  func grantsAtOnce() {
    var pool = PoolHarness.open(1)
    #expect(pool.request(.within(second)) == [.grantLease(WaiterID(1), pool.worker(0))])
    #expect(pool.release(0) == [.disarm(.slot(SlotID(0), .settle, generation: pool.lastSettle))])
    #expect(pool.request() == [.grantLease(WaiterID(2), pool.worker(0))])
    #expect(pool.release(0) == [])
  }

  @Test("waiters are served in order, and the timer of one who is served is disarmed")
  func servesInOrder() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.request(.within(second))
    pool.request()
    #expect(pool.timers.armedWaiters == 1)
    pool.release(slot)
    #expect(pool.actions.contains(.grantLease(WaiterID(2), pool.worker(slot))))
    #expect(pool.timers.armedWaiters == 0)
    #expect(pool.release(slot) == [.grantLease(WaiterID(3), pool.worker(slot))])
  }

  @Test("the warmest worker serves next, so that the others can age out (lesson 18, php-src #4101, #12798)")
  func lastInFirstOut() {
    var pool = PoolHarness.open(3)
    let slots = [pool.lease(), pool.lease(), pool.lease()]
    for slot in slots { pool.release(slot) }
    #expect(pool.lease() == slots[2])
    pool.release(slots[2])
    #expect(pool.lease() == slots[2])
  }

  @Test("in first-in first-out order the one unused longest serves next")
  func firstInFirstOut() {
    var pool = PoolHarness.open(3) { $0.leaseOrder = .fifo }
    let slots = [pool.lease(), pool.lease(), pool.lease()]
    for slot in slots { pool.release(slot) }
    for slot in slots {
      #expect(pool.lease() == slot)
      pool.release(slot)
    }
  }

  @Test("a worker that is merely taken to be ready serves after those that work", arguments: [true, false])
  func onTrustLast(isLifo: Bool) {
    var pool = PoolHarness.open(2) {
      $0.readyIsProof = false
      $0.leaseOrder = isLifo ? .lifo : .fifo
    }
    let slot = pool.lease()
    pool.release(slot)
    pool.gone(1 - slot, .stopped)
    pool.bringUp()
    #expect(pool.lease() == slot)
    #expect(pool.lease() == 1 - slot)
  }

  @Test("with capacity the emptiest worker is filled first, and none beyond its capacity")
  func capacity() {
    var pool = PoolHarness.open(2) { $0.capacity = 2 }
    let first = [pool.lease(), pool.lease()]
    #expect(first.sorted() == [0, 1])
    let second = [pool.lease(), pool.lease()]
    #expect(second.sorted() == [0, 1])
    pool.request()
    #expect(pool.granted.isEmpty)
    pool.release(1)
    #expect(pool.granted == [pool.worker(1)])
  }

  @Test("one who does not want to wait is refused when nobody is free")
  func refusesAtOnce() {
    var pool = PoolHarness.open(1)
    _ = pool.lease()
    #expect(pool.request(.unlessExhausted) == [.refuseLease(WaiterID(2), .exhausted)])
  }

  @Test("a wait has a deadline, and one who gave up is not served (lesson 19, php-src #11260)")
  func waitEnds() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.request(.within(second))
    pool.request(.forever)
    pool.request(.forever)
    pool.advance(by: second)
    #expect(pool.history.last == .refuseLease(WaiterID(2), .timedOut))
    pool.send(.leaseWithdrawn(WaiterID(3)))
    pool.release(slot)
    #expect(pool.actions.contains(.grantLease(WaiterID(4), pool.worker(slot))))
    pool.send(.leaseWithdrawn(WaiterID(4)))
    #expect(pool.actions.isEmpty, "it was answered already")
  }

  @Test("the queue holds thousands that give up in the middle, and keeps the order")
  func massWithdrawal() {
    var queue = WaiterQueue()
    for number in 1...5_000 { queue.append(Waiter(id: WaiterID(UInt64(number)), patience: .endless)) }
    for number in 1...5_000 where number % 1_000 != 0 { #expect(queue.withdraw(WaiterID(UInt64(number))) != nil) }
    #expect(queue.withdraw(WaiterID(7)) == nil)
    #expect(queue.count == 5)
    queue.putBack(Waiter(id: WaiterID(1), patience: .endless))
    var order: [UInt64] = []
    while let waiter = queue.popFirst() { order.append(waiter.id.number) }
    #expect(order == [1, 1_000, 2_000, 3_000, 4_000, 5_000])
  }

  @Test("an unused lease is no job")
  func unusedLease() {
    var pool = PoolHarness.open(1) { $0.maximumJobs = 1 }
    pool.release(pool.lease(), .unused)
    #expect(pool.retirements.isEmpty)
    pool.release(pool.lease())
    #expect(pool.retirements == [.jobs])
  }

  @Test("a lease held too long is reported once, and goes on")
  func overdueLease() {
    var pool = PoolHarness.open(1) { $0.leaseReportLimit = second }
    let slot = pool.lease()
    pool.advance(by: 5 * second)
    #expect(pool.notices == [.leaseOverdue(pool.worker(slot))])
    pool.release(slot)
    #expect(!pool.timers.isArmed(slot, .lease))
  }

  @Test("a worker that breaks while leased is stopped promptly, and the waiter gets its successor")
  func brokenWhileLeased() {
    var pool = PoolHarness.open(1)
    let slot = pool.lease()
    pool.request()
    pool.send(.workerBroken(pool.worker(slot)))
    #expect(pool.actions.contains(.stopWorker(pool.worker(slot), step: 1)))
    pool.gone(slot, .stopped)
    pool.bringUp()
    #expect(pool.granted == [pool.worker(0)])
    #expect(pool.backoffs.isEmpty)
  }

  @Test("impossible events are counted and reported, never silent", arguments: [0, 1, 2, 3, 4])
  func impossibleEvents(which: Int) {
    let worker = WorkerID(slot: SlotID(0), serial: 1)
    let events: [(PoolEvent, ImpossibleEvent)] = [
      (.leaseReleased(worker, .healthy), .releaseWithoutLease),
      (.workerGone(WorkerID(slot: SlotID(7), serial: 1), .died), .goneWithoutWorker),
      (.leaseRequested(WaiterID(0), .forever), .waiterOutOfOrder),
      (.start, .badLifecycle),
      (.resized(minimum: 2, maximum: 1), .badLifecycle),
    ]
    var pool = PoolStateMachine(
      configuration: PoolConfiguration(minimum: 1, maximum: 1), generator: SeededGenerator(seed: 1))
    var actions: [PoolAction] = []
    pool.handle(.start, at: 0, into: &actions)
    pool.handle(.workerReady(worker), at: 0, into: &actions)
    pool.handle(.leaseRequested(WaiterID(1), .forever), at: 0, into: &actions)
    pool.handle(.leaseReleased(worker, .healthy), at: 0, into: &actions)
    actions.removeAll()
    pool.handle(events[which].0, at: 0, into: &actions)
    #expect(actions == [.report(.internalError(events[which].1))])
    #expect(pool.internalErrors == 1)
  }
}

extension PoolHarness {
  /// The generation of the settle timer that was armed last.
  fileprivate var lastSettle: UInt32 {
    for case .arm(.slot(_, .settle, let generation), _) in history.reversed() { return generation }
    return 0
  }
}
