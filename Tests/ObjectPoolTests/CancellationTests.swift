import ObjectPool
import Testing

@Suite("Cancelled while waiting") struct CancellationTests {
  let workshop = Workshop()

  @Test("one who is cancelled leaves the queue, and the others keep their order")
  func leavesQueue() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
    let lease = try await pool.acquire()
    let served = Log<Int>()
    var waiters: [Task<Void, any Error>] = []
    for number in 0..<5 {
      waiters.append(
        Task {
          let lease = try await pool.acquire()
          served.add(number)
          try pool.release(lease)
        })
      #expect(await eventually { pool.statistics.waiting == number + 1 })
    }
    waiters[0].cancel()
    waiters[3].cancel()
    #expect(await failure { try await waiters[0].value }?.kind == "cancelled")
    #expect(await failure { try await waiters[3].value }?.kind == "cancelled")
    try pool.release(lease)
    for waiter in [waiters[1], waiters[2], waiters[4]] { try await waiter.value }
    #expect(served.all == [1, 2, 4])
    #expect(pool.statistics.cancelled == 2)
  }

  @Test("one who is cancelled before it asks gets nothing, unless an object is at hand")
  func cancelledBefore() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
    let lease = try await pool.acquire()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await pool.acquire()
    }
    #expect(await failure { try await task.value }?.kind == "cancelled")
    try pool.release(lease)
    #expect(try await pool.acquire().object === lease.object)
  }

  @Test("one who is cancelled while an object is made for it: the object stays for others")
  func duringMaking() async throws {
    workshop.makeGate.set(.closedForGood)
    let pool = ObjectPool(.unhurried(maximum: 1), factory: workshop)
    let task = Task { try await pool.acquire() }
    #expect(await eventually { workshop.makeGate.count == 1 })
    task.cancel()
    #expect(await failure { try await task.value }?.kind == "cancelled")
    workshop.makeGate.set(.open)
    #expect(try await pool.acquire().object.number == 0)
  }

  @Test("one who is cancelled while its object is validated or reset: it stays for others", arguments: [true, false])
  func duringCheck(isReset: Bool) async throws {
    let configuration = ObjectPoolConfiguration.unhurried(size: 1).with { $0.resets = .onAcquire }
    let pool = ObjectPool(configuration, factory: workshop)
    try await pool.withObject { _ in }
    let gate = isReset ? workshop.wipeGate : workshop.validateGate
    gate.set(.closedForGood)
    let task = Task { try await pool.acquire() }
    #expect(await eventually { gate.count == 1 })
    task.cancel()
    #expect(await failure { try await task.value }?.kind == "cancelled")
    gate.set(.open)
    #expect(try await pool.acquire().object.number == 0)
    #expect(workshop.made == 1)
  }

  @Test("thousands are cancelled at once: none swallows an object")
  func thousands() async throws {
    let pool = ObjectPool(.unhurried(size: 4).with { $0.whenExhausted = .wait }, factory: workshop)
    var leases: [Lease<Thing>] = []
    for _ in 0..<4 { leases.append(try await pool.acquire()) }
    let waiters = (0..<5000).map { _ in Task { try await pool.acquire() } }
    #expect(await eventually { pool.statistics.waiting == 5000 })
    for waiter in waiters { waiter.cancel() }
    for waiter in waiters { #expect(await failure { try await waiter.value }?.kind == "cancelled") }
    #expect(pool.statistics.waiting == 0 && pool.statistics.cancelled == 5000)
    for lease in leases { try pool.release(lease) }
    for _ in 0..<4 { _ = try await pool.acquire(timeout: .seconds(600)) }
    #expect(workshop.made == 4)
  }

  @Test("cancelled at the very moment of the grant: either cancelled or served, and no object is lost")
  func atTheGrant() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { Thing(0) }
    var (served, cancelled) = (0, 0)
    for round in 0..<2000 {
      let lease = try await pool.acquire(timeout: .seconds(600))
      let waiter = Task {
        let lease = try await pool.acquire()
        try pool.release(lease)
      }
      if round % 4 != 0 { while pool.statistics.waiting == 0 { await Task.yield() } }
      // Both at once, each on a thread of its own.
      async let released: Void = Task.detached { try pool.release(lease) }.value
      waiter.cancel()
      try await released
      switch await failure(of: { try await waiter.value })?.kind {
      case nil: served += 1
      case "cancelled": cancelled += 1
      case let other: Issue.record("\(other!)")
      }
    }
    #expect(served + cancelled == 2000)
    #expect(pool.statistics.idle == 1)
    #expect(pool.statistics.cancelled == cancelled)
    #expect(pool.statistics.acquired == 2000 + served)
  }
}
