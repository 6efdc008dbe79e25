import Glibc
import Testing

/// The answer of a job that was run reaches its client, however the connection ends; or the server reports that it did
/// not.
@Suite struct ServeDeliveryTests {
  /// Leaves a line for each job that it runs, and answers with 2 KB.
  private static let talkative = #"""
    python3 -uc 'import os, sys
    seen = open(os.environ["DIR"] + "/seen", "a", buffering=1)
    for job in sys.stdin:
        seen.write(job)
        print(job.strip(), "x" * 2000, flush=True)'
    """#

  private func server(_ listen: String, _ options: String = "") throws -> (server: Server, address: String) {
    let server = try Server("-w 2 --client-jobs 2000 \(options)", worker: Self.talkative, listen: "--listen \(listen)")
    return (server, listen.hasPrefix("tcp:") ? "tcp:127.0.0.1:\(server.port)" : "unix:\(server.socket)")
  }

  @Test(
    "a slow reader that never stops sending gets the answer of each job that was run",
    arguments: [
      ("tcp:127.0.0.1:0 --control unix:$DIR/c", "TERM"), ("unix:$DIR/s", "TERM"), ("unix:$DIR/s", "drain"),
    ])
  func slowReader(listen: String, how: String) throws {
    let (server, address) = try server(listen)
    let client = try Session("exec python3 Tests/EndToEndTests/slow_client.py \(address)")
    #expect(client.nextLine() == "reading")
    _ = pause(0.5)
    if how == "TERM" { server.session.signal(SIGTERM) } else { #expect(try server.control("drain").status == 0) }
    let answered = try #require(client.nextLine())
    let result = server.finish()
    #expect(result.status == 0, "\(result.errors)")
    #expect(answered == "\(server.lines(of: "seen").count) in order closed")
    _ = client.finish(sweeping: true)
  }

  @Test("answers that a client does not read in time are counted, its name is reported, and the status is 1")
  func neverRead() throws {
    let (server, _) = try server("tcp:127.0.0.1:0", "--drain-timeout 500ms")
    let client = try Client(port: server.port)
    _ = client.sendWithoutReading(Array((0..<20_000).map { "\($0)\n" }.joined().utf8))
    var before = 0
    // What it does not read keeps the rest from being run.
    server.session.wait(for: "the server to be held back") {
      let count = server.lines(of: "seen").count
      defer { before = count }
      _ = pause(0.5)
      return count > 0 && count == before
    }
    server.session.signal(SIGTERM)
    let result = server.finish()
    #expect(result.status == 1)
    #expect(result.errors.contains("connection 1 (tcp:127.0.0.1:"), "\(result.errors)")
    #expect(result.errors.contains(") did not read about "), "\(result.errors)")
    #expect(result.errors.contains("1 connection did not read its answers in time (--drain-timeout): about "))
    // Those that its side of the connection had received are not among them.
    let reported = try #require(result.errors.firstMatch(of: /about ([0-9]+) answers not delivered/)).1
    #expect(try #require(Int(reported)) < server.lines(of: "seen").count, "\(result.errors)")
    // What it can still read is less than what was run.
    let read = client.rest().split(separator: "\n").count
    #expect(read < server.lines(of: "seen").count)
  }

  @Test("a small answer that a client has not read keeps the server for --drain-timeout, and is reported")
  func oneUnread() throws {
    let server = try Server("-w 1 --drain-timeout 500ms")
    let client = try server.connect()
    client.send("x\n")
    server.wait(for: "the answer") { try server.metric(#"prefork_jobs_total{pool="default",outcome="ok"}"#) == 1 }
    let other = try server.connect()
    other.send("y\n")
    #expect(other.next() == "y")
    server.session.signal(SIGTERM)
    let result = server.finish()
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.errors.contains("did not read about 1 answer ("), "\(result.errors)")
    #expect(result.errors.contains("1 connection did not read its answers"), "\(result.errors)")
  }

  @Test("the empty answer to a job that was given up is not counted as one that was not delivered")
  func givenUp() throws {
    let server = try Server("-w 1 --stop-timeout 200ms", worker: ServeFairnessTests.gated)
    let client = try server.connect()
    client.send("1\n2\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    server.session.signal(SIGTERM)
    server.session.waitForError("once more to stop now")
    server.session.signal(SIGTERM)
    let result = server.finish()
    #expect(result.status == 1)
    #expect(result.errors.contains("SIGTERM: stopping now; 2 jobs given up"), "\(result.errors)")
    #expect(!result.errors.contains("did not read"), "\(result.errors)")
  }

  @Test("to a client that reads, a stop from control answers what it gives up")
  func stopped() throws {
    let server = try Server("-w 1", worker: ServeFairnessTests.gated)
    let client = try server.connect()
    client.send("1\n2\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    #expect(try server.control("stop").status == 0)
    #expect(client.rest() == "\n\n")
    let result = server.finish()
    #expect(result.status == 1)
    let reason = "prefork: control (uid \(getuid())): stopping now, giving up 2 jobs\n"
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test("one whose connection was idle for too long, and that sends just then, is not reset")
  func idle() throws {
    let server = try Server("-w 1 --idle-connection-timeout 1s", listen: "--listen tcp:127.0.0.1:0")
    let client = try Client(port: server.port)
    client.send("x\n")
    #expect(client.next() == "x")
    server.session.wait(for: "the end") {
      client.send("late\n")
      _ = pause(1.05)
      return client.isSilent(for: 0) == false
    }
    client.close()
    #expect(server.stop().status == 0)
  }
}
