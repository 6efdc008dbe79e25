import Glibc
import Testing

/// How `prefork serve` ends, and what signals do to it.
@Suite struct ServeEndTests {
  private static let gated = ServeFairnessTests.gated

  @Test("TERM under load: what was accepted is answered, nobody new is let in, and it ends with 0")
  func terminate() throws {
    let server = try Server(
      "-w 2 --client-jobs 100 --drain-timeout 1h", worker: #"sh -c 'while read -r x; do sleep 0.002; echo "$x"; done'"#)
    let clients = try (0..<8).map { _ in try server.connect() }
    let jobs = (0..<5000).map { "\($0)\n" }.joined()
    for client in clients { _ = client.sendWithoutReading(Array(jobs.utf8)) }
    for client in clients { #expect(client.next() == "0") }
    server.session.signal(SIGTERM)
    server.session.waitForError("no new connections; finishing")
    #expect(throws: ShellFailure.self) { try server.connect() }
    var answers = 0
    for client in clients {
      let lines = client.rest().split(separator: "\n")
      #expect(lines == (1...max(1, lines.count)).prefix(lines.count).map { "\($0)" })
      answers += lines.count + 1
    }
    // The numbers come from before the signal was taken.
    let result = server.finish()
    #expect(result.status == 0)
    #expect(answers < 8 * 5000, "all was done: this tells nothing")
    #expect(!result.errors.contains("given up"))
  }

  @Test("TERM while jobs pour in ends it as soon as the last is answered, time after time")
  func terminateBusy() throws {
    for _ in 0..<6 {
      let server = try Server("-w 2 --client-jobs 1000 --drain-timeout 1h", worker: "workers/examples/upper.py")
      let clients = try (0..<4).map { _ in try server.connect() }
      let jobs = Array(String(repeating: "x\n", count: 20_000).utf8)
      var sent = 0
      for client in clients { sent += client.sendWithoutReading(Array(jobs.prefix(8000))) }
      for client in clients { _ = client.next(100) }
      server.session.signal(SIGTERM)
      for client in clients {
        client.send(Array(jobs.prefix(2000)))
        _ = client.rest()
      }
      #expect(server.finish().status == 0)
    }
  }

  @Test("jobs that take longer than --drain-timeout are given up, their clients told, and it ends with 1")
  func drainTimeout() throws {
    let server = try Server("-w 1 --drain-timeout 300ms --input records --output records", worker: Self.gated)
    let client = try server.connect()
    client.send(#"{"job":"1"}"# + "\n" + #"{"job":"2"}"# + "\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    server.session.signal(SIGTERM)
    let answers = client.rest().split(separator: "\n")
    #expect(answers.count == 2 && answers.allSatisfy { $0.contains(#""outcome":"cancelled""#) }, "\(answers)")
    #expect(answers.allSatisfy { $0.contains("it was not done within --drain-timeout") }, "\(answers)")
    let result = server.finish()
    #expect(result.status == 1)
    #expect(result.errors.contains("2 jobs given up: not done within --drain-timeout"))
  }

  @Test("a second TERM gives up what is left at once: 1; without a job left it is 0")
  func twice() throws {
    let server = try Server("-w 1", worker: Self.gated)
    let client = try server.connect()
    client.send("1\n2\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    server.session.signal(SIGTERM)
    server.session.waitForError("finishing 2 jobs")
    server.session.signal(SIGTERM)
    #expect(client.rest() == "\n\n")
    #expect(server.finish().status == 1)
    let idle = try Server("-w 1")
    #expect(idle.stop().status == 0)
  }

  @Test("INT ends it like TERM, and then by the signal itself")
  func interrupt() throws {
    let server = try Server("-w 1", worker: Self.gated)
    let client = try server.connect()
    client.send("1\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    server.session.signal(SIGINT)
    server.session.waitForError("finishing 1 job,")
    server.touch("go")
    #expect(client.rest() == "1\n")
    #expect(server.finish().status == 130)
  }

  @Test("a connected client that never closes does not hold up the end until --drain-timeout")
  func lingerer() throws {
    let server = try Server("-w 1 --drain-timeout 1h")
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    server.session.signal(SIGTERM)
    #expect(server.finish().status == 0)
    #expect(client.rest() == "")
  }

  @Test("one that does not read its answers cannot hold up the end longer than --drain-timeout, and is named")
  func unreadAnswers() throws {
    let server = try Server(
      "-w 1 --drain-timeout 400ms",
      worker: "python3 -c 'import sys\nfor x in sys.stdin: print(\"y\" * 100000, flush=True)'")
    let client = try server.connect()
    _ = client.sendWithoutReading(Array(String(repeating: "x\n", count: 20).utf8))
    // More than a socket holds; what it cannot read keeps the rest from being run.
    server.wait(for: "some answers") {
      try server.metric(#"prefork_jobs_total{pool="default",outcome="ok"}"#) ?? 0 >= 4
    }
    server.session.signal(SIGTERM)
    let result = server.finish()
    #expect(result.status == 1)
    #expect(result.errors.contains("1 connection did not read its answers in time (--drain-timeout)"))
    client.close()
  }

  @Test("killed itself, it leaves no worker")
  func killed() throws {
    let server = try Server("-w 3", worker: Self.gated)
    let client = try server.connect()
    client.send("1\n")
    server.wait(for: "a job") { server.lines(of: "seen") == ["1"] }
    server.session.signal(SIGKILL)
    #expect(server.session.finish().status == 128 + SIGKILL)
  }

  @Test("USR1 tells the state, TTIN and TTOU change the size, and HUP replaces the workers without losing a job")
  func signals() throws {
    let server = try Server("-w 1", worker: "sh -c 'while read -r x; do echo $$; done'")
    let client = try server.connect()
    client.send("x\n")
    let first = try #require(client.next())
    server.session.signal(SIGUSR1)
    server.session.waitForError("serving: 1 of 1 worker;")
    server.session.waitForError("slot 0: idle, pid \(first)")
    server.session.signal(SIGTTIN)
    server.session.waitForError("the pool now keeps 2 workers")
    server.session.wait(for: "two workers") { server.session.workers.count == 2 }
    server.session.signal(SIGTTOU)
    server.session.waitForError("the pool now keeps 1 worker\n")
    server.session.wait(for: "one worker") { server.session.workers.count == 1 }
    client.send(String(repeating: "x\n", count: 2000))
    server.session.signal(SIGHUP)
    #expect(client.next(2000).count == 2000)
    server.session.waitForError("replacing all workers")
    server.wait(for: "a new worker") {
      client.send("x\n")
      return client.next().map { $0 != "" && $0 != first } ?? false
    }
    #expect(try server.metric(#"prefork_jobs_total{pool="default",outcome="failed"}"#) == 0)
    #expect(server.stop().status == 0)
  }
}
