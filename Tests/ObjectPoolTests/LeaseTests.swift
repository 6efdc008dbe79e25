import ObjectPool
import Testing

@Suite("Leases") struct LeaseTests {
  let workshop = Workshop()

  @Test("a lease held too long is reported with where it was taken", arguments: Face.allCases)
  func leak(face: Face) async throws {
    let notices = Notices()
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 2).with {
      $0.leaseReportTime = .milliseconds(10)
      $0.onNotice = notices.handler
    }
    let pool = EitherPool(face, configuration, workshop)
    let line: UInt = #line + 1
    let leaked = try await pool.acquire()
    try await pool.withObject { _ in }
    #expect(await eventually { notices.all.contains { $0.contains("LeaseTests.swift:\(line) is held") } })
    #expect(notices.all.contains { $0.contains("ObjectPoolTests/LeaseTests.swift") })
    #expect(pool.statistics.overdue >= 1)
    try pool.release(leaked)
  }

  @Test("a lease ends once: everything later changes nothing, and is counted", arguments: Face.allCases)
  func doubleRelease(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try await pool.acquire()
    try pool.release(lease)
    #expect(await failure { try pool.release(lease) }?.kind == "lease ended")
    #expect(await failure { try pool.dispose(lease) }?.kind == "lease ended")
    // The same object is leased to somebody else now; the old lease must not end the new one.
    let next = try await pool.acquire()
    #expect(next.object === lease.object)
    #expect(await failure { try pool.release(lease) }?.kind == "lease ended")
    #expect(try await pool.tryAcquire() == nil)
    try pool.release(next)
    #expect(pool.statistics.misuses == 3)
    #expect(workshop.ended == 0)
  }

  @Test("a lease of another pool changes neither pool, and is counted", arguments: Face.allCases)
  func foreignRelease(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let other = EitherPool(face, .unhurried(size: 4), workshop)
    let (lease, foreign) = (try await pool.acquire(), try await other.acquire())
    #expect(await failure { try pool.release(foreign) }?.kind == "foreign lease")
    #expect(await failure { try other.dispose(lease) }?.kind == "foreign lease")
    #expect(pool.statistics.misuses == 1 && other.statistics.misuses == 1)
    #expect(pool.statistics.leased == 1 && other.statistics.leased == 1)
    try pool.release(lease)
    try other.release(foreign)
    #expect(workshop.ended == 0)
  }

  @Test("a lease of a pool that is gone is foreign to a pool made later, though it may look alike")
  func releaseToLaterPool() async throws {
    var pool: ObjectPool<Thing>? = ObjectPool(.unhurried(size: 1), factory: workshop)
    let lease = try #require(try await pool?.acquire())
    pool = nil
    let later = ObjectPool(.unhurried(size: 1), factory: workshop)
    let current = try await later.acquire()
    #expect(await failure { try later.release(lease) }?.kind == "foreign lease")
    try later.release(current)
  }

  @Test("dispose ends the lease and the object; its place is free for another", arguments: Face.allCases)
  func dispose(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try await pool.acquire()
    async let next = pool.acquire()
    #expect(await pool.eventually { $0.waiting == 1 })
    try pool.dispose(lease)
    #expect(try await next.object.number == 1)
    #expect(lease.object.isGone)
    #expect(pool.statistics.disposed == 1)
  }

  @Test("withObject releases what it leased, whatever its body does", arguments: Face.allCases)
  func withObject(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    #expect(try await pool.withObject { $0.number } == 0)
    #expect(await failure { try await pool.withObject { _ in throw Broken() } }?.kind == "broken")
    #expect(try await pool.withObject { $0.number } == 0)
    #expect(
      await failure { try await pool.withObject(disposingOnThrow: true) { _ in throw Broken() } }?.kind == "broken")
    #expect(try await pool.withObject(disposingOnThrow: true) { $0.number } == 1)
    #expect(await pool.eventually { $0.leased == 0 && $0.idle == 1 })
    #expect(workshop.ended == 1)
    #expect(pool.statistics.misuses == 0)
  }

  @Test("withObject inside withObject: two objects, both released")
  func nested() async throws {
    let pool = ObjectPool(.unhurried(size: 2), factory: workshop)
    try await pool.withObject { outer in
      try await pool.withObject { inner in
        #expect(outer !== inner)
        let third = try await pool.tryAcquire()
        #expect(third == nil)
      }
      let error = await failure { try await pool.withObject { _ in throw Broken() } }
      #expect(error?.kind == "broken")
    }
    #expect(await eventually { pool.statistics.idle == 2 })
  }

  @Test("withObject releases when its task is cancelled during the body")
  func cancelledBody() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
    let task = Task {
      try await pool.withObject { thing in
        thing.mark()
        try await Task.sleep(for: .seconds(1000))
      }
    }
    #expect(await eventually { workshop.things.first?.isMarked == true })
    task.cancel()
    #expect(await failure { try await task.value }?.kind == "cancelled")
    #expect(try await pool.withObject { $0.number } == 0)
  }

  @Test("a pool that nobody has any more disposes of what is idle, and leaves what is leased", arguments: Face.allCases)
  func dropped(face: Face) async throws {
    var pool: EitherPool? = EitherPool(face, .unhurried(size: 3), workshop)
    try await pool?.prefill()
    let lease = try #require(try await pool?.acquire())
    weak let common = pool?.common
    pool = nil
    #expect(await eventually { common == nil })
    #expect(await eventually { workshop.ended == 2 })
    #expect(!lease.object.isGone)
  }

  @Test("one who waits holds the pool", arguments: Face.allCases)
  func waiterHoldsPool(face: Face) async throws {
    var pool: EitherPool? = EitherPool(face, .unhurried(size: 1), workshop)
    let lease = try #require(try await pool?.acquire())
    let waiter = Task { [pool] in try await pool!.acquire() }
    #expect(await pool!.eventually { $0.waiting == 1 })
    weak let common = pool?.common
    pool = nil
    try #require(common != nil)
    try common?.release(lease)
    #expect(try await waiter.value.object === lease.object)
  }
}
