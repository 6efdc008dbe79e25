import Glibc
import Testing

/// Workers that speak JSON-RPC: several jobs at once, answers in any order, failures that cost no worker; and workers
/// that lie.
@Suite struct JSONRPCWorkerTests {
  private static let worker = "workers/faulty/lies_in_jsonrpc.py"

  private func run(_ options: String, _ jobs: String..., worker: String = worker) throws -> ShellResult {
    try shell(
      "prefork run -w 1 --protocol jsonrpc \(options) -- \(worker)", input: jobs.map { $0 + "\n" }.joined())
  }

  @Test("a worker holds several jobs and answers them as they end; results come out in the order of the input")
  func anyOrder() throws {
    let result = try run("--concurrency 3 --output records --unordered", "sleep 1", "b", "c", "d")
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.last?.contains("\"result\":\"sleep 1\"") == true, "\(result.output)")
    let ordered = try run("--concurrency 3", "sleep 0.2", "b", "c", "d")
    #expect(ordered.output == "sleep 0.2\nb\nc\nd\n")
  }

  @Test("jobs that come while a worker is busy are given to it as long as it has room, whatever --queue is")
  func comesLater() throws {
    let session = try Session(
      "exec prefork run -w 1 --queue 1 --unordered --protocol jsonrpc --concurrency 4 -- \(Self.worker)")
    session.send("sleep 100\n")
    session.send("a\n")
    session.wait(for: "the answer") { session.outputText.contains("a\n") }
    session.send("sleep 99\nb\nc\n")
    session.wait(for: "the answers") { session.outputText.contains("b\n") && session.outputText.contains("c\n") }
    session.signal(SIGTERM)
    session.signal(SIGTERM)
  }

  @Test("one at a time is the default")
  func oneAtATime() throws {
    let result = try run("--output records --unordered", "sleep 0.2", "b")
    #expect(result.output.split(separator: "\n").first?.contains("sleep 0.2") == true, "\(result.output)")
  }

  @Test("messages led by their length", arguments: ["headers"])
  func contentLength(argument: String) throws {
    let result = try run(
      "--framing content-length --concurrency 2", "a", "lines x", "fail", "d", worker: "\(Self.worker) \(argument)")
    #expect(result.output.hasPrefix("a\n") && result.output.hasSuffix("d\n"), "\(result.output)")
    #expect(result.errors.contains("cannot fail"), "\(result.errors)")
  }

  @Test("an error fails its job alone, with its message and code, and the worker lives on")
  func failures() throws {
    let result = try run("--output records", "pid", "fail now", "pid")
    #expect(result.status == 1)
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 3)
    #expect(
      lines[1].contains(#""outcome":"failed","error":{"message":"cannot fail now","code":7,"data":{"why": [1, 2]}"#),
      "\(lines[1])")
    let pid = { (line: String) in line.firstRange(of: "\"result\":").map { line[$0.upperBound...].prefix(6) } }
    #expect(pid(lines[0]) == pid(lines[2]), "the same worker")
  }

  @Test("a result that is no string stands as the JSON that it is")
  func json() throws {
    let result = try run("", "json")
    #expect(result.output == #"{"job": "json", "lines": "a\nb"}"# + "\n")
  }

  @Test(
    "a worker that lies fails the jobs that it has, and no other",
    arguments: [
      ("wrong-id", "answered request 1002, which it did not have"), ("no-id", "a response without an \\\"id\\\""),
      ("half", "not JSON"), ("stray", "not JSON"),
    ])
  func lies(job: String, message: String) throws {
    let result = try run("--output records", "a", job, "b", "c")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4)
    #expect(lines[1].contains("\"outcome\":\"crashed\"") && lines[1].contains(message), "\(lines[1])")
    for place in [0, 2, 3] { #expect(lines[place].contains("\"outcome\":\"ok\""), "\(lines[place])") }
    #expect(result.status == 1)
  }

  @Test("an answer that comes twice is not the answer to another job")
  func twice() throws {
    let result = try run("-v -r 3", "a", "twice", "b", "c")
    #expect(result.output == "a\ntwice\nb\nc\n", "\(result.errors)")
    // It came alone, together with the answer, or while the worker had the next job.
    let messages = ["wrote to its stdout without a job", "with more than one response", "which it did not have"]
    #expect(messages.contains { result.errors.contains($0) }, "\(result.errors)")
  }

  @Test(
    "a death fails what the worker had; tried again, each of these runs alone, so that a poisonous job takes no other along"
  )
  func deaths() throws {
    let result = try run("--concurrency 4 -r 5 --output records", "sleep 0.3", "b", "die", "sleep 0.3")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4)
    #expect(lines[2].contains("\"outcome\":\"quarantined\""), "\(lines[2])")
    for place in [0, 1, 3] { #expect(lines[place].contains("\"outcome\":\"ok\""), "\(lines[place])") }
  }

  @Test("a job that runs out of time is given up by the worker, which goes on with its other jobs")
  func givesUp() throws {
    let result = try run(
      "--concurrency 3 --timeout 1s --cancel-grace 60s --output records", "pid", "sleep 100", "b", "pid")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4)
    #expect(lines[1].contains("\"outcome\":\"timeout\""), "\(lines[1])")
    #expect(result.errors.contains("to give it up (--cancel-grace)"), "\(result.errors)")
    #expect(result.errors.contains("prefork: 1 worker start"), "no worker was replaced: \(result.errors)")
  }

  @Test("a worker that does not give a job up in time is stopped")
  func deaf() throws {
    let result = try run("--timeout 0.5 --cancel-grace 0.2 --stop-timeout 0.1", "deaf 100", "b")
    #expect(result.output == "\nb\n", "\(result.errors)")
    #expect(result.errors.contains("did not give up a job within 0.2 s (--cancel-grace)"), "\(result.errors)")
  }

  @Test("progress is shown with -v, and its last report in records; log lines always")
  func notices() throws {
    let records = try run("--output records", "progress").output
    #expect(records.contains(#""progress":{"done":1,"total":4,"message":"loading"}"#), "\(records)")
    let result = try run("-v", "progress")
    #expect(result.errors.contains("job 1 on worker 0 (pid ") && result.errors.contains("): 25 % (loading)"))
    #expect(result.errors.contains("worker 0: warning: it is warm"), "\(result.errors)")
  }

  @Test("a worker that asks to be replaced answers what it has, and is")
  func retires() throws {
    let result = try run("-v", "pid", "retire", "pid")
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0] != lines[2], "another worker: \(result.output)")
    #expect(result.errors.contains("worker 0 retires: it asked for it"), "\(result.errors)")
  }

  @Test("requests of a worker are refused, and it is asked to stop at the end")
  func requestsAndStop() throws {
    let result = try run("", "ask")
    #expect(result.output == "ask\n")
    #expect(result.errors.contains("answered: method not found"), "\(result.errors)")
    #expect(result.errors.contains("asked to stop"), "\(result.errors)")
  }

  @Test("ready by message; probe and reset name a method, and the result that is right")
  func checks() throws {
    let result = try run("--ready message --probe probe=probe --probe-before-lease --reset reset", "a", "b")
    #expect(result.output == "a\nb\n", "\(result.errors)")
    #expect(result.status == 0)
    let wrong = try run("--ready message --reset reset=done", "a", "b")
    #expect(wrong.errors.contains("failed its reset: answered \"reset\" instead of \"done\""), "\(wrong.errors)")
  }

  @Test(
    "options of messages mean nothing to other protocols, and say what they need",
    arguments: [
      "--method x", "--cancel-grace 1s", "--params '[{job}]'", "--concurrency 2", "--framing newline",
      "--ready message",
    ])
  func needs(option: String) throws {
    let result = try shell("prefork run \(option) -- cat", input: "")
    #expect(result.status == 64)
    #expect(result.errors.contains("--protocol=jsonrpc"), "\(result.errors)")
  }

  @Test("jobs that cannot be sent fail alone, and say why")
  func unfit() throws {
    let result = try run("--params '{\"job\": {json}}'", "\"a\"", "no json", "\"x\"")
    #expect(result.output == "a\n\nx\n")
    #expect(result.errors.contains("job 2"), "\(result.errors)")
    #expect(result.errors.contains("not JSON"), "\(result.errors)")
  }
}
