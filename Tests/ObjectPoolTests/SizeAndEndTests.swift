import ObjectPool
import Testing

@Suite("Size and end") struct SizeAndEndTests {
  let workshop = Workshop()

  @Test("resize up serves those who wait", arguments: Face.allCases)
  func resizeUp(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try await pool.acquire()
    async let second = pool.acquire()
    async let third = pool.acquire()
    #expect(await pool.eventually { $0.waiting == 2 })
    pool.common.resize(to: 3)
    let numbers = [lease.object.number, try await second.object.number, try await third.object.number]
    #expect(numbers.sorted() == [0, 1, 2])
    #expect(pool.statistics.maximum == 3 && pool.statistics.minimum == 3)
  }

  @Test("resize down takes idle ones at once, and leased ones when they are released", arguments: Face.allCases)
  func resizeDown(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 4), workshop)
    try await pool.prefill()
    let (first, second) = (try await pool.acquire(), try await pool.acquire())
    pool.common.resize(minimum: 0, maximum: 1)
    #expect(await pool.eventually { $0.size == 2 })
    #expect(workshop.ended == 2 && !first.object.isGone && !second.object.isGone)
    #expect(try await pool.tryAcquire() == nil)
    try pool.release(first)
    #expect(await pool.eventually { $0.size == 1 })
    #expect(first.object.isGone)
    try pool.release(second)
    #expect(try await pool.acquire().object === second.object)
  }

  @Test("recycle replaces idle ones now, and leased ones when they are released", arguments: Face.allCases)
  func recycle(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 3), workshop)
    try await pool.prefill()
    let lease = try await pool.acquire()
    pool.common.recycle()
    #expect(await eventually { workshop.ended >= 2 })
    #expect(!lease.object.isGone)
    try pool.release(lease)
    #expect(await eventually { workshop.ended == 3 && workshop.made == 6 })
    #expect(lease.object.isGone)
    #expect(await pool.eventually { $0.idle == 3 })
  }

  @Test("recycle stops at a first object that cannot be made, and the others serve on", arguments: Face.allCases)
  func recycleAborted(face: Face) async throws {
    let notices = Notices()
    let configuration = ObjectPoolConfiguration.unhurried(size: 3).with {
      $0.surge = 1
      $0.onNotice = notices.handler
    }
    let pool = EitherPool(face, configuration, workshop)
    try await pool.prefill()
    workshop.set { $0.failsToMake = true }
    pool.common.recycle()
    #expect(await eventually { notices.all.contains { $0.contains("not replaced") } })
    #expect(pool.statistics.idle == 3)
    #expect(workshop.ended == 0)
  }

  @Test("drain serves those who wait, refuses those who come, and ends when all is released", arguments: Face.allCases)
  func drain(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try await pool.acquire()
    async let waiting = pool.acquire()
    #expect(await pool.eventually { $0.waiting == 1 })
    let ended = Log<Int>()
    let end = Task {
      await pool.drain()
      ended.add(workshop.ended)
    }
    #expect(await eventually { await failure { try await pool.tryAcquire() }?.kind == "closed" })
    try pool.release(lease)
    let last = try await waiting
    #expect(last.object === lease.object)
    #expect(ended.all == [])
    try pool.release(last)
    await end.value
    #expect(ended.all == [1])
  }

  @Test("drain with a limit gives up leases that last longer", arguments: Face.allCases)
  func drainLimit(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try await pool.acquire()
    async let waiting = failure { try await pool.acquire(timeout: .seconds(600)) }
    #expect(await pool.eventually { $0.waiting == 1 })
    await pool.drain(within: .milliseconds(10))
    #expect(await waiting?.kind == "closed")
    #expect(lease.object.isGone)
    #expect(await failure { try pool.release(lease) }?.kind == "lease ended")
  }

  @Test("close refuses those who wait, and waits for leases", arguments: Face.allCases)
  func close(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 2), workshop)
    let (first, second) = (try await pool.acquire(), try await pool.acquire())
    async let waiting = failure { try await pool.acquire(timeout: .seconds(600)) }
    #expect(await pool.eventually { $0.waiting == 1 })
    async let closed: Void = pool.close()
    #expect(await waiting?.kind == "closed")
    try pool.release(first)
    #expect(await eventually { first.object.isGone })
    #expect(!second.object.isGone)
    try pool.release(second)
    await closed
    #expect(workshop.alive == 0)
    // What comes later does no harm.
    await pool.close()
    await pool.drain()
    pool.common.recycle()
    pool.common.resize(to: 5)
    #expect(await failure { try await pool.acquire() }?.kind == "closed")
    #expect(await failure { try await pool.prefill() }?.kind == "closed")
    #expect(await failure { try pool.release(second) }?.kind == "lease ended")
    #expect(workshop.made == 2 && workshop.ended == 2)
  }

  @Test("close disposes of what is leased after its time; a late release is told", arguments: Face.allCases)
  func closeDeadline(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 2), workshop)
    let lease = try await pool.acquire()
    await pool.close(within: .milliseconds(10))
    #expect(lease.object.isGone)
    #expect(workshop.alive == 0)
    #expect(await failure { try pool.release(lease) }?.kind == "lease ended")
    #expect(pool.statistics.misuses == 1)
  }

  @Test("several may close and drain one pool: all return when it is over", arguments: Face.allCases)
  func manyClose(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 2), workshop)
    let lease = try await pool.acquire()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await pool.close() }
      group.addTask { await pool.drain() }
      #expect(await eventually { await failure { try await pool.tryAcquire() }?.kind == "closed" })
      group.addTask { await pool.close(within: .milliseconds(20)) }
    }
    #expect(workshop.alive == 0)
    #expect(lease.object.isGone)
  }

  @Test("statistics add up", arguments: Face.allCases)
  func statistics(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(minimum: 1, maximum: 3), workshop)
    let (first, second) = (try await pool.acquire(), try await pool.acquire())
    try pool.dispose(first)
    try pool.release(second)
    #expect(await pool.eventually { $0.idle == 1 && $0.size == 1 })
    let figures = pool.statistics
    #expect((figures.minimum, figures.maximum, figures.leased, figures.waiting) == (1, 3, 0, 0))
    #expect((figures.acquired, figures.created, figures.disposed, figures.abandoned) == (2, 2, 1, 0))
    #expect((figures.timedOut, figures.exhausted, figures.cancelled, figures.misuses) == (0, 0, 0, 0))
  }
}
