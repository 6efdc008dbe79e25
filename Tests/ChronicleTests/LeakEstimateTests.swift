import Chronicle
import Testing

/// The one rule by which `run` advises and `check` judges.
@Suite("What is a leak") struct LeakEstimateTests {
  /// Readings after each of `jobs` jobs, or after every `step`-th.
  private func readings(_ jobs: Int, step: Int = 1, _ bytes: (Int) -> Int) -> [LeakEstimate.Reading] {
    stride(from: 1, through: jobs, by: step).map { LeakEstimate.Reading(jobs: $0, bytes: Int64(bytes($0))) }
  }

  @Test("steady growth is, and its rate does not depend on how often it is looked at", arguments: [1, 7, 50])
  func steady(step: Int) {
    let leak = LeakEstimate(readings(1000, step: step) { $0 * 100_000 })
    #expect(leak?.perJob == 100_000)
    #expect(leak?.suggestedMaxJobs == 5000, "512 MB")
  }

  @Test("the same bytes give run and check the same answer")
  func sameForBoth() {
    var advice = MemoryAdvice()
    for _ in 0..<30 { advice.add(slot: 0, pid: 1, change: 300_000) }
    #expect(advice.leak == LeakEstimate(readings(30) { $0 * 300_000 }))
    #expect(advice.leak?.perJob == 300_000)
  }

  @Test("fewer than 20 jobs, or less than 1 MB after the warm-up, say nothing")
  func tooLittle() {
    #expect(LeakEstimate([]) == nil)
    #expect(LeakEstimate(readings(19) { $0 << 20 }) == nil)
    #expect(LeakEstimate(readings(20) { $0 << 20 }) != nil)
    #expect(LeakEstimate(readings(101) { $0 * 13_000 }) == nil)
    #expect(LeakEstimate(readings(101) { $0 * 15_000 }) != nil)
  }

  @Test("the warm-up, one huge job, a plateau and a collector are none")
  func noLeak() {
    #expect(LeakEstimate(readings(100) { min($0, 20) << 20 }) == nil)
    #expect(LeakEstimate(readings(100) { ($0 > 60 ? 900 : 0) << 20 }) == nil)
    #expect(LeakEstimate(readings(100) { Int(Double(100 << 20) * (1 - 1 / Double($0))) }) == nil)
    #expect(LeakEstimate(readings(100) { ($0 % 10) << 20 }) == nil)
    #expect(LeakEstimate(readings(100) { -$0 << 20 }) == nil)
  }

  @Test("a worker that takes more than is tolerable for one job is replaced after each")
  func huge() { #expect(LeakEstimate(readings(30) { $0 * (4 << 30) })?.suggestedMaxJobs == 1) }
}
