import Glibc
import TestSupport
import Testing

/// Signals to prefork and to its workers. After every end no process is left: `finish` looks.
@Suite struct SignalTests {
  /// Holds back what its workers have begun until it is opened.
  struct Gate {
    let path: String

    /// Reports on stderr which job it begins, and answers when the gate is open.
    var worker: String {
      "sh -c 'while read -r job; do echo begun $job >&2; until [ -e \(path) ]; do sleep 0.02; done; echo $job; done'"
    }

    func open() { close(Glibc.open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }
  }

  static func withGate(_ body: (Gate) throws -> Void) throws {
    let folder = try #require(makeTemporaryFolder())
    let gate = Gate(path: folder + "/gate")
    defer {
      unlink(gate.path)
      rmdir(folder)
    }
    try body(gate)
  }

  @Test(arguments: zip([SIGINT, SIGTERM], [Int32(130), 143]))
  func theFirstFinishesWhatRunsAndStartsNoMore(signal: CInt, status: Int32) throws {
    try Self.withGate { gate in
      let session = try Session("exec prefork run -w 2 -- \(gate.worker)")
      session.send("1\n2\n3\n4\n5\n6\n")
      session.waitForError("begun 1")
      session.waitForError("begun 2")
      session.signal(signal)
      let limit = signal == SIGTERM ? ", at most 30 s (--drain-timeout)" : ""
      session.waitForError("finishing 2 running jobs\(limit); once more to stop now")
      gate.open()
      session.wait(for: "the end, with stdin open") { session.hasEnded() }
      let result = session.finish()
      #expect(result.output == "1\n2\n")
      #expect(result.status == status)
      #expect(!result.errors.contains("begun 3"))
    }
  }

  @Test(arguments: zip([SIGINT, SIGTERM], [Int32(130), 143]))
  func theSecondStopsWhatRunsNow(signal: CInt, status: Int32) throws {
    let session = try Session(
      "exec prefork run -w 1 --stop-timeout 1h -- sh -c 'read -r job; echo begun >&2; exec sleep 300'")
    session.send("1\n2\n")
    session.waitForError("begun")
    session.signal(signal)
    session.waitForError("finishing 1 running job")
    session.signal(signal)
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().status == status)
  }

  /// The job stands unread in the pipe: it does not run, so it is not waited for.
  @Test func aJobThatALoadingWorkerHasNotReadIsNotWaitedFor() throws {
    let session = try Session("exec prefork run -w 1 -- workers/faulty/hangs_at_boot.sh")
    session.send("1\n2\n")
    session.wait(for: "the worker") { session.workers.count >= 1 }
    session.signal(SIGINT)
    session.wait(for: "the end") { session.hasEnded() }
    let result = session.finish()
    #expect(result.status == 130)
    #expect(result.output == "")
  }

  @Test func theThirdDoesNotWaitForAWorkerThatIgnoresSIGTERM() throws {
    let session = try Session(
      "exec prefork run -w 1 --stop-timeout 1h -- sh -c 'trap \"\" TERM; read -r job; echo begun >&2; sleep 300; sleep 300'"
    )
    session.send("1\n")
    session.waitForError("begun")
    session.signal(SIGINT)
    session.waitForError("finishing 1 running job")
    session.signal(SIGINT)
    session.wait(for: "SIGTERM's effect on the sleep of the worker") { session.workers.count == 1 }
    session.signal(SIGINT)
    session.wait(for: "the end") {
      session.signal(SIGINT)  // until it is taken as one of its own: two that are pending are one
      return session.hasEnded()
    }
    #expect(session.finish().status == 130)
  }

  @Test(arguments: zip([SIGINT, SIGTERM], [Int32(130), 143]))
  func whileNothingRunsItEndsAtOnce(signal: CInt, status: Int32) throws {
    let session = try Session("exec prefork run -w 2 --stop-timeout 1h -- cat")
    session.send("a\n")
    #expect(session.nextLine() == "a")
    session.signal(signal)
    session.wait(for: "the end, with stdin open") { session.hasEnded() }
    #expect(session.finish() == ShellResult(output: "a\n", status: status))
  }

  /// Input that is always at hand, and nothing in it that could be run: that must not make us deaf.
  @Test(arguments: [
    "exec prefork run -w 1 --max-job-size 1M -- cat </dev/zero",
    "yes aaaa | prefork run -w 1 -q --max-job-size 3 -- cat >/dev/null",
  ])
  func endlessInputWithoutAnyJobDoesNotMakeItDeaf(line: String) throws {
    let session = try Session(line)
    session.wait(for: "the workers") { processes(with: session.cookie, named: "cat").count == 1 }
    for prefork in processes(with: session.cookie, named: "prefork") { kill(prefork, SIGTERM) }
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().output == "")
  }

  @Test func workersDoNotSeeTheInterruptOfTheTerminal() throws {
    // The terminal signals its foreground group: ours, not that of the workers.
    try Self.withGate { gate in
      let session = try Session("exec prefork run -w 2 -- \(gate.worker)")
      session.send("1\n2\n")
      session.waitForError("begun 1")
      session.waitForError("begun 2")
      kill(-session.pid, SIGINT)
      session.waitForError("finishing 2 running jobs")
      gate.open()
      session.wait(for: "the end") { session.hasEnded() }
      #expect(session.finish().output == "1\n2\n")
    }
  }

  @Test func afterAKillOfPreforkTheWorkersGo() throws {
    let session = try Session("exec prefork run -w 3 -- workers/examples/upper.py")
    session.send("a\nb\nc\n")
    #expect((1...3).map { _ in session.nextLine() } == ["A", "B", "C"])
    session.signal(SIGKILL)
    session.wait(for: "its end") { session.hasEnded() }
    #expect(session.finish().status == 137)
  }

  @Test func afterAKillOfPreforkInFullFlightTheWorkersGo() throws {
    let session = try Session("exec prefork run -w 2 -- cat")
    session.send(String(repeating: "some job\n", count: 500_000))
    session.wait(for: "some replies") { session.outputBytes.count > 100_000 }
    session.signal(SIGKILL)
    session.wait(for: "its end") { session.hasEnded() }
    #expect(session.finish().status == 137)
  }

  @Test func hangupReplacesEveryWorkerAndLosesNoJob() throws {
    let session = try Session("exec prefork run -w 2 --lease-order fifo -- workers/faulty/env_report.sh")
    let before = Set(session.ask("pid", times: 6))
    #expect(before.count == 2)
    session.signal(SIGHUP)
    var now = before
    session.wait(for: "two other workers") {
      now = Set(session.ask("pid", times: 4))
      return now.count == 2 && now.isDisjoint(with: before)
    }
    #expect(session.finish().status == 0)
  }

  /// Lesson 16 (react_on_rails #2764): a roll onto a bad build must leave the old workers serving.
  @Test func lesson16AHangupOntoABadBuildKeepsTheOldWorkers() throws {
    try withFile("#!/bin/sh\nexec cat\n") { path in
      let session = try Session("chmod +x \(path); exec prefork run -w 2 --backoff 1ms..2ms -- \(path)")
      #expect(session.ask("a", times: 4) == ["a", "a", "a", "a"])
      _ = try shell("printf '#!/bin/sh\\nexit 1\\n' >\(path)")
      session.signal(SIGHUP)
      session.waitForError("the first replacement failed: the other workers go on serving")
      #expect(session.ask("b", times: 4) == ["b", "b", "b", "b"])
      #expect(session.workers.count >= 1)
      #expect(session.finish().status == 0)
    }
  }

  @Test func user1TellsTheState() throws {
    let session = try Session("exec prefork run -w 1 -- sh -c 'read -r job; echo begun >&2; exec sleep 300'")
    session.send("1\n2\n")
    session.waitForError("begun")
    session.signal(SIGUSR1)
    session.waitForError("0 jobs settled, 1 running, 1 waiting")
    session.waitForError("in job 1 for ")
    #expect(session.errorText.contains("1 worker serving, 0 starting, 0 waiting to be started again, 0 stopping"))
    #expect(session.errorText.contains("  slot 0: leased, pid \(session.workers[0]), age "), "\(session.errorText)")
    #expect(session.errorText.contains("B of memory, in job 1 for "), "\(session.errorText)")
    session.signal(SIGINT)
    session.waitForError("finishing 1")
    session.signal(SIGINT)
    #expect(session.finish().status == 130)
  }

  @Test func aStoppedWorkerRunsOutOfTimeAndIsGone() throws {
    let worker = "while read -r job; do case $job in stop) kill -STOP $$;; esac; echo $job; done"
    let result = try shell(
      "prefork run -w 1 -t 2s -- sh -c '\(worker)'", input: "a\nstop\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.errors.contains("1 timeout"), "\(result.errors)")
  }

  @Test func whatTheShellIgnoresOrBlocksIsNotPassedOn() throws {
    let result = try shell(
      """
      trap '' PIPE TERM USR2
      python3 -c '
      import os, signal
      signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD})
      os.execvp("prefork", ["prefork", "run", "-w", "1", "--", "workers/faulty/env_report.sh"])'
      """, input: "signals\n")
    let masks = result.output.dropLast().split(separator: " ").map {
      UInt64($0.drop { $0 != "=" }.dropFirst(), radix: 16)
    }
    #expect(masks.first == 0, "\(result.output)")
    // Bash itself ignores SIGQUIT.
    #expect(masks.last == 4, "\(result.output)")
  }
}

extension Session {
  /// Sends the same job so often, one after the other, and returns the replies.
  func ask(_ job: String, times: Int) -> [String] {
    (0..<times).map { _ in
      send(job + "\n")
      return nextLine() ?? ""
    }
  }
}
