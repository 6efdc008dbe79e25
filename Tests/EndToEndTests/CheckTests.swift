import Glibc
import TestSupport
import Testing

/// `prefork check` on workers that do what they should, and what it says of what is merely inconvenient.
@Suite struct CheckTests {
  @Test(arguments: [
    ("cat", "\"test\" -> \"test\""), ("sed -u s/t/T/", "\"test\" -> \"Test\""),
    ("workers/examples/upper.py", "\"test\" -> \"TEST\""), ("workers/examples/crc32.sh", "-> \"d87f7e0c 4\""),
    ("workers/examples/redact.pl", "\"test\" -> \"test\""),
    ("--protocol nul workers/examples/sort_lines_nul.py", "\"test\" -> \"test\""),
    ("--protocol length4 workers/examples/document_stats_length4.py", "1 words, 4 bytes"),
    ("--protocol netstring workers/examples/json_pretty_netstring.py", "\"test\" -> \"error: "),
  ])
  func aGoodWorkerHasALineForEachStep(worker: String, reply: String) throws {
    let result = try shell("prefork check \(worker)")
    #expect(result.status == 0, "\(result.output)")
    #expect(result.errors == "")
    let labels = result.lines.map { $0.split(separator: " ").first ?? "" }
    #expect(labels.starts(with: ["start", "first", "warm", "memory", "stop", "ok:", "gain"]), "\(result.output)")
    #expect(result.lines[0].wholeMatch(of: /start +began to read after [0-9.]+ m?s, pid [0-9]+/) != nil)
    #expect(result.lines[1].contains(reply), "\(result.output)")
    #expect(result.lines[2].hasPrefix("warm jobs  100 in "))
    #expect(result.lines[4].hasPrefix("stop       at the end of its input, in "))
    #expect(result.lines[5] == "ok: nothing wrong")
  }

  @Test func everythingThatIsAskedForIsTried() throws {
    let result = try shell(
      "prefork check --probe ping=pong --reset reset --jobs 20 --job hello -- "
        + "sh -c 'while read -r job; do case $job in ping) echo pong;; *) echo \"<$job>\";; esac; done'")
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("(by its answer to the probe), pid "), "\(result.output)")
    #expect(result.output.contains("probe      \"ping\" -> \"pong\" in "))
    #expect(result.output.contains("first job  \"hello\" -> \"<hello>\" in "))
    #expect(result.output.contains("warm jobs  20 in "))
    #expect(result.output.contains("reset      \"reset\" -> \"<reset>\" 21 times, median "), "\(result.output)")
  }

  @Test func withoutMoreJobsThereIsOnlyTheFirst() throws {
    let result = try shell("prefork check --jobs 0 -- cat")
    #expect(result.status == 0)
    #expect(!result.output.contains("warm"))
    #expect(result.output.contains(" after the first job\n"), "\(result.output)")
  }

  /// One worker, once: it may be expensive, and there may be room for one only.
  @Test(arguments: ["cat", "sh -c 'exit 3'", "workers/faulty/exits_after.py 5", "./workers", "sh -c 'echo hi; cat'"])
  func oneWorkerIsStartedOnce(worker: String) throws {
    try withFile("") { path in
      let result = try shell("prefork check -- sh -c 'echo x >>\(path); exec \"$@\"' sh \(worker)")
      #expect(try contents(of: path) == "x\n", "\(result.output)")
    }
  }

  @Test func readinessIsTimedByItsProof() throws {
    let notified = try shell("prefork check --ready notify -- workers/faulty/notify_script.py sleep=0.3 READY=1")
    #expect(notified.status == 0, "\(notified.output)")
    #expect(notified.output.contains(" (by READY=1), pid "))
    let line = try shell("prefork check --ready line=Welcome -- workers/faulty/speaks_at_boot.py")
    #expect(line.status == 0, "\(line.output)")
    #expect(line.output.contains(" (by its line \"Welcome\"), pid "))
  }

  @Test func theTimeOfTheStartIsRightAndItsTimeoutAdvised() throws {
    var outputs: [String] = []
    // What check itself was kept from running does not count, while the worker's sleep goes on.
    let isRight = try inOneOfFiveAttempts {
      let result = try shell("prefork check --start-timeout 15s -- sh -c 'sleep 3; exec cat'")
      #expect(result.status == 0)
      #expect(result.output.contains("gain       a warm job takes "), "\(result.output)")
      outputs.append(result.output)
      let figures = try #require(result.output.firstMatch(of: /began to read after ([0-9.]+) (m?s)/))
      let figure = try #require(Double(figures.1))
      return (1.5..<15).contains(figures.2 == "s" ? figure : figure / 1000)
        && result.output.contains(": 6 x the start seen; 15 s leaves too little room")
    }
    #expect(isRight, "\(outputs)")
  }

  /// What the worker starts is killed with it, and told.
  @Test(arguments: ["child", "session", "daemon"])
  func whatItLeavesBehindIsTold(kind: String) throws {
    let result = try shell("prefork check -- workers/faulty/breeds.py \(kind)")
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains(", status 0; it left 1 process behind: python3\n"), "\(result.output)")
  }

  @Test func whoEndsTogetherWithItsChildrenLeavesNothing() throws {
    let result = try shell("prefork check -- sh -c 'sed -u s/t/T/ | cat'")
    #expect(result.output.contains("stop       at the end of its input, in "), "\(result.output)")
    #expect(!result.output.contains("left"), "\(result.output)")
    #expect(result.status == 0)
  }

  @Test func theWorkersSurroundingsAreThoseOfTheOptions() throws {
    let result = try shell(
      "prefork check --jobs 0 --env KEPT=yes --chdir / --job 'env KEPT' -- \"$PWD/workers/faulty/env_report.sh\"")
    #expect(result.output.contains("\"env KEPT\" -> \"yes\""), "\(result.output)")
    let missing = try shell("prefork check --chdir /no/such/directory -- cat")
    #expect(missing.status == 69)
    #expect(missing.output.contains("there is no such directory"), "\(missing.output)")
  }

  // MARK: Its end

  @Test func itsStderrIsPassedOnAndStdoutHoldsNothingButTheReport() throws {
    let result = try shell("prefork check --jobs 2 -- workers/faulty/noisy_stderr.py")
    #expect(result.status == 0)
    #expect(result.errors == String(repeating: "worker 0: working on test\n", count: 3))
    #expect(!result.output.contains("working on"))
  }

  /// Ctrl-C stops the worker and leaves nothing (`finish` looks for it), wherever the check is.
  @Test(arguments: [
    ("--start-timeout 1h workers/faulty/hangs_at_boot.sh", SIGINT, 128 + SIGINT),
    ("--timeout 1h sh -c 'echo reading >&2; cat >/dev/null'", SIGTERM, 128 + SIGTERM),
    ("--stop-timeout 1h workers/faulty/stays_at_end.sh", SIGINT, 128 + SIGINT),
  ])
  func aSignalStopsTheWorkerAtOnce(worker: String, signal: CInt, status: CInt) throws {
    let session = try Session("exec prefork check \(worker)")
    if worker.contains("stays_at_end") {
      session.wait(for: "the end of the jobs") { session.outputText.contains("memory") }
    } else {
      session.waitForError("worker 0: ")
    }
    session.signal(signal)
    session.wait(for: "the end") { session.hasEnded() }
    let result = session.finish()
    #expect(result.status == status)
    #expect(!result.output.contains("ok: "), "an interrupted check judges nothing: \(result.output)")
  }

  @Test func aSecondSignalKillsAWorkerThatIgnoresTheFirst() throws {
    let session = try Session("exec prefork check --stop-timeout 1h --job hang -- workers/faulty/ignores_term.py")
    session.wait(for: "the start") { session.outputText.contains("start ") }
    session.signal(SIGINT)
    session.wait(for: "a moment") { pause(0.3) }
    #expect(!session.hasEnded())
    session.signal(SIGINT)
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().status == 128 + SIGINT)
  }

  @Test func aReaderThatHasEnoughLeavesTheVerdictAsItIs() throws {
    #expect(try shell("{ prefork check -- cat; echo $? >&2; } | head -n 1").errors == "0\n")
    #expect(try shell("{ prefork check -- true; echo $? >&2; } | true").errors == "69\n")
  }

  @Test func aReportThatCannotBeWrittenIsStatus74() throws {
    let full = try shell("prefork check -- cat >/dev/full")
    #expect(full.status == 74)
    #expect(full.errors == "prefork: cannot write stdout: write: No space left on device (ENOSPC)\n")
    #expect(try shell("prefork check -- cat >&-").status == 74)
  }

  @Test(arguments: [
    ("", "no WORKER given"), ("--workers 3 cat", "unknown option --workers"),
    ("--job \"$(printf 'a\\nb')\" cat", "--job cannot be sent with --protocol lines"),
    ("--ready probe cat", "--ready probe means nothing without --probe"),
  ])
  func mistakesAreStatus64(arguments: String, says: String) throws {
    let result = try shell("prefork check \(arguments)")
    #expect(result.status == 64)
    #expect(result.output == "")
    #expect(result.errors.contains(says), "\(result.errors)")
  }

  @Test func aJobOfManyLinesGoesWithAFramingThatCanCarryIt() throws {
    let result = try shell(
      "prefork check --protocol nul --job \"$(printf 'b\\na')\" -- workers/examples/sort_lines_nul.py")
    #expect(result.output.contains("\"b\\na\" -> \"a\\nb\""), "\(result.output)")
    #expect(result.status == 0)
  }
}
