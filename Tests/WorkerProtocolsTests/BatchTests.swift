import JSON
import Testing
import WireFormats

@testable import WorkerProtocols

/// Several jobs in one message, and what comes back.
@Suite struct BatchTests {
  private static func sent(_ jobs: [String], _ codec: inout any WorkerCodec, from id: UInt64 = 1) -> String {
    var bytes: [UInt8] = []
    codec.beginBatch(of: jobs.count) { bytes += $0 }
    for (place, job) in jobs.enumerated() {
      Array(job.utf8).withUnsafeBytes { codec.encode($0, id: id + UInt64(place)) { bytes += $0 } }
    }
    codec.endBatch { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Framings

  @Test(
    "the number of jobs stands before them in a frame of its own, also before a single one",
    arguments: [
      (Framing.lines, "2\na\nbc\n", "1\na\n"), (.nul, "2\0a\0bc\0", "1\0a\0"),
      (.length4, "\0\0\0\u{1}2\0\0\0\u{1}a\0\0\0\u{2}bc", "\0\0\0\u{1}1\0\0\0\u{1}a"),
      (.netstring, "1:2,1:a,2:bc,", "1:1,1:a,"),
    ])
  func counted(framing: Framing, two: String, one: String) {
    let workerProtocol = BatchedFraming(framing, most: 8)
    #expect(workerProtocol.name == framing.name && workerProtocol.batch == 8 && workerProtocol.concurrency == nil)
    var codec = workerProtocol.makeCodec(maximumReplySize: 100)
    #expect(Self.sent(["a", "bc"], &codec) == two)
    // A job without others, a probe, a reset.
    var bytes: [UInt8] = []
    Array("a".utf8).withUnsafeBytes { codec.encode($0, id: 3) { bytes += $0 } }
    #expect(String(decoding: bytes, as: UTF8.self) == one)
    #expect(codec.decode(Array("x\n".utf8).span.bytes) == .reply(payload: 0..<1, consumed: 2) || framing != .lines)
  }

  // MARK: JSON-RPC

  private static func rpc(_ framing: JSONRPCProtocol.MessageFraming = .newline) -> any WorkerCodec {
    var terms = JSONRPCProtocol(messageFraming: framing)
    terms.batch = 8
    return terms.makeCodec(maximumReplySize: 1000)
  }

  /// The messages in these bytes, and what is left of them.
  private static func received(_ text: String, _ codec: inout any WorkerCodec) -> (messages: [WorkerMessage], rest: Int)
  {
    var (pending, messages) = (Array(text.utf8), [WorkerMessage]())
    while !pending.isEmpty {
      let message = codec.decode(pending.span.bytes)
      messages.append(message)
      switch message {
      case .reply(_, let consumed), .failure(_, let consumed), .answer(_, _, let consumed), .notice(_, let consumed),
        .response(_, let consumed):
        if case .answer(let id, .done(let place), _) = message {
          messages[messages.count - 1] = .answer(id: id, .decoded(Array(pending[place])), consumed: 0)
        }
        pending.removeFirst(consumed)
      case .needMore(let consumed):
        pending.removeFirst(consumed)
        return (messages, pending.count)
      case .oversize, .violation, .unfit: return (messages, pending.count)
      }
    }
    return (messages, 0)
  }

  private static func answer(_ id: UInt64, _ text: String) -> WorkerMessage {
    .answer(id: id, .decoded(Array(text.utf8)), consumed: 0)
  }

  @Test("a batch is an array of requests, and a single job is a plain request")
  func requests() throws {
    var codec = Self.rpc()
    let line = Self.sent(["a", "b"], &codec)
    #expect(
      line == #"[{"jsonrpc":"2.0","id":1,"method":"job","params":{"job":"a"}},"#
        + #"{"jsonrpc":"2.0","id":2,"method":"job","params":{"job":"b"}}]"# + "\n")
    #expect(
      Self.sent(["a"], &codec, from: 3) == #"{"jsonrpc":"2.0","id":3,"method":"job","params":{"job":"a"}}"# + "\n")
    var headers = Self.rpc(.contentLength)
    #expect(Self.sent(["a", "b"], &headers).hasPrefix("Content-Length: \(line.utf8.count - 1)\r\n\r\n[{"))
  }

  @Test("an array of responses answers in any order, with spaces or without; so do single responses")
  func responses() {
    var codec = Self.rpc()
    _ = Self.sent(["a", "b", "c"], &codec)
    let (messages, rest) = Self.received(
      ##" [ {"id":3,"result":"C"} ,{"jsonrpc":"2.0","id":1,"result":[1]},{"id":2,"result":"B"}\##t] \##n"##
        .replacing("\\t", with: "\t").replacing("\\n", with: "\n"), &codec)
    #expect(rest == 0 && messages.prefix(3) == [Self.answer(3, "C"), Self.answer(1, "[1]"), Self.answer(2, "B")])
    #expect(messages.dropFirst(3).allSatisfy { if case .notice(.ignored, _) = $0 { true } else { false } })
    _ = Self.sent(["d", "e"], &codec, from: 4)
    let single = Self.received(#"{"id":5,"result":"E"}"# + "\n" + #"{"id":4,"result":"D"}"# + "\n", &codec)
    #expect(single.messages == [Self.answer(5, "E"), Self.answer(4, "D")])
  }

  @Test("the array of responses may come in pieces, and led by its length")
  func pieces() {
    var codec = Self.rpc(.contentLength)
    _ = Self.sent(["a", "b"], &codec)
    let body = #"[{"id":1,"result":"A"},{"id":2,"error":{"code":1,"message":"no"}}]"#
    let first = "Content-Length: \(body.utf8.count)\r\n\r\n" + body.prefix(20)
    #expect(Self.received(first, &codec).messages == [.needMore(consumed: 0)])
    let all = Self.received(first + body.dropFirst(20), &codec)
    #expect(all.messages.first == Self.answer(1, "A") && all.rest == 0)
    #expect(all.messages.contains { if case .answer(id: 2, .failed, _) = $0 { true } else { false } })
  }

  @Test(
    "an array that leaves answers out, an empty one and one that is no JSON break the protocol",
    arguments: [
      (#"[{"id":1,"result":"A"}]"#, "leaves 1 of the 2 requests"), ("[]", "an empty array"),
      (#"[{"id":1,"result":"A"},]"#, "not JSON"), ("[1]", "must be a JSON object"),
      (#"[{"id":"x","result":"A"}]"#, "a response to no request of ours"),
    ])
  func lies(text: String, reason: String) throws {
    var codec = Self.rpc()
    _ = Self.sent(["a", "b"], &codec)
    let last = try #require(Self.received(text + "\n", &codec).messages.last)
    guard case .violation(let found) = last else {
      Issue.record("\(last)")
      return
    }
    #expect(found.contains(reason), "\(found)")
  }

  @Test("an array of notifications answers nothing, and takes nothing away")
  func notifications() {
    var codec = Self.rpc()
    _ = Self.sent(["a", "b"], &codec)
    let (messages, rest) = Self.received(#"[{"method":"progress","params":{"id":1,"done":1}}]"# + "\n", &codec)
    #expect(rest == 0 && messages.count == 2)
  }

  @Test("without batches an array is no message")
  func off() {
    var codec: any WorkerCodec = JSONRPCProtocol().makeCodec(maximumReplySize: 100)
    #expect(Self.received("[]\n", &codec).messages == [.violation("a message must be a JSON object")])
  }
}
