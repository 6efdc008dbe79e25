import Glibc
import Testing

/// Workers that write more than one line for a job, or at the wrong time. Whatever they do, no answer to one job is
/// passed off as another's without a word: the run ends with 76.
@Suite struct OutOfTurnTests {
  /// The ways of `out_of_turn.pl`.
  static let ways = [
    "late", "late_sometimes", "late_at_random", "late_once", "late_on_first", "late_on_last", "late_on_long",
    "late_unended", "two_writes", "two_writes_once", "one_write", "one_write_unended", "empty_line", "greeting",
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
        "seq \(jobs) | prefork run \(options) --stop-timeout 500ms --backoff 1ms..2ms --output records -- "
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
    let worker = "while read -r job; do echo \"$job a\"; sleep 0.03; echo \"$job b\"; done"
    let result = try shell("prefork run -w 1 -- sh -c '\(worker)'", input: "1\n2\n3\n4\n")
    // A worker that has read the next job before we look has answered that with two lines: then neither is used.
    for (number, line) in zip(1..., result.lines) { #expect(line == "\(number) a" || line == "") }
    #expect(result.lines.count == 4)
    #expect(result.lines.first == "1 a")
    #expect(result.status == 76)
    #expect(result.errors.contains(" was answered with more than one line: worker 0 (pid "), "\(result.errors)")
    #expect(result.errors.contains("1 b"), "\(result.errors)")
    #expect(result.errors.contains("hint: a worker answers each job with exactly one line"), "\(result.errors)")
    #expect(result.errors.contains("--protocol nul"), "\(result.errors)")
    #expect(result.errors.contains(", but workers broke the protocol: answers may be wrong"), "\(result.errors)")
  }

  /// As psql does with several statements on a line: the lines come with a pause, and only for one job.
  @Test func severalStatementsOnOneLineAreSeen() throws {
    let worker = """
      while read -r job; do
        for statement in $job; do sleep 0.05; echo "$statement"; done
      done
      """
    let result = try shell("prefork run -w 1 -- sh -c '\(worker)'", input: "A1 A2\nB1\nC1\n")
    #expect(result.lines.first == "A1")
    #expect(result.status == 76, "\(result.errors)")
    #expect(result.errors.contains(" was answered with more than one line"), "\(result.errors)")
  }

  // MARK: What becomes of the answer that is in doubt

  /// Job 1 takes long; job 2 is answered at once, and with another line a moment later.
  private static let heldWorker =
    "while read -r job; do case $job in slow*) sleep 0.6; echo $job;; *) echo $job; sleep 0.05; echo more;; esac; done"

  @Test func anAnswerThatWaitsForItsTurnIsWithdrawn() throws {
    let result = try shell("prefork run -w 2 -- sh -c '\(Self.heldWorker)'", input: "slow\na\n")
    #expect(result.output == "slow\n\n", "\(result.errors)")
    #expect(result.status == 76)
    for text in [
      "wrote \"more\\n\" after its answer; the answer to job 2 is withdrawn: that job has failed",
      "1 ok, 1 failed, but workers broke the protocol: answers may be wrong",
    ] { #expect(result.errors.contains(text), "\(result.errors)") }
  }

  @Test func itIsRecordedAsFailedAndCanComeAgain() throws {
    let result = try shell(
      """
      d=$(mktemp -d)
      printf 'slow\\na\\n' | prefork run -w 2 --output records --joblog $d/log --dead-letter $d/dead -- \
        sh -c '\(Self.heldWorker)' >$d/out; s=$?
      cut -f 12 $d/log; cat $d/out $d/dead; rm -r $d; exit $s
      """)
    #expect(result.status == 76, "\(result.errors)")
    #expect(result.output.contains("Outcome\nok\nfailed\n"), "\(result.output)")
    let record = "{\"seq\":2,\"outcome\":\"failed\",\"error\":{\"message\":\"worker "
    #expect(result.output.contains(record), "\(result.output)")
    #expect(result.output.contains("{\"job\":\"a\""), "the job, not its answer: \(result.output)")
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
    let start = monotonicTime()
    let result = try shell("echo a | prefork run -w 1 -- sh -c 'sleep 60 & exec cat'", sweeping: true)
    #expect(result == ShellResult(output: "a\n", status: 0))
    let worker = "trap \"echo bye; exit\" TERM; read x; while :; do sleep 0.01; done"
    let timeout = try shell("echo a | prefork run -w 1 -t 100ms -- sh -c '\(worker)'")
    #expect(timeout.status == 1, "\(timeout.errors)")
    #expect(monotonicTime() - start < 15_000_000_000)
  }

  @Test func aGoodbyeOfOneThatNeverHadAJobHurtsNobody() throws {
    let worker = "trap \"echo bye; exit\" TERM; while read -r job; do echo $job; done"
    let result = try shell("printf a | prefork run -w 3 -- sh -c '\(worker)'")
    #expect(result.output == "a\n")
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func anOrderlyStopIsNoDeath() throws {
    let result = try shell(
      "echo a | prefork run -w 2 -v --stop-timeout 300ms -- sh -c 'while read -r job; do echo $job; done; sleep 9'")
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
    #expect(try server.metric("prefork_worker_deaths_total{pool=\"default\",cause=\"protocol\"}") ?? 0 >= 1)
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
    let server = try Server("-w 2", worker: "sh -c '\(Self.heldWorker)'")
    let client = try server.connect()
    client.send("slow\na\n")
    #expect(client.next(2) == ["slow", ""])
    #expect(try server.metric("prefork_answers_in_doubt_total") == 1)
    #expect(try server.control("status").output.contains("\nended     1 ok, 1 failed\n"))
    let result = server.stop()
    #expect(
      result.errors.contains("the answer to job 2 is withdrawn: that job has failed"), "\(result.errors)")
  }

  @Test func submitEndsWith76AndWithdrawsWhatWaits() throws {
    let server = try Server("-w 2", worker: "sh -c '\(Self.heldWorker)'")
    let result = try shell("prefork submit \(server.socket)", input: "slow\na\n")
    #expect(result.output == "slow\n\n", "\(result.errors)")
    #expect(result.status == 76)
    let text = "job 2 was answered with more than one reply: on the server, worker "
    #expect(result.errors.contains(text), "\(result.errors)")
    let late = try shell("prefork submit \(server.socket)", input: "a\nb\nc\nslow\n")
    #expect(late.status == 76, "\(late.errors)")
    server.stop()
  }

  @Test("submit is informed of what comes behind its last answer, if the worker is at work on it")
  func theLastAnswerOfASubmitter() throws {
    let worker = "while read -r job; do echo $job; case $job in late) sleep 0.05; echo more;; esac; done"
    let server = try Server("-w 1", worker: "sh -c '\(worker)'")
    for _ in 0..<5 {
      let late = try shell("prefork submit \(server.socket)", input: "a\nlate\n")
      #expect(late.output == "a\nlate\n" && late.status == 76, "\(late.errors)")
      let reason = "job 2 was answered with more than one reply: on the server, worker "
      #expect(late.errors.contains(reason), "\(late.errors)")
      let inTime = try shell("prefork submit \(server.socket)", input: "a\nb\n")
      #expect(inTime.status == 0 && inTime.output == "a\nb\n", "\(inTime.errors)")
    }
    server.stop()
  }

  @Test(arguments: ["late", "late_on_last", "read_ahead_once", "at_end", "one_write"])
  func checkShowsIt(way: String) throws {
    // Its jobs are all the same: what is meant for job 2 or 9 comes at once.
    let result = try shell("prefork check -t 2s --job 9 -- workers/faulty/out_of_turn.pl \(way) 9")
    #expect(result.status == 76, "\(result.output)")
    #expect(result.output.contains("wrong      it "), "\(result.output)")
    #expect(result.output.contains("replies of several lines need --protocol nul"), "\(result.output)")
    #expect(result.output.contains("wrap it in a script"), "\(result.output)")
  }
}
