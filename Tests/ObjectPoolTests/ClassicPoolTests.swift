import ObjectPool
import Testing

@Suite("The classical small pools, each in a few lines") struct ClassicPoolTests {
  @Test("fixed: so many objects, made from the beginning, and the next one waits", arguments: Face.allCases)
  func fixed(face: Face) async throws {
    let workshop = Workshop()
    let pool = EitherPool(face, .unhurried(size: 2), workshop)
    try await pool.prefill()
    #expect(workshop.made == 2)
    let first = try await pool.acquire()
    let second = try await pool.acquire()
    #expect(first.object !== second.object)
    #expect(try await pool.tryAcquire() == nil)
    #expect(await failure { try await pool.acquire(timeout: .milliseconds(5)) }?.kind == "timed out")
    try pool.release(first)
    let third = try await pool.acquire()
    #expect(third.object === first.object)
    #expect(workshop.made == 2)
  }

  @Test("dynamic: grows from the minimum to the maximum, and shrinks back", arguments: Face.allCases)
  func dynamic(face: Face) async throws {
    let workshop = Workshop()
    let configuration = ObjectPoolConfiguration.unhurried(minimum: 1, maximum: 3).with {
      $0.idleTimeout = .milliseconds(20)
    }
    let pool = EitherPool(face, configuration, workshop)
    try await pool.prefill(1)
    #expect(workshop.made == 1)
    let leases = [try await pool.acquire(), try await pool.acquire(), try await pool.acquire()]
    #expect(workshop.made == 3)
    #expect(try await pool.tryAcquire() == nil)
    for lease in leases { try pool.release(lease) }
    #expect(await pool.eventually { $0.size == 1 && $0.idle == 1 })
    #expect(workshop.alive == 1)
  }

  @Test("limited when idle only: everybody gets one, few are kept", arguments: Face.allCases)
  func idleLimit(face: Face) async throws {
    let workshop = Workshop()
    let pool = EitherPool(face, .unlimited(maximumIdle: 2).unhurried, workshop)
    var leases: [Lease<Thing>] = []
    for _ in 0..<10 { leases.append(try await pool.acquire()) }
    #expect(Set(leases.map(\.object.number)).count == 10)
    for lease in leases { try pool.release(lease) }
    #expect(await pool.eventually { $0.size == 2 && $0.idle == 2 })
    #expect(workshop.ended == 8)
  }

  @Test("recycling by uses: an object serves so often, and then another one", arguments: Face.allCases)
  func recyclingByUses(face: Face) async throws {
    let workshop = Workshop()
    let configuration = ObjectPoolConfiguration.unhurried(size: 1).with {
      $0.maximumUses = 3
      $0.jitter = 0
    }
    let pool = EitherPool(face, configuration, workshop)
    var numbers: [Int] = []
    for _ in 0..<7 { numbers.append(try await pool.withObject { $0.number }) }
    #expect(numbers == [0, 0, 0, 1, 1, 1, 2])
    #expect(await eventually { workshop.ended == 2 })
  }

  @Test("recycling by age: an object lives so long, used or not", arguments: Face.allCases)
  func recyclingByAge(face: Face) async throws {
    let workshop = Workshop()
    let pool = EitherPool(face, .unhurried(size: 1).with { $0.maximumAge = .milliseconds(20) }, workshop)
    #expect(await eventually { workshop.made >= 3 && workshop.ended >= 2 })
    // Leased, it serves until it is released.
    let lease = try await pool.acquire()
    #expect(lease.object.enter())
    try await Task.sleep(for: .milliseconds(30))
    #expect(!lease.object.isGone)
    lease.object.leave()
    try pool.release(lease)
    #expect(await eventually { lease.object.isGone })
  }

  @Test("recycling by idleness: nothing is kept that nobody needs", arguments: Face.allCases)
  func recyclingByIdleness(face: Face) async throws {
    let workshop = Workshop()
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 4).with { $0.idleTimeout = .milliseconds(10) }
    let pool = EitherPool(face, configuration, workshop)
    #expect(workshop.made == 0)
    try await pool.withObject { _ in }
    #expect(await pool.eventually { $0.size == 0 })
    #expect(workshop.ended == workshop.made)
    try await pool.withObject { _ in }
    #expect(workshop.made == 2)
  }

  @Test("prefilled: as many as wanted are there before anybody asks", arguments: Face.allCases)
  func prefilled(face: Face) async throws {
    let workshop = Workshop()
    let pool = EitherPool(face, .unhurried(maximum: 4), workshop)
    try await pool.prefill(3)
    #expect(workshop.made == 3)
    #expect(pool.statistics.idle == 3)
    try await pool.prefill()
    #expect(workshop.made == 4)
    try await pool.prefill(100)
    #expect(workshop.made == 4)
  }

  @Test("validated, reset and disposed of: each at its time", arguments: Face.allCases)
  func cared(face: Face) async throws {
    let workshop = Workshop()
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    try await pool.withObject { $0.mark() }
    try await pool.withObject { thing in
      #expect(thing.number == 0 && !thing.isMarked)
      thing.getSick()
    }
    try await pool.withObject { thing in
      #expect(thing.number == 1 && !thing.isSick)
    }
    await pool.close()
    #expect(workshop.ended == workshop.made)
    #expect(await failure { try await pool.acquire() }?.kind == "closed")
  }
}
