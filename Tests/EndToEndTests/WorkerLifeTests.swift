import Testing

/// What a worker is given, how long it lives, and which one gets the job.
@Suite struct WorkerLifeTests {
  static let report = "workers/faulty/env_report.sh"

  @Test func aWorkerKnowsItsSlotItsProtocolAndItsNumber() throws {
    let session = try Session("exec prefork run -w 2 --lease-order fifo -- \(Self.report)")
    let answers = Set(session.ask("slot", times: 6))
    #expect(answers == ["slot=0 protocol=lines worker=1", "slot=1 protocol=lines worker=2"])
    #expect(session.finish().status == 0)
  }

  @Test func aReplacementHasANumberOfItsOwn() throws {
    let result = try shell(
      "seq 4 | prefork run -w 1 -- sh -c 'read -r job; echo $PREFORK_SLOT $PREFORK_WORKER_ID'")
    #expect(result.lines.map { $0.split(separator: " ").last ?? "" } == ["1", "2", "3", "4"])
  }

  @Test func aWorkerHasThreePipesAndNothingElse() throws {
    let result = try shell("exec 5</dev/null 7>/dev/null; prefork run -w 3 -- \(Self.report)", input: "fds\n")
    #expect(result.output == "0=pipe 1=pipe 2=pipe\n")
  }

  @Test func aWorkerLeadsAProcessGroupOfItsOwn() throws {
    let session = try Session("exec prefork run -w 1 -- \(Self.report)")
    let answer = session.ask("pid", times: 1)[0]
    let pid = session.workers[0]
    #expect(answer.hasPrefix("pid=\(pid) ppid=\(session.pid) pgid=\(pid) "), "\(answer)")
    #expect(session.finish().status == 0)
  }

  @Test func whatConcernsOnlyUsIsNotPassedOn() throws {
    let result = try shell(
      "NOTIFY_SOCKET=/x LISTEN_FDS=1 LISTEN_PID=1 WATCHDOG_USEC=9 PREFORK_SLOT=77 KEPT=yes "
        + "prefork run -w 1 -- \(Self.report)",
      input: "env NOTIFY_SOCKET\nenv LISTEN_FDS\nenv LISTEN_PID\nenv WATCHDOG_USEC\nenv PREFORK_SLOT\nenv KEPT\n")
    #expect(result.lines == ["unset", "unset", "unset", "unset", "0", "yes"])
  }

  @Test func asManyWorkersAsAskedForAreWarmBeforeTheFirstJob() throws {
    let session = try Session("exec prefork run -w 5 -- cat")
    session.wait(for: "five workers") { session.workers.count == 5 }
    #expect(session.finish() == ShellResult(output: "", status: 0))
  }

  @Test func withoutSurgeMaxJobsIsStrict() throws {
    let result = try shell(
      "yes pid | head -n 60 | prefork run -w 2 --surge 0 --max-jobs 5 --jitter 0 -- \(Self.report)")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.lines.count == 60)
    let jobs = Dictionary(grouping: result.lines) { $0.split(separator: " ")[0] }.mapValues(\.count)
    #expect(jobs.count >= 10, "\(jobs)")
    #expect(jobs.values.allSatisfy { $0 <= 5 }, "\(jobs)")
  }

  @Test func workersAreReplacedAtMaxAge() throws {
    let session = try Session("exec prefork run -w 1 --max-age 200ms -- \(Self.report)")
    let first = session.ask("pid", times: 1)
    session.wait(for: "another worker") { session.ask("pid", times: 1) != first }
    #expect(session.finish() == ShellResult(output: session.outputText, status: 0))
  }

  @Test func theSameSeedGivesTheSameRun() throws {
    let line = "yes pid | head -n 80 | prefork run -w 1 --surge 0 --max-jobs 20 --jitter 90% --seed 7 -- \(Self.report)"
    let lives = try (1...2).map { _ in
      try shell(line).lines.reduce(into: [(Substring, Int)]()) { lives, answer in
        if lives.last?.0 == answer { lives[lives.count - 1].1 += 1 } else { lives.append((answer, 1)) }
      }.map(\.1)
    }
    #expect(lives[0] == lives[1])
    #expect(Set(lives[0]).count > 1, "jittered: \(lives[0])")
  }

  /// Lesson 18 (php-src #4101): the warmest worker first, so that the others can age out.
  @Test func lesson18TheWorkerUsedLastIsUsedNextUnlessAskedOtherwise() throws {
    let lifo = try Session("exec prefork run -w 3 -- \(Self.report)")
    #expect(Set(lifo.ask("slot", times: 9)).count == 1)
    #expect(lifo.finish().status == 0)
    let fifo = try Session("exec prefork run -w 3 --lease-order fifo -- \(Self.report)")
    #expect(Set(fifo.ask("slot", times: 9)).count == 3)
    #expect(fifo.finish().status == 0)
  }

  @Test func quietSaysNothingAboutFailedJobs() throws {
    let result = try shell("prefork run -q -w 1 -- workers/faulty/dies_mid_job.py", input: "a\nsegv\nb\n")
    #expect(result == ShellResult(output: "a\n\nb\n", status: 1))
  }

  @Test func verboseTellsOfEveryLife() throws {
    let result = try shell("prefork run -v -w 1 -r 1 -- workers/faulty/dies_mid_job.py", input: "a\nsegv\nb\n")
    #expect(result.errors.contains("job 2: crashed after 2 attempts"), "\(result.errors)")
    #expect(result.errors.contains("3 worker starts"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count { $0.hasSuffix(") started") } == 3, "\(result.errors)")
    #expect(result.errors.contains("job 2: attempt 2, on worker 0"), "\(result.errors)")
    #expect(result.errors.contains(") stopped (exit status 0)"), "\(result.errors)")
    let fine = try shell("echo a | prefork run -v -w 1 -- cat")
    #expect(fine.errors.contains("1 worker start"), "\(fine.errors)")
  }

  @Test func moreWorkersThanJobsIsNoTrouble() throws {
    #expect(try shell("echo a | prefork run -w 40 -- cat") == ShellResult(output: "a\n", status: 0))
  }

  @Test func aQueueOfOneLosesNothing() throws {
    let result = try shell("seq 500 | prefork run -w 3 --queue 1 -- cat")
    #expect(result.status == 0)
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 500)
  }
}
