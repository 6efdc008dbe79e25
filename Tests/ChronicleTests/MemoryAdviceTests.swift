import Chronicle
import TestSupport
import Testing
import Time

@Suite("Advice about memory") struct MemoryAdviceTests {
  private static let megabyte = 1_048_576.0

  /// Workers one after the other in each slot, each with the given number of jobs; `change` says by how many bytes
  /// job n (from 0) changes it.
  private func advice(
    workers: Int = 4, jobs: Int = 200, seed: UInt64 = 1,
    _ change: (_ worker: Int, _ job: Int, inout SplitMix64) -> Double
  ) -> MemoryAdvice {
    var chance = SplitMix64(state: seed)
    var advice = MemoryAdvice()
    for worker in 0..<workers {
      for job in 0..<jobs {
        advice.add(slot: worker % 2, pid: Int32(100 + worker), change: Int64(change(worker, job, &chance)))
      }
    }
    return advice
  }

  @Test("a worker that leaks 1.2 MB a job should do 400", arguments: [1, 2, 3] as [UInt64])
  func leak(seed: UInt64) {
    let found = advice(seed: seed) { _, _, chance in Self.megabyte * Double.random(in: 0.7...1.7, using: &chance) }
    #expect(found.advice() == "worker leaks about 1.2 MB per job: try --max-jobs 400")
  }

  @Test("a slow leak is found in a long run, and one of workers that are replaced early, too")
  func otherLeaks() throws {
    let slow = advice(jobs: 5000) { _, _, _ in 20_000 }
    #expect(try abs(#require(slow.leak).perJob - 20_000) < 200)
    #expect(slow.leak?.suggestedMaxJobs == 20_000)
    let many = advice(workers: 600, jobs: 25) { _, _, _ in Self.megabyte }
    #expect(many.leak?.suggestedMaxJobs == 500)
    let huge = advice(jobs: 30) { _, _, _ in 4000 * Self.megabyte }
    #expect(huge.leak?.suggestedMaxJobs == 1)
  }

  @Test("a leak shows through noise that is larger than it", arguments: [1, 2, 3, 4] as [UInt64])
  func noisyLeak(seed: UInt64) throws {
    var before = [Double](repeating: 0, count: 4)
    let found = advice(jobs: 1000, seed: seed) { worker, _, chance in
      let noise = Double.random(in: -20...20, using: &chance)
      defer { before[worker] = noise }
      return Self.megabyte * (0.5 + noise - before[worker])
    }
    let leak = try #require(found.leak).perJob
    #expect(abs(Double(leak) / Self.megabyte - 0.5) < 0.1)
  }

  @Test("memory that is taken while the worker warms up is no leak", arguments: [5, 10, 40])
  func warmUp(jobs: Int) {
    #expect(advice { _, job, _ in job < jobs ? 20 * Self.megabyte : 0 }.advice() == nil)
    #expect(advice(jobs: 4 * jobs) { _, job, _ in job < jobs ? 20 * Self.megabyte : 0 }.advice() == nil)
  }

  @Test("a leak behind a warm-up is found all the same, and it is not the warm-up that is measured")
  func leakAfterWarmUp() {
    let found = advice { _, job, _ in job < 40 ? 20 * Self.megabyte : Self.megabyte }
    #expect(found.leak?.perJob == 1 << 20)
  }

  @Test("growth that nobody would notice is no leak")
  func tinyGrowth() {
    #expect(advice { _, _, _ in 4096 }.advice() == nil)
    #expect(advice(jobs: 2000) { _, _, _ in 4096 }.advice() != nil)
  }

  @Test("a cache that fills more and more slowly is no leak")
  func plateau() {
    var share = 1.0
    let found = advice(workers: 1, jobs: 300) { _, _, _ in
      share *= 0.98
      return 10 * Self.megabyte * share
    }
    #expect(found.advice() == nil)
  }

  @Test("noise, collectors and single huge jobs raise no alarm", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func noAlarm(seed: UInt64) {
    var level = [Double](repeating: 0, count: 4)
    let noise = advice(seed: seed) { worker, _, chance in
      let next = Double.random(in: 0...50, using: &chance)
      defer { level[worker] = next }
      return Self.megabyte * (next - level[worker])
    }
    #expect(noise.advice() == nil)
    let collector = advice(seed: seed) { _, job, _ in (job % 25 == 24 ? -24 : 1) * Self.megabyte }
    #expect(collector.advice() == nil)
    let single = advice(seed: seed) { _, job, _ in job == 120 ? 900 * Self.megabyte : 0 }
    #expect(single.advice() == nil)
  }

  @Test("nobody can tell from a few jobs, or from one worker of many")
  func tooLittle() {
    #expect(MemoryAdvice().advice() == nil)
    #expect(advice(jobs: 19) { _, _, _ in Self.megabyte }.advice() == nil)
    #expect(advice(jobs: 20) { _, _, _ in Self.megabyte }.advice() != nil)
    #expect(advice { worker, _, _ in worker == 0 ? Self.megabyte : 0 }.advice() == nil)
    #expect(advice { worker, _, _ in worker > 0 ? Self.megabyte : 0 }.advice() != nil)
  }

  @Test("advice that was already taken is not given")
  func taken() {
    let found = advice { _, _, _ in Self.megabyte }
    #expect(found.leak?.suggestedMaxJobs == 500)
    #expect(found.advice(maxJobs: 500) == nil && found.advice(maxJobs: 100) == nil)
    #expect(found.advice(maxJobs: 501) != nil)
  }

  @Test("readings that no process can have do no harm")
  func absurd() {
    for period in 1...4 {
      var found = MemoryAdvice()
      for job in 0..<100 { found.add(slot: 0, pid: 1, change: job / period % 2 == 0 ? .min : .max) }
      #expect(found.leak?.suggestedMaxJobs ?? 1 >= 1)
    }
  }
}
