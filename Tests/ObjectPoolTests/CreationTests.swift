import ObjectPool
import Testing

@Suite("When objects cannot be made") struct CreationTests {
  let workshop = Workshop()
  let notices = Notices()

  /// Backs off quickly, and gives up after so many failures.
  func pool(_ face: Face, budget: Int, _ change: (inout ObjectPoolConfiguration) -> Void = { _ in }) -> EitherPool {
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 1).with {
      $0.minimumBackoff = .milliseconds(2)
      $0.maximumBackoff = .milliseconds(20)
      $0.restartBudget = budget
      $0.onNotice = notices.handler
      change(&$0)
    }
    return EitherPool(face, configuration, workshop)
  }

  @Test("one failure is no reason to give up: those who wait do not notice", arguments: Face.allCases)
  func backoff(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 1000)
    async let thing = pool.acquire()
    #expect(await pool.eventually { $0.creationFailures >= 3 && $0.waiting == 1 })
    workshop.set { $0.failsToMake = false }
    #expect(try await thing.object.number == 0)
    #expect(await eventually { notices.all.contains { $0.contains("failure 1 in a row") } })
    #expect(notices.all.allSatisfy { $0.contains("no thing today") })
  }

  @Test("a spent budget tells those who wait the error, and recovers by itself", arguments: Face.allCases)
  func breaker(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 3)
    let error = await failure { try await pool.acquire() }
    guard case ObjectPoolError.creationFailed(let cause as Broken)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(cause == Broken(what: "no thing today"))
    #expect(pool.statistics.creationFailures >= 3)
    #expect(await eventually { notices.all.contains { $0.hasPrefix("objects cannot be made") } })
    workshop.set { $0.failsToMake = false }
    #expect(await eventually { await failure { try await pool.withObject { _ in } } == nil })
    #expect(notices.all.last == "objects can be made again")
    #expect(!pool.statistics.isBreakerOpen)
  }

  @Test("with a budget of 1 the first failure is told at once", arguments: Face.allCases)
  func firstFailure(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 1) {
      $0.minimumBackoff = .seconds(100)
      $0.maximumBackoff = .seconds(100)
    }
    #expect(await failure { try await pool.acquire() }?.kind == "creation failed")
    #expect(pool.statistics.isBreakerOpen)
    #expect(pool.statistics.creationFailures == 1)
    // Who comes while the next try is far away waits for it, and learns the reason; who does not want to wait learns it
    // at once.
    let late = await failure { try await pool.acquire(timeout: .milliseconds(50)) }
    guard case ObjectPoolError.timedOut(after: let time, _, _, creationError: _ as Broken)? = late,
      time == .milliseconds(50)
    else {
      Issue.record("\(String(describing: late))")
      return
    }
    #expect(await failure { try await pool.tryAcquire() }?.kind == "creation failed")
    #expect(pool.statistics.creationFailures == 1)
  }

  @Test("those who can wait for an object that exists are not refused", arguments: Face.allCases)
  func waitsForLeased(face: Face) async throws {
    let pool = pool(face, budget: 1) { $0.maximum = 2 }
    let lease = try await pool.acquire()
    workshop.set { $0.failsToMake = true }
    async let next = pool.acquire()
    #expect(await pool.eventually { $0.isBreakerOpen && $0.waiting == 1 })
    try pool.release(lease)
    #expect(try await next.object === lease.object)
  }

  @Test("prefill is told the error when the budget is spent, and works again later", arguments: Face.allCases)
  func prefill(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 2) { $0.maximum = 3 }
    #expect(await failure { try await pool.prefill() }?.kind == "creation failed")
    workshop.set { $0.failsToMake = false }
    #expect(await eventually { await failure { try await pool.prefill() } == nil })
    #expect(pool.statistics.idle == 3)
  }

  @Test("prefill begins and fails while the breaker is open already", arguments: Face.allCases)
  func prefillWhileOpen(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 1)
    #expect(await failure { try await pool.acquire() }?.kind == "creation failed")
    #expect(await failure { try await pool.prefill(1) }?.kind == "creation failed")
  }

  @Test("a timeout tells the last failure, if the last try failed", arguments: Face.allCases)
  func timeoutTellsFailure(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let pool = pool(face, budget: 1_000_000)
    async let patient = pool.acquire()
    #expect(await pool.eventually { $0.creationFailures >= 1 })
    let error = await failure { try await pool.acquire(timeout: .milliseconds(5)) }
    workshop.set { $0.failsToMake = false }
    _ = try await patient
    guard case ObjectPoolError.timedOut(_, _, _, let cause as Broken)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(cause.what == "no thing today")
  }

  @Test("a fixed pool that was made in bad times is complete in good times", arguments: Face.allCases)
  func selfHealing(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let configuration = ObjectPoolConfiguration.unhurried(size: 3).with {
      $0.minimumBackoff = .milliseconds(2)
      $0.maximumBackoff = .milliseconds(20)
    }
    let pool = EitherPool(face, configuration, workshop)
    #expect(await pool.eventually { $0.isBreakerOpen })
    workshop.set { $0.failsToMake = false }
    #expect(await pool.eventually { $0.idle == 3 && !$0.isBreakerOpen })
  }

  @Test("no more than maximumCreating are made at the same time", arguments: Face.allCases)
  func maximumCreating(face: Face) async throws {
    workshop.makeGate.set(.closed)
    let configuration = ObjectPoolConfiguration.unhurried(size: 5).with { $0.maximumCreating = 2 }
    let pool = EitherPool(face, configuration, workshop)
    #expect(await eventually { workshop.makeGate.count == 2 })
    #expect(pool.statistics.creating == 2)
    workshop.makeGate.set(.open)
    try await pool.prefill()
    #expect(workshop.made == 5)
  }
}
