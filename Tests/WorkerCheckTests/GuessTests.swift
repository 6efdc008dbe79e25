import Testing
import WorkerPoolDriver
import WorkerProtocols

@testable import WorkerCheck

/// What a worker seems to be, judged by its command and by what was seen of it.
@Suite struct GuessTests {
  private func evidence(_ command: String) -> SpeechEvidence {
    SpeechEvidence(words: command.split(separator: " ").map(String.init))
  }

  @Test(
    "a program at its prompt is known by its name, unless it was given a script",
    arguments: [
      ("psql", "psql"), ("/usr/bin/psql -h db", "psql"), ("psql -c x", nil), ("sqlite3 my.db", "sqlite3"),
      ("python3 -i", "python"), ("python3.11 -q", "python"), ("python3 -i setup.py", "python"),
      ("python3 worker.py", nil), ("python3 -m mcp_server_time", nil), ("env A=b python3 -i -q", "python"),
      ("node -i", "node"), ("nodejs", "node"), ("node worker.js", nil), ("bash", "sh"), ("sh -c x", nil),
      ("bash worker.sh", nil), ("dash -i", "sh"), ("gdb -q", "gdb"), ("R --no-save", "R"), ("R --file=x.R", nil),
      ("octave-cli", "octave"), ("gnuplot", "gnuplot"), ("exiftool -stay_open True -@ -", "exiftool"),
      ("exiftool x.jpg", nil), ("bc -q", "bc"), ("cat", nil), ("./psql.py", nil), ("nice -5", nil),
    ])
  func presets(command: String, preset: String?) {
    #expect(evidence(command).preset?.rawValue == preset)
  }

  @Test("a prompt shows it, too")
  func prompts() {
    var evidence = evidence("./wrapper")
    #expect(evidence.preset == nil && !evidence.hasPrompt)
    evidence.outputs = ["\"(gdb) \""]
    #expect(evidence.preset == .gdb)
    evidence.outputs = ["\"Welcome\\npostgres=# \""]
    #expect(evidence.preset == .psql)
    evidence.outputs = []
    evidence.errorLines = [">>> Traceback (most recent call last):"]
    #expect(evidence.preset == .python)
    evidence.errorLines = []
    evidence.outputs = ["\"z3> \""]
    #expect(evidence.preset == nil && evidence.hasPrompt)
    evidence.outputs = ["\"a line\\n\"", "\"a very long one> \"… (500 bytes)", ""]
    #expect(!evidence.hasPrompt)
  }

  @Test("a silent worker is tried with messages; one that shows nothing of a protocol is not tried at all")
  func candidates() {
    var evidence = evidence("./worker")
    #expect(evidence.candidates == [])
    evidence.isSilent = true
    #expect(evidence.candidates == [.lineMessages, .headedMessages])
    evidence.isSilent = false
    evidence.errorLines = ["json.decoder.JSONDecodeError: Expecting value"]
    #expect(evidence.candidates == [.lineMessages])
    evidence.errorLines = ["bad header: no Content-Length"]
    #expect(evidence.candidates == [.headedMessages, .lineMessages])
    evidence.errorLines = []
    evidence.sources = ["if '--persistent_worker' in sys.argv:"]
    #expect(evidence.candidates == [.bazel(.json), .bazel(.proto)])
    evidence.sources = []
    evidence.words = ["python3", "-m", "mcp_server_time"]
    #expect(evidence.candidates == [.lineMessages])
  }

  @Test("what was seen tells whether there is anything to guess")
  func observations() throws {
    func evidence(_ seen: Observations) -> SpeechEvidence? { SpeechEvidence(seen, words: ["./worker"]) }
    #expect(evidence(goodWorker()) == nil)
    var complaining = goodWorker()
    complaining.complainsInMessages = true
    #expect(try #require(evidence(complaining)).candidates.first == .lineMessages)

    var silent = Observations()
    silent.failure = .silent(.job(1), limit: second, isUnread: false, Failure.Hearing(wasReading: true))
    #expect(try #require(evidence(silent)).isSilent)
    silent.failure = .silent(.job(1), limit: second, isUnread: true, Failure.Hearing())
    #expect(try !#require(evidence(silent)).isSilent, "it does not even read")
    let buffered = Failure.Hearing(after: "\"test\\n\"", wasReading: true, wait: millisecond)
    silent.failure = .silent(.job(1), limit: second, isUnread: false, buffered)
    #expect(evidence(silent) == nil, "its output is only late")

    var prompt = Observations()
    prompt.banner = "\"hello\\n\""
    prompt.failure = .silent(.job(1), limit: second, isUnread: false, Failure.Hearing(before: "\"? x> \""))
    #expect(try #require(evidence(prompt)).hasPrompt)

    var late = goodWorker()
    late.failure = .violation(.idle(last: late.lastReply), .unaskedReply(shown: "\"(gdb) \""))
    #expect(evidence(late) == nil, "it has answered a hundred jobs")
    for failure: Failure in [.cannotStart(words: "x", hint: nil), .asksToGo, .failedAnswer(.job(1), "x")] {
      var other = Observations()
      other.failure = failure
      #expect(evidence(other) == nil)
    }
  }

  @Test("a reply that is a message of JSON-RPC is a complaint")
  func complaints() {
    func isComplaint(_ text: String) -> Bool {
      Array(text.utf8).withUnsafeBytes { Observations.isComplaint($0) }
    }
    #expect(isComplaint(#"{"jsonrpc": "2.0", "id": null, "error": {"code": -32700}}"#))
    #expect(isComplaint(#"{"method":"notifications/message","params":{},"jsonrpc":"2.0"}"#))
    #expect(!isComplaint(#"{"error": "no such word"}"#))
    #expect(!isComplaint("TEST"))
  }

  @Test("a guess names what to try, but not what was tried")
  func sentences() {
    #expect(Guess.repl(.psql).sentence == "this looks like a REPL (psql): try --repl psql")
    let mcp = Guess.mcp(tools: ["add", "sub"])
    #expect(mcp.sentence == "this looks like an MCP server: try --protocol mcp --tool NAME (it has add, sub)")
    let headed = Guess.jsonrpc(.contentLength).sentence
    #expect(headed.contains("(Content-Length framing): try --protocol jsonrpc --framing content-length, with"))
    #expect(Guess.bazel(.proto).sentence.hasSuffix("try --protocol bazel-proto"))
    #expect(Guess.prompt.sentence.contains("--end TEXT --end-reply TEXT"))
    #expect(mcp.isSpoken(by: MCPProtocol(tool: "x")) && !mcp.isSpoken(by: JSONRPCProtocol()))
    #expect(Guess.jsonrpc(.newline).isSpoken(by: JSONRPCProtocol()))
    #expect(!Guess.jsonrpc(.contentLength).isSpoken(by: JSONRPCProtocol()))
    #expect(Guess.bazel(.json).isSpoken(by: BazelProtocol(.json)))
    #expect(!Guess.bazel(.json).isSpoken(by: BazelProtocol(.proto)))
  }

  @Test("the guess stands below what is wrong; a server that complains in messages is found at fault")
  func judgements() {
    var seen = worker(.silent(.job(1), limit: second, isUnread: false, Failure.Hearing(wasReading: true)))
    seen.guess = .repl(.psql)
    let judged = judgement(seen)
    #expect(judged.guess == "this looks like a REPL (psql): try --repl psql")
    let text = Report(configuration: configuration()).judgement(judged)
    #expect(text.contains("guess      this looks like a REPL (psql): try --repl psql\nnot ok: "), "\(text)")

    var complaining = goodWorker()
    complaining.complainsInMessages = true
    #expect(judgement(complaining).verdict == .nothingWrong, "replies may look like that")
    complaining.guess = .jsonrpc(.newline)
    #expect(judgement(complaining).verdict == .hurts)
  }
}
