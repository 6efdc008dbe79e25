import PoolCore
import Testing

@testable import ObjectPool

@Suite("The driver in a world of chance") struct DriverSimulationTests {
  @Test("whatever happens in whatever order, all promises are kept", arguments: [PoolEvent.drain, .close])
  func promises(end: PoolEvent) async {
    for seed in 0..<120 as Range<UInt64> {
      // Other tests want the threads of the runtime, too.
      await Task.yield()
      var world = DriverWorld(seed: seed)
      for step in 0..<400 where world.violations.isEmpty {
        world.step()
        if let first = world.violations.first { Issue.record("seed \(seed), step \(step): \(first)") }
      }
      guard world.violations.isEmpty else { continue }
      let hasEnded = world.end(by: end)
      #expect(hasEnded, "seed \(seed): the pool does not end")
      #expect(world.violations.isEmpty, "seed \(seed), at the end: \(world.violations.prefix(3))")
      #expect(world.answered == world.asked, "seed \(seed): every request gets one answer")
      #expect(world.runner.disposed == world.runner.made, "seed \(seed): every object is disposed of")
      #expect(world.held.isEmpty && world.asking.isEmpty)
    }
  }
}
