import Glibc
import Testing

/// Messages with several jobs: workers that answer them, and workers that lie.
@Suite struct BatchTests {
  private static let lines = "workers/faulty/lies_in_batches.py"
  private static let rpc = "--protocol jsonrpc"
  private static let rpcWorker = "workers/faulty/lies_in_rpc_batches.py"

  /// The batch is complete at the end of the input, however long that takes.
  private func run(_ options: String, _ worker: String, _ jobs: [String]) throws -> ShellResult {
    try shell(
      "prefork run -w 1 --batch 8 --batch-wait 1h \(options) -- \(worker)",
      input: jobs.map { $0 + "\n" }.joined())
  }

  @Test("a worker is sent what waits in one message, and finds the most in its environment")
  func together() throws {
    let result = try run("", Self.lines, ["size", "most", "a"])
    #expect(result.output == "3\n8\na\n" && result.status == 0, "\(result.errors)")
    let many = try run("", "workers/examples/batched_upper.py", (1...100).map { "job \($0)" })
    #expect(many.output == (1...100).map { "JOB \($0)\n" }.joined(), "\(many.errors)")
  }

  @Test(
    "the number of jobs and the jobs stand in the protocol's own framing", arguments: ["nul", "length4", "netstring"])
  func framings(name: String) throws {
    let read =
      switch name {
      case "nul": "b=b''\n  while not b.endswith(b'\\0'): b+=i.read(1) or exit()\n  return b[:-1]"
      case "length4": "return i.read(int.from_bytes(i.read(4) or exit(),'big'))"
      default:
        "b=b''\n  while not b.endswith(b':'): b+=i.read(1) or exit()\n  return (i.read(int(b[:-1])),i.read(1))[0]"
      }
    let write =
      switch name {
      case "nul": "b+b'\\0'"
      case "length4": "len(b).to_bytes(4,'big')+b"
      default: "b'%d:%s,'%(len(b),b)"
      }
    let script =
      "import sys\ni,o=sys.stdin.buffer,sys.stdout.buffer\ndef r():\n  \(read)\ndef w(b): o.write(\(write))\n"
      + "while True:\n  n=int(r())\n  for b in [r() for _ in range(n)]: w(b'%d %s'%(n,b))\n  o.flush()\n"
    let result = try run("--protocol \(name)", "python3 -c \(shellWord(script))", ["a", "b", "c"])
    #expect(result.output == "3 a\n3 b\n3 c\n", "\(result.errors)")
  }

  @Test(
    "in JSON-RPC a batch is an array, answered by one or by single responses", arguments: ["", "singly", "headers"])
  func jsonrpc(manner: String) throws {
    let framing = manner == "headers" ? " --framing content-length" : ""
    let result = try run(
      "\(Self.rpc)\(framing) --output records", "\(Self.rpcWorker) \(manner)", ["size", "fail", "b"])
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 3, "\(result.errors)")
    #expect(lines[0].contains("\"result\":\"3\"") && lines[2].contains("\"result\":\"b\""), "\(result.output)")
    #expect(lines[1].contains("\"outcome\":\"failed\"") && lines[1].contains("cannot fail"), "\(lines[1])")
  }

  @Test(
    "a job that kills its worker, or makes it break the protocol, fails alone: the others are done, and none is charged",
    arguments: [
      (lines, "", "die", "exited with status 3"), (lines, "", "begin and die", "exited with status 3"),
      (lines, "", "short", "with 2 replies"), (lines, "", "none", "with 0 replies"),
      (lines, "", "long", "more replies than that"), (rpcWorker, rpc, "die", "exited with status 3"),
      (rpcWorker, rpc, "short", "leaves 1 of the 3 requests"), (rpcWorker, rpc, "half", "not JSON"),
      (rpcWorker, rpc, "other", "a response without an"), (rpcWorker, rpc, "empty", "an empty array"),
    ])
  func poison(worker: String, options: String, job: String, message: String) throws {
    let result = try run("\(options) --output records", worker, ["a", job, "b"])
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 3, "\(result.errors)")
    for place in [0, 2] {
      #expect(lines[place].contains("\"outcome\":\"ok\"") && lines[place].contains("\"attempts\":1"), "\(lines[place])")
    }
    #expect(lines[1].contains("\"outcome\":\"crashed\"") && lines[1].contains("\"attempts\":1"), "\(lines[1])")
    #expect(
      result.errors.contains(message) && result.errors.contains("tried again alone (--batch)"), "\(result.errors)")
    #expect(result.status == 1)
  }

  @Test("an answer that comes twice in an array costs the others nothing")
  func twice() throws {
    let result = try run(Self.rpc, Self.rpcWorker, ["a", "twice", "b"])
    #expect(result.output == "a\ntwice\nb\n" && result.errors.contains("which it did not have"), "\(result.errors)")
  }

  @Test("a worker that takes the count for a job gives no job the answer of another")
  func ignoresCount() throws {
    let result = try run("", "\(Self.lines) ignores-count", ["a", "b"])
    #expect(result.output == "\n\n" && result.status == 1, "\(result.output)\(result.errors)")
    #expect(result.errors.contains("does it read the count before the jobs?"), "\(result.errors)")
  }

  @Test(
    "a batch that runs out of time is split; a job that does alone ends as timeout",
    arguments: [
      (lines, ""), (rpcWorker, rpc), (rpcWorker, "\(rpc) --cancel-grace 10ms"), (lines, "--cancel signal=INT"),
      (rpcWorker, "\(rpc) --cancel signal=INT"), (lines, "--cancel signal=CONT --cancel-grace 10ms"),
    ])
  func timeout(worker: String, options: String) throws {
    let jobs = [#"{"job":"a"}"#, #"{"job":"hang","timeout":0.3}"#, #"{"job":"b"}"#]
    let result = try run("\(options) --input records --output records", worker, jobs)
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 3, "\(result.errors)")
    for place in [0, 2] { #expect(lines[place].contains("\"outcome\":\"ok\""), "\(lines[place])") }
    #expect(lines[1].contains("\"outcome\":\"timeout\""), "\(lines[1])")
  }

  @Test("a batch that is interrupted by a signal is split, too, and its answers are dropped")
  func givesUp() throws {
    let jobs = ["a", "give up", "b"].map { #"{"job":"\#($0)","timeout":\#($0 == "give up" ? 0.3 : 60)}"# }
    let result = try run(
      "--cancel signal=INT --cancel-grace 60s --input records --output records", Self.lines, jobs)
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 3, "\(result.errors)")
    #expect(lines[0].contains(#""result":"a""#) && lines[2].contains(#""result":"b""#), "\(result.output)")
    #expect(lines[1].contains(#""outcome":"timeout""#), "\(lines[1])")
  }

  @Test(
    "replies that are larger together than a single one may be are read to the end, and so are those of many jobs at once",
    arguments: [
      (lines, ""), (rpcWorker, rpc), (rpcWorker, "\(rpc) --max-reply-size 51K"),
    ])
  func largeTogether(worker: String, options: String) throws {
    let jobs = (10...49).map { "\($0)" + String(repeating: "x", count: 50_000) }
    let result = try shell(
      "prefork run -w 1 --batch 20 --batch-wait 1h --max-reply-size 100K \(options) -- \(worker)",
      input: jobs.map { $0 + "\n" }.joined())
    #expect(result.status == 0 && result.output == jobs.map { $0 + "\n" }.joined(), "\(result.errors)")
  }

  @Test("jobs with the same key are together, and no other")
  func byKey() throws {
    let jobs = ["x", "y", "x", "y", "x"].map { #"{"job":"size","key":"\#($0)"}"# }
    let result = try run("--input records --batch-by key", Self.lines, jobs)
    #expect(result.output == "3\n2\n3\n2\n3\n", "\(result.errors)")
  }

  @Test("a batch waits for more jobs, and for the end of the input no longer")
  func waits() throws {
    let session = try Session("exec prefork run -w 1 --batch 3 --batch-wait 1h -- \(Self.lines)")
    session.send("size\n")
    session.send("size\nsize\n")
    session.wait(for: "a full batch") { session.outputText == "3\n3\n3\n" }
    session.send("size\nsize\n")
    session.closeInput()
    session.wait(for: "the rest") { session.outputText == "3\n3\n3\n2\n2\n" }
  }

  @Test("a batch has no more bytes than it may")
  func bytes() throws {
    let result = try run("--batch-bytes 9", Self.lines, ["size", "size", "a longer one", "size"])
    #expect(result.output == "2\n2\na longer one\n1\n", "\(result.errors)")
  }

  @Test("a worker's last batch has only as many jobs as it may still do")
  func maxJobs() throws {
    let result = try run(
      "--max-jobs 4 --surge 0 --jitter 0", Self.lines, Array(repeating: "size", count: 10))
    #expect(result.output == "4\n4\n4\n4\n4\n4\n4\n4\n2\n2\n", "\(result.errors)")
  }

  @Test("serve makes batches of the jobs of all clients")
  func serve() throws {
    let server = try Server("-w 1 --batch 4 --batch-wait 1h", worker: Self.lines)
    let clients = try (0..<2).map { _ in try server.connect() }
    for client in clients { client.send("size\nsize\n") }
    for client in clients { #expect(client.next() == "4" && client.next() == "4") }
    #expect(server.stop().status == 0)
  }

  @Test("check sends each job with its count")
  func check() throws {
    let result = try shell("prefork check --jobs 2 --batch 4 -- workers/examples/batched_upper.py")
    #expect(result.status == 0, "\(result.output)")
    let bad = try shell("prefork check --jobs 2 --batch 4 -- \(Self.lines) ignores-count")
    #expect(bad.status == 76 && bad.output.contains("the number of jobs comes before them"), "\(bad.output)")
  }

  @Test(
    "protocols without batches, and options that need one job at a time, refuse",
    arguments: [
      "--protocol bazel-json", "--protocol bazel-proto", "--repl sqlite3", "--protocol jsonrpc --concurrency 2",
      "--prefetch 2", "--reset x", "--fail-on-stderr x",
    ])
  func refuses(options: String) throws {
    let result = try shell("prefork run --batch 4 \(options) -- cat")
    #expect(result.status == 64 && result.errors.contains("--batch"), "\(result.errors)")
  }
}
