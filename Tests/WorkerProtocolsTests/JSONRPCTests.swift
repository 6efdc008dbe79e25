import JSON
import TestSupport
import Testing

@testable import WorkerProtocols

/// JSON-RPC, message by message.
@Suite struct JSONRPCTests {
  private struct Answer: Equatable {
    let id: UInt64?
    let text: String
  }

  /// One side of a conversation.
  private struct Conversation {
    var codec: any WorkerCodec
    var pending: [UInt8] = []

    init(_ terms: JSONRPCProtocol = JSONRPCProtocol(), maximumReplySize: Int = 1000) {
      codec = terms.makeCodec(maximumReplySize: maximumReplySize)
    }

    /// What is sent for a job.
    mutating func sent(_ job: String, id: UInt64 = 7) -> String {
      var bytes: [UInt8] = []
      Array(job.utf8).withUnsafeBytes { codec.encode($0, id: id) { bytes += $0 } }
      return String(decoding: bytes, as: UTF8.self)
    }

    mutating func sent(_ request: WorkerRequest) -> String {
      var bytes: [UInt8] = []
      _ = codec.encode(request) { bytes += $0 }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// What a message means. The next call goes on behind it.
    mutating func received(_ text: String) -> WorkerMessage {
      pending += text.utf8
      let bytes = pending
      let message = codec.decode(bytes.span.bytes)
      switch message {
      case .reply(_, let consumed), .failure(_, let consumed), .answer(_, _, let consumed), .notice(_, let consumed),
        .response(_, let consumed), .needMore(let consumed):
        pending.removeFirst(consumed)
      case .oversize, .violation, .unfit: break
      }
      return message
    }

    /// The answer in a message, with the bytes that it stands for.
    mutating func answer(_ text: String) -> Answer? {
      let before = pending + Array(text.utf8)
      guard case .answer(let id, let answer, _) = received(text) else { return nil }
      switch answer {
      case .done(let range): return Answer(id: id, text: String(decoding: before[range], as: UTF8.self))
      case .decoded(let bytes): return Answer(id: id, text: String(decoding: bytes, as: UTF8.self))
      case .failed, .cancelled: return nil
      }
    }
  }

  @Test("a job is a request with the job as a string, and its id")
  func request() throws {
    var talk = Conversation()
    #expect(talk.sent("plain") == #"{"jsonrpc":"2.0","id":7,"method":"job","params":{"job":"plain"}}"# + "\n")
    let line = talk.sent("say \"hi\"\n\u{1}é")
    let tree = try #require(JSONTree.parse(line.utf8.dropLast()))
    #expect(tree["params"]?["job"]?.text == "say \"hi\"\n\u{1}é")
    #expect(!line.dropLast().contains("\n"), "one line")
  }

  @Test("a server with a method of its own is sent what it wants")
  func ownMethod() throws {
    let parameters = try ParameterTemplate("{\"input\": [{job}], \"options\": {json},\n \"n\": 1}")
    var talk = Conversation(JSONRPCProtocol(method: "embed \"it\"", parameters: parameters))
    let sent = talk.sent(#"{"a": 1}"#)
    let tree = try #require(JSONTree.parse(sent.utf8.dropLast()))
    #expect(tree["method"]?.text == "embed \"it\"")
    #expect(tree["params"]?.names == ["input", "options", "n"])
    #expect(tree["params"]?["options"]?.names == ["a"])
    #expect(tree["params"]?["input"] == .array([.string(#"{"a": 1}"#)]))
  }

  @Test(
    "a template that cannot be right is refused",
    arguments: [
      (#"{"x": 1}"#, "neither {job}"), (#"{"x": {job}"#, "not JSON"), (#""{job}""#, "an object or an array"),
      (#"["{json}"]"#, "inside a string"),
      ("{job}", "an object or an array"), ("", "neither {job}"),
    ])
  func templates(_ text: String, _ complaint: String) {
    let error = #expect(throws: ParameterTemplate.Defect.self) { try ParameterTemplate(text) }
    #expect(error.map { "\($0)".contains(complaint) } == true, "\(String(describing: error))")
  }

  @Test("inside a string the job is a part of that")
  func insideString() throws {
    let parameters = try ParameterTemplate(#"{"prompt": "Translate \"{job}\": "}"#)
    var talk = Conversation(JSONRPCProtocol(parameters: parameters))
    let sent = talk.sent("a \"b\"\n")
    #expect(JSONTree.parse(sent.utf8.dropLast())?["params"]?["prompt"]?.text == "Translate \"a \"b\"\n\": ")
  }

  @Test("a job that cannot stand in the parameters is refused, and says why")
  func defects() throws {
    let text = JSONRPCProtocol()
    #expect(text.defect(of: Array("any text".utf8).span.bytes) == nil)
    #expect(text.defect(of: [0xFF].span.bytes)?.contains("not UTF-8") == true)
    let json = JSONRPCProtocol(parameters: try ParameterTemplate("[{json}]"))
    #expect(json.defect(of: Array(#"{"a":[1]}"#.utf8).span.bytes) == nil)
    #expect(json.defect(of: Array("no".utf8).span.bytes)?.contains("not JSON") == true)
  }

  @Test("a result is the text of a string, and any other value as it stands")
  func results() {
    var talk = Conversation()
    let plain = talk.answer(#"{"jsonrpc":"2.0","id":7,"result":"plain"}"# + "\n")
    #expect(plain == Answer(id: 7, text: "plain"))
    let escaped = talk.answer(#" {"result":"a\nb\u00e9", "id":8} "# + "\n")
    #expect(escaped == Answer(id: 8, text: "a\nbé"))
    for value in ["{\"x\": [1]}", "[1, 2]", "1.5", "true", "null"] {
      let answer = talk.answer("{\"id\":9,\"result\":\(value)}\n")
      #expect(answer == Answer(id: 9, text: value))
    }
  }

  @Test("an error fails the job that it names, with message, code and data")
  func errors() {
    var talk = Conversation()
    let failure = ReplyFailure(message: "no such word", code: -5, data: Array("[1]".utf8))
    #expect(
      talk.received(#"{"id":3,"error":{"code":-5,"message":"no such word","data":[1]}}"# + "\n")
        == .answer(id: 3, .failed(failure), consumed: 65))
    let unnamed = talk.received(#"{"id":null,"error":{"code":-32700,"message":"Parse error"}}"# + "\n")
    #expect(unnamed == .answer(id: nil, .failed(ReplyFailure(message: "Parse error", code: -32700)), consumed: 60))
  }

  @Test("bytes come in any pieces, and empty lines mean nothing")
  func pieces() {
    var talk = Conversation()
    let text = "\n  \r\n" + #"{"id":1,"result":"x"}"# + "\n"
    for byte in text.dropLast() { #expect({ if case .needMore = talk.received("\(byte)") { true } else { false } }()) }
    #expect(talk.answer("\n")?.text == "x")
  }

  @Test(
    "what is no response breaks the protocol",
    arguments: [
      ("hello", "not JSON"), ("[1]", "must be a JSON object"), (#"{"id":1}"#, "needs \"result\" or \"error\""),
      (#"{"id":1,"result":1,"error":{"message":"x"}}"#, "not both"), (#"{"result":1}"#, "without an \"id\""),
      (#"{"id":1,"error":"x"}"#, "not an object"), (#"{"id":"job-1","result":1}"#, "no request of ours"),
      (#"{"id":1.5,"result":1}"#, "no request of ours"), (#"{"id":1,"result":"half"#, "not JSON"),
      (#"{"method":1}"#, "not a string"),
    ])
  func violations(_ text: String, _ reason: String) {
    var talk = Conversation()
    guard case .violation(let found) = talk.received(text + "\n") else {
      Issue.record("\(text) was let through")
      return
    }
    #expect(found.contains(reason), "\(found)")
  }

  @Test("a message is too long before its end has come")
  func oversize() {
    var talk = Conversation(maximumReplySize: 10)
    #expect(talk.received(#"{"id":1,"result":""# + String(repeating: "x", count: 5000)) == .oversize)
    var headers = Conversation(JSONRPCProtocol(messageFraming: .contentLength), maximumReplySize: 10)
    #expect(headers.received("Content-Length: 100000\r\n\r\n") == .oversize)
  }

  @Test("the text of a probe or a reset is the method of a request, and its response is no answer to a job")
  func checks() {
    var talk = Conversation()
    #expect(talk.sent(.check(Array("ping".utf8))) == #"{"jsonrpc":"2.0","id":"check-1","method":"ping"}"# + "\n")
    #expect(talk.received(#"{"id":"check-1","result":"pong"}"# + "\n") == .reply(payload: 26..<30, consumed: 33))
    #expect(talk.sent(.check(Array("reset".utf8))) == #"{"jsonrpc":"2.0","id":"check-2","method":"reset"}"# + "\n")
    #expect(
      talk.received(#"{"id":"check-2","error":{"code":1,"message":"stuck"}}"# + "\n")
        == .failure(ReplyFailure(message: "stuck", code: 1), consumed: 54))
    guard case .violation = talk.received(#"{"id":"check-2","result":1}"# + "\n") else {
      Issue.record("a reset was answered twice")
      return
    }
  }

  @Test("a job is given up by a notification; the error that then comes for it is no failure")
  func cancelling() {
    var talk = Conversation()
    #expect(talk.sent(.cancel(id: 4)) == #"{"jsonrpc":"2.0","method":"cancel","params":{"id":4}}"# + "\n")
    let error = #"{"id":4,"error":{"code":1,"message":"cancelled"}}"# + "\n"
    #expect(talk.received(error) == .answer(id: 4, .cancelled, consumed: error.utf8.count))
    _ = talk.sent(.cancel(id: 5))
    #expect(talk.answer(#"{"id":5,"result":"done all the same"}"# + "\n")?.text == "done all the same")
  }

  @Test("notifications are notices, and those that nobody knows are ignored")
  func notices() {
    var talk = Conversation()
    func notice(_ text: String) -> WorkerNotice? {
      guard case .notice(let notice, _) = talk.received(text + "\n") else { return nil }
      return notice
    }
    #expect(notice(#"{"method":"ready"}"#) == .ready)
    #expect(notice(#"{"method":"retire","params":[]}"#) == .retire)
    #expect(
      notice(#"{"method":"progress","params":{"id":2,"done":3,"total":4.5,"message":"half"}}"#)
        == .progress(id: 2, JobProgress(done: 3, total: 4.5, message: "half")))
    #expect(notice(#"{"method":"progress","params":{"done":-1}}"#) == .ignored)
    #expect(notice(#"{"method":"log","params":{"level":"WARN","message":"hot"}}"#) == .log(.warning, "hot"))
    #expect(notice(#"{"method":"log","params":{"message":"hm"}}"#) == .log(.info, "hm"))
    #expect(notice(#"{"method":"$/other","params":{"x":1}}"#) == .ignored)
  }

  @Test("a request of the worker is refused, under its own id")
  func requests() throws {
    var talk = Conversation()
    guard case .response(let bytes, _) = talk.received(#"{"id":"theirs","method":"roots/list"}"# + "\n") else {
      Issue.record("not answered")
      return
    }
    let tree = try #require(JSONTree.parse(bytes.dropLast()))
    #expect(tree["id"]?.text == "theirs")
    #expect(tree["error"]?["code"] == .number("-32601"))
  }

  @Test("messages led by their length, as in LSP")
  func headers() {
    var talk = Conversation(JSONRPCProtocol(messageFraming: .contentLength))
    let body = #"{"jsonrpc":"2.0","id":7,"method":"job","params":{"job":"é"}}"#
    #expect(talk.sent("é") == "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    let response = "{\"id\":7,\n\"result\":\"two\\nlines\"}"
    let message = "content-length:  \(response.utf8.count)\r\nContent-Type: x\r\n\r\n\(response)"
    for piece in message.unicodeScalars.dropLast() { #expect(talk.received("\(piece)") == .needMore(consumed: 0)) }
    #expect(talk.answer("}")?.text == "two\nlines")
    for bad in ["Content-Type: x\r\n\r\n", "Content-Length: -1\r\n\r\n", String(repeating: "x", count: 2000)] {
      var other = Conversation(JSONRPCProtocol(messageFraming: .contentLength))
      #expect({ if case .violation = other.received(bad) { true } else { false } }(), "\(bad.prefix(20))")
    }
  }
}
