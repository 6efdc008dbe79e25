import PoolCore
import TestSupport
import Testing
import Time
import WorkerProcess

@testable import WorkerCheck

/// What will hurt, and what to set, from figures alone.
@Suite struct AdviceTests {
  // MARK: The stop

  private func stopped(
    after elapsed: Nanoseconds, from urgency: StopUrgency = .graceful,
    ladder: [Nanoseconds] = [5 * second, 5 * second, second]
  ) -> [String] {
    var seen = goodWorker()
    seen.stop = Observations.Stop(urgency: urgency, elapsed: elapsed, status: .killed(signal: 15, coreDumped: false))
    return judgement(seen, configuration(ladder: ladder)).findings.map(\.text)
  }

  @Test func whatEndedItIsKnownByItsTime() {
    #expect(stopped(after: 4_999_999_999) == [])
    #expect(stopped(after: 5_000_000_001) == ["it does not stop at the end of its input: SIGTERM had to end it"])
    #expect(
      stopped(after: 10_000_000_001) == [
        "it stops neither at the end of its input nor by SIGTERM: SIGKILL had to end it"
      ])
    #expect(stopped(after: 4 * second, from: .prompt) == [])
    #expect(stopped(after: 6 * second, from: .prompt) == ["it does not stop by SIGTERM: SIGKILL had to end it"])
    #expect(stopped(after: millisecond, ladder: [0, 0, second]) == [], "with --stop-timeout 0 nobody is waited for")
  }

  // MARK: Memory

  private func memory(_ bytesPerJob: [Int]) -> Judgement {
    var seen = goodWorker()
    var bytes = 30 << 20
    seen.memory = [Observations.Memory(jobs: 1, bytes: bytes)]
    for (index, growth) in bytesPerJob.enumerated() {
      bytes += growth
      seen.memory.append(Observations.Memory(jobs: index + 2, bytes: bytes))
    }
    return judgement(seen)
  }

  @Test func aLeakIsFoundAndMaxJobsKeepsItWithinBounds() {
    let judged = memory(Array(repeating: 100 << 10, count: 100))
    #expect(judged.verdict == .hurts)
    #expect(
      judged.findings.map(\.text) == ["its memory grew by 9.8 MB over 100 jobs, and went on growing: 100 KB per job"])
    #expect(judged.findings[0].remedies.last == "--max-jobs 5000 replaces it before it has grown by 512 MB")
  }

  @Test func whatIsAllocatedWhileItWarmsUpIsNoLeak() {
    #expect(memory(Array(repeating: 1 << 20, count: 30) + Array(repeating: 0, count: 70)).findings.isEmpty)
    #expect(memory(Array(repeating: 0, count: 90) + Array(repeating: 1 << 20, count: 10)).findings.isEmpty)
  }

  @Test func noiseIsNoLeak() {
    #expect(memory(Array(repeating: 9 << 10, count: 100)).findings.isEmpty, "less than 1 MB after the warm-up")
    #expect(memory([]).findings.isEmpty)
    #expect(memory([9 << 20, 9 << 20]).findings.isEmpty, "too few jobs to tell")
    #expect(memory(Array(repeating: -(100 << 10), count: 100)).findings.isEmpty)
  }

  /// The first quarter, in which much is allocated once, does not count for the growth per job.
  @Test func theGrowthPerJobIsThatOfTheWarmWorker() {
    var seen = goodWorker()
    seen.memory = (1...101).map { Observations.Memory(jobs: $0, bytes: (min($0, 26) << 20) + $0 * (20 << 10)) }
    let growth = Judge(seen: seen, configuration: configuration()).growth
    #expect(growth?.leak.perJob == 20 << 10)
    #expect(growth?.jobs == 100)
  }

  @Test func aLeakThatTakesAMillionJobsIsAdviceAndNotAnAlarm() {
    var seen = goodWorker()
    seen.memory = (0...100).map { Observations.Memory(jobs: 1 + 1000 * $0, bytes: (30 << 20) + $0 * 1000 * 100) }
    let judged = judgement(seen)
    #expect(judged.verdict == .nothingWrong)
    #expect(judged.advice.contains("--max-jobs 5000000: its memory grew by 9.5 MB over 100000 jobs"))
  }

  // MARK: The start

  static let starts: [(start: Nanoseconds, limit: Nanoseconds, advice: String?)] = [
    // Cheap to start: whatever the limit is, it is no matter.
    (5 * millisecond, 60 * second, nil),
    (312 * millisecond, 60 * second, "--start-timeout 2s: 6 x the start seen; 60 s is long to wait for one that hangs"),
    // Within a factor of ten of what would be advised.
    (312 * millisecond, 10 * second, nil),
    (4 * second, 60 * second, nil),
    (11 * second, 60 * second, "--start-timeout 2m: 6 x the start seen; 60 s leaves too little room on a busy machine"),
    (
      300 * millisecond, second,
      "--start-timeout 2s: 6 x the start seen; 1.0 s leaves too little room on a busy machine"
    ),
  ]

  @Test(arguments: starts)
  func theStartTimeoutFollowsTheStartSeen(start: Nanoseconds, limit: Nanoseconds, advice: String?) {
    let judged = judgement(goodWorker(start: start), configuration(startLimit: limit))
    #expect(judged.advice == (advice.map { [$0] } ?? []))
    #expect(judged.verdict == .nothingWrong)
  }

  @Test func whatTheWarmthIsWorthIsSaidInFigures() {
    #expect(judgement(goodWorker(start: 312 * millisecond)).gain == "a warm job takes 0.10 ms, a cold one 313 ms")
    var slow = goodWorker(start: 10 * millisecond)
    slow.warmJobs = [second, second]
    slow.firstJob?.elapsed = second
    #expect(
      judgement(slow).gain == "a warm job takes 1.0 s, a cold one 1.0 s: to keep this worker warm gains little")
    slow.warmJobs = []
    #expect(judgement(slow).gain == nil)
  }

  @Test func aWorkerThatLoadsOnItsFirstJobIsFoundOut() {
    var lazy = goodWorker()
    lazy.firstJob?.elapsed = 2 * second
    #expect(
      judgement(lazy).advice.contains {
        $0.hasPrefix("the first job took 2.0 s, a warm one 0.10 ms: it loads on its first")
      })
    lazy.firstJob?.elapsed = millisecond
    #expect(judgement(lazy).advice.isEmpty)
  }
}
