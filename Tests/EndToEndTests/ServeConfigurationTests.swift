import Glibc
import TestSupport
import Testing

/// `prefork serve --config` with several pools, and what becomes of them when the file changes.
@Suite struct ServeConfigurationTests {
  /// Two pools that answer with a letter and the job.
  static let two = """
    control: unix:DIR/control
    defaults:
      workers: 1
    pools:
      a:
        listen: unix:DIR/a
        command: \(answering("a"))
      b:
        listen: unix:DIR/b
        command: \(answering("b"))
    """

  /// The command of a worker that answers so.
  static func answering(_ letter: String) -> String { "[sh, -c, 'while read -r job; do echo \(letter)$job; done']" }

  // MARK: What stands twice

  @Test("a port that the system chooses may be asked for any number of times, and a reload keeps what is there")
  func anyPort() throws {
    let text = """
      control: unix:DIR/control
      defaults: {workers: 1, command: [cat]}
      pools:
        a: {listen: ['tcp:127.0.0.1:0', 'tcp:127.0.0.1:0']}
        b: {listen: 'tcp:127.0.0.1:0'}
      """
    let server = try ConfiguredServer(text)
    func listens() throws -> [String] {
      try server.control("status").lines.filter { $0.hasPrefix("listens") }.map { String($0.dropFirst(10)) }
    }
    server.session.wait(for: "three sockets") { (try? Set(listens()).count) == 3 }
    let before = try listens()
    #expect(try server.control("reload").status == 0)
    #expect(try listens() == before)
    server.write(text.replacing("['tcp:127.0.0.1:0', 'tcp:127.0.0.1:0']", with: "'tcp:127.0.0.1:0'"))
    #expect(try server.control("reload").status == 0)
    let after = try listens()
    #expect(after.count == 2 && after.last == before.last && before.contains(after[0]))
    server.write(text)
    #expect(try server.control("reload").status == 0)
    #expect(try Set(listens()).count == 3)
    #expect(server.stop().status == 0)
  }

  @Test("the configuration file is not written to as a log")
  func ownFileAsLog() throws {
    let text = "listen: unix:/nowhere/s\ncommand: [cat]\n"
    for way in ["--stderr $F", "2>>$F"] {
      let result = try withFile(text) {
        try shell("F=\($0); prefork serve --config $F \(way); s=$?; cat $F; exit $s")
      }
      #expect(result.status == 78, "\(result)")
      let errors = way.hasPrefix("2") ? result.output : result.errors
      #expect(errors.contains("is the configuration file itself"), "\(result)")
    }
  }

  // MARK: Several pools

  @Test("each pool has its workers, its socket, its part of what control and metrics tell, and its name in messages")
  func severalPools() throws {
    let server = try ConfiguredServer(Self.two)
    #expect(try server.ask("a", "1") == "a1")
    #expect(try server.ask("b", "2") == "b2")
    let both = try server.control("status", "--json").output
    #expect(both.contains(#""name":"a""#) && both.contains(#""name":"b""#))
    let one = try server.control("status", "--json --pool b").output
    #expect(!one.contains(#""name":"a""#) && one.contains(#""name":"b""#))
    let metrics = try server.control("metrics").output
    for pool in ["a", "b"] { #expect(metrics.contains(#"prefork_jobs_total{pool="\#(pool)",outcome="ok"} 1"#)) }
    #expect(try server.control("scale", "2").status != 0, "of which pool?")
    #expect(try server.control("scale", "--pool b 2").status == 0)
    server.session.waitForError("prefork[b]: the pool now keeps 2 workers")
    server.session.waitForError("prefork[a]: listening on unix:\(server.folder)/a")
    let result = server.stop()
    #expect(result.status == 0)
  }

  @Test("workers of one pool that do not start do not disturb the other")
  func oneBrokenPool() throws {
    let server = try ConfiguredServer(Self.two.replacing(Self.answering("b"), with: "[sh, -c, 'exit 3']"))
    server.session.waitForError("prefork[b]: ")
    for job in 0..<20 { #expect(try server.ask("a", "\(job)") == "a\(job)") }
    #expect(server.stop().status == 0)
  }

  @Test("what the workers of a drained pool have left goes with it; what those of the other have started stays")
  func leftovers() throws {
    let daemon = "sh -c 'setsid sleep 1000 & setsid sleep 1001 & while read -r job; do echo $job; done'"
    let words = "[sh, -c, \"\(daemon.dropFirst("sh -c '".count).dropLast())\"]"
    let text = Self.two.replacing(Self.answering("a"), with: words).replacing(Self.answering("b"), with: words)
    let server = try ConfiguredServer(text)
    for pool in ["a", "b"] { #expect(try server.ask(pool, "x") == "x") }
    func daemons() -> Int { processes(with: server.session.cookie, named: "sleep").count }
    server.session.wait(for: "four daemons") { daemons() == 4 }
    #expect(try server.control("drain", "--pool a").status == 0)
    server.session.wait(for: "two to go") { daemons() == 2 }
    #expect(try server.ask("b", "y") == "y")
    #expect(daemons() == 2)
    #expect(children(of: server.session.pid).allSatisfy { $0.state != "Z" })
    #expect(server.stop().status == 0)
  }

  // MARK: Reload

  @Test("a reload gives a pool its new command and sizes, and nobody's connection is closed")
  func changedPool() throws {
    let server = try ConfiguredServer(Self.two)
    let client = try server.connect("a")
    #expect(client.ask("1") == "a1")
    server.write(Self.two.replacing("echo a", with: "echo A").replacing("workers: 1", with: "workers: 2"))
    server.session.signal(SIGHUP)
    server.session.wait(for: "the new command") { client.ask("2") == "A2" }
    server.session.wait(for: "four workers") { server.session.workers.count == 4 }
    #expect(server.stop().status == 0)
  }

  @Test("a pool that is new starts, one that is gone finishes its job and ends, and takes its socket with it")
  func comesAndGoes() throws {
    let slow = "[sh, -c, 'while read -r job; do while [ ! -e DIR/go ]; do sleep 0.02; done; echo a$job; done']"
    let server = try ConfiguredServer(Self.two.replacing(Self.answering("a"), with: slow))
    let client = try server.connect("a")
    client.send("1")
    server.session.wait(for: "the job") {
      (try? server.control("status", "--pool a").output.contains("1 came in")) == true
    }
    server.write(
      Self.two.replacing("  a:\n", with: "  c:\n").replacing("unix:DIR/a", with: "unix:DIR/c")
        .replacing("echo a", with: "echo c"))
    #expect(try server.control("reload").status == 0)
    #expect(try server.ask("c", "3") == "c3")
    #expect(access(server.folder + "/a", F_OK) != 0)
    server.session.waitForError(
      "prefork[a]: the pool is gone from the configuration: it ends when its jobs are done (1 left)")
    close(open(server.folder + "/go", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    #expect(client.line() == "a1")
    server.session.wait(for: "the end of a") { (try? server.control("status", "--pool a").status) != 0 }
    #expect(try server.ask("b", "4") == "b4")
    #expect(server.stop().status == 0)
  }

  @Test("an address can go from one pool to another, and nobody finds it closed")
  func movedSocket() throws {
    let server = try ConfiguredServer(Self.two)
    server.write(Self.two.replacing("DIR/a", with: "DIR/x").replacing("DIR/b", with: "DIR/a"))
    #expect(try server.control("reload").status == 0)
    #expect(try server.ask("a", "1") == "b1")
    #expect(try server.ask("x", "2") == "a2")
    #expect(access(server.folder + "/b", F_OK) != 0)
    #expect(server.stop().status == 0)
  }

  @Test("a socket gets its new rights, and is not opened anew for that")
  func rights() throws {
    let server = try ConfiguredServer(Self.two)
    func status() -> stat {
      var status = stat()
      stat(server.folder + "/a", &status)
      return status
    }
    let before = status()
    server.write(Self.two.replacing("workers: 1", with: "workers: 1\n  socket-mode: 0666"))
    #expect(try server.control("reload").status == 0)
    #expect(status().st_mode & 0o777 == 0o666 && status().st_ino == before.st_ino)
    #expect(try server.ask("a", "1") == "a1")
    #expect(server.stop().status == 0)
  }

  @Test("what an operator has scaled stays so, until the file says another size")
  func scaled() throws {
    let server = try ConfiguredServer(Self.two)
    #expect(try server.control("scale", "--pool a 3").status == 0)
    server.session.wait(for: "four workers") { server.session.workers.count == 4 }
    let old = Set(server.session.workers)
    #expect(try server.control("reload").status == 0)
    server.session.wait(for: "all to be replaced") {
      let now = Set(server.session.workers)
      return now.count == 4 && now.isDisjoint(with: old)
    }
    server.write(Self.two.replacing("workers: 1", with: "workers: 2"))
    #expect(try server.control("reload").status == 0)
    server.session.wait(for: "the sizes of the file") {
      (try? server.control("status", "--json --pool a").output.contains(#""maximum":2"#)) == true
    }
    #expect(server.stop().status == 0)
  }

  @Test("new jobs are checked by what the new configuration makes of the protocol; how many run at once is fixed")
  func newParameters() throws {
    let old = #"params: '{"job": {json}}'"#
    let text = """
      control: unix:DIR/control
      pools:
        a:
          {listen: unix:DIR/a, workers: 1, protocol: jsonrpc, \(old), command: [workers/faulty/lies_in_jsonrpc.py]}
      """
    let server = try ConfiguredServer(text, seconds: 60)
    let client = try server.connect("a")
    #expect(client.ask(#""1""#) == "1")
    #expect(client.ask("a") == "")
    server.write(text.replacing(old, with: "concurrency: 2"))
    let answer = try server.control("reload")
    #expect(answer.status == 1 && answer.errors.contains("--concurrency of the pool a cannot be"), "\(answer.errors)")
    let workers = server.session.workers
    server.write(text.replacing("\(old), ", with: ""))
    #expect(try server.control("reload").status == 0)
    server.session.wait(for: "new workers") {
      let now = server.session.workers
      return !now.isEmpty && now.allSatisfy { !workers.contains($0) }
    }
    #expect(client.ask("a") == "a")
    #expect(server.stop().status == 0)
  }

  @Test(
    "a new configuration that cannot be used changes nothing, and is told with its place; workers stay",
    arguments: [
      ("workers: 1", "wrokers: 1", "pools.yaml:3:3: unknown key \"wrokers\" in defaults; did you mean \"workers\"?"),
      ("unix:DIR/b", "unix:DIR/none/b", "pools.yaml:9:13: cannot listen on unix:DIR/none/b: the folder DIR/none: "),
      ("unix:DIR/b", "unix:DIR/pools.yaml", "cannot listen on unix:DIR/pools.yaml: what stands there is no socket"),
      ("unix:DIR/b", "unix:DIR/a", "pools.yaml:9:13: unix:DIR/a is given for the pool a and the pool b"),
      (
        "[sh, -c, 'while read -r job; do echo b", "[./nosuch, 'b", "pools.yaml:8:3: cannot start ./nosuch: No such file"
      ),
      ("workers: 1", "protocol: nul", "--protocol of the pool a cannot be changed while it runs: a restart is needed"),
      (
        "workers: 1", "reply-protocol: nul",
        "--reply-protocol of the pool a cannot be changed while it runs: a restart is needed"
      ),
      ("control:", "metrics-listen: tcp:127.0.0.1:0\ncontrol:", "--metrics-listen cannot be changed while it runs"),
    ])
  func unusable(old: String, new: String, words: String) throws {
    let server = try ConfiguredServer(Self.two)
    server.session.wait(for: "both workers") { server.session.workers.count == 2 }
    let workers = Set(server.session.workers)
    server.write(Self.two.replacing("echo a", with: "echo A").replacing(old, with: new))
    let expected = words.replacing("DIR", with: server.folder)
    server.session.signal(SIGHUP)
    server.session.waitForError("the configuration was not reloaded: the old one goes on, and no worker is replaced")
    #expect(server.session.errorText.contains(expected))
    let answer = try server.control("reload")
    #expect(answer.status == 1 && answer.errors.contains(expected), "\(answer.errors)")
    #expect(Set(server.session.workers) == workers)
    for pool in ["a", "b"] { #expect(try server.ask(pool, "1") == "\(pool)1") }
    #expect(server.stop().status == 0)
  }

  @Test("a file that has vanished is told, and the old configuration goes on")
  func vanished() throws {
    let server = try ConfiguredServer(Self.two)
    unlink(server.file)
    let answer = try server.control("reload")
    #expect(answer.status == 1 && answer.errors.contains("No such file"))
    #expect(try server.ask("a", "1") == "a1")
    #expect(server.stop().status == 0)
  }

  @Test("a command whose workers die at once leaves the old ones serving; the next reload can mend it")
  func canary() throws {
    let server = try ConfiguredServer(Self.two)
    server.session.wait(for: "both workers") { server.session.workers.count == 2 }
    let workers = Set(server.session.workers)
    server.write(Self.two.replacing("while read -r job; do echo a$job; done", with: "exit 3"))
    #expect(try server.control("reload").status == 0)
    server.session.waitForError("the first replacement failed: the other workers go on serving")
    #expect(try server.ask("a", "1") == "a1")
    #expect(!workers.isDisjoint(with: server.session.workers))
    server.write(Self.two.replacing("echo a", with: "echo A"))
    #expect(try server.control("reload").status == 0)
    server.session.wait(for: "the mended command") { (try? server.ask("a", "2")) == "A2" }
    #expect(server.stop().status == 0)
  }

  @Test("a program that cannot be executed leaves the old workers serving, and the message counts them")
  func brokenProgram() throws {
    let server = try ConfiguredServer(Self.two)
    _ = try shell("printf '\\177ELF, but no more' >\(server.folder)/go; chmod +x \(server.folder)/go")
    server.write(Self.two.replacing(Self.answering("a"), with: "[DIR/go]"))
    #expect(try server.control("reload").status == 0)
    server.session.waitForError(
      "prefork[a]: error: no other worker could be started: 1 failed start in 10 s (1 idle, 0 busy, 0 jobs waiting)")
    #expect(try server.ask("a", "1") == "a1")
    #expect(server.stop().status == 0)
  }

  @Test(
    "a worker is asked and judged as it was started: new checks are for those who come later", arguments: [true, false])
  func checks(begin: Bool) throws {
    let old = Self.two.replacing("DIR/a\n", with: "DIR/a\n    probe: x=ax\n    probe-interval: 20ms\n    reset: y=ay\n")
    let new = Self.two.replacing("echo a", with: "echo A")
      .replacing("DIR/a\n", with: "DIR/a\n    probe: x=Ax\n    probe-interval: 20ms\n    reset: y=Ay\n")
    let server = try ConfiguredServer(begin ? Self.two : old)
    #expect(try server.ask("a", "1") == "a1")
    server.write(begin ? new : new.replacing("x=Ax", with: "z=Az"))
    #expect(try server.control("reload").status == 0)
    server.session.wait(for: "the new command") { (try? server.ask("a", "2")) == "A2" }
    server.session.wait(for: "some probes") { pause(0.2) }
    #expect(try server.ask("a", "3") == "A3")
    #expect(!server.session.errorText.contains("instead of"), "\(server.session.errorText)")
    let deaths = try server.control("metrics").output.split(separator: "\n")
      .filter { $0.hasPrefix("prefork_worker_deaths_total") && !$0.hasSuffix(" 0") }
    #expect(deaths.isEmpty)
    #expect(server.stop().status == 0)
  }

  @Test("no job is lost by reloads, however many come, and answers keep their order")
  func nothingIsLost() throws {
    let server = try ConfiguredServer(Self.two.replacing("workers: 1", with: "workers: 3"))
    let count = 6000
    let jobs = (0..<count).map(String.init).joined(separator: "\n")
    let client = try Session("exec nc -NU \(server.folder)/a")
    client.send(jobs + "\n")
    client.closeInput()
    for turn in 0..<3 {
      client.wait(for: "some answers") { client.outputBytes.count > (turn + 1) * 4000 }
      server.write(
        Self.two.replacing("workers: 1", with: "workers: \(turn + 1)").replacing("echo b", with: "echo b\(turn)"))
      server.session.signal(SIGHUP)
    }
    let answers = client.finish().output
    #expect(answers == (0..<count).map { "a\($0)\n" }.joined())
    #expect(server.stop().status == 0)
  }

  @Test("without a file SIGHUP replaces the workers")
  func withoutFile() throws {
    let folder = try #require(makeTemporaryFolder())
    let session = try Session("exec prefork serve -w 1 --listen unix:\(folder)/s -- cat")
    session.waitForError("listening on")
    session.wait(for: "a worker") { session.workers.count == 1 }
    let old = Set(session.workers)
    session.signal(SIGHUP)
    session.wait(for: "another worker") { session.workers.count == 1 && old.isDisjoint(with: session.workers) }
    session.signal(SIGTERM)
    #expect(session.finish().status == 0)
    rmdir(folder)
  }
}
