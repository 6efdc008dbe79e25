import Glibc
import TestSupport
import Testing
import Time

@testable import JobCore

/// More than a million random events, the model asked after each. `PREFORK_SEED=n swift test --filter SimulationTests`
/// runs one seed again.
@Suite struct SimulationTests {
  static let seeds: [UInt64] =
    unsafe getenv("PREFORK_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] }
    ?? (1...8).map { $0 }

  @Test(arguments: seeds)
  func noJobIsLostDoubledOrOutOfOrder(_ seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var events = 0
    var seen = Seen()
    while events < 130_000 {
      var simulation = Simulation(seed: generator.next())
      do {
        try simulation.live(events: 2_000)
      } catch {
        Issue.record("PREFORK_SEED=\(seed), event \(events + simulation.events), \(simulation.lastEvent()): \(error)")
        return
      }
      events += simulation.events
      seen.add(simulation)
    }
    seen.expectEverything(events: events)
  }

  /// A simulation in which little happens proves little.
  struct Seen {
    var accepted = 0
    var declined = 0
    var sentThroughFullWindow = 0
    var contested = 0
    var left = 0
    var pauses = 0
    var parkings = 0
    var returns = 0
    var halted = 0
    var medians = 0
    var outcomes = [Int](repeating: 0, count: Outcome.allCases.count)

    mutating func add(_ simulation: Simulation) {
      accepted += simulation.model.accepted
      declined += simulation.model.declined
      sentThroughFullWindow += simulation.model.sentThroughFullWindow
      contested += simulation.model.contested
      left += simulation.model.left
      pauses += simulation.model.pauses
      parkings += simulation.model.parkings
      returns += simulation.model.returns
      halted += simulation.model.isHalted ? 1 : 0
      medians += simulation.model.runTimes.limit == nil ? 0 : 1
      for outcome in Outcome.allCases { outcomes[Int(outcome.rawValue)] += simulation.ledger.counts[outcome] }
    }

    func expectEverything(events: Int) {
      #expect(accepted > events / 8)
      #expect(declined > 100)
      #expect(sentThroughFullWindow > 100)
      #expect(contested > 1000)
      #expect(left > 100)
      #expect(pauses > 100)
      #expect(parkings > 1000)
      #expect(returns > 100)
      #expect(halted > 3)
      #expect(medians > 10)
      for outcome in Outcome.allCases { #expect(outcomes[Int(outcome.rawValue)] > 100, "\(outcome)") }
    }
  }
}
