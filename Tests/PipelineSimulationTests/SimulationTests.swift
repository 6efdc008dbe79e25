import Glibc
import Testing

@testable import PipelineSimulation

/// The whole pipeline, from the source of jobs to the workers and back, in simulated time. `make test-simulation` lives
/// until six million things have happened. `PREFORK_SEED=n swift test --filter PipelineSimulationTests` lives one life
/// again.
@Suite struct SimulationTests {
  static let seeds: [UInt64] =
    unsafe getenv("PREFORK_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] }
    ?? (1...8).map { $0 * 1000 }

  @Test("what the pipeline promises is kept in random lives", arguments: seeds)
  func livesAreKept(_ seed: UInt64) {
    var simulation = Simulation()
    for life in 0..<(Self.seeds.count == 1 ? 1 : 4) {
      if let report = simulation.live(seed: seed + UInt64(life)) {
        Issue.record(Comment(rawValue: report))
        return
      }
    }
    #expect(simulation.events > 1000 && simulation.seen["ok", default: 0] > 100 || Self.seeds.count == 1)
  }
}
