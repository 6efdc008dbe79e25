import Testing

@testable import ObjectPool

/// Objects that are values: a client can change the one that it has leased, and the pool keeps the change.
@Suite("Values") struct ValueTests {
  struct Counter: Sendable {
    var count = 0
    var history: [Int] = []

    mutating func add() {
      count += 1
      history.append(count)
    }
  }

  @Test("a value is changed in the pool, whether its use succeeds or throws", arguments: Face.allCases)
  func changes(face: Face) async throws {
    let count: Int
    switch face {
    case .asynchronous:
      let pool = ObjectPool(.unhurried(size: 1)) { Counter() }
      for _ in 0..<3 { try await pool.withObject { counter in counter.add() } }
      _ = await failure {
        try await pool.withObject { counter in
          await Task.yield()
          counter.count += 10
          throw Broken()
        }
      }
      count = try await pool.withObject { $0.count }
      let lease = try await pool.acquire()
      #expect(lease.object.history == [1, 2, 3])
    case .blocking:
      count = try await onThread {
        let pool = BlockingObjectPool(.unhurried(size: 1)) { Counter() }
        for _ in 0..<3 { try pool.withObject { counter in counter.add() } }
        try? pool.withObject { (counter: inout Counter) throws(Broken) in
          counter.count += 10
          throw Broken()
        }
        return try pool.withObject { $0.count }
      }
    }
    #expect(count == 13)
  }

  @Test("a large value is changed where it is, not copied for each lease")
  func inPlace() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { [UInt8](repeating: 0, count: 1 << 20) }
    var places: Set<UInt> = []
    for index in 0..<10 {
      let place = try await pool.withObject { bytes in
        bytes[index] = 1
        return bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
      }
      places.insert(place)
    }
    #expect(places.count == 1)
    #expect(try await pool.withObject { $0[..<11].reduce(0) { $0 + Int($1) } } == 10)
  }

  @Test("functions that take an object, and closures that name its type, are taken as before")
  func notChanging() async throws {
    func double(_ number: Int) -> Int { 2 * number }
    let pool = ObjectPool(.unhurried(size: 1)) { 21 }
    #expect(try await pool.withObject(double) == 42)
    #expect(try await pool.withObject { (number: Int) in number + 1 } == 22)
    let threads = BlockingObjectPool(.unhurried(size: 1)) { 21 }
    #expect(try await onThread { try threads.withObject { (number: Int) in number * 2 } } == 42)
  }

  @Test("another object can be put in the place of one; the pool has that from then on")
  func replaced() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { Thing(1) }
    try await pool.withObject { thing in thing = Thing(2) }
    #expect(try await pool.withObject { $0.number } == 2)
    #expect(pool.statistics.misuses == 0)
  }

  @Test("a close that does not wait any longer disposes of a value when its use has ended", arguments: [false, true])
  func closedMeanwhile(isAbandoned: Bool) async throws {
    let disposed = Log<Int>()
    let pool = ObjectPool(
      .unhurried(size: 1).with { $0.disposalTimeout = isAbandoned ? .milliseconds(20) : .seconds(3600) },
      make: { Counter() }, dispose: { disposed.add($0.count) })
    let gate = Gate()
    gate.set(.closed)
    let use = Task {
      try await pool.withObject { counter in
        counter.add()
        try await gate.pass()
        counter.add()
      }
    }
    #expect(await eventually { gate.count == 1 })
    let closing = Task { await pool.close(within: .milliseconds(10)) }
    #expect(await eventually { pool.statistics.leased == 0 && pool.statistics.abandoned == (isAbandoned ? 1 : 0) })
    #expect(disposed.all == [], "somebody changes it")
    gate.set(.open)
    try await use.value
    await closing.value
    #expect(await eventually { disposed.all == [2] })
  }
}
