import Glibc
import TestSupport
import Testing

@testable import ObjectPool

/// What those who ask get while the object that they could have is away for a moment, or none can be made.
@Suite("Demand") struct DemandTests {
  let workshop = Workshop()

  @Test("one client after the other needs one object, though it is reset for 5 ms after each lease")
  func sequentialReset() async throws {
    // A start of a second, so that a loaded machine is not what decides; the core's tests have starts that take no
    // time. When the machine stalls, a reset does take longer than a start.
    let needsOne = try await inOneOfFiveAttempts {
      let pool = ObjectPool(
        .unhurried(maximum: 10),
        make: {
          try await Task.sleep(for: .seconds(1))
          return Thing(0)
        }, reset: { _ in try await Task.sleep(for: .milliseconds(5)) })
      for _ in 0..<200 { try await pool.withObject { _ in } }
      await pool.close()
      return pool.statistics.created == 1
    }
    #expect(needsOne)
  }

  @Test("the same on a thread, with a validation on release")
  func sequentialValidation() async throws {
    let needsOne = try await inOneOfFiveAttempts {
      try await onThread {
        let pool = BlockingObjectPool(
          .unhurried(maximum: 10).with { $0.validatesOnRelease = true },
          make: {
            usleep(1_000_000)
            return Thing(0)
          },
          validate: { _ in
            usleep(3000)
            return true
          })
        for _ in 0..<100 { try pool.withObject { _ in } }
        return pool.statistics.created == 1
      }
    }
    #expect(needsOne)
  }

  @Test("a reset that hangs does not hold up the next one", arguments: Face.allCases)
  func hangingReset(face: Face) async throws {
    workshop.wipeGate.set(.closed)
    let pool = EitherPool(face, .unhurried(maximum: 10), workshop)
    try await pool.withObject { _ in }
    try await pool.withObject { _ in }
    #expect(pool.statistics.created == 2)
    workshop.wipeGate.set(.open)
    await pool.close()
  }

  @Test("after an outage the pool serves a waiting client at once", arguments: Face.allCases)
  func outage(face: Face) async throws {
    workshop.set { $0.failsToMake = true }
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 2).with {
      $0.restartBudget = 1
      $0.minimumBackoff = .milliseconds(20)
      $0.maximumBackoff = .seconds(100)
    }
    let pool = EitherPool(face, configuration, workshop)
    #expect(await failure { try await pool.acquire() }?.kind == "creation failed")
    async let waiting = pool.acquire(timeout: .seconds(600))
    // The waits between the tries of the pool itself are much longer by now.
    #expect(await pool.eventually { $0.creationFailures > 12 })
    #expect(pool.statistics.isBreakerOpen)
    workshop.set { $0.failsToMake = false }
    try pool.release(try await waiting)
    #expect(!pool.statistics.isBreakerOpen)
  }

  @Test("while the outage lasts, one that may wait does so until its time is over, and learns the last error")
  func outageLasts() async throws {
    workshop.set { $0.failsToMake = true }
    let pool = ObjectPool(
      .unhurried(maximum: 2).with {
        $0.restartBudget = 1
        $0.whenExhausted = .waitUpTo(.milliseconds(150))
      }, factory: workshop)
    #expect(await failure { try await pool.acquire(timeout: .seconds(600)) }?.kind == "creation failed")
    let error = await failure { try await pool.acquire() }
    #expect(
      error.map { "\($0)" }
        == "no object within 150 ms: 0 of 2 objects leased, and the last one could not be made: "
        + "\(Broken(what: "no thing today"))")
  }

  @Test("an error states the limit that was asked for, as a person would write it")
  func limits() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: workshop)
    let lease = try await pool.acquire()
    let texts = [
      (Duration.zero, "no object was free at once: 1 of 1 object is leased;"),
      (.seconds(-1), "no object was free at once: 1 of 1 object is leased;"),
      (.milliseconds(1), "no object within 1 ms: 1 of 1 object is leased;"),
      (.microseconds(20), "no object within 20 µs: 1 of 1 object is leased;"),
    ]
    for (time, text) in texts {
      let error = await failure { try await pool.acquire(timeout: time) }
      #expect(error.map { "\($0)" }?.hasPrefix(text) == true, "\(String(describing: error))")
    }
    try pool.release(lease)
  }

  @Test("without a configuration there is one: up to 8 objects, made when needed", arguments: Face.allCases)
  func defaults(face: Face) async throws {
    let figures: ObjectPoolStatistics
    switch face {
    case .asynchronous:
      let pool = ObjectPool { Thing(1) }
      #expect(try await pool.withObject { $0.number } == 1)
      figures = pool.statistics
    case .blocking:
      figures = try await onThread {
        let pool = BlockingObjectPool { Thing(1) }
        try pool.withObject { _ in }
        return pool.statistics
      }
    }
    #expect(figures.minimum == 0 && figures.maximum == 8 && figures.created == 1)
  }

  @Test("recycling a pool that keeps none empties it; one that keeps some has new ones", arguments: [0, 2])
  func recycling(minimum: Int) async throws {
    let pool = ObjectPool(.unhurried(minimum: minimum, maximum: 4), factory: workshop)
    try await pool.prefill(2)
    pool.recycle()
    #expect(await eventually { pool.statistics.disposed == 2 && pool.statistics.idle == minimum })
    #expect(pool.statistics.created == 2 + minimum)
  }
}
