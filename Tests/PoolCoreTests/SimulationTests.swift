import Glibc
import TestSupport
import Testing
import Time

@testable import PoolCore

@Suite("A pool in a world that mistreats it") struct SimulationTests {
  /// `PREFORK_SEED` runs that one seed; otherwise a fixed set, so that a failure in CI is a failure everywhere.
  static let seeds: [UInt64] =
    getenv("PREFORK_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] }
    ?? Array(1...16)

  /// 16 seeds: more than a million events.
  static let eventsPerSeed = 65_536

  @Test("invariants hold after random events, faults included", arguments: seeds)
  func randomEvents(seed: UInt64) {
    var simulation = Simulation(seed: seed)
    let failure = simulation.run(events: Self.eventsPerSeed)
    #expect(failure == nil)
    let seen = simulation.sightings
    #expect(
      min(seen.grants, seen.refusals, seen.starts, seen.probes, seen.resets, seen.rolls, seen.aborts) > 0
        && min(seen.opened, seen.stuck, seen.closed, seen.replaced, seen.agedOut, seen.spare) > 0 && seen.growth > 1
        && min(seen.offers, seen.demandsRefused, seen.parked, seen.continued) > 0,
      "the simulation did not get everywhere: \(seen)")
  }

  @Test("the same seed and events give the same actions")
  func determinism() {
    var first = Simulation(seed: 42, isRecording: true)
    var second = Simulation(seed: 42, isRecording: true)
    #expect(first.run(events: 5_000) == nil)
    #expect(second.run(events: 5_000) == nil)
    #expect(first.histories == second.histories)
    #expect(first.histories.joined().count > 5_000)
  }
}
