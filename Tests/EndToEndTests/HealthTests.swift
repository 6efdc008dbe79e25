import Testing

/// Probes and resets on real workers.
@Suite struct HealthTests {
  static let probed = "workers/faulty/sick_probe.py"
  static let reset = "workers/faulty/sick_reset.py"

  @Test func anIdleWorkerThatIsSickIsReplacedAtItsNextProbe() throws {
    let session = try Session("exec prefork run -w 1 --probe ping=pong --probe-interval 100ms -- \(Self.probed)")
    #expect(session.ask("sick", times: 1) == ["sick"])
    session.waitForError("failed its probe: answered \"ouch\" instead of \"pong\" (after 1 job)")
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish().status == 0)
  }

  @Test func anIdleWorkerThatDoesNotAnswerIsReplacedAfterTheProbeTimeout() throws {
    let session = try Session(
      "exec prefork run -w 1 --probe ping=pong --probe-interval 100ms --probe-timeout 2s -- \(Self.probed)")
    #expect(session.ask("mute", times: 1) == ["mute"])
    session.waitForError("failed its probe: no answer within 2.0 s")
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish().status == 0)
  }

  @Test func healthyWorkersAreProbedForEverWithoutAWord() throws {
    let session = try Session("exec prefork run -w 2 --probe ping=pong --probe-interval 20ms -- \(Self.probed)")
    session.wait(for: "two workers") { session.workers.count == 2 }
    let workers = session.workers
    for _ in 0..<20 { #expect(session.ask("a", times: 1) == ["a"]) }
    #expect(session.workers == workers)
    #expect(session.finish() == ShellResult(output: session.outputText, status: 0))
  }

  @Test func aProbeWithoutAReplyTakesAny() throws {
    let result = try shell("echo a | prefork run -w 1 --probe hello -- cat")
    #expect(result == ShellResult(output: "a\n", status: 0))
  }

  /// A job never waits for a sick worker longer than the probe timeout, and goes to the next one.
  @Test(arguments: ["sick", "mute"])
  func aProbeBeforeTheLeaseSparesTheJobASickWorker(_ illness: String) throws {
    let session = try Session(
      "exec prefork run -w 1 --probe ping=pong --probe-before-lease --probe-timeout 2s -- \(Self.probed)")
    #expect(session.ask(illness, times: 1) == [illness])
    let first = session.workers
    // Used within the last 500 ms, it would not be probed.
    session.wait(for: "a little more") { pause(0.75) }
    #expect(session.ask("a", times: 1) == ["a"])
    session.wait(for: "another worker") { session.workers != first }
    #expect(session.errorText.contains("failed its probe"))
    #expect(session.finish().status == 0)
  }

  @Test func theNextJobNeverSeesTheLastOnesState() throws {
    let result = try shell("yes x | head -n 200 | prefork run -w 2 --reset reset=ok -- \(Self.reset)")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.lines.count == 200)
    #expect(result.lines.allSatisfy { $0.hasSuffix(" remembers 0") })
    #expect(Set(result.lines).count <= 2)
    let without = try shell("yes x | head -n 200 | prefork run -w 2 -- \(Self.reset)")
    #expect(!without.lines.allSatisfy { $0.hasSuffix(" remembers 0") })
  }

  @Test func theStateLeakIsClosed() throws {
    let result = try shell("printf 'a\\nb\\nc\\n' | prefork run -w 1 --reset reset=ok -- workers/faulty/state_leak.py")
    #expect(result == ShellResult(output: "nothing\nnothing\nnothing\n", status: 0))
  }

  /// Lesson 4 (roadrunner #1669): no worker is stuck in its reset.
  @Test(arguments: [
    ("fail", "failed its reset: answered \"cannot\" instead of \"ok\""),
    ("stall", "failed its reset: no answer within 2.0 s"),
  ])
  func lesson4AWorkerWhoseResetFailsOrNeverEndsIsReplaced(_ job: String, _ says: String) throws {
    let result = try shell(
      "printf 'a\\n\(job)\\nb\\n' | prefork run -w 1 --probe-timeout 2s --reset reset=ok -- \(Self.reset)")
    #expect(result.status == 0)
    #expect(result.lines.count == 3)
    #expect(result.lines.allSatisfy { $0.hasSuffix(" remembers 0") }, "\(result.output)")
    #expect(result.lines[1] != result.lines[2])
    #expect(result.errors.contains(says), "\(result.errors)")
  }

  /// Lesson 3 (roadrunner #1180): a reset and an exit at the same time hold nothing up.
  @Test func lesson3AWorkerThatEndsInsteadOfResettingIsReplaced() throws {
    let result = try shell(
      "seq 40 | prefork run -w 2 --reset reset=ok -- sh -c 'read -r job; echo $job; read -r reset'")
    #expect(result.output == (1...40).map { "\($0)\n" }.joined(), "\(result.errors)")
    #expect(result.status == 0)
  }

  @Test func probesWorkInEveryFraming() throws {
    let worker = "workers/examples/document_stats_length4.py"
    let result = try shell("echo a b c | prefork run -w 1 --protocol length4 --probe x --reset y -- \(worker)")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines.count == 1)
  }
}
