import ObjectPool
import Testing

@Suite("Validation and reset") struct CheckTests {
  let workshop = Workshop()

  func pool(_ face: Face, size: Int = 1, _ change: (inout ObjectPoolConfiguration) -> Void) -> EitherPool {
    EitherPool(face, .unhurried(size: size).with(change), workshop)
  }

  @Test("validated always before it is handed out, but for a new one", arguments: Face.allCases)
  func always(face: Face) async throws {
    let pool = pool(face) {
      $0.minimum = 0
      $0.validatesOnAcquire = .always
    }
    try await pool.withObject { _ in }
    #expect(workshop.validated == 0)
    for _ in 0..<3 { try await pool.withObject { _ in } }
    #expect(workshop.validated == 3)
  }

  @Test("not validated when it was used within so long", arguments: Face.allCases)
  func unlessUsedWithin(face: Face) async throws {
    let pool = pool(face) { $0.validatesOnAcquire = .unlessUsedWithin(.seconds(1000)) }
    for _ in 0..<3 { try await pool.withObject { _ in } }
    #expect(workshop.validated == 0)
    let eager = self.pool(face) { $0.validatesOnAcquire = .unlessUsedWithin(.milliseconds(10)) }
    try await eager.withObject { _ in }
    #expect(await eager.eventually { $0.idle == 1 })
    // The first lease has validated it, too, if the machine kept it waiting.
    let before = workshop.validated
    try await Task.sleep(for: .milliseconds(30))
    try await eager.withObject { _ in }
    #expect(workshop.validated == before + 1)
  }

  @Test("never validated", arguments: Face.allCases)
  func never(face: Face) async throws {
    let pool = pool(face) { $0.validatesOnAcquire = .never }
    try await pool.withObject { $0.getSick() }
    #expect(try await pool.withObject { $0.isSick })
    #expect(workshop.validated == 0)
  }

  @Test("validated on release: a broken one is gone before anybody asks", arguments: Face.allCases)
  func onRelease(face: Face) async throws {
    let pool = pool(face) {
      $0.validatesOnAcquire = .never
      $0.validatesOnRelease = true
    }
    let lease = try await pool.acquire()
    lease.object.getSick()
    lease.object.mark()
    try pool.release(lease)
    #expect(await eventually { lease.object.isGone })
    #expect(workshop.wiped == 1, "reset comes first")
    #expect(await pool.eventually { $0.idle == 1 && $0.validationFailures == 1 })
    #expect(workshop.made == 2)
  }

  @Test("validated while idle: a broken one is replaced though nobody asks", arguments: Face.allCases)
  func whileIdle(face: Face) async throws {
    let pool = pool(face, size: 2) { $0.validationInterval = .milliseconds(5) }
    try await pool.prefill()
    let things = workshop.things
    things[1].getSick()
    #expect(await eventually { things[1].isGone && workshop.made == 3 })
    #expect(!things[0].isGone)
    #expect(await pool.eventually { $0.size == 2 && $0.validationFailures == 1 })
  }

  @Test("reset on release: it holds nothing while it is idle", arguments: Face.allCases)
  func resetOnRelease(face: Face) async throws {
    let pool = pool(face) { $0.resets = .onRelease }
    let lease = try await pool.acquire()
    lease.object.mark()
    try pool.release(lease)
    #expect(await eventually { !lease.object.isMarked })
    #expect(await pool.eventually { $0.idle == 1 })
  }

  @Test("reset on acquire: nothing is done for an object that nobody needs", arguments: Face.allCases)
  func resetOnAcquire(face: Face) async throws {
    let pool = pool(face) { $0.resets = .onAcquire }
    let lease = try await pool.acquire()
    lease.object.mark()
    try pool.release(lease)
    #expect(pool.statistics.idle == 1)
    #expect(lease.object.isMarked && workshop.wiped == 0)
    let again = try await pool.acquire()
    #expect(again.object === lease.object && !again.object.isMarked)
    try pool.release(again)
    await pool.close()
    #expect(workshop.wiped == 1)
  }

  @Test("never reset", arguments: Face.allCases)
  func neverReset(face: Face) async throws {
    let pool = pool(face) { $0.resets = .never }
    try await pool.withObject { $0.mark() }
    #expect(try await pool.withObject { $0.isMarked })
    #expect(workshop.wiped == 0)
  }

  @Test("a validation that throws counts as failed, and is told with its error", arguments: Face.allCases)
  func validationThrows(face: Face) async throws {
    let notices = Notices()
    let pool = pool(face) { $0.onNotice = notices.handler }
    try await pool.withObject { _ in }
    workshop.set { $0.validationThrows = true }
    #expect(try await pool.withObject { $0.number } == 1)
    #expect(pool.statistics.validationFailures == 1)
    #expect(notices.all.contains { $0.contains("not sound") && $0.contains("who knows") })
    #expect(await eventually { workshop.ended == 1 })
  }

  @Test("a reset that throws: the object is replaced", arguments: [Face.asynchronous, .blocking], [true, false])
  func resetThrows(face: Face, onRelease: Bool) async throws {
    let notices = Notices()
    let pool = pool(face) {
      $0.resets = onRelease ? .onRelease : .onAcquire
      $0.onNotice = notices.handler
    }
    workshop.set { $0.failsToWipe = true }
    for number in 0..<3 {
      let got = try await pool.withObject { thing in
        thing.mark()
        return thing.number
      }
      #expect(got == number)
    }
    #expect(await eventually { workshop.ended >= 2 })
    #expect(pool.statistics.resetFailures >= 2)
    #expect(notices.all.contains { $0.contains("could not be reset") && $0.contains("stains") })
  }
}
