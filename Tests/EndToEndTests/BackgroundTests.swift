import Glibc
import TestSupport
import Testing

/// Lesson 33 (corefx #25749, fish #6828): what a shell has a background job ignore stays ignored, and nohup means what
/// it says.
@Suite struct BackgroundTests {
  @Test(
    "a signal that was ignored at the start stays ignored, by every command; SIGTERM ends it all the same",
    arguments: [
      ("run -w 1 -- cat", "cat"), ("serve --listen unix:$(mktemp -u) -w 1 -- cat", "cat"),
      ("submit --reconnect 1s..1s unix:/nowhere/at/all", nil),
      ("check -t 300s --start-timeout 300s -- sh -c 'exec sleep 300'", "sleep"),
    ])
  func ignored(command: String, worker: String?) throws {
    let session = try Session("trap '' INT HUP QUIT; exec prefork \(command)")
    session.wait(for: "its worker") {
      guard let worker else { return session.errorText.contains("next try") }
      return processes(with: session.cookie, named: worker).count == 1
    }
    let before = session.workers
    for signal in [SIGINT, SIGHUP, SIGQUIT, SIGINT, SIGHUP, SIGQUIT] { session.signal(signal) }
    _ = pause(0.3)
    #expect(!session.hasEnded())
    #expect(session.workers == before)
    session.signal(SIGTERM)
    session.wait(for: "the end") { session.hasEnded() }
    let result = session.finish()
    #expect([0, 143].contains(result.status), "\(result)")
  }

  @Test("a script's background job goes on at ^C, as that of xargs does")
  func scriptsBackground() throws {
    let result = try shell(
      "(sleep 1; echo x) | prefork run -w 1 -- cat & sleep 0.7; trap '' INT; kill -INT 0; wait $!; echo status $?")
    #expect(result.output == "x\nstatus 0\n")
  }

  @Test("under nohup HUP replaces no worker")
  func nohup() throws {
    let session = try Session("exec nohup prefork run -w 1 -- workers/faulty/env_report.sh")
    let before = Set(session.ask("pid", times: 3))
    session.signal(SIGHUP)
    _ = pause(0.3)
    #expect(Set(session.ask("pid", times: 3)) == before)
    #expect(session.finish().status == 0)
  }

  // MARK: SIGTERM has a limit

  @Test("one SIGTERM ends a run whose jobs hang, after --drain-timeout; they are cancelled")
  func drainTimeout() throws {
    let worker = "sh -c 'read -r job; echo begun $job >&2; exec sleep 300'"
    let session = try Session("exec prefork run -w 2 --drain-timeout 600ms --output records -- \(worker)")
    session.send("1\n2\n3\n")
    session.waitForError("begun 1")
    session.waitForError("begun 2")
    let start = monotonicTime()
    session.signal(SIGTERM)
    session.wait(for: "the end") { session.hasEnded() }
    let took = monotonicTime() - start
    #expect(took > 550_000_000)
    let result = session.finish()
    #expect(result.status == 143)
    #expect(
      result.lines.count == 3 && result.lines.allSatisfy { $0.contains(#""outcome":"cancelled""#) }, "\(result.output)")
    #expect(
      result.errors.contains("SIGTERM: finishing 2 running jobs, at most 0.6 s (--drain-timeout); once more"),
      "\(result.errors)")
    #expect(result.errors.contains("2 running jobs given up after 0.6 s (--drain-timeout)"), "\(result.errors)")
  }

  @Test("a job that is done within the limit is delivered")
  func doneInTime() throws {
    try SignalTests.withGate { gate in
      let session = try Session("exec prefork run -w 1 --drain-timeout 60s -- \(gate.worker)")
      session.send("1\n2\n")
      session.waitForError("begun 1")
      session.signal(SIGTERM)
      session.waitForError("finishing 1 running job")
      gate.open()
      session.wait(for: "the end") { session.hasEnded() }
      #expect(session.finish().output == "1\n")
    }
  }

  @Test("SIGINT waits for its second, however long")
  func interrupt() throws {
    let session = try Session(
      "exec prefork run -w 1 --drain-timeout 100ms -- sh -c 'read -r j; echo begun >&2; exec sleep 300'")
    session.send("1\n")
    session.waitForError("begun")
    session.signal(SIGINT)
    session.waitForError("SIGINT: finishing 1 running job; once more to stop now")
    _ = pause(0.8)
    #expect(!session.hasEnded())
    session.signal(SIGINT)
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().status == 130)
  }

  /// It passes on what it is sent as it ends what runs for too long.
  @Test("timeout(1), which sends its signal twice, is no second request", arguments: 0..<3)
  func timeoutProgram(_: Int) throws {
    let worker = "sh -c 'read -r job; echo begun >&2; exec sleep 300'"
    let session = try Session("exec timeout 300 prefork run -w 1 --drain-timeout 1s -- \(worker)")
    session.send("1\n")
    session.waitForError("begun")
    let start = monotonicTime()
    session.signal(SIGTERM)
    session.wait(for: "the end") { session.hasEnded() }
    #expect(monotonicTime() - start > 900_000_000)
    let result = session.finish()
    #expect(result.status == 143)
    #expect(result.errors.contains("given up after 1.0 s (--drain-timeout)"), "\(result.errors)")
    #expect(!result.errors.contains("stopping now"), "\(result.errors)")
  }

  @Test("nor is it if a busy machine keeps timeout(1) from sending the second one at once")
  func lateTimeoutProgram() throws {
    let folder = try #require(makeTemporaryFolder())
    let program = folder + "/timeout"
    defer {
      unlink(program)
      rmdir(folder)
    }
    let text = """
      #!/bin/sh
      echo 1 | prefork run -w 1 --drain-timeout 2s -- sh -c 'read -r job; echo begun >&2; exec sleep 300' &
      read -r go
      kill -TERM $!; sleep 0.3; kill -TERM $!; wait $!
      """
    var result = ShellResult(output: "", status: 0)
    // A machine that stalls between the two signals may delay the second by more than a busy one does.
    let isOneRequest = try inOneOfFiveAttempts {
      let session = try Session("cat >\(program) <<'END'\n\(text)\nEND\nchmod +x \(program); exec \(program)")
      session.waitForError("begun")
      session.send("go\n")
      result = session.finish()
      #expect(result.status == 143)
      return result.errors.contains("given up after 2.0 s (--drain-timeout)") && !result.errors.contains("stopping now")
    }
    #expect(isOneRequest, "\(result.errors)")
  }

  @Test("a parent that repeats its signal at once makes one request, in each command")
  func repeatedByParent() throws {
    let run = try shell(
      "e=$(mktemp); echo 1 | prefork run -v -w 1 --drain-timeout 300ms -- sh -c 'read -r j; exec sleep 300' 2>$e & "
        + "p=$!; until grep -q started $e; do sleep 0.05; done; "
        + "kill -TERM $p $p $p; wait $p; echo status $?; cat $e; rm $e")
    #expect(run.output.contains("status 143") && !run.output.contains("stopping now"), "\(run.output)")
    let serve = try shell(
      "s=$(mktemp -u); e=$(mktemp); prefork serve -w 1 --listen unix:$s -- cat 2>$e & p=$!; "
        + "until grep -q listening $e; do sleep 0.05; done; kill -TERM $p $p; wait $p; echo status $?; cat $e >&2; rm $e"
    )
    #expect(serve.output == "status 0\n")
    #expect(serve.errors.contains("once more to stop now") && !serve.errors.contains("stopping now"), "\(serve.errors)")
  }

  @Test("submit gives up what the server does not answer in that time")
  func submit() throws {
    let server = try Server("-w 1 --drain-timeout 100ms", worker: "sort")
    let session = try Session("exec prefork submit --drain-timeout 500ms unix:\(server.socket)")
    session.send("1\n")
    server.wait(for: "its job") { try server.metric("prefork_jobs_pending{pool=\"default\",state=\"running\"}") == 1 }
    session.signal(SIGTERM)
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().status == 143)
    server.stop()
  }

  // MARK: Clocks

  private static let hasTimeNamespaces =
    (try? shell("unshare -T --boottime 2000000000 true 2>/dev/null"))?.status == 0

  @Test("metrics are served although the wall clock is before the boot", .enabled(if: hasTimeNamespaces))
  func wallClockBeforeBoot() throws {
    let result = try shell(
      "d=$(mktemp -d); unshare -T --boottime 2000000000 prefork serve -q --listen unix:$d/s -w 1 -- cat & "
        + "until [ -S $d/s.control ]; do sleep 0.02; done; prefork metrics $d/s | grep -c '^process_start_time_seconds '; "
        + "prefork stop $d/s; wait $!; echo $?; rm -r $d")
    #expect(result.output == "1\n0\n", "\(result)")
  }
}
