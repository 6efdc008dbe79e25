import Glibc
import TestSupport
import Testing

/// MCP servers as workers: those of the SDK from PyPI, and one of our own that lies.
@Suite struct MCPWorkerTests {
  private static let liar = "workers/faulty/lies_in_mcp.py"

  private func run(_ options: String, _ jobs: String..., how: String = "") throws -> ShellResult {
    try shell(
      "prefork run -w 1 --protocol mcp --tool echo --argument text \(options) -- \(Self.liar) \(how)",
      input: jobs.map { $0 + "\n" }.joined())
  }

  @Test(
    "servers of both generations, however they answer what they do not know",
    arguments: ["", "session", "silent", "fragile", "late", "pages"])
  func generations(how: String) throws {
    let result = try run("", "hi there", "meta", how: how)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines.first == "hi there", "\(result.errors)")
    let isSession = ["session", "silent", "fragile"].contains(how)
    #expect(result.lines.last?.contains("2026-07-28") == !isSession, "\(result.output)")
  }

  @Test("one server that does not survive the first question is no reason to give up, however many workers there are")
  func fragile() throws {
    let result = try shell(
      "prefork run -w 12 --protocol mcp --tool echo --argument text -- \(Self.liar) fragile",
      input: (1...40).map { "\($0)\n" }.joined())
    #expect(result.output == (1...40).map { "\($0)\n" }.joined(), "\(result.errors)")
    #expect(result.errors.ranges(of: "exited with status 1").count == 1, "\(result.errors)")
  }

  @Test(
    "a server that cannot do the job ends the run at once, and it says why",
    arguments: [
      ("refuses", "refused server/discover (not today) and initialize (not today): is it an MCP server?"),
      ("endless", "its list has more than 100 pages"), ("bare", "has no tools"),
    ])
  func unfit(how: String, message: String) throws {
    let result = try run("", "x", how: how)
    #expect(result.status == 69)
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.errors.contains("1 worker start"), "it was not tried again: \(result.errors)")
  }

  @Test("a tool that is not there is named together with those that are")
  func unknownTool() throws {
    let result = try shell(
      "prefork run -q -w 1 --protocol mcp --tool ecko -- \(Self.liar)", input: "{}\n")
    #expect(result.status == 69)
    #expect(result.errors.contains("has no tool \"ecko\", it has other0, echo (--tool)"), "\(result.errors)")
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    let server = try shell(
      "prefork serve --listen unix:\(folder)/s -w 1 --protocol mcp --tool ecko -- \(Self.liar)")
    #expect(server.status == 69, "\(server.errors)")
    #expect(server.errors.contains("the first worker cannot be started"), "\(server.errors)")
  }

  @Test("a failure fails its job alone, with what the server tells of it, and the worker lives on")
  func failures() throws {
    let result = try run("--output records", "pid", "fail now", "error now", "pid")
    let lines = result.lines.map(String.init)
    try #require(lines.count == 4)
    #expect(lines[1].contains(#""outcome":"failed","error":{"message":"cannot now","data":{"why": [1, 2]}"#))
    #expect(lines[2].contains(#""outcome":"failed","error":{"message":"no now","code":-5,"data":[1]}"#))
    let pid = { (line: String) in line.firstRange(of: "\"result\":").map { line[$0.upperBound...].prefix(6) } }
    #expect(pid(lines[0]) == pid(lines[3]), "the same worker")
  }

  @Test(
    "a result that is none fails its job, and no more",
    arguments: ["no-content", "null", "odd-error", "odd-content", "wants-more"])
  func results(job: String) throws {
    let result = try run("", "a", job, "b")
    #expect(result.output == "a\n\nb\n", "\(result.errors)")
    #expect(result.errors.contains("job 2 failed on worker 0"), "\(result.errors)")
    #expect(result.errors.contains("1 worker start"), "\(result.errors)")
  }

  @Test(
    "a server that lies fails the jobs that it has, and no other",
    arguments: [
      ("wrong-id", "a response to no request of ours"), ("old-id", "a response to no request of ours"),
      ("no-id", "a response without an \\\"id\\\""), ("half", "not JSON"), ("stray", "not JSON"),
    ])
  func lies(job: String, message: String) throws {
    let result = try run("--output records", "a", job, "b", "c")
    let lines = result.lines.map(String.init)
    try #require(lines.count == 4)
    #expect(lines[1].contains("\"outcome\":\"crashed\"") && lines[1].contains(message), "\(lines[1])")
    for place in [0, 2, 3] { #expect(lines[place].contains("\"outcome\":\"ok\""), "\(lines[place])") }
  }

  @Test("an answer that comes twice is not the answer to another job")
  func twice() throws {
    let result = try run("-v -r 3", "a", "twice", "b", "c")
    #expect(result.output == "a\ntwice\nb\nc\n", "\(result.errors)")
    #expect(result.errors.contains("a response to no request of ours"), "\(result.errors)")
  }

  @Test("what is no text stands as the JSON that it is; texts are joined")
  func content() throws {
    let result = try run("--output records", "lines", "image", "structured", "arguments")
    #expect(result.output.contains(#""result":"a\nb""#), "\(result.output)")
    #expect(result.output.contains(#"{\"type\": \"image\", \"data\": \"AAAA\""#), "\(result.output)")
    #expect(result.output.contains(#""result":"{\"n\": 1}""#), "\(result.output)")
    #expect(result.output.contains(#"{\"text\": \"arguments\"}"#), "\(result.output)")
  }

  @Test("progress is shown with -v, log lines always; a ping is answered, other requests are refused")
  func notices() throws {
    let result = try run("-v", "progress", "ask", "a")
    #expect(result.output == "progress\nask\na\n")
    #expect(result.errors.contains("): 25 % (loading)"), "\(result.errors)")
    #expect(result.errors.contains("worker 0: warning: me: it is warm"), "\(result.errors)")
    #expect(result.errors.contains("worker 0: answered: {}"), "\(result.errors)")
    #expect(result.errors.contains("-32601"), "\(result.errors)")
  }

  @Test("a job that runs out of time is given up, answered or not, and the server goes on", arguments: ["", "session"])
  func givesUp(how: String) throws {
    let result = try run(
      "--concurrency 4 --timeout 1s --cancel-grace 60s --output records", "pid", "sleep 1000", "stubborn", "b", "pid",
      how: how)
    let outcomes = result.lines.map { $0.firstMatch(of: /"outcome":"([a-z]+)"/)?.1 }
    #expect(outcomes == ["ok", "timeout", "timeout", "ok", "ok"], "\(result.output) \(result.errors)")
    #expect(result.errors.contains("worker 0: asked to give up"), "\(result.errors)")
    #expect(result.errors.contains("prefork: 1 worker start"), "no worker was replaced: \(result.errors)")
  }

  @Test("a probe asks whether it is well", arguments: ["", "session"])
  func probe(how: String) throws {
    let result = try run("--probe ping --probe-before-lease", "a", "b", how: how)
    #expect(result.output == "a\nb\n" && result.status == 0, "\(result.errors)")
  }

  @Test("jobs that are no arguments fail alone, and say why; --argument needs no JSON")
  func unfitJobs() throws {
    let result = try shell(
      "prefork run -w 1 --protocol mcp --tool echo -- \(Self.liar)",
      input: "{\"text\": \"a\"}\nplain\n[1]\n{\"text\": \"b\"}\n")
    #expect(result.output == "a\n\n\nb\n", "\(result.errors)")
    #expect(result.errors.contains("job 2 cannot be sent with --protocol mcp: it is no JSON object"))
    #expect(result.errors.contains("--argument NAME"), "\(result.errors)")
  }

  @Test(
    "the options of MCP say what they need",
    arguments: [
      ("--protocol mcp", "--tool"), ("--tool x", "--protocol=mcp"),
      ("--protocol mcp --argument x", "--tool"), ("--protocol mcp --tool x --ready notify", "--ready"),
      ("--protocol mcp --tool x --method y", "--protocol=jsonrpc"),
    ])
  func needs(options: String, message: String) throws {
    let result = try shell("prefork run \(options) -- cat", input: "")
    #expect(result.status == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test("check lists the tools; with one of them it tries it")
  func check() throws {
    let listed = try shell("prefork check --protocol mcp -- \(Self.liar) pages")
    #expect(listed.status == 0, "\(listed.output)")
    #expect(listed.output.contains("tools      other0\n           other1\n           echo    Answers with its text.\n"))
    let tried = try shell("prefork check --protocol mcp --tool echo --argument text -- \(Self.liar)")
    #expect(tried.status == 0, "\(tried.output)")
    #expect(tried.output.contains("\"test\" -> \"test\""), "\(tried.output)")
    let unfit = try shell("prefork check --protocol mcp --tool ecko --job '{}' -- \(Self.liar)")
    #expect(unfit.status == 69, "\(unfit.output)")
    #expect(unfit.output.contains("it has no tool \"ecko\", it has other0, echo"), "\(unfit.output)")
  }
}

/// What `make python-judges` has installed.
enum MCPPackages {
  static let python = "env PYTHONPATH=.build/python python3"
  static let areThere = (try? shell("\(python) -c 'import mcp, mcp_server_time' 2>/dev/null"))?.status == 0
}

/// Servers that we did not write: one that is made with the SDK, and one from PyPI.
@Suite(.enabled(if: MCPPackages.areThere, "python3 has no mcp"))
struct MCPServerTests {
  private static let python = MCPPackages.python

  @Test("a server made with the SDK: arguments, failures, progress, several jobs at once")
  func sdk() throws {
    let result = try shell(
      "prefork run -v -w 2 --concurrency 2 --protocol mcp --tool divide -- \(Self.python) Tests/SDK/mcp_divide.py",
      input: "{\"a\": 7, \"b\": 2}\n{\"a\": 1, \"b\": 0}\n{\"a\": \"x\"}\n{\"a\": 9, \"b\": 3}\n")
    #expect(result.output == "3.5\n\n\n3.0\n", "\(result.errors)")
    #expect(result.errors.contains(": 50 %"), "\(result.errors)")
    #expect(result.errors.contains("job 2 failed on worker"), "\(result.errors)")
    #expect(result.errors.contains("job 3 failed on worker"), "\(result.errors)")
    #expect(result.errors.contains("4 jobs in"), "\(result.errors)")
  }

  @Test("a job that runs out of time is cancelled in the SDK's server, which goes on")
  func cancel() throws {
    let result = try shell(
      "prefork run -w 1 --timeout 1s --cancel-grace 60s --protocol mcp --tool wait --argument seconds -- "
        + "\(Self.python) Tests/SDK/mcp_divide.py", input: "1000\n0\n")
    #expect(result.output == "\nwaited 0.0\n", "\(result.errors)")
    #expect(result.errors.contains("was cancelled"), "\(result.errors)")
    #expect(result.errors.contains("prefork: 1 worker start"), "no worker was replaced: \(result.errors)")
  }

  @Test("a server from PyPI")
  func time() throws {
    let listed = try shell("prefork check --protocol mcp -- \(Self.python) -m mcp_server_time")
    #expect(listed.status == 0, "\(listed.output)")
    #expect(listed.output.contains("get_current_time  Get current time in a specific timezone"), "\(listed.output)")
    let result = try shell(
      "prefork run -w 1 --protocol mcp --tool get_current_time --argument timezone --output records -- "
        + "\(Self.python) -m mcp_server_time", input: "Europe/Berlin\nNowhere/Else\n")
    #expect(result.lines.first?.contains("Europe/Berlin") == true, "\(result.output)")
    #expect(result.lines.last?.contains("\"outcome\":\"failed\"") == true, "\(result.output)")
  }
}
