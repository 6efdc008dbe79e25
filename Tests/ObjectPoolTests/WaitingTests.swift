import ObjectPool
import TestSupport
import Testing

@Suite("When every object is leased") struct WaitingTests {
  let workshop = Workshop()

  @Test("fail: refused at once", arguments: Face.allCases)
  func fail(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1).with { $0.whenExhausted = .fail }, workshop)
    let lease = try await pool.acquire()
    #expect(await failure { try await pool.acquire() }?.kind == "exhausted")
    #expect(await failure { try await pool.withObject { _ in } }?.kind == "exhausted")
    #expect(pool.statistics.exhausted == 2)
    // Not exhausted is an object that only has to be reset.
    try pool.release(lease)
    #expect(try await pool.acquire().object === lease.object)
  }

  @Test("nil: tryAcquire waits for no other", arguments: Face.allCases)
  func tryAcquire(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(maximum: 2).with { $0.whenExhausted = .wait }, workshop)
    let first = try #require(try await pool.tryAcquire(), "it can be made")
    let second = try #require(try await pool.tryAcquire())
    #expect(try await pool.tryAcquire() == nil)
    try pool.release(first)
    let third = try #require(try await pool.tryAcquire(), "it is about to be free")
    #expect(third.object === first.object)
    try pool.release(second)
  }

  @Test("tryAcquire replaces an object that turns out to be broken: it is not leased", arguments: Face.allCases)
  func tryAcquireReplaces(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    try await pool.withObject { $0.getSick() }
    let lease = try #require(try await pool.tryAcquire())
    #expect(lease.object.number == 1)
    try pool.dispose(lease)
    let next = try #require(try await pool.tryAcquire(), "its place is about to be free")
    #expect(next.object.number == 2)
  }

  @Test("wait: until one is released", arguments: Face.allCases)
  func wait(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1).with { $0.whenExhausted = .wait }, workshop)
    let lease = try await pool.acquire()
    async let next = pool.acquire()
    #expect(await pool.eventually { $0.waiting == 1 })
    try pool.release(lease)
    #expect(try await next.object === lease.object)
    #expect(pool.statistics.acquired == 2)
    #expect(pool.statistics.acquiredAfterWait >= 1)
    #expect(pool.statistics.waited > .zero)
  }

  @Test("wait with a timeout: as long as configured, or as the caller says", arguments: Face.allCases)
  func timeout(face: Face) async throws {
    let configuration = ObjectPoolConfiguration.unhurried(size: 1).with {
      $0.whenExhausted = .waitUpTo(.milliseconds(10))
    }
    let pool = EitherPool(face, configuration, workshop)
    let lease = try await pool.acquire(timeout: .seconds(600))
    let before = ContinuousClock.now
    #expect(await failure { try await pool.acquire() }?.kind == "timed out")
    #expect(ContinuousClock.now - before >= .milliseconds(10))
    #expect(await failure { try await pool.acquire(timeout: .zero) }?.kind == "timed out")
    #expect(await failure { try await pool.acquire(timeout: .seconds(-1)) }?.kind == "timed out")
    async let patient = pool.acquire(timeout: .seconds(600))
    #expect(await pool.eventually { $0.waiting == 1 })
    try pool.release(lease)
    #expect(try await patient.object === lease.object)
    #expect(pool.statistics.timedOut == 3)
  }

  @Test("each wait ends in its own time, though an alarm rang before for nobody", .timeLimit(.minutes(5)))
  func ownTime() async throws {
    // A machine that stalls lets all times pass at once.
    let endInOrder = try await inOneOfFiveAttempts {
      let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
      let held = try await pool.acquire()
      // The timer of this one is disarmed at once; its alarm rings in the middle of what follows.
      let patient = Task { try? await pool.acquire(timeout: .milliseconds(150)) }
      #expect(await eventually { pool.statistics.waiting + pool.statistics.timedOut == 1 })
      try pool.release(held)
      guard let lease = await patient.value else { return false }
      let ended = Log<Int>()
      await withTaskGroup { group in
        for time in [800, 50, 400] {
          group.addTask {
            #expect(await failure { try await pool.acquire(timeout: .milliseconds(time)) }?.kind == "timed out")
            ended.add(time)
          }
        }
      }
      try pool.release(lease)
      return ended.all == [50, 400, 800]
    }
    #expect(endInOrder)
  }

  @Test("a lease that waited for nothing is not counted among those that waited")
  func countsWaits() async throws {
    let pool = ObjectPool(.unhurried(size: 2).with { $0.validatesOnAcquire = .never }, factory: workshop)
    try await pool.prefill()
    let (first, second) = (try await pool.acquire(), try await pool.acquire())
    #expect(pool.statistics.acquired == 2)
    #expect(pool.statistics.acquiredAfterWait == 0)
    #expect(pool.statistics.waited == .zero)
    async let third = pool.acquire()
    #expect(await eventually { pool.statistics.waiting == 1 })
    try pool.release(first)
    _ = try await third
    #expect(pool.statistics.acquiredAfterWait == 1)
    #expect(pool.statistics.waited > .zero)
    try pool.release(second)
  }

  @Test("fair: those who wait are served in the order in which they came", arguments: Face.allCases)
  func fair(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1).with { $0.whenExhausted = .wait }, workshop)
    let lease = try await pool.acquire()
    let served = Log<Int>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<16 {
        group.addTask {
          let lease = try await (number % 3 == 0 ? pool.acquire(timeout: .seconds(600)) : pool.acquire())
          served.add(number)
          try pool.release(lease)
        }
        #expect(await pool.eventually { $0.waiting == number + 1 })
      }
      try pool.release(lease)
      try await group.waitForAll()
    }
    #expect(served.all == Array(0..<16))
  }

  @Test("nobody overtakes those who wait, not even with an object that needs no check")
  func noOvertaking() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { Thing(0) }
    let lease = try await pool.acquire()
    async let first = pool.acquire()
    #expect(await eventually { pool.statistics.waiting == 1 })
    async let second = pool.acquire()
    #expect(await eventually { pool.statistics.waiting == 2 })
    try pool.release(lease)
    try pool.release(try await first)
    try pool.release(try await second)
    #expect(pool.statistics.acquired == 3)
  }

  @Test("LIFO hands out the warmest, FIFO the one that has rested longest", arguments: Face.allCases)
  func order(face: Face) async throws {
    for (order, expected) in [(ObjectPoolConfiguration.Order.lifo, [2, 1, 0]), (.fifo, [0, 1, 2])] {
      let workshop = Workshop()
      let pool = EitherPool(face, .unhurried(maximum: 3).with { $0.order = order }, workshop)
      var leases: [Lease<Thing>] = []
      for _ in 0..<3 { leases.append(try await pool.acquire()) }
      for (count, lease) in leases.enumerated() {
        try pool.release(lease)
        #expect(await pool.eventually { $0.idle == count + 1 })
      }
      var numbers: [Int] = []
      for _ in 0..<3 { numbers.append(try await pool.acquire().object.number) }
      #expect(numbers == expected)
    }
  }
}
