import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("The snapshot") struct SnapshotTests {
  @Test("each slot is shown as what it is, and the totals agree")
  func states() {
    var pool = PoolHarness.open(6, isUp: false) {
      $0.maximumAge = 600 * second
      $0.surge = 1
      $0.probeInterval = 5 * second
    }
    for slot in 0..<4 { pool.ready(slot) }
    pool.gone(4, .failedStart)
    pool.release(pool.lease())
    let leased = pool.lease()
    pool.send(.workerBroken(pool.worker(0)))
    pool.fire(1, .probeInterval)
    pool.fire(leased, .age)
    let snapshot = pool.pool.snapshot
    #expect(
      snapshot.slots.map(\.state) == [
        .stopping(step: 1), .probing, .idle, .leased, .backingOff, .starting, .starting,
      ])
    #expect(snapshot.slots.map(\.worker) == [0, 1, 2, 3, nil, 5, 6].map { $0.map { pool.worker($0) } })
    #expect(snapshot.slots.map(\.slot.index) == Array(0..<7))
    #expect(snapshot.slots.map(\.retiring) == [.broken, nil, nil, nil, nil, nil, nil])
    #expect(snapshot.slots.map(\.overdue) == [nil, nil, nil, .age, nil, nil, nil])
    #expect(snapshot.slots.map(\.jobs) == [0, 0, 0, 1, 0, 0, 0])
    #expect(snapshot.slots.map(\.failures) == [0, 0, 0, 0, 1, 0, 0])
    #expect((snapshot.serving, snapshot.starting, snapshot.backingOff, snapshot.stopping) == (3, 2, 1, 1))
    #expect(snapshot.waiting == 0)
    #expect(!snapshot.isBreakerOpen)
  }

  @Test("it shows who waits, and that nothing starts")
  func waiting() {
    var pool = PoolHarness.open(1) { $0.refusesWhileBreakerIsOpen = false }
    _ = pool.lease()
    for _ in 0..<3 { pool.request() }
    pool.gone(0, .cannotStart)
    #expect(pool.pool.snapshot.waiting == 3)
    for _ in 0..<5 where !pool.pool.snapshot.isBreakerOpen {
      pool.advance(by: 31 * second)
      if !pool.starting.isEmpty { pool.gone(0, .cannotStart) }
    }
    #expect(pool.pool.snapshot.isBreakerOpen)
    #expect(pool.pool.snapshot.slots.map(\.state) == [.backingOff])
  }
}
