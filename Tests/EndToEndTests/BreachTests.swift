import Testing

/// Workers that break the protocol: the bytes are shown, and no job gets another's answer.
@Suite struct BreachTests {
  /// Lesson 22 (bazel #4897): a stray print must not become the answer to the next job.
  @Test func lesson22ASecondReplyIsShownAndNeverAnAnswer() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/unasked_reply.py", input: "a\ntwice\nb\nc\n")
    #expect(result.output == "a\n\nb\nc\n", "which of the two was the answer is not known: neither is used")
    #expect(result.status == 76)
    #expect(result.errors.contains("job 2 was answered with more than one line: worker 0 (pid "), "\(result.errors)")
    #expect(result.errors.contains("wrote \"twice\", and then \"debug: answered twice\\n\""), "\(result.errors)")
  }

  @Test func aClosedStdoutEndsTheJobAtOnce() throws {
    let result = try shell(
      "prefork run -w 1 --stop-timeout 1h -- workers/faulty/closes_stdout.py", input: "a\nclose\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("closed its stdout but lives on"), "\(result.errors)")
    #expect(result.errors.contains("into job 2"), "\(result.errors)")
  }

  /// Jobs that nobody read are not failed by it: the workers do not start.
  @Test(arguments: [("1>&-", "closed its stdout but lives on"), ("0<&-", "closed its stdin but lives on")])
  func aPipeClosedAtBootIsAFailedStartAndNoJobsFault(redirection: String, says: String) throws {
    let result = try shell(
      "seq 3 | prefork run -w 1 --restart-budget 2/10s --backoff 1ms..2ms -- sh -c 'exec \(redirection); sleep 300'")
    #expect(result.status == 76)
    #expect(result.output == "")
    #expect(result.errors.contains(says), "\(result.errors)")
    #expect(result.errors.contains("all cancelled"), "\(result.errors)")
  }

  /// Lesson 7 (cpython #94777): the job it never read is provably not started, and costs no attempt.
  @Test func lesson7AClosedStdinCostsNoJobAnAttempt() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/closes_stdin.py", input: "a\nclose\nb\nc\n")
    #expect(result.output == "a\nclose\nb\nc\n")
    #expect(result.status == 0)
    #expect(result.errors.contains("closed its stdin but lives on"), "\(result.errors)")
  }

  /// A worker that breaks the protocol on a job is stopped for it: the job has cost a worker, as if that had died.
  @Test(arguments: ["unasked_reply.py twice", "closes_stdout.py close"])
  func aJobThatMakesWorkersBreakTheProtocolIsCrashedAndThenQuarantined(case words: String) throws {
    let parts = words.split(separator: " ")
    let once = try shell(
      "prefork run -w 1 --output records -- workers/faulty/\(parts[0])", input: "a\n\(parts[1])\nb\n")
    #expect(
      once.output.contains("\"seq\":2,\"outcome\":\"crashed\",\"error\":{\"message\":\"worker "), "\(once.output)")
    let again = try shell(
      "prefork run -w 1 -r 9 --quarantine-after 2 --output records -- workers/faulty/\(parts[0])",
      input: "a\n\(parts[1])\nb\n")
    #expect(again.output.contains("\"seq\":2,\"outcome\":\"quarantined\""), "\(again.output)")
    #expect(again.output.contains("\"attempts\":2"), "\(again.output)")
    #expect(again.errors.contains("2 ok, 1 quarantined"), "\(again.errors)")
    #expect(again.status == once.status, "the status says that the protocol was broken, not how often")
  }

  /// It kept to the protocol, and the limit is ours: that job alone has failed, however often it is tried.
  @Test func aReplyOverTheLimitIsNoReasonForQuarantine() throws {
    let result = try shell(
      "prefork run -w 1 -r 4 --quarantine-after 2 --max-reply-size 5 --output records -- cat", input: "123456\n")
    #expect(result.output.contains("\"outcome\":\"failed\""), "\(result.output)")
    #expect(result.output.contains("\"attempts\":5"), "\(result.output)")
    #expect(result.status == 1)
  }

  @Test func aHugeReplyFailsAloneWithMemoryFlat() throws {
    let session = try Session("exec prefork run -w 1 --max-reply-size 1M -- workers/faulty/huge_reply.py")
    session.send("a\nhuge 200000000\nb\n")
    let most = session.mostMemory(untilOutputHas: "a\n\nb\n".utf8.count)
    #expect((1...3).map { _ in session.nextLine() } == ["a", "", "b"])
    #expect(most > 0 && most < 8_000_000, "\(most) bytes")
    let result = session.finish()
    #expect(result.status == 1)
    #expect(result.errors.contains("wrote a reply of more than 1048576 bytes (--max-reply-size)"), "\(result.errors)")
    #expect(result.errors.contains("2 ok, 1 failed"))
  }

  @Test func aReplyUnderTheLimitArrivesWhole() throws {
    let result = try shell("echo huge 30000000 | prefork run -w 1 -- workers/faulty/huge_reply.py | tr -d x | wc -c")
    #expect(result.output == "1\n")
    let count = try shell("echo huge 30000000 | prefork run -w 1 -- workers/faulty/huge_reply.py | wc -c")
    #expect(count == ShellResult(output: "30000001\n", status: 0))
  }

  @Test func theReplyLimitIsExact() throws {
    let result = try shell("prefork run -w 1 --max-reply-size 5 -- cat", input: "12345\n123456\n1234\n")
    #expect(result.output == "12345\n\n1234\n")
    #expect(result.status == 1)
  }

  @Test(arguments: [
    ("netstring", "hello", "malformed"), ("netstring", "05:hello,", "malformed"),
    ("netstring", "5:hello;", "malformed"),
    ("length4", "\\377\\377\\377\\377abc", "(--max-reply-size)"),
  ])
  func aReplyThatIsNoFrameIsShownAndItsJobFails(framing: String, reply: String, says: String) throws {
    // The worker answers when the first byte of a job is there, so that its reply is no answer to nothing.
    let worker = "head -c 1 >/dev/null; printf \"\(reply)\"; exec sleep 300"
    let result = try shell("echo a | prefork run -w 1 --protocol \(framing) -- sh -c '\(worker)'")
    #expect(result.status == 1 || result.status == 76, "\(result.errors)")
    #expect(result.output == "" || result.output == "\n")
    #expect(result.errors.contains(says), "\(result.errors)")
  }

  /// What it answers is the job before: without --reset nobody can know, and prefork does not pretend to.
  @Test func aWorkerThatLeaksStateIsPassedOnAsItIs() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/state_leak.py", input: "a\nb\nreset\nc\n")
    #expect(result == ShellResult(output: "nothing\na\nok\nnothing\n", status: 0))
  }

  @Test func everyLineOfAWorkersStderrIsWholeAndNamed() throws {
    let result = try shell(
      "prefork run -w 2 -- workers/faulty/noisy_stderr.py", input: "many 3000\nmany 3001\nlong 100000\nx\n")
    #expect(result.output == "many 3000\nmany 3001\nlong 100000\nx\n")
    #expect(result.status == 0)
    let lines = result.errors.split(separator: "\n")
    for line in lines { #expect(line.hasPrefix("worker 0: ") || line.hasPrefix("worker 1: ")) }
    #expect(lines.count { $0.contains(": complaint ") } == 6001)
    for line in lines where line.contains("complaint") {
      #expect(line.wholeMatch(of: /worker [01]: complaint [0-9]+/) != nil, "\(line)")
    }
    #expect(lines.reduce(0) { $0 + $1.count { $0 == "x" } } >= 100_000)
  }

  @Test func aLastStderrLineWithoutItsNewlineIsShown() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/noisy_stderr.py", input: "partial\n")
    #expect(result.errors.contains("worker 0: a line in three pieces, \n"), "\(result.errors)")
    #expect(result.status == 0)
  }

  @Test func binaryOnStderrHurtsNobody() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/noisy_stderr.py", input: "binary\nx\n")
    #expect(result.output == "binary\nx\n")
    #expect(result.errors.hasSuffix("worker 0: working on x\n"))
    #expect(result.status == 0)
  }

  @Test func everyFaultyWorkerHasATest() throws {
    let workers = try shell("ls workers/faulty").lines
    #expect(workers.count >= 12)
    let tests = try shell("cat Tests/EndToEndTests/*.swift").output
    for worker in workers {
      let isTested = tests.contains("workers/faulty/\(worker)")
      #expect(isTested, "\(worker)")
    }
  }
}
