import Testing

/// A worker that cannot start: told at once, with what to try, and never a hang.
@Suite struct StartFailureTests {
  static let cases: [(worker: String, says: [String])] = [
    ("./no-such-program", ["./no-such-program", "No such file or directory", "hint: there is no such file"]),
    ("no-such-program-anywhere", ["No such file or directory", "is not in PATH"]),
    ("workers", ["Permission denied", "hint: workers is not in PATH"]),
    ("./workers", ["Permission denied", "is a directory"]),
    ("workers/faulty/not_executable.sh", ["Permission denied", "chmod +x workers/faulty/not_executable.sh"]),
    ("workers/faulty/no_shebang", ["workers/faulty/no_shebang", "#! line"]),
    (
      "workers/faulty/exits_at_boot.sh",
      [
        "exited with status 3", "worker 0: loading the model", "worker 0: cannot open model.bin: no such file", "pid ",
      ]
    ),
    ("true", ["exited normally (status 0) before it took a job"]),
    ("false", ["exited with status 1"]),
  ]

  @Test(arguments: cases) func itEndsSoonWithStatus69AndTheReason(worker: String, says: [String]) throws {
    let result = try shell("seq 100 | prefork run -w 2 --start-timeout 1h -- \(worker)")
    #expect(result.status == 69)
    #expect(result.output == "")
    for text in says where worker != "workers" { #expect(result.errors.contains(text), "\(result.errors)") }
    let lines = result.errors.split(separator: "\n")
    if result.errors.contains("cannot start") {
      // One mistake: what it is, and what to try.
      #expect(lines.count == 2 && lines[1].hasPrefix("hint: "), "\(result.errors)")
    } else {
      #expect(result.errors.contains("no worker could be started"), "\(result.errors)")
    }
    #expect(lines.count < 60, "\(result.errors)")
  }

  /// What a worker said stands there once, under its name: neither the message about its end nor the last word
  /// repeats it.
  @Test(arguments: ["", "-v", "-q"]) func theLastStderrOfAWorkerIsShownOnce(option: String) throws {
    let worker = "sh -c 'echo \"oops $$\" >&2; printf \"half $$\" >&2; exit 3'"
    let result = try shell("echo a | prefork run \(option) -w 1 --restart-budget 2/10s -- \(worker)")
    #expect(result.status == 69)
    #expect(result.errors.contains("exited with status 3 before it took a job"), "\(result.errors)")
    let lines = result.errors.split(separator: "\n").filter { !$0.hasPrefix("hint: ") }
    for said in lines.filter({ $0.contains("oops ") || $0.contains("half ") }) {
      #expect(said.hasPrefix("worker 0: "), "\(said)")
      #expect(lines.count { $0.contains(said.dropFirst("worker 0: ".count)) } == 1, "\(result.errors)")
    }
    #expect(lines.count { $0.contains("oops ") } == 2 && lines.count { $0.contains("half ") } == 2)
  }

  /// In plain words, whatever the numbers are.
  @Test(arguments: [
    ("1/10s", 1, "1 failed start in 10 s (0 idle, 0 busy, 1 job waiting)"),
    ("2/10s", 3, "2 failed starts in 10 s (0 idle, 0 busy, 3 jobs waiting)"),
  ])
  func itSaysHowManyStartsFailedAndHowManyJobsWait(budget: String, jobs: Int, says: String) throws {
    // It gets no further while the machine stalls: the jobs come in before it fails. Neither is replaced before both have.
    let slow = "sh -c 'for i in $(seq 60); do sleep 0.05; done; exit 3'"
    let session = try Session(
      "exec prefork run -w 2 --queue 9 --backoff 30s..30s --restart-budget \(budget) -- \(slow)")
    session.send((1...jobs).map { "\($0)\n" }.joined())
    session.waitForError("no worker could be started: ")
    #expect(session.errorText.contains("no worker could be started: \(says)\n"), "\(session.errorText)")
    _ = session.finish()
  }

  @Test func aMissingInterpreterIsNamed() throws {
    try withFile("#!/no/such/interpreter\n") { path in
      let result = try shell("chmod +x \(path); echo a | prefork run -- \(path)")
      #expect(result.status == 69)
      #expect(result.errors.contains("the interpreter that its #! line names does not"))
    }
  }

  /// The hint is a command that a shell understands, and that says what is wrong.
  @Test func theHintIsACommandThatSaysMore() throws {
    let result = try shell("echo a | prefork run --restart-budget 1/10s -- sh -c 'echo \"it'\\''s late\" >&2; exit 3'")
    let hint = try #require(result.errors.split(separator: "\n").last { $0.hasPrefix("hint: ") })
    #expect(hint.hasPrefix("hint: try it out, to see what is wrong: prefork check -- sh -c "), "\(hint)")
    let command = try #require(hint.firstRange(of: "prefork check")).lowerBound
    let checked = try shell(String(hint[command...]))
    #expect(checked.status == 69)
    #expect(checked.output.contains("it exited with status 3 before it had read a job"), "\(checked.output)")
    #expect(checked.output.contains("its stderr: it's late"), "\(checked.output)")
  }

  @Test func aQuietRunStillSaysWhyItFailed() throws {
    let missing = try shell("echo a | prefork run -q -- ./no-such-program")
    #expect(missing.status == 69)
    #expect(missing.errors.contains("./no-such-program: No such file or directory"), "\(missing.errors)")
    let dying = try shell("echo a | prefork run -q --restart-budget 2/10s -- workers/faulty/exits_at_boot.sh")
    #expect(dying.status == 69)
    #expect(dying.errors.contains("exited with status 3"), "\(dying.errors)")
  }

  @Test func endlessInputDoesNotKeepIt() throws {
    let result = try shell("yes | prefork run -w 2 -- ./no-such-program")
    #expect(result.status == 69)
  }

  /// Somebody who types the command and no job yet must not wait for nothing.
  @Test func itEndsAlsoBeforeTheFirstJobHasCome() throws {
    let session = try Session("exec prefork run -w 1 -- ./no-such-program")
    session.wait(for: "the end, with stdin open and silent") { session.hasEnded() }
    #expect(session.finish().status == 69)
  }

  @Test func withoutAnyJobABadWorkerIsStillAnError() throws {
    #expect(try shell("prefork run -- ./no-such-program </dev/null").status == 69)
  }

  @Test func noJobAndAGoodWorkerIsFine() throws {
    #expect(try shell("prefork run -w 3 -- cat </dev/null") == ShellResult(output: "", status: 0))
  }

  /// Lesson 1 (roadrunner #772): one failed start must not make the pool smaller for ever.
  @Test func lesson1OneFailedStartLeavesTheSizeOfThePoolAsItIs() throws {
    try withFile("") { path in
      // The first worker to come takes the file away and fails.
      let worker = "if rm \(path) 2>/dev/null; then exit 5; fi; echo up >&2; exec cat"
      let session = try Session("exec prefork run -w 3 --backoff 1ms..2ms -- sh -c '\(worker)'")
      session.wait(for: "three workers") {
        session.errorText.split(separator: "\n").count { $0.hasSuffix(": up") } == 3
      }
      #expect(session.workers.count == 3)
      session.send("a\n")
      #expect(session.nextLine() == "a")
      #expect(session.finish().status == 0)
      _ = try shell("touch \(path)")
    }
  }

  /// Lesson 21 (supervisor #487, #1528): starts are not tried for ever while everybody waits.
  @Test func lesson21TheRestartBudgetAndTheBackoffDecideWhenItGivesUp() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --restart-budget 3/10s --backoff 1ms..2ms -- workers/faulty/exits_at_boot.sh")
    #expect(result.status == 69)
    #expect(result.errors.contains("3 failed starts in 10 s"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count { $0 == "worker 0: loading the model" } == 3)
  }

  @Test func aWorkerThatHangsAtBootIsGivenUpAfterTheStartTimeout() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --start-timeout 2s --restart-budget 2/60s --backoff 1ms..2ms -- "
        + "workers/faulty/hangs_at_boot.sh")
    #expect(result.status == 69)
    #expect(result.errors.contains("(--start-timeout)"), "\(result.errors)")
    #expect(result.errors.contains("waiting for a lock that nobody will release"))
  }

  /// The workers that do start do the jobs. Nothing was said to have stopped, so nothing is said to start again, over
  /// and over.
  @Test func aPoolThatCannotBeFullSizeWorksAndSaysWhyOnce() throws {
    let result = try shell("ulimit -n 64; seq 30 | prefork run -w 40 -- cat")
    #expect(result.status == 0)
    #expect(result.lines == (1...30).map { "\($0)" })
    #expect(result.errors.split(separator: "\n").count { $0.contains("Too many open files (EMFILE)") } == 1)
    #expect(!result.errors.contains("workers start again"), "\(result.errors)")
  }
}
