import Glibc
import Testing

/// Recycling with surge: make before break.
@Suite struct RollingTests {
  /// A worker that says ready after a moment, and answers each job with its pid; a second argument ends it at once
  /// instead.
  static func program(_ command: String) -> String { "#!/bin/sh\n\(command)\n" }
  static let good = program("sleep 0.1; echo ready; while read -r job; do echo $$; done")
  static let bad = program("exit 3")

  private func write(_ text: String, to path: String) throws {
    let stream = try #require(fopen(path, "w"))
    #expect(fputs(text, stream) >= 0)
    fclose(stream)
  }

  /// Lesson 15 (gunicorn #2417): the old worker serves until the new one is ready.
  @Test func lesson15HangupReplacesEveryWorkerAndNeverHasFewer() throws {
    try withFile(Self.good) { path in
      let session = try Session("exec prefork run -w 3 --lease-order fifo --ready line=ready -- sh \(path)")
      session.wait(for: "three workers") { Set(session.ask("x", times: 3)).count == 3 }
      let old = Set(session.workers)
      session.signal(SIGHUP)
      var fewest = 3
      session.wait(for: "three others") {
        let now = Set(session.workers)
        fewest = min(fewest, now.count)
        #expect(now.count <= 5, "at most one more, and one that is stopping")
        return now.isDisjoint(with: old) && now.count == 3
      }
      #expect(fewest == 3)
      #expect(session.finish().status == 0)
    }
  }

  /// Lesson 16 (react_on_rails #2764): a bad build does not drain the pool.
  @Test(arguments: ["exit 3", "echo ready; exit 3", "sleep 300"])
  func lesson16AReplacementThatFailsLeavesTheOldWorkersServing(_ build: String) throws {
    try withFile(Self.good) { path in
      let session = try Session(
        "exec prefork run -w 3 --lease-order fifo --start-timeout 5s --ready line=ready -- sh \(path)")
      session.wait(for: "three workers") { Set(session.ask("x", times: 3)).count == 3 }
      let old = Set(session.workers)
      try write(Self.program(build), to: path)
      session.signal(SIGHUP)
      session.waitForError("the first replacement failed: the other workers go on serving")
      #expect(old.isSubset(of: session.workers))
      #expect(Set(session.ask("x", times: 12)) == Set(old.map { "\($0)" }))
      session.wait(for: "the failed one to be gone") { Set(session.workers) == old }
      try write(Self.good, to: path)
      session.signal(SIGHUP)
      session.wait(for: "three others") { Set(session.workers).isDisjoint(with: old) && session.workers.count == 3 }
      #expect(session.finish().status == 0)
    }
  }

  /// A limit that is reached is not a reason to serve with fewer.
  @Test func workersServeOnPastTheirLimitUntilTheNextOneIsReady() throws {
    let slow = Self.program("sleep 0.1; echo ready; while read -r job; do sleep 0.01; echo $$; done")
    try withFile(slow) { path in
      let result = try shell(
        "yes | head -n 400 | prefork run -v -w 2 --max-jobs 20 --ready line=ready -- sh \(path)")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.lines.count == 400)
      #expect(Set(result.lines).count > 2, "some were replaced")
    }
  }

  /// Lesson 9 (celery #1310): with one job for each worker it is retired before the next lease, whatever the surge.
  @Test func lesson9AWorkerForEachJobIsAPossibleLife() throws {
    let result = try shell("yes pid | head -n 30 | prefork run -w 2 --max-jobs 1 -- workers/faulty/env_report.sh")
    #expect(result.status == 0)
    #expect(Set(result.lines).count == 30)
  }

  /// Lesson 14 (gunicorn #862): limits are jittered, so that workers never retire in step.
  @Test func lesson14WorkersDoNotRetireInStep() throws {
    let result = try shell(
      "yes pid | head -n 800 | prefork run -w 4 --lease-order fifo --surge 0 --max-jobs 100 --jitter 50% --seed 1 -- "
        + "workers/faulty/env_report.sh")
    let lives = Dictionary(grouping: result.lines) { $0.split(separator: " ")[0] }.values.map(\.count)
    let full = lives.filter { $0 >= 50 }
    #expect(full.count >= 4, "\(lives)")
    #expect(Set(full).count > 1, "\(lives)")
    #expect(full.allSatisfy { $0 <= 100 }, "\(lives)")
  }
}
