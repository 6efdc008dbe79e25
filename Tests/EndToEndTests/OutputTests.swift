import Glibc
import Testing

/// stdout and stderr, whatever they are.
@Suite struct OutputTests {
  @Test func appendingKeepsWhatIsThere() throws {
    try withFile("old\n") { path in
      let result = try shell("seq 3 | prefork run -w 2 -- cat >>\(path)")
      #expect(result.status == 0)
      #expect(try contents(of: path) == "old\n1\n2\n3\n")
    }
  }

  @Test func whatWritesBeforeAndAfterUsKeepsItsPlace() throws {
    try withFile("") { path in
      _ = try shell("{ echo head; seq 3 | prefork run -w 2 -- cat; echo tail; } >\(path)")
      #expect(try contents(of: path) == "head\n1\n2\n3\ntail\n")
    }
  }

  @Test func aFullDiskIsStatus74() throws {
    let result = try shell("seq 1000 | prefork run -w 2 -- cat >/dev/full")
    #expect(result.status == 74)
    #expect(result.errors.contains("cannot write stdout: "), "\(result.errors)")
    #expect(result.errors.contains("No space left on device"), "\(result.errors)")
  }

  @Test func aFullDiskEndsAnEndlessRun() throws {
    let result = try shell("yes | prefork run -w 2 -- cat >/dev/full")
    #expect(result.status == 74)
  }

  @Test func aClosedStdoutIsStatus74() throws {
    let result = try shell("echo a | prefork run -w 2 -- cat >&-")
    #expect(result.status == 74)
    #expect(result.errors.contains("stdout is closed"), "\(result.errors)")
  }

  @Test func aReadOnlyStdoutIsStatus74() throws {
    let result = try shell("echo a | prefork run -w 2 -- cat 1</dev/null")
    #expect(result.status == 74)
  }

  @Test func devNullTakesEverything() throws {
    #expect(try shell("seq 1000 | prefork run -w 2 -- cat >/dev/null").status == 0)
  }

  @Test(arguments: ["2>&-", "2>/dev/full", "2</dev/null"])
  func aStderrThatCannotBeWrittenStopsNothing(redirection: String) throws {
    let result = try shell("prefork run -w 2 -- workers/faulty/noisy_stderr.py \(redirection)", input: "many 2000\nx\n")
    #expect(result == ShellResult(output: "many 2000\nx\n", status: 0))
  }

  @Test func aStderrWhoseReaderHasGoneStopsNothing() throws {
    let result = try shell(
      "prefork run -w 2 -- workers/faulty/noisy_stderr.py 3>&1 2>&1 >&3 | cat", input: "many 2000\nx\n")
    #expect(result.lines.contains("many 2000"))
    let gone = try shell(
      "{ prefork run -w 2 -- workers/faulty/noisy_stderr.py 2>&1 >&3 3>&- | head -n 1 >/dev/null; } 3>&1",
      input: "many 20000\nx\n")
    #expect(gone.output == "many 20000\nx\n")
  }

  /// Nobody reads stderr for a while: the worker waits, and nothing is lost or kept in memory.
  @Test func aSlowReaderOfStderrHoldsTheWorkerBack() throws {
    let session = try Session(
      "exec 3>&1; { prefork run -w 1 -- workers/faulty/noisy_stderr.py; echo status $? >&2; } 2>&1 >&3 3>&- | "
        + "{ read -r first; echo seen >&3; sleep 0.2; cat >&2; }")
    session.send("many 60000\nx\n")
    #expect(session.nextLine() == "seen")
    let result = session.finish()
    #expect(result.lines == ["seen", "many 60000", "x"])
    #expect(result.errors.hasSuffix("worker 0: working on x\nstatus 0\n"))
    #expect(result.errors.split(separator: "\n").count == 59_999 + 2)
  }

  @Test func aSlowReaderOfStdoutGetsEverything() throws {
    let result = try shell("seq -f %080.0f 40000 | prefork run -w 2 -- cat | { sleep 0.5; cat; }")
    #expect(firstDifference(result.lines) { String(repeating: "0", count: 80 - "\($0)".count) + "\($0)" } == nil)
    #expect(result.lines.count == 40_000)
  }

  /// Results are at the reader when the loop rests, not when a block is full.
  @Test func aResultIsNotHeldBackInABuffer() throws {
    let session = try Session("exec prefork run -w 2 -- cat")
    session.send("one\n")
    #expect(session.nextLine() == "one")
    #expect(session.finish().status == 0)
  }
}
