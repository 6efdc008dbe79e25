import Testing

/// Nobody is handed a worker that has not proved that it is ready, if it was told how.
@Suite struct ReadinessTests {
  static let script = "workers/faulty/notify_script.py"

  /// Lesson 2 (roadrunner #737): readiness is proved.
  @Test(arguments: ["READY=1", "child:READY=1", "orphan:READY=1"])
  func lesson2AJobIsGivenOnlyToAWorkerThatHasSaidReady(_ notification: String) throws {
    let result = try shell(
      "printf 'a\\nb\\n' | prefork run -v -w 1 --ready notify -- \(Self.script) sleep=0.3 '\(notification)'")
    #expect(result.output == "a\nb\n", "\(result.errors)")
    #expect(result.status == 0)
  }

  /// A program written for systemd's Type=notify works unchanged. systemd-notify waits until we have taken what it said
  /// (sd_notify_barrier(3)): it would wait 5 s for one who does not close the descriptor that it sends.
  @Test(.enabled(if: isInstalled("systemd-notify")))
  func aShellScriptCanUseSystemdNotify() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --start-timeout 4500ms --ready notify -- sh -c 'systemd-notify --ready; exec cat'")
    #expect(result.output == "a\n", "\(result.errors)")
    #expect(result.status == 0)
  }

  @Test func aWorkerThatNeverSaysReadyHasFailedToStart() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --ready notify --start-timeout 5s --restart-budget 1/10s -- \(Self.script) "
        + "'STATUS=loading shard 3 of 9'")
    #expect(result.status == 69)
    #expect(result.output == "")
    #expect(result.errors.contains("was not ready within 5.0 s (--start-timeout)"), "\(result.errors)")
    #expect(result.errors.contains("its last status: \"loading shard 3 of 9\""), "\(result.errors)")
  }

  @Test func aWorkerCanAskForMoreTimeToStart() throws {
    let line = "echo a | prefork run -w 1 --ready notify --start-timeout 4s --restart-budget 1/10s -- "
    let long = try shell(line + "\(Self.script) EXTEND_TIMEOUT_USEC=60000000 sleep=4.5 READY=1")
    #expect(long.output == "a\n", "\(long.errors)")
    let tooLong = try shell(line + "\(Self.script) EXTEND_TIMEOUT_USEC=4200000 sleep=99 READY=1")
    #expect(tooLong.status == 69, "\(tooLong.errors)")
  }

  @Test func aWorkerThatDiesBeforeItIsReadyHasFailedToStart() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --ready notify --restart-budget 2/10s -- \(Self.script) sleep=0.1 exit=3")
    #expect(result.status == 69)
    #expect(result.errors.contains("exited with status 3 before it took a job"), "\(result.errors)")
  }

  /// It has not started, ready or not: the run must end, and must not start it as fast as it can, for ever.
  @Test(arguments: [
    (
      "--ready notify -- workers/faulty/notify_script.py READY=1 exit=0",
      "exited normally (status 0) before it took a job"
    ),
    ("--ready notify -- workers/faulty/notify_script.py READY=1 exit=3", "exited with status 3 before it took a job"),
    ("--ready line -- sh -c 'echo ready; exec <&-; exec sleep 300'", "closed its stdin but lives on"),
    (
      "--ready notify -- workers/faulty/notify_script.py \"$(printf 'READY=1\\nWATCHDOG=trigger')\"",
      "sent WATCHDOG=trigger"
    ),
  ])
  func aWorkerThatSaysReadyAndNeverTakesAJobHasFailedToStart(_ worker: String, _ says: String) throws {
    let result = try shell("printf 'a\\nb\\n' | prefork run -w 1 --stop-timeout 1s --restart-budget 2/10s \(worker)")
    #expect(result.status == 69 || result.status == 76)
    #expect(result.output == "")
    #expect(result.errors.contains(says), "\(result.errors)")
    #expect(result.errors.contains("no worker could be started: 2 failed starts"), "\(result.errors)")
  }

  /// The start clock is not the run clock (workerpool #508).
  @Test func lesson20WhatAWorkerNeedsToBeReadyIsNotChargedToAJob() throws {
    let result = try shell("echo a | prefork run -w 1 -t 3s --ready notify -- \(Self.script) sleep=4 READY=1")
    #expect(result.output == "a\n", "\(result.errors)")
  }

  @Test func aFirstLineCanBeTheSign() throws {
    let any = try shell("echo a | prefork run -w 1 --ready line -- sh -c 'echo hello; exec cat'")
    #expect(any.output == "a\n", "\(any.errors)")
    let banner = try shell(
      "echo a | prefork run -w 1 --ready line=READY -- sh -c 'echo version 2; echo; echo READY in 3 ms; exec cat'")
    #expect(banner.output == "a\n", "\(banner.errors)")
    let nul = try shell(
      "printf 'a\\0' | prefork run -w 1 --protocol nul --input nul --ready line=READY -- sh -c 'printf \"READY\\0\"; exec cat'"
    )
    #expect(nul.output == "a\n", "\(nul.errors)")
  }

  @Test func aWorkerThatNeverSaysItsLineHasFailedToStart() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --ready line=READY --start-timeout 300ms --restart-budget 2/10s -- "
        + "sh -c 'echo welcome; exec cat'")
    #expect(result.status == 69)
    #expect(result.errors.contains("was not ready within 0.3 s"), "\(result.errors)")
  }

  @Test func whatComesBehindTheLineIsUnasked() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --ready line --restart-budget 2/10s -- sh -c 'printf \"hello\\nworld\\n\"; exec cat'")
    #expect(result.status == 76)
    #expect(result.errors.contains("wrote to its stdout without a job: \"world\\n\""), "\(result.errors)")
  }

  @Test func anAnsweredProbeCanBeTheSign() throws {
    let good = try shell("echo a | prefork run -w 1 --ready probe --probe ping=pong -- workers/faulty/sick_probe.py")
    #expect(good.output == "a\n", "\(good.errors)")
    let bad = try shell("echo a | prefork run -w 1 --probe ping=pong --restart-budget 2/10s -- cat")
    #expect(bad.status == 69)
    #expect(bad.errors.contains("failed its probe: answered \"ping\" instead of \"pong\""), "\(bad.errors)")
  }

  /// Lesson 25 (mod_fcgid): an exit while idle is normal.
  @Test func lesson25AWorkerThatLeavesWhileIdleIsReplacedWithoutAWord() throws {
    let session = try Session(
      "exec prefork run -w 1 --ready notify -- sh -c 'systemd-notify --ready; read -r job; echo $$'")
    let first = session.ask("a", times: 1)
    #expect(session.ask("b", times: 1) != first)
    #expect(session.finish() == ShellResult(output: session.outputText, status: 0))
  }

  @Test func aWorkerThatSaysThatItStopsGetsNoFurtherJob() throws {
    let session = try Session("exec prefork run -w 1 --surge 0 --ready notify -- \(Self.script) READY=1")
    #expect(session.ask("a", times: 1) == ["a"])
    let first = session.workers
    #expect(session.ask("STOPPING=1", times: 1) == ["STOPPING=1"])
    session.wait(for: "another worker") { session.workers != first && session.workers.count == 1 }
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish().status == 0)
  }

  // MARK: Watchdog

  @Test func aWorkerThatGoesOnSayingThatItLivesLives() throws {
    let session = try Session(
      "exec prefork run -w 1 --ready notify --worker-watchdog 4s -- \(Self.script) READY=1")
    for _ in 0..<6 {
      #expect(session.ask("sleep=1", times: 1) == ["sleep=1"])
      #expect(session.ask("WATCHDOG=1", times: 1) == ["WATCHDOG=1"])
    }
    #expect(session.finish() == ShellResult(output: session.outputText, status: 0))
  }

  /// Lesson 12 (pebble #129): whoever hangs is stopped.
  @Test func lesson12AWorkerThatIsNotHeardOfIsReplacedAndItsJobSettled() throws {
    let result = try shell(
      "printf 'a\\nhang\\nb\\n' | prefork run -w 1 --stop-timeout 1s --ready notify --worker-watchdog 3s -- "
        + "\(Self.script) READY=1")
    #expect(result.output == "a\n\nb\n", "\(result.errors)")
    #expect(result.status == 1)
    #expect(result.errors.contains("has not sent WATCHDOG=1 for 3.0 s (--worker-watchdog)"), "\(result.errors)")
    #expect(result.errors.contains("into job 2"), "\(result.errors)")
    #expect(result.errors.contains("1 crashed"), "\(result.errors)")
  }

  @Test func aWorkerThatSaysThatItIsLostIsReplacedWhateverItsLimit() throws {
    let result = try shell(
      "printf 'WATCHDOG=trigger\\na\\n' | prefork run -w 1 -r 1 --ready notify --worker-watchdog 1m -- "
        + "\(Self.script) READY=1")
    #expect(result.lines.last == "a", "\(result.errors)")
    #expect(result.errors.contains(" sent WATCHDOG=trigger"), "\(result.errors)")
    #expect(!result.errors.contains("has not said"), "\(result.errors)")
  }

  @Test func withoutReadyTheWatchdogBeginsWithTheFirstReply() throws {
    let session = try Session("exec prefork run -w 1 --worker-watchdog 3s -- sh -c 'sleep 4; exec cat'")
    #expect(session.ask("a", times: 1) == ["a"], "while it loads it is not expected to speak")
    #expect(!session.errorText.contains("WATCHDOG"))
    session.waitForError("has not sent WATCHDOG=1 for 3.0 s")
    #expect(session.finish().status == 0)
  }

  @Test func anIdleWorkerThatIsNotHeardOfIsReplaced() throws {
    let session = try Session(
      "exec prefork run -w 1 --ready notify --worker-watchdog 3s -- \(Self.script) READY=1")
    session.wait(for: "a worker") { session.workers.count == 1 }
    session.waitForError("has not sent WATCHDOG=1")
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish().status == 0)
  }
}
