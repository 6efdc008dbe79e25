import ObjectPool
import Testing

@Suite("Recycling") struct RecyclingTests {
  let workshop = Workshop()

  @Test("age is drawn with jitter: objects made together do not go together", arguments: Face.allCases)
  func jitter(face: Face) async throws {
    let configuration = ObjectPoolConfiguration.unhurried(size: 200).with {
      $0.maximumAge = .seconds(60)
      $0.jitter = 1
    }
    let pool = EitherPool(face, configuration, workshop)
    try await pool.prefill()
    // Of 200 ages between 0 and 60 s one is below 10 s, but for 1 case in 10^15.
    #expect(await eventually { workshop.ended >= 1 })
    #expect(workshop.ended < 150)
  }

  @Test("uses are drawn with jitter, but never more than the maximum", arguments: Face.allCases)
  func jitterOfUses(face: Face) async throws {
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 1).with {
      $0.maximumUses = 4
      $0.jitter = 1
    }
    let pool = EitherPool(face, configuration, workshop)
    var uses: [Int: Int] = [:]
    for _ in 0..<100 {
      let number = try await pool.withObject { $0.number }
      uses[number, default: 0] += 1
    }
    #expect(uses.values.allSatisfy { (1...4).contains($0) })
    #expect(Set(uses.values).count > 1)
  }

  @Test("with surge the successor is made first, and the old one serves until then", arguments: Face.allCases)
  func surge(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1).with { $0.surge = 1 }, workshop)
    try await pool.prefill()
    workshop.makeGate.set(.closedForGood)
    pool.common.recycle()
    #expect(await eventually { workshop.makeGate.count == 1 })
    #expect(try await pool.withObject { $0.number } == 0)
    #expect(workshop.ended == 0)
    workshop.makeGate.set(.open)
    #expect(await eventually { workshop.ended == 1 })
    #expect(try await pool.withObject { $0.number } == 1)
  }

  @Test("without surge the old one goes first: there are never more than the maximum", arguments: Face.allCases)
  func withoutSurge(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(size: 1), workshop)
    try await pool.prefill()
    workshop.endGate.set(.closedForGood)
    pool.common.recycle()
    #expect(await eventually { workshop.endGate.count == 1 })
    #expect(await failure { try await pool.acquire(timeout: .milliseconds(10)) }?.kind == "timed out")
    #expect(workshop.made == 1)
    workshop.endGate.set(.open)
    #expect(try await pool.withObject { $0.number } == 1)
  }

  @Test("idle objects go down to the minimum, and no further", arguments: Face.allCases)
  func idleMinimum(face: Face) async throws {
    let configuration = ObjectPoolConfiguration.unhurried(minimum: 2, maximum: 6).with {
      $0.idleTimeout = .milliseconds(50)
    }
    let pool = EitherPool(face, configuration, workshop)
    try await pool.prefill(6)
    #expect(await pool.eventually { $0.size == 2 })
    #expect(await eventually { workshop.alive == 2 })
    let kept = workshop.things.filter { !$0.isGone }
    try await Task.sleep(for: .milliseconds(100))
    #expect(kept.count == 2 && kept.allSatisfy { !$0.isGone })
  }
}
