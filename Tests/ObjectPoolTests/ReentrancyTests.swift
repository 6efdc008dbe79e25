import Testing

@testable import ObjectPool

/// Holds a pool, for closures that are made before it.
private final class Later<Value: Sendable>: Sendable {
  private let value = Locked<Value?>(nil)
  func set(_ new: Value) { value.withLock { $0 = new } }
  var now: Value? { value.withLock { $0 } }
}

@Suite("The pool is called from where it calls") struct ReentrancyTests {
  @Test("from onNotice: figures, leases and sizes")
  func fromNotice() async throws {
    let later = Later<ObjectPool<Thing>>()
    let answers = Log<Int>()
    let workshop = Workshop()
    let configuration = ObjectPoolConfiguration.unhurried(size: 1).with {
      $0.onNotice = { _ in
        guard let pool = later.now else { return }
        answers.add(pool.statistics.maximum)
        pool.resize(minimum: 1, maximum: 3)
        Task { try await pool.withObject { answers.add($0.number) } }
      }
    }
    let pool = ObjectPool(configuration, factory: workshop)
    later.set(pool)
    try await pool.withObject { $0.getSick() }
    try await pool.withObject { #expect(!$0.isSick) }
    #expect(await eventually { answers.all.count >= 2 && answers.all.first == 1 })
    await pool.close()
  }

  @Test("from the closures of the factory, on threads")
  func fromBlockingFactory() throws {
    let later = Later<BlockingObjectPool<Thing>>()
    let figures = Log<Int>()
    let pool = BlockingObjectPool(
      .unhurried(maximum: 2),
      make: { [figures] in
        figures.add(later.now?.statistics.creating ?? -1)
        return Thing(0)
      },
      validate: { _ in
        // A second object for the time of the check: it is made, if the first is the only one.
        if let other = try later.now?.tryAcquire() { try later.now?.release(other) }
        return true
      },
      dispose: { _ in figures.add(later.now?.statistics.disposing ?? -1) })
    later.set(pool)
    try pool.withObject { _ in }
    try pool.withObject { _ in }
    pool.close()
    #expect(figures.all.contains(1))
    #expect(pool.statistics.created == pool.statistics.disposed)
    #expect(pool.statistics.misuses == 0)
  }

  @Test("from the closures of an asynchronous factory")
  func fromFactory() async throws {
    let later = Later<ObjectPool<Thing>>()
    let figures = Log<Int>()
    let pool = ObjectPool(
      .unhurried(maximum: 2), make: { Thing(0) },
      reset: { _ in
        figures.add(later.now?.statistics.checking ?? -1)
        // Only the first asks for the other one, or they would wait for each other.
        guard figures.all.count == 1, let other = try await later.now?.tryAcquire() else { return }
        try later.now?.dispose(other)
      })
    later.set(pool)
    try await pool.withObject { _ in }
    #expect(await eventually { pool.statistics.disposed == 1 && pool.statistics.idle == 1 })
    #expect(figures.all == [1])
    await pool.close()
    #expect(pool.statistics.created == 2 && pool.statistics.disposed == 2)
  }

  @Test("from withObject: release, dispose, resize, recycle and close")
  func fromWithObject() async throws {
    let workshop = Workshop()
    let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
    try await pool.withObject { thing in
      pool.recycle()
      pool.resize(to: 2)
      try await pool.withObject { #expect($0 !== thing) }
      await pool.close(within: .milliseconds(10))
      #expect(thing.isGone)
    }
    #expect(workshop.alive == 0)
    #expect(pool.statistics.misuses == 1, "withObject came too late with its release")
  }
}
