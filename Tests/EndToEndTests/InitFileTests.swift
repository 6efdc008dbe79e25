import Glibc
import Testing

/// `--init-file`: what each worker is sent, and must answer, at its start.
@Suite struct InitFileTests {
  private static let worker = "workers/faulty/lies_at_start.py"

  private func run(_ lines: String, _ options: String, jobs: String = "a\nb\n") throws -> ShellResult {
    try withFile(lines) {
      try shell("prefork run -w 1 --restart-budget 1/1m --init-file \($0) \(options)", input: jobs)
    }
  }

  @Test(
    "each worker is sent the lines at its start, and has answered them before its first job",
    arguments: ["", "--ready line=READY", "--ready probe --probe x", "--fail-on-stderr FATAL", "--prefetch 4"])
  func sent(options: String) throws {
    let ready = options.contains("READY") ? "ready" : ""
    let result = try run("!state s1-\n\n!state s2-\n", "--max-jobs 1 \(options) -- \(Self.worker) \(ready)")
    #expect(result.output == "s2-a\ns2-b\n" && result.status == 0, "\(result.errors)")
  }

  @Test("a banner before it reads is dropped, as before a job")
  func banner() throws {
    let result = try run("!state s-\n", "-- \(Self.worker) banner")
    #expect(result.output == "s-a\ns-b\n" && result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("a banner, which is dropped"), "\(result.errors)")
  }

  @Test(
    "a worker that does not answer as it should has failed to start, and the message names the line",
    arguments: [
      ("x\n!fail no such table\n", "--fail-prefix ERROR", "failed to start at line 2 of --init-file: failed: no such"),
      ("\n\n!silent\n", "--start-timeout 1s", "failed to start at line 3 of --init-file: no answer within"),
      ("!exit 3\n", "", "exited with status 3 at line 1 of --init-file"),
      ("!exit 0\n", "", "status 0) at line 1 of --init-file"),
      ("x\n!warn FATAL: no\n", "--fail-on-stderr FATAL", "line 2 of --init-file: failed: FATAL: no"),
    ])
  func fails(lines: String, options: String, message: String) throws {
    let result = try run(lines, "--output records \(options) -- \(Self.worker)")
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.status == 69, "\(result.errors)")
  }

  @Test("two answers to one line are a failed start")
  func answersTwice() throws {
    let result = try run("!twice\n", "-- \(Self.worker)")
    #expect(
      result.errors.contains(#"at line 1 of --init-file: answered "one", and then "two\n""#), "\(result.errors)")
    #expect(result.status == 69 && result.output.allSatisfy { $0 == "\n" }, "\(result.errors)")
  }

  @Test("at a prompt the whole file is one message, and an error in it is a failed start")
  func prompt() throws {
    let text = "def twice(x):\n  return 2 * x\n\nbase = 20\n"
    let result = try run(text, "--repl python", jobs: "twice(base) + 2\n")
    #expect(result.output == "42\n" && result.status == 0, "\(result.errors)")
    let wrong = try run("nosuch\n", "--repl python", jobs: "1\n")
    #expect(wrong.status == 69, "\(wrong.errors)")
    #expect(wrong.errors.contains("failed to start at --init-file: failed:"), "\(wrong.errors)")
    #expect(wrong.errors.contains("NameError"), "\(wrong.errors)")
    let tables = try run("create table t(x);\ninsert into t values (7);\n", "--repl sqlite3", jobs: "select x from t\n")
    #expect(tables.output == "7\n" && tables.status == 0, "\(tables.errors)")
    let error = try run("select nosuch;\n", "--repl sqlite3", jobs: "select 1\n")
    #expect(error.status == 69 && error.errors.contains("no such column"), "\(error.errors)")
  }

  @Test("in JSON-RPC the lines are requests, whose ids are ours, and notifications")
  func jsonrpc() throws {
    let worker = "--protocol jsonrpc -- workers/faulty/lies_in_jsonrpc.py"
    let lines = """
      {"id":1,"method":"job","params":{"job":"a"}}
      {"method":"cancel","params":{"id":99}}

      """
    let result = try run(lines, worker)
    #expect(result.output == "a\nb\n" && result.status == 0, "\(result.errors)")
    let failed = try run(#"{"id":1,"method":"job","params":{"job":"fail x"}}"# + "\n", worker)
    #expect(failed.status == 69 && failed.errors.contains("line 1 of --init-file: failed: cannot fail x"))
  }

  @Test("in JSON-RPC a check is over when it is answered, though a notification has begun behind the answer")
  func notificationBegins() throws {
    let worker = "--protocol jsonrpc -- workers/faulty/lies_in_jsonrpc.py"
    let result = try run(#"{"id":1,"method":"begins"}"# + "\n", worker)
    #expect(result.output == "a\nb\n" && result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("it goes on"), "\(result.errors)")
    for options in ["--ready probe --probe begins", "--reset begins"] {
      let result = try shell("prefork run -w 1 \(options) \(worker)", input: "a\nb\n")
      #expect(result.output == "a\nb\n" && result.status == 0, "\(result.errors)")
    }
  }

  @Test("a replacement is sent it, too; serve reads it from the configuration; check names the line")
  func others() throws {
    try withFile("!state s-\n") { file in
      let server = try ConfiguredServer(
        "pools:\n  p: {listen: unix:DIR/p, workers: 1, init-file: \(file), command: [\(Self.worker)]}\n")
      #expect(try server.ask("p", "a") == "s-a")
      server.session.signal(SIGHUP)
      #expect(try server.ask("p", "b") == "s-b")
      #expect(server.stop().status == 0)
    }
    try withFile("!fail x\n") { file in
      let result = try shell("prefork check --fail-prefix ERROR --init-file \(file) -- \(Self.worker)")
      #expect(result.output.contains("failed at line 1 of --init-file: failed: x"), "\(result.output)")
      #expect(result.status == 69)
    }
  }

  @Test(
    "a file that cannot be read or sent is a usage error, before anything is started",
    arguments: ["run", "check", "serve --listen unix:/nonexistent/s", "serve --check-config --listen unix:/tmp/s"])
  func unusable(command: String) throws {
    func refusal(_ options: String) throws -> String {
      let result = try shell("prefork \(command) \(options) -- sh -c 'echo started >&2; cat'", input: "a\n")
      #expect(result.status == 64 && result.output == "" && !result.errors.contains("started"), "\(result.errors)")
      return result.errors
    }
    try withFile(#"{"method":"x"}"# + "\n\nhello\n") { file in
      let errors = try refusal("--protocol jsonrpc --init-file \(file)")
      #expect(errors.contains("prefork: line 3 of --init-file \(file): it is not JSON"), "\(errors)")
    }
    try withFile("[]\n") { file in
      let errors = try refusal("--protocol jsonrpc --init-file \(file)")
      #expect(errors.contains("line 1 of --init-file \(file): it is no JSON object with a"), "\(errors)")
    }
    try withFile("") { file in
      _ = try shell("printf 'a\\000b' >\(file)")
      let errors = try refusal("--repl sh --init-file \(file)")
      #expect(errors.contains("prefork: --init-file \(file): it cannot be sent with"), "\(errors)")
    }
    #expect(try refusal("--init-file /nonexistent/x").contains("/nonexistent/x cannot be read: No such file"))
    #expect(try refusal("--init-file /dev/null").contains("--init-file /dev/null is no regular file"))
  }

  @Test("a server reads the file again on reload; one that is unusable by then leaves everything as it is")
  func reload() throws {
    try withFile("!state 1-\n") { file in
      let server = try Server("-w 1 --control unix:$DIR/s.control --init-file \(file)", worker: Self.worker)
      defer { server.stop() }
      func answer() throws -> String? {
        let client = try server.connect()
        client.send("a\n")
        return client.next()
      }
      #expect(try answer() == "1-a")
      let kept = file + ".kept"
      rename(file, kept)
      let result = try shell("prefork reload \(server.socket)")
      rename(kept, file)
      #expect(result.status != 0, "\(result.output) \(result.errors)")
      server.session.waitForError("cannot be read: No such file")
      #expect(try answer() == "1-a")
    }
    try withFile(#"{"id":1,"method":"job","params":{"job":"a"}}"# + "\n") { good in
      let pool = "{listen: unix:DIR/p, workers: 1, command: [workers/faulty/lies_in_jsonrpc.py], protocol: jsonrpc"
      let server = try ConfiguredServer("pools:\n  p: \(pool), init-file: \(good)}\n")
      #expect(try server.ask("p", "a") == "a")
      try withFile("x\n") { bad in
        server.write("pools:\n  p: \(pool), init-file: \(bad)}\n")
        server.session.signal(SIGHUP)
        server.session.waitForError("line 1 of --init-file \(bad): it is not JSON")
        let check = try shell("prefork serve --check-config --config \(server.file)")
        #expect(check.status == 78 && check.errors.contains("pools.yaml:2:"), "\(check.errors)")
      }
      #expect(try server.ask("p", "b") == "b")
      #expect(server.stop().status == 0)
    }
  }

  @Test(
    "a worker that fails before it is ready is one failed start in the metrics, and no death",
    arguments: [
      ("!fail x\n", "--fail-prefix ERROR"), ("!silent\n", "--start-timeout 300ms"), ("!twice\n", ""), ("!exit 3\n", ""),
      ("x\n", "--ready probe --probe a=b"),
    ])
  func metrics(lines: String, options: String) throws {
    try withFile(lines) { file in
      let server = try Server(
        "-w 1 --stop-timeout 1s --backoff 1h..1h --init-file \(file) \(options)", worker: Self.worker)
      server.wait(for: "the start to fail") { try server.metric("prefork_worker_start_failures_total") ?? 0 > 0 }
      #expect(try server.metric("prefork_worker_start_failures_total") == 1)
      let deaths = try server.control("metrics").lines.filter {
        $0.hasPrefix("prefork_worker_deaths_total") && !$0.hasSuffix(" 0")
      }
      #expect(deaths == [], "\(deaths)")
      server.stop()
    }
  }
}
