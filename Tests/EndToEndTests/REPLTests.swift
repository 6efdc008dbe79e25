import Testing

/// Programs at a prompt that were never written for prefork, each in one line; and one that lies.
@Suite struct REPLTests {
  struct Program: CustomTestStringConvertible, Sendable {
    let preset: String
    /// What must be there.
    var program: String
    /// Jobs, and what becomes of each: `=` and the reply, or `!` and a part of the message of its failure.
    let jobs: [(job: String, outcome: String)]

    var testDescription: String { preset }

    init(_ preset: String, program: String? = nil, _ jobs: [(job: String, outcome: String)]) {
      self.preset = preset
      self.program = program ?? preset
      self.jobs = jobs
    }
  }

  static let programs = [
    Program(
      "bc",
      [
        ("1+1", "=2"), ("1/0", "!Divide by zero"), ("print \"no newline\"", "=no newline"), ("1+", "!syntax error"),
        ("a~b", "!illegal character"), ("x=5", "="), ("x\nx*2", "=5\n10"), ("2^0.5", "=1"),
      ]),
    Program(
      "sqlite3",
      [
        ("create table t (x); insert into t values (1), (2);", "="), ("select x from t order by x", "=1\n2"),
        ("select nosuch", "!no such column: nosuch"), ("select abs(-9223372036854775808);", "!integer overflow"),
        (".nosuch", "!unknown command"), ("select\n7;", "=7"),
      ]),
    Program(
      "python", program: "python3",
      [
        ("1+1", "=2"), ("print('a'); print('b', end='')", "=a\nb"), ("1/0", "!ZeroDivisionError: division by zero"),
        ("def f(x):\n  return 2 * x\n\nf(4)", "=8"), ("f('é')", "='éé'"), ("(1,", "!SyntaxError"),
        ("'open", "!SyntaxError"),
        ("exit()", "!SystemExit"), ("import sys; _ = sys.stderr.write('careful\\n'); 5", "=5"),
        ("import os; sys.stdout = open(os.devnull, 'w'); print(1)", "="), ("sys.stdout = sys.__stdout__; 6", "=6"),
      ]),
    Program(
      "node",
      [
        ("1+1", "=2"), ("console.log('a'); 'b'", "=a\nb"), ("nosuch", "!nosuch is not defined"), ("((", "!SyntaxError"),
        ("var x = 5;\nx * 2", "=10"), ("new Promise((done) => setTimeout(() => done('é'), 20))", "=é"),
        ("throw 5", "!5"),
      ]),
    Program(
      "sh",
      [
        ("echo a; echo b", "=a\nb"), ("exit 3", "!exit status 3"), ("ls /nosuch", "!exit status 2"),
        ("((", "!exit status 2"),
        ("echo 'open", "!exit status 2"), ("cat", "="), ("echo 'a'\nprintf %s \"é\"", "=a\né"),
        ("false", "!exit status 1"),
      ]),
    Program(
      "exiftool",
      [
        ("-ver\n-s", "=\\d"), ("/nosuch.jpg", "!File not found"), ("-FileName\n-s3\n/etc/passwd", "=passwd"),
      ]),
    Program(
      "gnuplot",
      [
        ("print 1+1", "=2"), ("plot nosuch", "!undefined variable: nosuch"), ("print 3", "=3"),
        ("plot nosuch\nprint 4", "!undefined variable: nosuch"), ("plot (", "!invalid expression"),
        ("print \"open", "=open"),
      ]),
    Program(
      "gdb",
      [
        ("print 1+1", "=$1 = 2"), ("nosuch", "!Undefined command"), ("print 1\nprint 2", "=$2 = 1\n$3 = 2"),
        ("print nosuch", "!No symbol table is loaded"), ("echo no newline", "=no newline"),
      ]),
    Program(
      "octave",
      [
        ("1+1", "=ans = 2"), ("nosuch", "!'nosuch' undefined"), ("x = 3\ny = 2 * x", "=x = 3\ny = 6"),
        ("((", "!parse error"),
        ("printf('%s', 'é')", "=é"), ("error('a: %d', 5)", "!a: 5"), ("'open", "!parse error"),
      ]),
    Program(
      "R",
      [
        ("1+1", "=[1] 2"), ("nosuch", "!object 'nosuch' not found"), ("x <- 5\nx * 2", "=[1] 10"),
        ("((", "!unexpected end of input"), ("cat('é')", "=é"), ("stop('a\nb')", "!a\nb"),
        ("warning('w'); 1", "=[1] 1"),
        ("'open", "!unexpected INCOMPLETE_STRING"),
      ]),
  ]

  @Test(
    "programs at a prompt are workers unchanged: a reply for each job, and failures of their own", arguments: programs)
  func presets(program: Program) throws {
    guard isInstalled(program.program) else {
      // Octave and R are large: `make test` does not install them.
      print("WARNING: \(program.program) is not installed: --repl \(program.preset) is NOT CHECKED with it")
      #expect(["octave", "R"].contains(program.preset), "make test installs \(program.program)")
      return
    }
    try check(program)
  }

  @Test("psql, with a server of its own")
  func psql() throws {
    let program = Program(
      "psql",
      [
        ("\\pset tuples_only\n\\pset format unaligned", "="),
        ("select 1;", "=1"), ("select 2", "=2"),
        ("select nosuch;", "!column \"nosuch\" does not exist (SQLSTATE 42703)"),
        ("select 1/0; select 5;", "!division by zero (SQLSTATE 22012)"), ("select 'é'\n;select 6;", "=é\n6"),
        ("do $$ begin raise exception E'two\\nlines'; end $$", "!two\nlines (SQLSTATE P0001)"),
        ("\\nosuch", "!invalid command"),
        ("create temp table t (x int)", "="),
      ])
    let isThere = try check(program) { "Tests/EndToEndTests/with_postgres.sh \(shellWord($0))" }
    if !isThere {
      print("WARNING: PostgreSQL is not installed: --repl psql is NOT CHECKED with it (make postgres-deps)")
    }
  }

  /// Runs the jobs of a program on one worker. False if the program is not there.
  @discardableResult private func check(_ program: Program, within wrapped: (String) -> String = { $0 }) throws -> Bool
  {
    let jobs = program.jobs.map { $0.job + "\0" }.joined()
    let line = "prefork run -w 1 --seed 1 --input nul --output records --repl \(program.preset)"
    let result = try shell(wrapped(line), input: jobs)
    if result.status == 77 { return false }
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == program.jobs.count, "\(result.errors)")
    for (line, (job, outcome)) in zip(lines, program.jobs) {
      let text = String(jsonText(String(outcome.dropFirst())))
      if outcome.hasPrefix("!") {
        #expect(line.contains("\"outcome\":\"failed\"") && line.contains(text), "\(job): \(line)")
      } else if outcome == "=\\d" {
        #expect(line.firstMatch(of: #/"result":"\d+\.\d+"/#) != nil, "\(job): \(line)")
      } else {
        // What a program ends with is its own affair, but for the last newline.
        let reply = line.replacing("\\n\",\"attempts", with: "\",\"attempts")
        #expect(reply.contains("\"result\":\"\(text)\""), "\(job): \(line)")
      }
    }
    #expect(result.errors.contains("1 worker start"), "no job costs a worker: \(result.errors)")
    return true
  }

  private func jsonText(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  @Test("in one line, with the worker's command or without it", arguments: ["-- bc -q", ""])
  func oneLine(worker: String) throws {
    let result = try shell("seq 3 | prefork run --repl bc \(worker)")
    #expect(result.output == "1\n2\n3\n", "\(result.errors)")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
  }

  @Test("serve and check speak it, too")
  func otherCommands() throws {
    let result = try shell("prefork check --repl bc --job 6*7")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("\"6*7\" -> \"42\""), "\(result.output)")
  }

  @Test("an open quote times out and costs one worker, and nothing else", arguments: ["sqlite3", "bc"])
  func openQuote(program: String) throws {
    let (job, open) = program == "bc" ? ("7", "\"abc") : ("select 7;", "select 'abc")
    let result = try shell(
      "prefork run -w 1 --timeout 1s --output records --repl \(program)", input: "\(job)\n\(open)\n\(job)\n")
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 3)
    #expect(lines[1].contains("\"outcome\":\"timeout\""), "\(lines[1])")
    for place in [0, 2] { #expect(lines[place].contains("\"result\":\"7\""), "\(lines[place])") }
    #expect(result.errors.contains("2 worker starts"), "\(result.errors)")
  }

  // MARK: One that lies

  private func lies(_ options: String = "", _ jobs: String...) throws -> (lines: [String], errors: String) {
    let result = try shell(
      "prefork run -w 1 --end 'end {nonce}' --end-reply 'done {nonce}' --output records \(options) "
        + "-- workers/faulty/lies_at_prompt.py", input: jobs.map { $0 + "\n" }.joined())
    return (result.output.split(separator: "\n").map(String.init), result.errors)
  }

  @Test("an end command of one's own: the banner is thrown away, a reply has any number of lines")
  func ownEnd() throws {
    let (lines, errors) = try lies("", "echo a", "echo a\\n\\nb\\n", "echo")
    try #require(lines.count == 3, "\(errors)")
    for (line, reply) in zip(lines, ["a", "a\\n\\nb", ""]) { #expect(line.contains("\"result\":\"\(reply)\"")) }
    #expect(errors.isEmpty)
  }

  @Test("a prompt on stdout is found out, and is no part of a reply")
  func prompt() throws {
    let result = try shell(
      "prefork run -w 2 --end 'end {nonce}' --end-reply 'done {nonce}' -- workers/faulty/lies_at_prompt.py '=> '",
      input: "echo a\necho b=> \necho\npid\n")
    #expect(result.output.hasPrefix("a\nb=> \n\n"), "\(result.errors)")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
  }

  @Test("the marks of earlier jobs, and a mark that is not a line's end, are part of the reply")
  func forged() throws {
    let (lines, errors) = try lies("", "echo a", "forge", "half", "echo b")
    try #require(lines.count == 4, "\(errors)")
    #expect(lines[1].matches(of: #/done [0-9a-f]{32}\\n|done [0-9a-f]{32}"/#).count == 5, "\(lines[1])")
    #expect(lines[2].contains(", not yet: done ") && lines[2].contains("!\""), "\(lines[2])")
    #expect(lines[3].contains("\"result\":\"b\""))
  }

  @Test("output behind a mark is never a part of another reply, and is reported", arguments: ["twice", "more"])
  func behindTheMark(job: String) throws {
    let (lines, errors) = try lies("-r 9", "echo a", job, "echo b", "echo c")
    try #require(lines.count == 4, "\(errors)")
    #expect(lines[2].contains("\"result\":\"b\""), "\(lines[2])")
    #expect(lines[3].contains("\"result\":\"c\""), "\(lines[3])")
    // As a breach, if it was seen before the next job was sent.
    let reports = ["after its answer", "and then", "after a reply, which may be incomplete; it is dropped"]
    #expect(reports.contains { errors.contains($0) }, "\(errors)")
  }

  @Test("a death, and a reply that is too large, fail one job")
  func costs() throws {
    let (lines, errors) = try lies("--max-reply-size 1K", "echo a", "die", "large 1024", "large 1025", "echo b")
    try #require(lines.count == 5, "\(errors)")
    #expect(lines[1].contains("\"outcome\":\"crashed\"") && lines[1].contains("exited with status 3"), "\(lines[1])")
    #expect(lines[2].contains("\"outcome\":\"ok\""))
    #expect(lines[3].contains("\"outcome\":\"failed\"") && lines[3].contains("--max-reply-size"), "\(lines[3])")
    #expect(lines[4].contains("\"result\":\"b\""))
  }

  // MARK: stderr

  @Test("what a worker writes to its stderr during a job fails that job, and costs no worker")
  func failsOnStderr() throws {
    let (lines, errors) = try lies(
      "--fail-on-stderr ^Error", "pid", "error bad news", "warn of it", "torn", "echo b", "pid")
    try #require(lines.count == 6, "\(errors)")
    #expect(lines[1].contains("\"outcome\":\"failed\",\"error\":{\"message\":\"Error: bad news\""), "\(lines[1])")
    #expect(lines[2].contains("\"outcome\":\"ok\""), "\(lines[2])")
    #expect(lines[3].contains("\"message\":\"Error: torn\""), "\(lines[3])")
    #expect(lines[4].contains("\"outcome\":\"ok\""), "torn before: \(lines[4])")
    #expect(lines[5].contains("\"outcome\":\"ok\"") && errors.contains("1 worker start"), "\(errors)")
  }

  @Test("so it does if it comes a little after the reply; what comes later belongs to no job")
  func grace() throws {
    let (lines, errors) = try lies("--fail-on-stderr ^Error --stderr-grace 1s", "late 0.1")
    #expect(lines.first?.contains("\"message\":\"Error: afterwards\"") == true, "\(lines) \(errors)")
    let late = try lies("--fail-on-stderr ^Error --stderr-grace 0", "late 0.1")
    #expect(late.lines.first?.contains("\"outcome\":\"ok\"") == true, "\(late)")
  }

  @Test("in every protocol", arguments: ["lines", "jsonrpc"])
  func otherProtocols(name: String) throws {
    let worker =
      name == "lines"
      ? "sh -c 'while read -r job; do case $job in bad*) echo \"Error: $job\" >&2;; esac; echo \"did $job\"; done'"
      : "workers/faulty/lies_in_jsonrpc.py"
    let result = try shell(
      "prefork run -w 1 -r 1 --protocol \(name) --fail-on-stderr '^(Error|asked)' --output records -- \(worker)",
      input: name == "lines" ? "a\nbad 1\nb\n" : "a\nb\n")
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == (name == "lines" ? 3 : 2), "\(result.errors)")
    if name == "lines" {
      #expect(lines[1].contains("\"message\":\"Error: bad 1\"") && lines[1].contains("\"attempts\":2"), "\(lines[1])")
    }
    #expect(lines[0].contains("\"outcome\":\"ok\"") && lines.last?.contains("\"outcome\":\"ok\"") == true)
  }

  // MARK: Options and output

  @Test(
    "options that cannot be used together say so",
    arguments: [
      ("--repl bc --protocol nul", "--repl and --protocol exclude each other"),
      ("--repl bc --end 'x {nonce}' --end-reply '{nonce}'", "--repl and --end exclude each other"),
      ("--repl bc --ready line", "--repl and --ready exclude each other"),
      ("--repl bc --prefetch 4", "--repl and --prefetch above 1 exclude each other"),
      ("--repl bc --stderr inherit", "--repl and --stderr inherit exclude each other"),
      ("--fail-on-stderr x --stderr inherit", "--fail-on-stderr and --stderr inherit exclude each other"),
      ("--end '{nonce}'", "--end means nothing without --end-reply"),
      ("--end x --end-reply '{nonce}'", "has no {nonce}"), ("--end '{nonce}' --end-reply x", "has no {nonce}"),
      ("--fail-on-stderr '('", "cannot be used: Unmatched ("), ("--repl bcc", "did you mean bc"),
      ("--stderr-grace 1s", "--stderr-grace means nothing without --fail-on-stderr"),
    ])
  func usage(options: String, message: String) throws {
    let result = try shell("prefork run \(options) -- cat")
    #expect(result.status == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test("a NUL byte in a job is refused, and no other framing is named")
  func nulByte() throws {
    let result = try shell("prefork run --repl bc", input: "1\0\n2\n")
    #expect(result.output == "\n2\n")
    #expect(
      result.errors.contains("cannot be sent with --repl bc: the job has a NUL byte at offset 1"), "\(result.errors)")
    #expect(!result.errors.contains("--protocol"), "\(result.errors)")
  }

  @Test("--output text writes replies as they are; lines names it for a reply that has several")
  func text() throws {
    let jobs = ["1\nprint \"two\"", "print \"no newline\"", "x=1", "1/0", "3"].map { $0 + "\0" }.joined()
    let result = try shell("prefork run -w 1 --input nul --output text --repl bc", input: jobs)
    #expect(result.output == "1\ntwo\nno newline\n3\n")
    #expect(result.status == 1)
    let lines = try shell("prefork run --input nul --repl bc", input: "1\n2\0")
    #expect(lines.errors.contains("hint: for replies of several lines there are --output nul"), "\(lines.errors)")
  }
}
