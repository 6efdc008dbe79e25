import Glibc
import Testing

/// Workers that write more than one line for a job, or at the wrong time. Whatever they do, no answer to one job is
/// passed off as another's without a word: the run ends with 76.
@Suite struct OutOfTurnTests {
  /// The ways of `out_of_turn.pl`.
  static let ways = [
    "late", "late_sometimes", "late_at_random", "late_once", "late_on_first", "late_on_last", "late_on_long",
    "late_unended", "two_writes", "two_writes_once", "one_write", "one_write_unended", "empty_line",
    "greeting_on_first", "delayed", "delayed_until_term", "early", "at_end", "at_exit", "read_ahead_late",
    "read_ahead_greeting", "read_ahead_once", "by_bytes", "child",
  ]

  /// Answers that were called ok, though they do not belong to their job.
  private func wrongAnswers(_ output: String) -> Int {
    output.split(separator: "\n").count { line in
      let record = try? /^{"seq":([0-9]+),"outcome":"ok","result":"(.*?)",/.prefixMatch(in: line)
      return record.map { $0.1 != $0.2 } ?? false
    }
  }

  @Test(arguments: ways)
  func noWrongAnswerIsCalledOkWithoutAStatusOf76(way: String) throws {
    let jobs = way == "two_writes_once" ? 300 : 40
    for options in ["-w 1", "-w 3", "-w 2 --unordered"] {
      let result = try shell(
        "seq \(jobs) | prefork run \(options) --stop-timeout 3s --backoff 1ms..2ms --output records -- "
          + "workers/faulty/out_of_turn.pl \(way) \(jobs)")
      if result.status != 76 { #expect(wrongAnswers(result.output) == 0, "\(options): \(result.errors)") }
      #expect(result.status == 76, "\(options): \(result.errors)")
      #expect(!result.errors.contains("all ok"), "\(options): \(result.errors)")
      let names = ["its stdout", ", and then \"", "\" after its answer; "]
      #expect(names.contains { result.errors.contains($0) }, "\(options): \(result.errors)")
    }
  }

  /// The repro of issue 12: each job is answered with two lines, the second after a while.
  @Test func aSecondLineThatComesLateIsNeverTheAnswerToTheNextJob() throws {
    try SignalTests.withGate { gate in
      let session = try Session("exec prefork run -w 1 -- \(Self.lateLine)")
      session.send(String(repeating: "late \(gate.path)\n", count: 4))
      #expect(session.nextLine() == "late \(gate.path)")
      gate.open()
      try checkSecondLines(session.finish(), "late \(gate.path)")
    }
  }

  private func checkSecondLines(_ result: ShellResult, _ answer: String) throws {
    // A worker that has read the next job before we look has answered that with two lines: then neither is used.
    for line in result.lines { #expect(line == answer || line == "") }
    #expect(result.lines.count == 4)
    #expect(result.status == 76)
    #expect(result.errors.contains(" was answered with more than one line: worker 0 (pid "), "\(result.errors)")
    #expect(result.errors.contains("more\\n"), "\(result.errors)")
    #expect(result.errors.contains("hint: a worker answers each job with exactly one line"), "\(result.errors)")
    #expect(result.errors.contains("--protocol nul"), "\(result.errors)")
    #expect(result.errors.contains(", but workers broke the protocol: answers may be wrong"), "\(result.errors)")
  }

  /// As psql does with several statements on a line: the lines come with a pause, and only for one job.
  @Test func severalStatementsOnOneLineAreSeen() throws {
    try SignalTests.withGate { gate in
      let worker = """
        while read -r job; do
          for statement in $job; do
            [ $statement != A2 ] || until [ -e \(gate.path) ]; do sleep 0.02; done
            echo "$statement"
          done
        done
        """
      let session = try Session("exec prefork run -w 1 -- sh -c '\(worker)'")
      session.send("A1 A2\nB1\nC1\n")
      #expect(session.nextLine() == "A1")
      gate.open()
      let result = session.finish()
      #expect(result.status == 76, "\(result.errors)")
      #expect(result.errors.contains(" was answered with more than one line"), "\(result.errors)")
    }
  }

  // MARK: What becomes of the answer that is in doubt

  private static let lateLine = "workers/faulty/late_line.py"

  /// What becomes of a run in which job 2 is answered with a line too many before job 1 is answered.
  private func withdrawing(_ options: String, _ check: (ShellResult, SignalTests.Gate) throws -> Void) throws {
    try SignalTests.withGate { gate in
      let session = try Session("exec prefork run -w 2 \(options) -- \(Self.lateLine)")
      session.send("slow \(gate.path)\nsoon\n")
      session.waitForError("wrote \"more\\n\" after its answer; the answer to job 2 is withdrawn: that job has failed")
      gate.open()
      try check(session.finish(), gate)
    }
  }

  @Test func anAnswerThatWaitsForItsTurnIsWithdrawn() throws {
    try withdrawing("") { result, gate in
      #expect(result.output == "slow \(gate.path)\n\n", "\(result.errors)")
      #expect(result.status == 76)
      let text = "1 ok, 1 failed, but workers broke the protocol: answers may be wrong"
      #expect(result.errors.contains(text), "\(result.errors)")
    }
  }

  @Test func itIsRecordedAsFailedAndCanComeAgain() throws {
    try withFile("") { log throws in
      try withFile("") { dead throws in
        try withdrawing("--output records --joblog \(log) --dead-letter \(dead)") { result, _ throws in
          #expect(result.status == 76, "\(result.errors)")
          #expect(try shell("cut -f 12 \(log)").output == "Outcome\nok\nfailed\n")
          let record = "{\"seq\":2,\"outcome\":\"failed\",\"error\":{\"message\":\"worker "
          #expect(result.output.contains(record), "\(result.output)")
          #expect(try contents(of: dead).contains("{\"job\":\"soon\""), "the job, not its answer")
        }
      }
    }
  }

  @Test func aRetryDoesNotUseTheRefusedAnswer() throws {
    let result = try shell(
      "prefork run -w 1 -r 2 -- workers/faulty/unasked_reply.py", input: "a\ntwice\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 76)
  }

  // MARK: The end of a worker

  @Test(arguments: ["--max-jobs 3 --surge 0", "--max-jobs 3 --surge 1", "--max-jobs 1"])
  func whatARecycledWorkerHasLeftIsSeen(options: String) throws {
    let result = try shell("seq 9 | prefork run -w 1 --jitter 0 \(options) -- workers/faulty/out_of_turn.pl at_end 9")
    #expect(result.output == (1...9).map { "\($0)\n" }.joined())
    #expect(result.status == 76)
    #expect(result.errors.contains("had more on its stdout when it was stopped: \"bye\\n\""), "\(result.errors)")
  }

  @Test func soIsThatOfAnIdleOneAndOfOneThatIsReplacedOnRequest() throws {
    let worker = "workers/faulty/out_of_turn.pl at_end 9"
    let idle = try Session("exec prefork run -w 0..1 --idle-timeout 100ms -v -- \(worker)")
    idle.send("1\n")
    idle.waitForError("job 1 was answered with more than one line")
    #expect(idle.finish().status == 76)
    let rolled = try Session("exec prefork run -w 1 -v -- \(worker)")
    rolled.send("1\n")
    _ = rolled.nextLine()
    rolled.signal(SIGHUP)
    rolled.waitForError("job 1 was answered with more than one line")
    #expect(rolled.finish().status == 76)
  }

  /// The reply to a reset is owed when the run ends in the middle of it; a line more is not.
  @Test func aResetThatIsUnderWayAtTheEndMayStillBeAnswered() throws {
    let result = try shell("prefork run -w 2 --reset forget=forget -- cat", input: "a\nb\nc\n")
    #expect(result == ShellResult(output: "a\nb\nc\n", status: 0))
    let late = try shell(
      "prefork run -w 1 --reset 0 -- workers/faulty/out_of_turn.pl late 9", input: "1\n2\n3\n")
    #expect(late.status == 76, "\(late.errors)")
  }

  /// A pipe that somebody else holds does not keep us waiting, and one that is given up is not listened to.
  @Test func theEndIsNotWaitedForAnyLongerThanBefore() throws {
    let result = try shell("echo a | prefork run -w 1 -- sh -c 'sleep 3000 & exec cat'", sweeping: true)
    #expect(result == ShellResult(output: "a\n", status: 0))
    let worker = "trap \"echo bye; exit\" TERM; read x; while :; do sleep 0.01; done"
    let timeout = try shell("echo a | prefork run -w 1 -t 100ms -- sh -c '\(worker)'")
    #expect(timeout.status == 1, "\(timeout.errors)")
  }

  @Test func aGoodbyeOfOneThatNeverHadAJobHurtsNobody() throws {
    let worker = "trap \"echo bye; exit\" TERM; while read -r job; do echo $job; done"
    let result = try shell("printf a | prefork run -w 3 -- sh -c '\(worker)'")
    #expect(result.output == "a\n")
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func anOrderlyStopIsNoDeath() throws {
    let result = try shell(
      "echo a | prefork run -w 2 -v --stop-timeout 2s -- sh -c 'while read -r job; do echo $job; done; sleep 300'")
    #expect(result.status == 0)
    #expect(result.errors.contains(" stopped by SIGTERM, as asked\n"), "\(result.errors)")
    #expect(!result.errors.contains("died of SIGTERM"), "\(result.errors)")
    let soft = try shell("echo a | prefork run -w 1 -v -- cat")
    #expect(soft.errors.contains(" stopped (exit status 0)\n"), "\(soft.errors)")
  }

  // MARK: Others that are answered

  @Test func aServerReportsItAndCountsIt() throws {
    let server = try Server("--metrics-listen unix:$DIR/m -w 1", worker: "workers/faulty/out_of_turn.pl late 9")
    let client = try server.connect()
    client.send("1\n2\n3\n")
    for (number, answer) in zip(1..., client.next(3)) { #expect(answer == "\(number)" || answer == "") }
    server.session.waitForError("was answered with more than one line")
    server.wait(for: "its death") {
      try server.metric("prefork_worker_deaths_total{pool=\"default\",cause=\"protocol\"}") ?? 0 >= 1
    }
    server.stop()
  }

  @Test func whatAWorkerOfAServerHasLeftAtItsEndIsSeen() throws {
    let server = try Server("-w 1", worker: "workers/faulty/out_of_turn.pl at_end 9")
    let client = try server.connect()
    client.send("1\n")
    #expect(client.next() == "1")
    let result = server.stop()
    #expect(result.errors.contains("job 1 was answered with more than one line"), "\(result.errors)")
    #expect(result.errors.contains("had more on its stdout when it was stopped: \"bye\\n\""), "\(result.errors)")
  }

  @Test func anAnswerThatWaitsInAServerIsWithdrawn() throws {
    let server = try Server("-w 2", worker: Self.lateLine)
    let client = try server.connect()
    client.send("slow \(server.folder)/go\nsoon\n")
    server.session.waitForError("the answer to job 2 is withdrawn: that job has failed")
    server.touch("go")
    #expect(client.next(2) == ["slow \(server.folder)/go", ""])
    #expect(try server.metric("prefork_answers_in_doubt_total") == 1)
    #expect(try server.control("status").output.contains("\nended     1 ok, 1 failed\n"))
    server.stop()
  }

  @Test func submitEndsWith76AndWithdrawsWhatWaits() throws {
    let server = try Server("-w 2", worker: Self.lateLine)
    let session = try Session("exec prefork submit \(server.socket)")
    let slow = "slow \(server.folder)/go\n"
    session.send(slow + "soon\n")
    session.waitForError("job 2 was answered with more than one reply: on the server, worker ")
    server.touch("go")
    let result = session.finish()
    #expect(result.output == slow + "\n", "\(result.errors)")
    #expect(result.status == 76)
    // An answer that was passed on cannot be withdrawn.
    let late = try Session("exec prefork submit \(server.socket)")
    late.send("soon\nb\nslow \(server.folder)/later\n")
    late.waitForError("was answered with more than one reply: on the server, worker ")
    server.touch("later")
    #expect(late.finish().status == 76)
    server.stop()
  }

  @Test("submit is informed of what comes behind its last answer, also if it comes just when the connection ends")
  func theLastAnswerOfASubmitter() throws {
    let server = try Server("-w 1", worker: Self.lateLine)
    for number in 0..<5 {
      let gate = "go\(number)"
      let session = try Session("exec prefork submit \(server.socket)")
      session.send("a\nlate \(server.folder)/\(gate)\n")
      #expect([session.nextLine(), session.nextLine()] == ["a", "late \(server.folder)/\(gate)"])
      // For the server, both come at the same time: the end of the jobs, and the line. The worker reads again by then.
      server.session.signal(SIGSTOP)
      server.wait(for: "its stop") { try contents(of: "/proc/\(server.session.pid)/status").contains("State:\tT") }
      session.closeInput()
      server.touch(gate)
      server.wait(for: "the line") { server.entries.contains(gate + ".done") }
      server.session.signal(SIGCONT)
      let late = session.finish()
      #expect(late.status == 76, "\(late.errors)")
      let reason = "job 2 was answered with more than one reply: on the server, worker "
      #expect(late.errors.contains(reason), "\(late.errors)")
      let inTime = try shell("prefork submit \(server.socket)", input: "a\nb\n")
      #expect(inTime.status == 0 && inTime.output == "a\nb\n", "\(inTime.errors)")
    }
    // A worker that is at work is waited for, a moment.
    let session = try Session("exec prefork submit \(server.socket)")
    session.send("late \(server.folder)/go\n")
    #expect(session.nextLine() == "late \(server.folder)/go")
    let start = monotonicTime()
    session.closeInput()
    session.wait(for: "the end") { session.hasEnded() }
    #expect(monotonicTime() - start > 80_000_000)
    #expect(session.finish().status == 0)
    server.touch("go")
    server.stop()
  }

  @Test(arguments: ["late", "late_on_last", "read_ahead_once", "at_end", "one_write"])
  func checkShowsIt(way: String) throws {
    // Its jobs are all the same: what is meant for job 2 or 9 comes at once.
    let result = try shell("prefork check -t 30s --job 9 -- workers/faulty/out_of_turn.pl \(way) 9")
    #expect(result.status == 76, "\(result.output)")
    #expect(result.output.contains("wrong      it "), "\(result.output)")
    #expect(result.output.contains("replies of several lines need --protocol nul"), "\(result.output)")
    #expect(result.output.contains("wrap it in a script"), "\(result.output)")
  }
}
