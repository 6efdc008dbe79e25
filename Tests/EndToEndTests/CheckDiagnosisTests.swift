import Testing

/// What `prefork check` says of workers that do something wrong. Limits are short only where a check is to reach them.
@Suite struct CheckDiagnosisTests {
  static let limits = "-t 30s --start-timeout 30s --stop-timeout 4s"
  /// For a worker that does not answer.
  static let silent = "-t 500ms"

  private func check(_ arguments: String, status: Int32, says: [String], not: [String] = []) throws {
    let result = try shell("prefork check \(Self.limits) \(arguments)")
    #expect(result.status == status, "\(result.output)")
    for text in says { #expect(result.output.contains(text), "\(text) is not in\n\(result.output)") }
    for text in not { #expect(!result.output.contains(text), "\(text) is in\n\(result.output)") }
    #expect(result.output.contains(status == 0 ? "\nok: " : "not ok: "), "\(result.output)")
  }

  // MARK: Buffers

  @Test(arguments: [
    ("workers/faulty/block_buffered.py", "Python:  print(..., flush=True), or python3 -u"),
    (
      "python3 -c 'import sys\nfor job in sys.stdin: print(job, end=\"\")'",
      "Python:  print(..., flush=True), or python3 -u"
    ),
    ("perl -ne 'print'", "Perl:    $| = 1 at the start"), ("sed s/a/b/", "sed:     sed -u"),
    ("grep t", "grep:    grep --line-buffered"), ("tr a-z A-Z", "others:  stdbuf -oL PROGRAM"),
    ("sort", "filters: sort, wc, tac and the like want all of their input first: they cannot be workers"),
    ("sh -c 'sed s/a/b/ | tr a b'", "sed:     sed -u"),
  ])
  func aBufferedStdoutIsProvedAndItsCureNamed(worker: String, cure: String) throws {
    try check(
      "\(Self.silent) -- \(worker)", status: 76,
      says: [
        "first job  \"test\" -> no reply within 0.5 s\n",
        "wrong      its stdout is block-buffered: it read the first job",
        " ms after the end of its input\n", cure,
      ])
  }

  @Test func theCuresCure() throws {
    for worker in [
      "python3 -u -c 'import sys\nfor job in sys.stdin: print(job, end=\"\")'", "sed -u s/a/b/",
      "stdbuf -oL tr a-z A-Z",
    ] {
      try check("-- \(worker)", status: 0, says: ["ok: nothing wrong"])
    }
  }

  @Test(.enabled(if: isInstalled("mawk"), "mawk is not installed"))
  func mawkNeedsMoreThanAFlush() throws {
    try check("\(Self.silent) -- mawk '{ print; fflush() }'", status: 76, says: ["mawk -W interactive"])
    try check("-- mawk -W interactive '{ print; fflush() }'", status: 0, says: ["ok: nothing wrong"])
  }

  @Test func aReadyLineInABufferIsFoundToo() throws {
    try check(
      "--start-timeout 5s --ready line=READY -- python3 -c 'import sys\nprint(\"READY\")\nfor job in sys.stdin: print(job)'",
      status: 69,
      says: [
        "it did not write a line that begins with \"READY\" within 5.0 s (--start-timeout), but \"READY\\n\" came with the end of "
          + "its input: its stdout is block-buffered", "flush=True",
      ])
    try check(
      "--start-timeout 5s --probe ping -- workers/faulty/block_buffered.py", status: 69,
      says: [
        "it did not answer the probe within 5.0 s (--start-timeout), but \"ping\\n\" came with the end of its input"
      ])
  }

  /// Answers that come late, before the end of the input or right after it, are no proof of a buffer.
  @Test(arguments: [20, 40])
  func aSlowWorkerIsCalledSlow(moments: Int) throws {
    // The worker sleeps in short steps, so that a stall of the machine does not count as its sleep.
    let slow = "for i in $(seq \(moments)); do sleep 0.05; done"
    try check(
      "-t 300ms -- sh -c 'while read -r job; do \(slow); echo $job; done'", status: 1,
      says: ["will hurt  it answered the first job only after ", "later than --timeout allows: \"test\\n\""],
      not: ["buffer"])
  }

  // MARK: Starts

  @Test(arguments: [
    ("sh -c 'exit 3'", ["it exited with status 3 before it had read a job, "]),
    (
      "sh -c nosuchprogram",
      ["status 127 (to a shell: command not found)", "its stderr: sh: ", "nosuchprogram: not found"]
    ),
    ("sh -c ./workers", ["status 126 (to a shell: found, but cannot be run)"]),
    ("true", ["it exited normally (status 0) before it had read a job", "a worker reads jobs, one after the other"]),
    ("./no-such-program", ["cannot start ./no-such-program: No such file", "remedy     there is no such file"]),
    ("workers/faulty/not_executable.sh", ["chmod +x workers/faulty/not_executable.sh"]),
    ("workers/faulty/exits_at_boot.sh", ["status 3", "its stderr: cannot open model.bin: no such file\n"]),
  ])
  func aWorkerThatDoesNotStartIsToldWithItsLastWords(worker: String, says: [String]) throws {
    try check("-- \(worker)", status: 69, says: says + ["not ok: it does not start"], not: ["advice"])
  }

  @Test func aWorkerThatNeverReadsIsToldSo() throws {
    try check(
      "--start-timeout 3s -- workers/faulty/hangs_at_boot.sh", status: 69,
      says: [
        "first job  \"test\" -> unread after 3.0 s\n", "it left the first job unread for 3.0 s (--start-timeout)",
        "its stderr: waiting for a lock that nobody will release",
      ])
  }

  @Test func whoIsNotReadyInTimeIsToldWithItsStatus() throws {
    try check(
      "--start-timeout 5s --ready notify -- workers/faulty/notify_script.py 'STATUS=loading shard 3' sleep=99",
      status: 69,
      says: ["it did not send READY=1 within 5.0 s (--start-timeout)", "its status: loading shard 3"])
    try check(
      "--start-timeout 500ms --ready line -- cat", status: 69, says: ["it did not write its first line within 0.5 s"])
    try check(
      "--ready notify -- sh -c 'exit 4'", status: 69, says: ["it exited with status 4 before it was ready, "])
    try check("--probe ping=pong -- cat", status: 69, says: ["it answered the probe with \"ping\" instead of \"pong\""])
  }

  @Test func aLongStartIsNotWaitedForInSilence() throws {
    let session = try Session("exec prefork check -- workers/faulty/hangs_at_boot.sh")
    session.waitForError("the worker has not begun to read its first job yet; it is given 60 s (--start-timeout)")
    session.signal(2)
    #expect(session.finish().status == 130)
  }

  // MARK: Replies

  @Test func aGreetingIsShownAndReadyLineAdvised() throws {
    try check(
      "-- yes", status: 76,
      says: [
        "it wrote to its stdout before it had read a job: \"y\\ny\\n", "remedy     --ready line takes its first line",
      ])
    try check(
      "--ready line -- sh -c 'printf \"hello\\nworld\\n\"; exec cat'", status: 76,
      says: ["before it had read a job: \"world\\n\"", "--ready line=TEXT: TEXT is how the last line"])
  }

  @Test func aSecondReplyIsShownAndOtherFramingsAdvised() throws {
    try check(
      "--job twice -- workers/faulty/unasked_reply.py", status: 76,
      says: [
        "it wrote more than one reply to the first job: after \"twice\" came \"debug: answered twice\\n\"",
        "replies of several lines need --protocol nul, length4 or netstring", "what is no reply belongs on stderr",
      ])
    // Also when it comes a moment later.
    try check(
      "-- sh -c 'while read -r job; do echo $job; sleep 0.1; echo done; done'", status: 76,
      says: ["after \"test\" came \"done\\n\""])
  }

  @Test func aReplyWithoutItsNewlineIsShown() throws {
    try check(
      "\(Self.silent) -- workers/faulty/unended_reply.sh", status: 76,
      says: [
        "it did not end its reply to the first job within 0.5 s: \"test\"",
        "a reply ends with a newline (--protocol lines)",
      ])
  }

  @Test(arguments: [
    ("--job die -- workers/faulty/dies_mid_job.py", "it exited with status 7 on the first job, without a reply"),
    ("--job segv -- workers/faulty/dies_mid_job.py", "it died of SIGSEGV on the first job, without a reply"),
    ("--job quit -- workers/faulty/dies_mid_job.py", "it exited normally (status 0) on the first job, without a reply"),
    (
      "--job half -- workers/faulty/half_reply.py",
      "it exited with status 1 on the first job, in the middle of a reply: \"ha\""
    ),
    (
      "-- workers/faulty/kills_itself_on_job.py 5",
      "it was killed by SIGKILL on job 5"
    ),
    (
      "\(silent) --job hang -- workers/faulty/hangs_in_job.py",
      "did not answer within 0.5 s (--timeout), not even when its input ended"
    ),
    ("\(silent) -- sh -c 'cat >/dev/null'", "(--timeout); at the end of its input it exited normally (status 0)"),
    (
      "\(silent) -- workers/faulty/stops_reading.sh",
      "it stopped reading its stdin: job 2 was still unread after 0.5 s"
    ),
    ("--job close -- workers/faulty/closes_stdout.py", "on the first job it closed its stdout but lives on"),
    ("--job close -- workers/faulty/closes_stdin.py", "it closed its stdin but lives on"),
    (
      "--job 'huge 5000' --max-reply-size 1K -- workers/faulty/huge_reply.py",
      "a reply of more than 1024 bytes (--max-reply-size)"
    ),
    ("--protocol netstring -- workers/examples/crc32.sh", "Others are lines, nul, length4, netstring, jsonrpc"),
    (
      "--protocol netstring -- sh -c 'head -c 1 >/dev/null; printf hello; exec sleep 9'",
      "on the first job it wrote a malformed reply: "
    ),
    (
      "--ready none --probe ping=pong -- cat",
      "it answered the probe with \"ping\" instead of \"pong\""
    ),
    (
      "--probe ping=pong --job sick -- workers/faulty/sick_probe.py",
      "it answered the probe with \"ouch\" instead of \"pong\", after 101 jobs"
    ),
    (
      "--reset reset=ok --job fail -- workers/faulty/sick_reset.py",
      "it answered the reset with \"cannot\" instead of \"ok\""
    ),
    (
      "--reset reset=ok --probe-timeout 2s --job stall -- workers/faulty/sick_reset.py",
      "it read the reset and did not answer within 2.0 s (--probe-timeout)"
    ),
  ])
  func whateverBreaksTheProtocolIsNamed(arguments: String, says: String) throws {
    try check(arguments, status: 76, says: [says, "not ok: it breaks the protocol"])
  }

  // MARK: What works, but will hurt

  @Test func aFilterIsToldFromAWorkerThatLeavesNowAndThen() throws {
    try check(
      "-- sh -c 'read -r job; echo $job'", status: 1,
      says: ["will hurt  it left after 1 job (status 0): that is a filter, not a worker"])
    try check(
      "-- workers/faulty/exits_after.py 50", status: 1,
      says: [
        "warm jobs  49 in ", "will hurt  it left by itself after 50 jobs (status 0)",
        "if it is meant to: --max-jobs 40",
      ])
    try check(
      "-- workers/faulty/dies_between_jobs.py", status: 1,
      says: ["was killed by SIGKILL", "after 1 job, while it had nothing to do"])
    try check(
      "--ready notify --job STOPPING=1 -- workers/faulty/notify_script.py READY=1", status: 1,
      says: ["it asked to be replaced (STOPPING=1) after 1 job"])
  }

  @Test func aWorkerThatDoesNotStopByItselfIsTold() throws {
    try check(
      "--stop-timeout 2s -- workers/faulty/stays_at_end.sh", status: 1,
      says: [
        "stop       by SIGTERM, in ", "will hurt  it does not stop at the end of its input: SIGTERM had to end it",
        "let it leave when its stdin ends",
      ])
    try check(
      "--stop-timeout 2s -- workers/faulty/ignores_term.py", status: 1,
      says: [
        "stop       by SIGKILL, in ",
        "it stops neither at the end of its input nor by SIGTERM: SIGKILL had to end it",
      ])
  }

  @Test func memoryThatGrowsIsMeasuredAndMaxJobsAdvised() throws {
    try check(
      "-- workers/faulty/leaks.py 100", status: 1,
      says: [
        " per job\n", "will hurt  its memory grew by 9.", "MB over 100 jobs, and went on growing: ",
        "--max-jobs 5000 replaces it before it has grown by 512 MB",
      ])
  }
}
