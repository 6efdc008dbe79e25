import ObjectPool
import Testing

@Suite("Calls of the factory that go wrong") struct FactoryTroubleTests {
  let workshop = Workshop()
  let notices = Notices()

  /// Limits so short that what hangs is noticed soon.
  func pool(_ face: Face, size: Int = 1, _ change: (inout ObjectPoolConfiguration) -> Void = { _ in }) -> EitherPool {
    let configuration = ObjectPoolConfiguration.unhurried(maximum: size).with {
      $0.whenExhausted = .wait
      $0.minimumBackoff = .milliseconds(2)
      $0.maximumBackoff = .milliseconds(10)
      $0.disposalTimeout = .milliseconds(20)
      $0.onNotice = notices.handler
      change(&$0)
    }
    return EitherPool(face, configuration, workshop)
  }

  @Test("making hangs: those who wait are told, and the late object is disposed of", arguments: Face.allCases)
  func makingHangs(face: Face) async throws {
    workshop.makeGate.set(.closedForGood)
    let pool = pool(face) {
      $0.creationTimeout = .milliseconds(20)
      $0.restartBudget = 1
      $0.minimumBackoff = .seconds(100)
      $0.maximumBackoff = .seconds(100)
    }
    let error = await failure { try await pool.acquire() }
    guard case ObjectPoolError.creationFailed(ObjectPoolError.creationTimedOut)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(await pool.eventually { $0.abandoned == 1 && $0.creating == 0 && $0.size == 0 })
    #expect(workshop.made == 0)
    workshop.makeGate.set(.open)
    #expect(await eventually { workshop.made == 1 && workshop.ended == 1 })
    #expect(await pool.eventually { $0.disposed == 1 })
    let figures = pool.statistics
    #expect((figures.acquired, figures.size, figures.creationFailures) == (0, 0, 1))
    #expect(await eventually { notices.all.contains { $0.contains("does not come back") } })
  }

  @Test("making hangs once: the next try serves the one who waits, the late object is not handed out")
  func makingHangsOnce() async throws {
    workshop.makeGate.set(.closed)
    let pool = pool(.asynchronous) {
      $0.creationTimeout = .milliseconds(20)
      $0.restartBudget = 1000
    }
    async let thing = pool.acquire()
    #expect(await pool.eventually { $0.creationFailures >= 1 })
    workshop.makeGate.set(.open)
    #expect(try await !thing.object.isGone)
    #expect(await eventually { workshop.alive == 1 })
  }

  @Test("an object that is made after close is disposed of before close returns", arguments: Face.allCases)
  func madeAfterClose(face: Face) async throws {
    workshop.makeGate.set(.closedForGood)
    let pool = pool(face) { $0.disposalTimeout = .seconds(3600) }
    async let refused = failure { try await pool.acquire() }
    #expect(await eventually { workshop.makeGate.count == 1 })
    async let closed: Void = pool.close()
    #expect(await refused?.kind == "closed")
    workshop.makeGate.set(.open)
    await closed
    #expect(workshop.made == 1 && workshop.ended == 1)
  }

  @Test("an object that is made for a pool that nobody has any more is disposed of", arguments: Face.allCases)
  func madeForNobody(face: Face) async throws {
    workshop.makeGate.set(.closedForGood)
    var pool: EitherPool? = EitherPool(face, .unhurried(size: 1), workshop)
    #expect(await eventually { workshop.makeGate.count == 1 })
    weak let common = pool?.common
    pool = nil
    #expect(await eventually { common == nil })
    workshop.makeGate.set(.open)
    #expect(await eventually { workshop.made == 1 && workshop.ended == 1 })
  }

  @Test("close does not wait for a call that never comes back", arguments: Face.allCases)
  func closeAbandons(face: Face) async throws {
    workshop.makeGate.set(.closedForGood)
    let pool = pool(face)
    pool.common.resize(to: 1)
    #expect(await eventually { workshop.makeGate.count == 1 })
    await pool.close()
    #expect(workshop.made == 0)
    #expect(pool.statistics.abandoned == 1)
    workshop.makeGate.set(.open)
    #expect(await eventually { workshop.made == 1 && workshop.ended == 1 })
  }

  @Test("validation hangs: the one who waits gets another object", arguments: Face.allCases)
  func validationHangs(face: Face) async throws {
    let pool = pool(face) { $0.validationTimeout = .milliseconds(20) }
    try await pool.withObject { _ in }
    workshop.validateGate.set(.closedForGood)
    let lease = try await pool.acquire()
    #expect(lease.object.number == 1)
    let figures = pool.statistics
    #expect((figures.validationFailures, figures.abandoned) == (1, 1))
    #expect(notices.all.contains { $0.contains("not sound") })
    workshop.validateGate.set(.open)
    #expect(await eventually { workshop.ended == 1 })
    #expect(!lease.object.isGone)
  }

  @Test("a validation that can be cancelled is not abandoned")
  func validationIsCancelled() async throws {
    let pool = pool(.asynchronous) {
      $0.validationTimeout = .milliseconds(20)
      $0.disposalTimeout = .seconds(3600)
    }
    try await pool.withObject { _ in }
    workshop.validateGate.set(.closed)
    #expect(try await pool.acquire().object.number == 1)
    #expect(workshop.ended == 1)
    #expect(pool.statistics.abandoned == 0)
    #expect(pool.statistics.validationFailures == 1)
  }

  @Test("reset hangs: the object is replaced", arguments: [Face.asynchronous, .blocking], [true, false])
  func resetHangs(face: Face, onRelease: Bool) async throws {
    let pool = pool(face) {
      $0.resetTimeout = .milliseconds(20)
      $0.resets = onRelease ? .onRelease : .onAcquire
    }
    workshop.wipeGate.set(.closedForGood)
    try await pool.withObject { $0.mark() }
    let lease = try await pool.acquire()
    #expect(lease.object.number == 1 && !lease.object.isMarked)
    let figures = pool.statistics
    #expect((figures.resetFailures, figures.abandoned) == (1, 1))
    workshop.wipeGate.set(.open)
    #expect(await eventually { workshop.ended == 1 })
    #expect(!lease.object.isGone)
  }

  @Test("dispose throws: it is told, and the place is free", arguments: Face.allCases)
  func disposeThrows(face: Face) async throws {
    let pool = pool(face) { $0.disposalTimeout = .seconds(3600) }
    workshop.set { $0.failsToEnd = true }
    try pool.dispose(try await pool.acquire())
    #expect(try await pool.acquire().object.number == 1)
    #expect(notices.all.contains { $0.contains("clings to life") })
    #expect(pool.statistics.disposed == 1)
  }

  @Test("dispose hangs: the place is free after a while, a late return changes nothing", arguments: Face.allCases)
  func disposeHangs(face: Face) async throws {
    let pool = pool(face)
    workshop.endGate.set(.closedForGood)
    try pool.dispose(try await pool.acquire())
    let lease = try await pool.acquire()
    #expect(lease.object.number == 1)
    #expect(pool.statistics.abandoned == 1 && pool.statistics.disposed == 0)
    workshop.endGate.set(.open)
    #expect(await pool.eventually { $0.disposed == 1 })
    #expect(workshop.ended == 1)
    let figures = pool.statistics
    #expect((figures.leased, figures.size) == (1, 1))
    try pool.release(lease)
    await pool.close()
    #expect(await eventually { workshop.alive == 0 })
  }

  @Test("everything hangs at close: it returns all the same, and the rest follows", arguments: Face.allCases)
  func allHangs(face: Face) async throws {
    let pool = pool(face, size: 4)
    var leases: [Lease<Thing>] = []
    for _ in 0..<4 { leases.append(try await pool.acquire()) }
    workshop.wipeGate.set(.closedForGood)
    workshop.endGate.set(.closedForGood)
    for lease in leases.dropFirst(2) { try pool.release(lease) }
    await pool.close(within: .milliseconds(10))
    #expect(workshop.ended == 0)
    #expect(pool.statistics.abandoned == 4)
    workshop.wipeGate.set(.open)
    workshop.endGate.set(.open)
    #expect(await eventually { workshop.ended == 4 })
    #expect(workshop.alive == 0)
  }

  @Test("an object leased from another task and thread is released by a third")
  func releasedElsewhere() async throws {
    let pool = BlockingObjectPool(.unhurried(size: 1), factory: workshop)
    let lease = try await onThread { try pool.acquire() }
    try await onThread { try pool.release(lease) }
    let again = try await Task.detached { try pool.acquire() }.value
    try pool.release(again)
    #expect(pool.statistics.misuses == 0)
  }
}
