import Testing
import Time
import WorkerProcess

/// Accounting for each job costs a few percent of the time, however many workers there are.
@Suite struct MeterBudgetTests {
  @Test("of many workers with short jobs one is read in 100 µs on average")
  func manyWorkers() {
    var budget = MeterBudget()
    var readings = 0
    for turn in 0..<1000 {
      for _ in 0..<1000 where budget.take(at: .origin + .microseconds(130 * UInt64(turn))) { readings += 1 }
    }
    #expect((1300 - 2...1300 + MeterBudget.mostAtOnce).contains(readings))
  }

  @Test("every job of 20 ms is measured, also when many end at one moment")
  func longJobs() {
    var budget = MeterBudget()
    var readings = 0
    for turn in 0..<100 {
      let now = Instant.origin + .milliseconds(20 * UInt64(turn))
      for _ in 0..<MeterBudget.mostAtOnce where budget.take(at: now) { readings += 1 }
    }
    #expect(readings == 100 * MeterBudget.mostAtOnce)
  }
}
