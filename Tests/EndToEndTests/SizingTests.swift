import Glibc
import Testing

/// How many workers there are: MIN..MAX, TTIN and TTOU.
@Suite struct SizingTests {
  static let slow = "sh -c 'while read -r job; do sleep 0.2; echo $job; done'"

  @Test func aVariablePoolGrowsWhileJobsWaitAndShrinksWhenIdle() throws {
    let session = try Session("exec prefork run -w 1..4 --idle-timeout 300ms -- \(Self.slow)")
    session.wait(for: "the one worker that is kept") { session.workers.count == 1 }
    session.send((1...40).map { "\($0)\n" }.joined())
    session.wait(for: "four workers") { session.workers.count == 4 }
    for number in 1...40 { #expect(session.nextLine() == "\(number)") }
    session.wait(for: "the idle ones to go") { session.workers.count == 1 }
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish() == ShellResult(output: session.outputText, status: 0))
  }

  @Test func aPoolMayBeEmptyUntilAJobComes() throws {
    let session = try Session("exec prefork run -w 0..2 --idle-timeout 200ms -- cat")
    #expect(session.ask("a", times: 1) == ["a"])
    session.wait(for: "an empty pool") { session.workers.isEmpty }
    #expect(session.ask("b", times: 1) == ["b"])
    #expect(session.finish() == ShellResult(output: "a\nb\n", status: 0))
  }

  /// Lesson 30 (pytest-xdist #1103, rayforce #610): as many workers as CPUs that we may use, not as there are.
  @Test func lesson30WithOneCPUThereIsOneWorker() throws {
    let cpu = "$(sed -n 's/^Cpus_allowed_list:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/self/status)"
    let result = try shell("seq 4 | taskset -c \(cpu) prefork run -v -- cat")
    #expect(result.lines == ["1", "2", "3", "4"])
    #expect(result.errors.split(separator: "\n").count { $0.hasSuffix(" started") } == 1, "\(result.errors)")
  }

  /// Work that one worker can do is left to one worker.
  @Test func aPoolThatKeepsUpDoesNotGrow() throws {
    let session = try Session("exec prefork run -v -w 1..8 -- cat")
    #expect(session.ask("a", times: 6).count == 6)
    let result = session.finish()
    #expect(result.errors.contains(" 1 worker start"), "\(result.errors)")
  }

  @Test func signalsChangeTheSize() throws {
    let session = try Session("exec prefork run -w 2 -- \(Self.slow)")
    session.wait(for: "two workers") { session.workers.count == 2 }
    session.signal(SIGTTIN)
    session.waitForError("the pool now keeps 3 workers")
    session.wait(for: "three workers") { session.workers.count == 3 }
    session.signal(SIGTTOU)
    session.waitForError("the pool now keeps 2 workers")
    session.wait(for: "two workers") { session.workers.count == 2 }
    for expected in ["1 worker\n", "1 worker\n"] {
      session.signal(SIGTTOU)
      session.waitForError("the pool now keeps \(expected)")
    }
    session.wait(for: "one worker") { session.workers.count == 1 }
    #expect(session.ask("a", times: 1) == ["a"])
    #expect(session.finish().status == 0)
  }

  @Test func aVariablePoolStaysVariableWhereverSignalsTakeIt() throws {
    let session = try Session("exec prefork run -w 2..3 --idle-timeout 0 -- \(Self.slow)")
    session.wait(for: "two workers") { session.workers.count == 2 }
    for (signal, size) in [
      (SIGTTOU, "2 workers"), (SIGTTOU, "1 worker"), (SIGTTIN, "2 workers"), (SIGTTIN, "2 to 3 workers"),
    ] {
      session.signal(signal)
      session.wait(for: size) { session.errorText.hasSuffix("the pool now keeps \(size)\n") }
    }
    #expect(session.finish().status == 0)
  }

  /// Lesson 17 (uwsgi #1291): scaling down never kills a busy worker.
  @Test func lesson17ABusyWorkerIsNotShrunkAway() throws {
    let session = try Session(
      "exec prefork run -w 3 -- sh -c 'while read -r j; do echo begun $j >&2; sleep 0.7; echo $j; done'")
    session.send("1\n2\n3\n")
    for job in 1...3 { session.waitForError("begun \(job)") }
    session.signal(SIGTTOU)
    session.waitForError("keeps 2 workers")
    session.signal(SIGTTOU)
    session.waitForError("keeps 1 worker\n")
    for job in 1...3 { #expect(session.nextLine() == "\(job)") }
    session.wait(for: "one worker") { session.workers.count == 1 }
    #expect(session.finish().status == 0)
  }

  @Test func aLargePoolIsNotStartedAllAtOnce() throws {
    // Each worker notes how many others are loading at the same moment.
    let session = try Session(
      "d=$(mktemp -d); prefork run -w 40 --max-starting 4 --ready line -- "
        + "sh -c \"touch $d/\\$\\$; ls $d | wc -l >&2; sleep 0.05; rm $d/\\$\\$; echo ready; exec cat\"; rm -r $d")
    session.wait(for: "all of them to have started") {
      session.errorText.split(separator: "\n").count == 40
    }
    let loading = session.errorText.split(separator: "\n").compactMap { Int($0.split(separator: " ").last ?? "") }
    #expect(loading.count == 40)
    #expect(loading.max() ?? 99 <= 4, "\(loading)")
    #expect(session.finish().status == 0)
  }
}
