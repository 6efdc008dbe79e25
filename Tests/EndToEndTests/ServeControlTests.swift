import Glibc
import Testing

/// The commands of control against a real `prefork serve`, and workers that fail it.
@Suite struct ServeControlTests {
  private static let gated = ServeFairnessTests.gated

  @Test("status, scale, recycle, jobs, cancel and metrics do what they say")
  func commands() throws {
    let server = try Server("-w 1 --input records --output records", worker: Self.gated)
    let client = try server.connect()
    client.send((1...4).map { #"{"id":\#($0),"job":"job \#($0)"}"# + "\n" }.joined())
    server.wait(for: "the first") { server.lines(of: "seen") == ["job 1"] }
    server.wait(for: "all") { try server.control("status").output.contains("4 came in") }
    let listed = try server.control("jobs", "--json")
    #expect(listed.output.contains(#""job":1,"state":"running","connection":1"#), "\(listed.output)")
    #expect(listed.output.contains(#""job":4,"state":"queued""#) && listed.output.contains("job 4"))
    // Queued, running, and not there.
    #expect(try server.control("cancel", "3").status == 0)
    #expect(client.next()?.contains(#""id":3,"seq":3,"outcome":"cancelled""#) == true)
    #expect(try server.control("cancel", "1").status == 0)
    #expect(client.next()?.contains(#""id":1,"seq":1,"outcome":"cancelled""#) == true)
    #expect(try server.control("cancel", "77").errors == "prefork: there is no job 77, or it has ended\n")
    server.touch("go")
    #expect(client.next(2).allSatisfy { $0.contains(#""outcome":"ok""#) })
    #expect(server.lines(of: "seen") == ["job 1", "job 2", "job 4"])

    #expect(try server.control("scale", "3").status == 0)
    server.wait(for: "three workers") { server.session.workers.count == 3 }
    let before = Set(server.session.workers)
    #expect(try server.control("recycle", "1").status == 0)
    server.wait(for: "one new worker") {
      let workers = Set(server.session.workers)
      return workers.count == 3 && workers.subtracting(before).count == 1
    }
    #expect(try server.control("recycle", "9").errors == "prefork: there is no slot 9\n")
    #expect(try server.control("scale", "0..2").status == 0)
    #expect(try server.control("scale", "0").status == 64)
    let status = try server.control("status", "--json")
    for member in [#""phase":"serving""#, #""ok":2"#, #""cancelled":2"#, #""connections":1"#, #""maximum":2"#] {
      #expect(status.output.contains(member), "\(status.output)")
    }
    #expect(try server.metric(#"prefork_jobs_total{pool="default",outcome="cancelled"}"#) == 2)
    #expect(server.stop().status == 0)
  }

  @Test("drain waits for the last job and ends the server; its clients have their answers")
  func drain() throws {
    let server = try Server("-w 1", worker: Self.gated)
    let client = try server.connect()
    client.send("1\n2\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    let drain = try Session("exec prefork drain \(server.socket)")
    drain.waitForError("draining")
    server.wait(for: "the drain") { try server.control("status").output.contains("draining") }
    #expect(!drain.hasEnded())
    server.touch("go")
    #expect(client.rest() == "1\n2\n")
    let result = drain.finish()
    #expect(result.status == 0 && result.errors.hasSuffix("prefork: drained\n"))
    #expect(server.finish().status == 0)
  }

  @Test("stop gives up what runs, tells the clients, and ends the server with 1")
  func stop() throws {
    let server = try Server("-w 1", worker: Self.gated)
    let client = try server.connect()
    client.send("1\n2\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    #expect(try server.control("stop").status == 0)
    #expect(client.rest() == "\n\n")
    #expect(server.finish().status == 1)
    let idle = try Server("-w 1")
    #expect(try idle.control("stop").status == 0)
    #expect(idle.finish().status == 0)
  }

  @Test("calls that want no answer are carried out, although their client has gone")
  func oneway() throws {
    let server = try Server("-w 1")
    func call(_ text: String) throws {
      let client = try Client(unix: server.socket + ".control")
      client.send(text + "\0")
      client.close()
    }
    try call(#"{"method":"io.prefork.Pool.Scale","parameters":{"minimum":2,"maximum":2},"oneway":true}"#)
    server.wait(for: "two workers") { server.session.workers.count == 2 }
    // Both at once make no sense, and do no harm.
    let client = try Client(unix: server.socket + ".control")
    client.send(#"{"method":"io.prefork.Pool.Drain","oneway":true,"more":true}"# + "\0")
    #expect(server.finish().status == 0)
  }

  @Test(
    "a client of Varlink that we did not write drives a real server",
    .enabled(if: VarlinkPackageTests.isThere, "python3 has no varlink"))
  func varlink() throws {
    let server = try Server("-w 1")
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    let result = try shell(
      "\(VarlinkPackageTests.python3) -c \(shellWord(Self.varlinkScript)) \(server.socket).control")
    #expect(result == ShellResult(output: "default serving 1\nio.prefork.Pool.NoSuchJob {'job': 7}\n3\n2\n", status: 0))
    #expect(server.stop().status == 0)
  }

  private static let varlinkScript = #"""
    import sys, varlink
    pool = varlink.Client.new_with_address("unix:" + sys.argv[1]).open("io.prefork.Pool")
    status = pool.GetStatus(None)["pools"][0]
    print(status["name"], status["phase"], status["jobs"]["ok"])
    try: pool.CancelJob(None, 7)
    except varlink.VarlinkError as error: print(error.error(), error.parameters())
    states = pool.Watch(None, 0.1, _more=True)
    print(len([next(states) for _ in range(3)]))
    pool = varlink.Client.new_with_address("unix:" + sys.argv[1]).open("io.prefork.Pool")
    pool.Scale(None, 2, 2)
    print(pool.GetStatus(None)["pools"][0]["maximum"])
    """#

  @Test("top shows the pool of a real server, and leaves on q")
  func top() throws {
    let server = try Server("-w 1")
    let script = #"""
      import os, pty, select, sys, time
      pid, terminal = pty.fork()
      if pid == 0: os.execvpe("prefork", ["prefork", "top", sys.argv[1]], dict(os.environ, TERM="xterm"))
      seen, end, asked = b"", time.monotonic() + 120, False
      while time.monotonic() < end:
          if select.select([terminal], [], [], 0.1)[0]:
              try: part = os.read(terminal, 65536)
              except OSError: break
              if not part: break
              seen += part
          if not asked and b"default" in seen and b"serving" in seen:
              os.write(terminal, b"q")
              asked = True
      if not asked: os.kill(pid, 9)
      print(asked, os.waitpid(pid, 0)[1])
      """#
    #expect(try shell("python3 -c \(shellWord(script)) \(server.socket)").output == "True 0\n")
    #expect(server.stop().status == 0)
  }

  // MARK: Workers that fail

  @Test("while workers do not start, jobs are answered at once with the reason; when they do again, all is well")
  func startsFail() throws {
    let server = try Server(
      "-w 1 --queue-timeout 1h --backoff 20ms..100ms --input records --output records",
      worker: "sh -c '[ -e $DIR/go ] || { echo no model >&2; exit 3; }; exec cat'")
    let client = try server.connect()
    client.send(#"{"id":1,"job":"x"}"# + "\n")
    let first = try #require(client.next())
    #expect(first.contains(#""outcome":"failed""#) && first.contains("no worker could be started: "), "\(first)")
    #expect(first.contains("exited with status 3") && first.contains(#""stderr":"no model""#), "\(first)")
    client.send((2...50).map { #"{"id":\#($0),"job":"x"}"# + "\n" }.joined())
    let others = client.next(49)
    #expect(others.count == 49, "they wait, perhaps for --queue-timeout")
    #expect(others.allSatisfy { !$0.contains(#""outcome":"ok""#) })
    #expect(try server.metric("prefork_breaker_open") == 1)
    server.touch("go")
    server.wait(for: "a job that goes well") {
      client.send(#"{"job":"well"}"# + "\n")
      return client.next()?.contains(#""result":"well""#) ?? true
    }
    #expect(try server.metric("prefork_breaker_open") == 0)
    #expect(server.stop().status == 0)
  }

  @Test("a client of lines gets empty lines for what fails, and keeps its order")
  func crashes() throws {
    let server = try Server(
      "-w 2", worker: #"sh -c 'while read -r x; do [ "$x" = die ] && kill -9 $$; echo "$x"; done'"#)
    let client = try server.connect()
    client.send("a\ndie\nb\ndie\nc\n")
    client.endInput()
    #expect(client.rest() == "a\n\nb\n\nc\n")
    #expect(try server.metric(#"prefork_jobs_total{pool="default",outcome="crashed"}"#) == 2)
    #expect(server.stop().status == 0)
  }

  @Test("a pool that keeps no worker when there is nothing to do is serving from the start")
  func onDemand() throws {
    let server = try Server("-w 0..1 --metrics-listen tcp:127.0.0.1:0")
    #expect(try server.control("status").output.hasPrefix("pool default: serving"))
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    #expect(server.stop().status == 0)
  }
}
