import Glibc
import PipelineSimulation
import Testing

/// The whole pipeline, from the source of jobs to the workers and back, in simulated time. `make test-simulation` does
/// the same ten million times. `PREFORK_SEED=n swift test --filter PipelineSimulationTests` lives one life again.
@Suite struct SimulationTests {
  static let seeds: [UInt64] =
    unsafe getenv("PREFORK_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] }
    ?? (1...8).map { $0 * 1000 }

  @Test(arguments: seeds)
  func whatThePipelinePromisesIsKept(_ seed: UInt64) {
    var simulation = Simulation()
    for life in 0..<(Self.seeds.count == 1 ? 1 : 20) {
      if let report = simulation.live(seed: seed + UInt64(life)) {
        Issue.record(Comment(rawValue: report))
        return
      }
    }
  }
}
