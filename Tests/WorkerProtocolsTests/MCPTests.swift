import JSON
import TestSupport
import Testing
import Time

@testable import WorkerProtocols

/// MCP, message by message.
@Suite struct MCPTests {
  /// One side of a conversation.
  private struct Conversation {
    var codec: any WorkerCodec
    private var pending: [UInt8] = []

    init(_ terms: MCPProtocol = MCPProtocol(tool: "echo", argument: "text")) {
      codec = terms.makeCodec(maximumReplySize: 1000)
    }

    /// A conversation whose handshake is over.
    static func ready(_ terms: MCPProtocol = MCPProtocol(tool: "echo", argument: "text")) -> Conversation {
      var talk = Conversation(terms)
      _ = talk.greeting()
      _ = talk.received(#"{"id":1,"result":{"supportedVersions":["2026-07-28"]}}"#)
      _ = talk.received(#"{"id":2,"result":{"tools":[{"name":"echo"}]}}"#)
      return talk
    }

    /// What is sent at this age, line by line, and how long to wait then.
    mutating func greeting(atAge age: Nanoseconds = .zero) -> (lines: [String], wait: Nanoseconds?) {
      var bytes: [UInt8] = []
      let wait = codec.continueGreeting(atAge: age) { bytes += $0 }
      return (Self.lines(of: bytes), wait)
    }

    mutating func sent(_ job: String, id: UInt64 = 1) -> JSONTree? {
      var bytes: [UInt8] = []
      Array(job.utf8).withUnsafeBytes { codec.encode($0, id: id) { bytes += $0 } }
      return JSONTree.parse(bytes.dropLast())
    }

    mutating func sent(_ request: WorkerRequest) -> [String] {
      var bytes: [UInt8] = []
      _ = codec.encode(request) { bytes += $0 }
      return Self.lines(of: bytes)
    }

    private static func lines(of bytes: [UInt8]) -> [String] {
      String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What a line means.
    mutating func received(_ line: String) -> WorkerMessage {
      pending += line.utf8
      pending.append(0x0A)
      let bytes = pending
      pending.removeAll()
      return codec.decode(bytes.span.bytes)
    }

    /// What a line reports besides answers.
    mutating func notice(_ line: String) -> WorkerNotice? {
      if case .notice(let notice, _) = received(line) { notice } else { nil }
    }

    /// What is sent in return for a line.
    mutating func response(to line: String) -> [String] {
      guard case .response(let bytes, _) = received(line) else { return [] }
      return Self.lines(of: bytes)
    }

    /// The reply in an answer to a job, or why it has failed.
    mutating func answer(_ line: String) -> String? {
      guard case .answer(_, let answer, _) = received(line) else { return nil }
      switch answer {
      case .done: return "in place"
      case .decoded(let bytes): return String(decoding: bytes, as: UTF8.self)
      case .failed(let failure): return "failed: \(failure.message)"
      case .cancelled: return "cancelled"
      }
    }
  }

  private static func method(_ line: String?) -> String? {
    line.flatMap { JSONTree.parse($0.utf8)?["method"]?.text }
  }

  // MARK: The handshake

  @Test("a server of 2026-07-28 is asked what it can do, and its tools; every request carries the version")
  func stateless() throws {
    var talk = Conversation()
    let (lines, wait) = talk.greeting()
    #expect(lines.map(Self.method) == ["server/discover"])
    #expect(wait == .milliseconds(500), "an old server may never answer")
    let meta = try #require(JSONTree.parse(lines[0].utf8)?["params"]?["_meta"])
    #expect(meta["io.modelcontextprotocol/protocolVersion"]?.text == "2026-07-28")
    #expect(meta["io.modelcontextprotocol/clientCapabilities"] != nil)
    let list = talk.response(to: #"{"id":1,"result":{"supportedVersions":["2025-11-25","2026-07-28"]}}"#)
    #expect(list.map(Self.method) == ["tools/list"])
    #expect(list[0].contains("protocolVersion"))
    #expect(talk.greeting(atAge: .milliseconds(500)).lines.isEmpty)
    let ready = talk.notice(#"{"id":2,"result":{"tools":[{"name":"a"},{"name":"echo","description":"x"}]}}"#)
    #expect(ready == .ready)
    let sent = talk.sent("say \"hi\"\n")
    let call = try #require(sent)
    #expect(call["method"]?.text == "tools/call")
    #expect(call["params"]?["name"]?.text == "echo")
    #expect(call["params"]?["arguments"]?["text"]?.text == "say \"hi\"\n")
    #expect(call["params"]?["_meta"]?["io.modelcontextprotocol/protocolVersion"]?.text == "2026-07-28")
    #expect(call["params"]?["_meta"]?["progressToken"] == call["id"])
  }

  @Test(
    "a server that refuses server/discover in any way, or supports other versions, begins a session",
    arguments: [
      #"{"id":1,"error":{"code":-32601,"message":"Method not found"}}"#,
      #"{"id":null,"error":{"code":-32600,"message":"Invalid"}}"#,
      #"{"id":1,"result":{"supportedVersions":["2025-11-25"]}}"#, #"{"id":1,"result":{}}"#,
    ])
  func session(refusal: String) throws {
    var talk = Conversation()
    _ = talk.greeting()
    let initialize = talk.response(to: refusal)
    #expect(initialize.map(Self.method) == ["initialize"])
    #expect(JSONTree.parse(initialize[0].utf8)?["params"]?["protocolVersion"]?.text == "2025-11-25")
    let answer = #"{"id":2,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}}}}"#
    #expect(talk.response(to: answer).map(Self.method) == ["notifications/initialized", "tools/list"])
    let ready = talk.notice(#"{"id":3,"result":{"tools":[{"name":"echo"}]}}"#)
    #expect(ready == .ready)
    let sent = talk.sent("x")
    let call = try #require(sent)
    #expect(call["params"]?["_meta"]?.names == ["progressToken"])
  }

  @Test("after a silence a server is sent initialize, too; what it answers to the first request still counts")
  func silence() {
    var talk = Conversation()
    _ = talk.greeting()
    #expect(talk.greeting(atAge: .milliseconds(500)).lines.map(Self.method) == ["initialize"])
    #expect(talk.greeting(atAge: .seconds(1)).lines.isEmpty)
    let refused = talk.notice(#"{"id":2,"error":{"code":-32022,"message":"unsupported"}}"#)
    #expect(refused == .ignored, "it may only be slow to load")
    let list = talk.response(to: #"{"id":1,"result":{"supportedVersions":["2026-07-28"]}}"#)
    #expect(list.map(Self.method) == ["tools/list"])

    var old = Conversation()
    _ = old.greeting()
    _ = old.greeting(atAge: .milliseconds(500))
    let begun = old.response(to: #"{"id":2,"result":{"protocolVersion":"2025-06-18"}}"#)
    #expect(begun.map(Self.method) == ["notifications/initialized", "tools/list"])
    let late = old.notice(#"{"id":1,"error":{"code":-32601,"message":"Method not found"}}"#)
    #expect(late == .ignored)
  }

  @Test("one server shows the generation of all; the others wait for it")
  func shared() {
    let terms = MCPProtocol(tool: "echo")
    var first = Conversation(terms)
    var second = Conversation(terms)
    _ = first.greeting()
    let waiting = second.greeting()
    #expect(waiting.lines.isEmpty && waiting.wait == .milliseconds(20))
    _ = first.response(to: #"{"id":1,"error":{"code":-32601,"message":"Method not found"}}"#)
    #expect(second.greeting(atAge: .milliseconds(20)).lines.isEmpty, "it is not settled yet")
    _ = first.response(to: #"{"id":2,"result":{"protocolVersion":"2025-11-25"}}"#)
    #expect(second.greeting(atAge: .milliseconds(40)).lines.map(Self.method) == ["initialize"])
    var third = Conversation(terms)
    #expect(third.greeting().lines.map(Self.method) == ["initialize"])
    let other = third.response(to: #"{"id":1,"error":{"code":-32022,"message":"no"}}"#)
    #expect(other.map(Self.method) == ["server/discover"], "the program may be another one by now")
  }

  @Test("a server that ends before it has answered is followed by one that is spoken to in the old way")
  func fragile() {
    let terms = MCPProtocol(tool: "echo")
    var waiting = Conversation(terms)
    do {
      var first = Conversation(terms)
      _ = first.greeting()
      #expect(waiting.greeting().lines.isEmpty)
    }
    #expect(waiting.greeting(atAge: .milliseconds(20)).lines.map(Self.method) == ["initialize"])
  }

  @Test("nobody waits for ever")
  func longWait() {
    let terms = MCPProtocol(tool: "echo")
    var first = Conversation(terms)
    var second = Conversation(terms)
    _ = first.greeting()
    _ = second.greeting()
    #expect(second.greeting(atAge: .seconds(10)).lines.map(Self.method) == ["initialize"])
    _ = first.greeting(atAge: .seconds(10))
  }

  @Test("a server that refuses both ways to begin is unfit, and so is one without the tool, which lists its tools")
  func unfit() {
    var refusing = Conversation()
    _ = refusing.greeting()
    _ = refusing.response(to: #"{"id":1,"error":{"code":1,"message":"not this"}}"#)
    let refused = refusing.received(#"{"id":2,"error":{"code":1,"message":"nor that"}}"#)
    let reason = "refused server/discover (not this) and initialize (nor that): is it an MCP server?"
    #expect(refused == .unfit(reason))

    var other = Conversation(MCPProtocol(tool: "ecko"))
    _ = other.greeting()
    _ = other.response(to: #"{"id":1,"result":{"supportedVersions":["2026-07-28"]}}"#)
    let page = other.response(to: #"{"id":2,"result":{"tools":[{"name":"a"}],"nextCursor":"p\"2"}}"#)
    #expect(JSONTree.parse(page.first?.utf8 ?? "".utf8)?["params"]?["cursor"]?.text == "p\"2")
    let last = other.received(#"{"id":3,"result":{"tools":[{"name":"echo"}]}}"#)
    #expect(last == .unfit("has no tool \"ecko\", it has a, echo (--tool)"))
  }

  @Test("a list of tools without end is not read for ever")
  func endless() {
    var talk = Conversation()
    _ = talk.greeting()
    _ = talk.response(to: #"{"id":1,"result":{"supportedVersions":["2026-07-28"]}}"#)
    var pages = 0
    while pages < 1000,
      case .response = talk.received("{\"id\":\(pages + 2),\"result\":{\"tools\":[],\"nextCursor\":\"x\"}}")
    {
      pages += 1
    }
    #expect(pages == 99)
  }

  @Test("without a tool the tools are reported, and the server is never ready")
  func listing() {
    var talk = Conversation(MCPProtocol(tool: nil))
    _ = talk.greeting()
    _ = talk.response(to: #"{"id":1,"result":{"supportedVersions":["2026-07-28"]}}"#)
    let listed = talk.notice(#"{"id":2,"result":{"tools":[{"name":"a","description":"x\ny"},{"name":"b"}]}}"#)
    let tools = [WorkerTool(name: "a", description: "x\ny"), WorkerTool(name: "b", description: "")]
    #expect(listed == .tools(tools))
  }

  @Test(
    "what is no answer of the handshake breaks the protocol",
    arguments: [
      (#"{"id":7,"result":{}}"#, "no request of ours"), (#"{"id":1}"#, "needs \"result\" or \"error\""),
      ("hello", "not JSON"), (#"[{"id":1,"result":{}}]"#, "must be a JSON object"),
      (#"{"id":"x","result":{}}"#, "no request of ours"), (#"{"result":{}}"#, "without an \"id\""),
    ])
  func badHandshake(line: String, complaint: String) {
    var talk = Conversation()
    _ = talk.greeting()
    guard case .violation(let reason) = talk.received(line) else {
      Issue.record("\(line) is no violation")
      return
    }
    #expect(reason.contains(complaint), "\(reason)")
  }

  // MARK: Jobs

  @Test("without --argument a job is the arguments; what is no object is refused, and says why")
  func arguments() throws {
    let terms = MCPProtocol(tool: "add")
    #expect(terms.defect(of: Array(#" {"a": 1} "#.utf8).span.bytes) == nil)
    #expect(terms.defect(of: Array("text".utf8).span.bytes)?.contains("no JSON object") == true)
    #expect(terms.defect(of: Array("[1]".utf8).span.bytes)?.contains("--argument NAME") == true)
    #expect(MCPProtocol(tool: "a", argument: "b").defect(of: [0xFF].span.bytes)?.contains("UTF-8") == true)
    var talk = Conversation.ready(terms)
    let sent = talk.sent("{\"a\": 1,\n\"b\": [2]}")
    let call = try #require(sent)
    #expect(call["params"]?["arguments"]?.names == ["a", "b"])
    #expect(call["params"]?["name"]?.text == "add")
  }

  @Test(
    "a result is its text, or what there is instead",
    arguments: [
      (#"{"content":[{"type":"text","text":"a\nb"},{"type":"text","text":"c"}]}"#, "a\nb\nc"),
      (#"{"content":[{"type":"text","text":"a"}],"structuredContent":{"n":1},"isError":false}"#, "a"),
      (#"{"content":[],"structuredContent":{"n":1}}"#, #"{"n":1}"#), (#"{"structuredContent":[1]}"#, "[1]"),
      (#"{"content":[]}"#, ""),
      (#"{"content":[{"type":"image","data":"AA"}]}"#, #"[{"type":"image","data":"AA"}]"#),
      (#"{"content":[{"type":"text","text":"no"}],"isError":true}"#, "failed: no"),
      (#"{"resultType":"input_required"}"#, "failed: the tool wants more"), ("{}", "\"content\" is missing"),
      ("null", "not an object"), (#"{"content":[{"type":"text","text":"x"}],"isError":"yes"}"#, "\"isError\""),
      (#"{"content":["x"]}"#, "not an array of objects"), (#"{"content":[{"text":"x"}]}"#, "\"type\" is missing"),
    ])
  func results(result: String, reply: String) throws {
    var talk = Conversation.ready()
    _ = talk.sent("x")
    let answered = talk.answer("{\"id\":1001,\"result\":\(result)}")
    let answer = try #require(answered)
    #expect(answer == reply || reply.count > 2 && answer.contains(reply) && answer.hasPrefix("failed"), "\(answer)")
  }

  @Test("an answer that comes twice, or to no job, breaks the protocol; an error fails its job")
  func ids() {
    var talk = Conversation.ready()
    _ = talk.sent("x", id: 1)
    _ = talk.sent("y", id: 2)
    #expect(talk.answer(#"{"id":1002,"error":{"code":-5,"message":"no"}}"#) == "failed: no")
    guard case .violation = talk.received(#"{"id":1002,"error":{"code":-5,"message":"no"}}"#),
      case .violation = talk.received(#"{"id":1,"result":{}}"#),
      case .violation = talk.received(#"{"id":2.5,"result":{}}"#)
    else {
      Issue.record("an answer to nothing was taken")
      return
    }
    #expect(talk.answer(#"{"id":1001,"result":{"content":[]}}"#) == "")
  }

  @Test("a job is given up when the server shows that it has read that; its answer may come before, after, or never")
  func cancel() {
    var talk = Conversation.ready()
    for id in 1...3 as ClosedRange<UInt64> { _ = talk.sent("x", id: id) }
    let lines = talk.sent(.cancel(id: 1))
    #expect(lines.map(Self.method) == ["notifications/cancelled", "server/discover"])
    #expect(lines[0].contains("\"requestId\":1001"))
    #expect(talk.answer(#"{"id":"cancelled-1001","result":{}}"#) == "cancelled")
    #expect(talk.notice(#"{"id":1001,"result":{"content":[]}}"#) == .ignored, "too late")
    guard case .violation = talk.received(#"{"id":1001,"result":{"content":[]}}"#) else {
      Issue.record("a late answer came twice")
      return
    }
    _ = talk.sent(.cancel(id: 2))
    #expect(talk.answer(#"{"id":1002,"result":{"content":[{"type":"text","text":"done"}]}}"#) == "done")
    #expect(talk.notice(#"{"id":"cancelled-1002","result":{}}"#) == .ignored)
    _ = talk.sent(.cancel(id: 3))
    #expect(talk.answer(#"{"id":1003,"error":{"code":0,"message":"Request cancelled"}}"#) == "cancelled")
  }

  // MARK: Everything else

  @Test("a ping is answered, any other request refused")
  func requests() {
    var talk = Conversation.ready()
    #expect(talk.response(to: #"{"id":"a","method":"ping"}"#) == [#"{"jsonrpc":"2.0","id":"a","result":{}}"#])
    for method in ["sampling/createMessage", "roots/list", "elicitation/create"] {
      let refusal = talk.response(to: "{\"id\":1,\"method\":\"\(method)\",\"params\":{}}")
      #expect(refusal.first?.contains("-32601") == true, "\(refusal)")
    }
  }

  @Test("progress names its job, log lines have levels, other notifications mean nothing")
  func notices() {
    var talk = Conversation.ready()
    _ = talk.sent("x", id: 5)
    let progress =
      #"{"method":"notifications/progress","params":{"progressToken":1005,"progress":1,"total":4,"message":"m"}}"#
    #expect(talk.notice(progress) == .progress(id: 5, JobProgress(done: 1, total: 4, message: "m")))
    let log = #"{"method":"notifications/message","params":{"level":"warning","logger":"me","data":"hot"}}"#
    #expect(talk.notice(log) == .log(.warning, "me: hot"))
    let data = #"{"method":"notifications/message","params":{"level":"info","data":{"n":1}}}"#
    #expect(talk.notice(data) == .log(.info, #"{"n":1}"#))
    let text = #"{"method":"notifications/message","params":{"level":"info","data":{"msg":"up","extra":null}}}"#
    #expect(talk.notice(text) == .log(.info, "up"))
    for ignored in [
      #"{"method":"notifications/tools/list_changed"}"#, #"{"method":"notifications/progress","params":[]}"#,
      #"{"method":"notifications/progress","params":{"progressToken":"x","progress":1}}"#,
      #"{"method":"notifications/progress","params":{"progressToken":1005,"progress":-1}}"#,
    ] { #expect(talk.notice(ignored) == .ignored) }
  }

  @Test("a probe is a request; ping, which the new generation does not have, asks what a server can do")
  func probe() {
    var talk = Conversation.ready()
    #expect(talk.sent(.check(Array("ping".utf8))).map(Self.method) == ["server/discover"])
    guard case .reply = talk.received(#"{"id":"check-1","result":{"supportedVersions":[]}}"#) else {
      Issue.record("no answer to the probe")
      return
    }
    #expect(talk.sent(.check(Array("forget".utf8))).map(Self.method) == ["forget"])
    guard case .failure(let failure, _) = talk.received(#"{"id":"check-2","error":{"code":1,"message":"no"}}"#) else {
      Issue.record("no answer to the reset")
      return
    }
    #expect(failure == ReplyFailure(message: "no", code: 1))
    #expect(talk.sent(.stop).isEmpty)
  }
}
