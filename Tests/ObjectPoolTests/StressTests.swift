import Glibc
import ObjectPool
import Testing
import TestSupport

/// Which promises the pool makes, and so which path its leases take.
enum StressPolicy: String, CaseIterable, Sendable {
  /// No checks: leases are granted at once.
  case plain
  /// Reset and validated before it is handed out.
  case late
  /// Reset and validated on release, and validated before it is handed out.
  case early

  var operations: Int { self == .plain ? 30_000 : 10_000 }

  var configuration: ObjectPoolConfiguration {
    ObjectPoolConfiguration(minimum: 2, maximum: 6).with {
      $0.validatesOnAcquire = self == .plain ? .never : .always
      $0.validatesOnRelease = self == .early
      $0.resets = self == .plain ? .never : self == .late ? .onAcquire : .onRelease
      $0.order = self == .late ? .fifo : .lifo
      $0.maximumUses = 200
      $0.maximumAge = .milliseconds(200)
      $0.idleTimeout = .milliseconds(5)
      (($0.creationTimeout), ($0.validationTimeout), ($0.resetTimeout)) = (
        .milliseconds(20), .milliseconds(20), .milliseconds(20)
      )
      // Nothing is abandoned: what exists must be counted.
      $0.disposalTimeout = .seconds(1000)
      ($0.minimumBackoff, $0.maximumBackoff) = (.microseconds(100), .milliseconds(2))
      $0.restartBudget = 8
      $0.restartPeriod = .milliseconds(20)
    }
  }
}

@Suite("A hundred thousand operations in all, from many tasks and threads", .serialized) struct StressTests {
  static let seed: UInt64 = 0x5EED

  @Test("many tasks", arguments: StressPolicy.allCases)
  func tasks(policy: StressPolicy) async throws {
    let world = StressWorld(seed: Self.seed, ceiling: 6, promisesHealth: policy != .plain)
    let pool = ObjectPool(policy.configuration, factory: world)
    let share = policy.operations / 16
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<16 {
        group.addTask {
          var random = SplitMix64(state: Self.seed &+ UInt64(index))
          for _ in 0..<share { await Self.take(StressStep(using: &random), pool, world) }
        }
      }
    }
    await pool.close()
    check(world, pool.statistics, operations: share * 16)
  }

  @Test("many threads", arguments: StressPolicy.allCases)
  func threads(policy: StressPolicy) async throws {
    let world = StressWorld(seed: Self.seed, ceiling: 6, promisesHealth: policy != .plain)
    let pool = BlockingObjectPool(policy.configuration, factory: world)
    let share = policy.operations / 8
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask {
          try await onThread {
            var random = SplitMix64(state: Self.seed &+ UInt64(index))
            for _ in 0..<share { Self.take(StressStep(using: &random), pool, world) }
          }
        }
      }
      try await group.waitForAll()
    }
    try await onThread { pool.close() }
    check(world, pool.statistics, operations: share * 8)
  }

  @Test("closed in the middle of it", .timeLimit(.minutes(5)), arguments: StressPolicy.allCases)
  func closed(policy: StressPolicy) async throws {
    let world = StressWorld(seed: Self.seed, ceiling: 6, promisesHealth: policy != .plain)
    let pool = ObjectPool(policy.configuration, factory: world)
    let operations = await withTaskGroup(of: Int.self) { group in
      for index in 0..<8 {
        group.addTask {
          var random = SplitMix64(state: Self.seed &+ UInt64(index))
          var count = 0
          // Until it is closed, however late that is.
          while count < 250 || world.counts.closed == 0 {
            await Self.take(StressStep(using: &random), pool, world)
            count += 1
          }
          return count
        }
      }
      while world.counts.answered < 500 { await Task.yield() }
      await pool.close()
      #expect(world.counts.alive == 0)
      return await group.reduce(0, +)
    }
    check(world, pool.statistics, operations: operations, atLeast: 1)
  }

  private func check(_ world: StressWorld, _ figures: ObjectPoolStatistics, operations: Int, atLeast: Int = 1000) {
    #expect(world.violations.isEmpty, "\(world.violations.prefix(5))")
    let counts = world.counts
    #expect(counts.answered == operations, "every operation gets one answer")
    #expect(counts.granted >= atLeast, "\(counts)")
    #expect(counts.alive == 0 && counts.made == counts.ended)
    #expect((figures.created, figures.disposed, figures.abandoned) == (counts.made, counts.ended, 0))
    #expect(figures.acquired == counts.granted)
    #expect(figures.timedOut == counts.timedOut)
    #expect(figures.exhausted == counts.exhausted)
    #expect(figures.cancelled == counts.cancelled)
    #expect(figures.misuses == counts.misuses)
    #expect((figures.size, figures.creating, figures.waiting) == (0, 0, 0))
  }

  // MARK: One operation

  private static func take(_ step: StressStep, _ pool: ObjectPool<Thing>, _ world: StressWorld) async {
    world.disturb(pool, step)
    do {
      switch step.way {
      case .acquire: await use(try await pool.acquire(), pool, step, world)
      case .within: await use(try await pool.acquire(timeout: step.patience), pool, step, world)
      case .attempt:
        guard let lease = try await pool.tryAcquire() else { return world.count { $0.exhausted += 1 } }
        await use(lease, pool, step, world)
      case .body, .failingBody:
        try await pool.withObject(disposingOnThrow: step.disposes) { thing in
          world.begin(thing)
          if step.pauses { await Task.yield() }
          world.end(thing, step)
          if step.way == .failingBody { throw Broken() }
        }
      case .cancelled:
        let task = Task { await use(try await pool.acquire(), pool, step, world) }
        if step.pauses { await Task.yield() }
        task.cancel()
        try await task.value
      }
    } catch { world.refused(error) }
  }

  private static func use(
    _ lease: Lease<Thing>, _ pool: ObjectPool<Thing>, _ step: StressStep, _ world: StressWorld
  ) async {
    world.begin(lease.object)
    if step.pauses { await Task.yield() }
    world.giveBack(lease, to: pool, step)
  }

  private static func take(_ step: StressStep, _ pool: BlockingObjectPool<Thing>, _ world: StressWorld) {
    world.disturb(pool, step)
    do {
      switch step.way {
      case .acquire: use(try pool.acquire(), pool, step, world)
      case .within, .cancelled: use(try pool.acquire(timeout: step.patience), pool, step, world)
      case .attempt:
        guard let lease = try pool.tryAcquire() else { return world.count { $0.exhausted += 1 } }
        use(lease, pool, step, world)
      case .body, .failingBody:
        try pool.withObject(disposingOnThrow: step.disposes) { thing in
          world.begin(thing)
          if step.pauses { sched_yield() }
          world.end(thing, step)
          if step.way == .failingBody { throw Broken() }
        }
      }
    } catch { world.refused(error) }
  }

  private static func use(
    _ lease: Lease<Thing>, _ pool: BlockingObjectPool<Thing>, _ step: StressStep, _ world: StressWorld
  ) {
    world.begin(lease.object)
    if step.pauses { sched_yield() }
    world.giveBack(lease, to: pool, step)
  }
}
