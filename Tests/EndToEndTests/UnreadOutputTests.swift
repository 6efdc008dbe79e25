import Glibc
import TestSupport
import Testing

/// Readers that hang. The pipe of another program must not hold up answers or the end of a run.
@Suite struct UnreadOutputTests {
  /// A worker that says much more on stderr than a pipe and our buffers hold.
  private static let chatty =
    "sh -c 'while read -r j; do head -c 20000 /dev/zero | tr \"\\0\" x >&2; echo >&2; echo $j; done'"

  /// A FIFO in a folder of its own with a reader that never reads: opened for both, so that it is there before the
  /// writer.
  private func withDeafFIFO<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
    let folder = try #require(makeTemporaryFolder())
    let path = folder + "/fifo"
    #expect(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    defer {
      close(reader)
      unlink(path)
      rmdir(folder)
    }
    return try body(path)
  }

  @Test("workers' logs that are not read stop no answer; the run ends", arguments: ["2>", "--stderr "])
  func run(destination: String) throws {
    try withDeafFIFO { path in
      let options = destination == "2>" ? "" : "--stderr \(path)"
      let redirection = destination == "2>" ? "2>\(path)" : ""
      let session = try Session("exec prefork run -w 2 \(options) -- \(Self.chatty) \(redirection)")
      session.send((1...100).map { "\($0)\n" }.joined())
      session.closeInput()
      session.wait(for: "the end") { session.hasEnded() }
      let result = session.finish()
      #expect(result.output == (1...100).map { "\($0)\n" }.joined())
      #expect(result.status == 0)
    }
  }

  @Test("when the reader wakes up it reads how much it has missed")
  func counted() throws {
    try SignalTests.withGate { gate in
      let reader = "{ until [ -e \(gate.path) ]; do sleep 0.02; done; cat; }"
      try withFile("") { results in
        let session = try Session("exec prefork run -w 2 -- \(Self.chatty) 2>&1 >\(results) | \(reader)")
        session.send((1...100).map { "\($0)\n" }.joined())
        session.wait(for: "all answers") { (try? contents(of: results).hasSuffix("\n100\n")) == true }
        gate.open()
        session.wait(for: "the reader") {
          session.outputText.contains(" lines of workers' logs were dropped because stderr is not read")
        }
        #expect(session.finish().status == 0)
      }
    }
  }

  @Test("serve answers, and ends with the first TERM although its log is not read")
  func serve() throws {
    try withDeafFIFO { path in
      let folder = try #require(makeTemporaryFolder())
      defer { rmdir(folder) }
      let session = try Session(
        "exec prefork serve -v --max-jobs 1 -w 2 --drain-timeout 1h --listen unix:\(folder)/s -- \(Self.chatty) 2>\(path)"
      )
      session.wait(for: "the socket") { access(folder + "/s", F_OK) == 0 }
      let client = try Client(unix: folder + "/s")
      client.send((1...100).map { "\($0)\n" }.joined())
      for number in 1...100 { #expect(client.next() == "\(number)") }
      client.close()
      session.signal(SIGTERM)
      session.wait(for: "the end") { session.hasEnded() }
      #expect(session.finish().status == 0)
    }
  }

  @Test(
    "results that are not read: SIGTERM ends the run after --drain-timeout, the second signal at once",
    arguments: [1, 2])
  func stdout(signals: Int) throws {
    let session = try Session("exec prefork run -w 1 --drain-timeout \(signals == 1 ? "700ms" : "1h") -- cat")
    session.send((1...3).map { _ in String(repeating: "x", count: 100_000) + "\n" }.joined())
    session.wait(for: "the results", whileReading: false) { session.unsentCount == 0 }
    session.wait(for: "a full pipe", whileReading: false) { pause(0.3) }
    let start = monotonicTime()
    session.signal(SIGTERM)
    if signals == 2 {
      // It has taken the first when it has stopped its worker.
      session.wait(for: "the end of the worker", whileReading: false) { session.workers.isEmpty }
      session.signal(SIGTERM)
    }
    session.wait(for: "the end", whileReading: false) { session.hasEnded() }
    if signals == 1 { #expect(monotonicTime() - start > 600_000_000) }
    let result = session.finish()
    #expect(result.status == 143)
    #expect(
      result.errors.contains(" bytes of results lost: the reader of stdout did not take all"), "\(result.errors)")
  }

  @Test(
    "a FIFO of ours that is not read does not outlast --drain-timeout",
    arguments: ["--trace", "--joblog", "--dead-letter"])
  func file(option: String) throws {
    try withDeafFIFO { path in
      let session = try Session(
        "exec prefork run -w 1 --drain-timeout 500ms --max-job-size 5 \(option) \(path) -- cat >/dev/null")
      session.send((1...20_000).map { $0 % 2 == 0 ? "\($0)\n" : "too long a job\n" }.joined())
      session.wait(for: "a full FIFO") { pause(1.5) }
      session.signal(SIGTERM)
      session.wait(for: "the end") { session.hasEnded() }
      #expect(session.finish().status == 143)
    }
  }
}
