import Testing

@testable import ObjectPool

/// A factory that records its calls, and fails on demand.
final class Diary: PreparingObjectFactory, PreparingBlockingObjectFactory {
  let calls = Log<String>()
  let gate = Gate()
  let failures = Locked<[Int]>([])

  func make() async throws -> Thing { makeNow() }
  func validate(_ thing: Thing) async throws -> Bool { record("validate", thing) }
  func prepare(_ thing: Thing) async throws {
    try await gate.pass()
    try prepareNow(thing)
  }
  func reset(_ thing: Thing) async throws { _ = record("reset", thing) }
  func dispose(_ thing: Thing) async throws { _ = record("dispose", thing) }

  func make() throws -> Thing { makeNow() }
  func validate(_ thing: Thing) throws -> Bool { record("validate", thing) }
  func prepare(_ thing: Thing) throws {
    gate.passOnThread()
    try prepareNow(thing)
  }
  func reset(_ thing: Thing) throws { _ = record("reset", thing) }
  func dispose(_ thing: Thing) throws { _ = record("dispose", thing) }

  private func makeNow() -> Thing {
    let thing = Thing(calls.all.count { $0.hasPrefix("make") })
    _ = record("make", thing)
    return thing
  }

  private func prepareNow(_ thing: Thing) throws {
    _ = record("prepare", thing)
    if failures.withLock({ $0.contains(thing.number) }) { throw Broken(what: "not prepared") }
  }

  private func record(_ what: String, _ thing: Thing) -> Bool {
    calls.add("\(what) \(thing.number)")
    return true
  }
}

@Suite("Prepared before each lease") struct PreparationTests {
  let diary = Diary()

  enum AnyPool: Sendable {
    case asynchronous(ObjectPool<Thing>)
    case blocking(BlockingObjectPool<Thing>)

    func use() async throws -> Int {
      switch self {
      case .asynchronous(let pool): try await pool.withObject { $0.number }
      case .blocking(let pool): try await onThread { try pool.withObject { $0.number } }
      }
    }

    var common: AnyObjectPool<Thing> {
      switch self {
      case .asynchronous(let pool): pool
      case .blocking(let pool): pool
      }
    }
  }

  func pool(_ face: Face, _ configuration: ObjectPoolConfiguration = .unhurried(size: 1)) -> AnyPool {
    switch face {
    case .asynchronous: .asynchronous(ObjectPool(configuration, factory: diary))
    case .blocking: .blocking(BlockingObjectPool(configuration, factory: diary))
    }
  }

  @Test("a new object, and each used one, after its validation", arguments: Face.allCases)
  func order(face: Face) async throws {
    let pool = pool(face, .unhurried(maximum: 1).with { $0.resets = .onAcquire })
    for _ in 0..<2 { _ = try await pool.use() }
    #expect(diary.calls.all == ["make 0", "prepare 0", "reset 0", "validate 0", "prepare 0"])
  }

  @Test("one that cannot be prepared is disposed of, and the next one is taken", arguments: Face.allCases)
  func failsOnce(face: Face) async throws {
    let pool = pool(face, .unhurried(size: 1).with { $0.resets = .never })
    #expect(try await pool.use() == 0)
    diary.failures.withLock { $0 = [0] }
    #expect(try await pool.use() == 1)
    #expect(await eventually { pool.common.statistics.disposed == 1 })
    #expect(pool.common.statistics.preparationFailures == 1 && pool.common.statistics.creationFailures == 0)
  }

  @Test("when no new one can be prepared, waiting clients get the reason", arguments: Face.allCases)
  func failsAlways(face: Face) async throws {
    let notices = Notices()
    diary.failures.withLock { $0 = Array(0..<100) }
    let pool = pool(
      face,
      .unhurried(maximum: 2).with {
        $0.restartBudget = 3
        $0.minimumBackoff = .milliseconds(5)
        $0.onNotice = notices.handler
      })
    guard case ObjectPoolError.creationFailed(let cause as Broken)? = await failure(of: { try await pool.use() }) else {
      Issue.record("no such error")
      return
    }
    #expect(cause == Broken(what: "not prepared"))
    #expect(pool.common.statistics.isBreakerOpen)
    diary.failures.withLock { $0 = [] }
    _ = try await pool.use()
    #expect(!pool.common.statistics.isBreakerOpen)
    #expect(await eventually { notices.all.contains { $0.hasPrefix("an object could not be prepared: ") } })
  }

  @Test("a preparation that hangs has the time of a validation")
  func hangs() async throws {
    diary.gate.set(.closed)
    let pool = pool(
      .asynchronous,
      .unhurried(size: 1).with {
        $0.restartBudget = 1
        $0.validationTimeout = .milliseconds(20)
      })
    let error = await failure { try await pool.use() }
    #expect(
      error.map { "\($0)" }
        == "no object can be made: a new object was not prepared within 20 ms (validationTimeout)")
  }

  @Test("a closure can prepare, too; a pool without one has its shortcut")
  func closures() async throws {
    let calls = Log<Int>()
    let pool = ObjectPool(.unhurried(size: 1), make: { Thing(7) }, prepare: { calls.add($0.number) })
    for _ in 0..<3 { try await pool.withObject { _ in } }
    #expect(calls.all == [7, 7, 7])
    let threads = BlockingObjectPool(make: { Thing(8) }, prepare: { calls.add($0.number) })
    try await onThread { try threads.withObject { _ in } }
    #expect(calls.all.last == 8)
    let plain = ObjectPool { Thing(9) }
    try await plain.withObject { _ in }
    #expect(plain.driver.leaseAtOnce(SourcePlace(file: "", line: 0)) != nil)
  }
}
