import JSON
import TestSupport
import Testing

@testable import WorkerProtocols

/// Work requests and responses, byte for byte.
@Suite struct BazelTests {
  private func sent(_ job: String, _ terms: BazelProtocol, id: UInt64 = 7) -> [UInt8] {
    var codec = terms.makeCodec(maximumReplySize: 100)
    var bytes: [UInt8] = []
    Array(job.utf8).withUnsafeBytes { codec.encode($0, id: id) { bytes += $0 } }
    return bytes
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("a request has no member that says nothing, and ends with a newline")
  func jsonRequests() {
    let single = BazelProtocol(.json)
    #expect(text(sent("-c a.c", single)) == #"{"arguments":["-c a.c"]}"# + "\n")
    #expect(text(sent(#"["-c", "a.c"]"#, single)) == #"{"arguments":["-c","a.c"]}"# + "\n")
    #expect(text(sent("[1]", single)) == #"{"arguments":["[1]"]}"# + "\n")
    let whole =
      #"{"arguments":["x"],"inputs":[{"path":"p","digest":"d"},{"path":"q"}],"verbosity":10,"sandboxDir":"s"}"#
    #expect(
      text(sent(whole, BazelProtocol(.json, concurrency: 2)))
        == String(whole.dropLast()) + #","requestId":7}"# + "\n")
    #expect(single.defect(of: Array(#"{"argument":[]}"#.utf8).span.bytes)?.contains("\"argument\"") == true)
    #expect(single.defect(of: [0xFF].span.bytes)?.contains("UTF-8") == true)
  }

  @Test("a cancel names the request")
  func cancels() {
    for (concurrency, expected) in [(1, #"{"cancel":true}"#), (2, #"{"requestId":5,"cancel":true}"#)] {
      var codec = BazelProtocol(.json, concurrency: concurrency).makeCodec(maximumReplySize: 100)
      var bytes: [UInt8] = []
      #expect(codec.encode(.cancel(id: 5)) { bytes += $0 })
      #expect(text(bytes) == expected + "\n")
    }
  }

  /// By the examples of protobuf.dev/programming-guides/encoding: field 1 as a string, field 3 with 150.
  @Test("requests in Protocol Buffers")
  func protoRequests() {
    #expect(sent("testing", BazelProtocol(.proto)) == [9, 0x0A, 7] + Array("testing".utf8))
    #expect(
      sent("testing", BazelProtocol(.proto, concurrency: 2), id: 150)
        == [12, 0x0A, 7] + Array("testing".utf8) + [0x18, 0x96, 0x01])
    let whole = #"{"arguments":["x"],"inputs":[{"path":"p","digest":"d"}],"verbosity":1,"sandboxDir":"s"}"#
    #expect(
      sent(whole, BazelProtocol(.proto))
        == [16, 0x0A, 1, 0x78, 0x12, 6, 0x0A, 1, 0x70, 0x12, 1, 0x64, 0x28, 1, 0x32, 1, 0x73])
  }

  private func answers(_ bytes: [UInt8], _ terms: BazelProtocol, piece: Int = .max) -> [WorkerMessage] {
    var codec = terms.makeCodec(maximumReplySize: 100)
    var pending: [UInt8] = []
    var rest = bytes[...]
    var answers: [WorkerMessage] = []
    while !rest.isEmpty {
      pending += rest.prefix(piece)
      rest = rest.dropFirst(piece)
      loop: while !pending.isEmpty {
        let message = codec.decode(pending.span.bytes)
        switch message {
        case .answer(_, _, let consumed):
          answers.append(message)
          pending.removeFirst(consumed)
        case .needMore(let consumed):
          pending.removeFirst(consumed)
          break loop
        case .reply, .failure, .notice, .response, .oversize, .violation, .unfit: return answers + [message]
        }
      }
    }
    return answers
  }

  @Test("responses are JSON objects, whatever stands between them, in pieces of any size", arguments: [1, 3, .max])
  func jsonResponses(piece: Int) {
    let stream = Array(
      (#"{"output":"a}{\"","requestId":1} "# + "\n\n\t" + #"{ "exitCode" : 2 , "output":"bad","x":[{"y":"]"}],"#
        + #""requestId":2}{"requestId":3,"wasCancelled":true}{}"#).utf8)
    let found = answers(stream, BazelProtocol(.json, concurrency: 2), piece: piece)
    let parts = found.map { message -> String in
      guard case .answer(let id, let answer, _) = message else { return "\(message)" }
      switch answer {
      case .decoded(let bytes): return "\(id.map(String.init) ?? "-") \(text(bytes))"
      case .failed(let failure): return "\(id.map(String.init) ?? "-") failed \(failure.code ?? 0) \(failure.message)"
      case .cancelled: return "\(id.map(String.init) ?? "-") cancelled"
      case .done: return "done"
      }
    }
    #expect(parts == ["1 a}{\"", "2 failed 2 bad", "3 cancelled", "0 "])
  }

  @Test("responses in Protocol Buffers, in pieces of any size", arguments: [1, 2, .max])
  func protoResponses(piece: Int) {
    let ok: [UInt8] = [6, 0x12, 2, 0x6F, 0x6B, 0x18, 9]
    let failed: [UInt8] = [15, 0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01, 0x12, 0, 0x18, 0x04]
    let skipped: [UInt8] = [12, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x18, 1, 0x20]
    let found = answers(ok + failed + [0], BazelProtocol(.proto), piece: piece)
    #expect(
      found == [
        .answer(id: 9, .decoded(Array("ok".utf8)), consumed: 7),
        .answer(id: 4, .failed(ReplyFailure(message: "", code: -1)), consumed: 16),
        .answer(id: nil, .decoded([]), consumed: 1),
      ])
    guard case .violation? = answers(skipped, BazelProtocol(.proto)).last else {
      Issue.record("a field without a value was let through")
      return
    }
  }

  @Test("what is no response breaks the protocol", arguments: ["x", "]", "[{}]", "\"a\"", "{\"exitCode\":\"x\"}", "1"])
  func violations(text: String) {
    let last = answers(Array(text.utf8), BazelProtocol(.json)).last
    #expect({ if case .violation? = last { true } else { false } }(), "\(String(describing: last))")
  }

  @Test("a response is too long before its end has come")
  func oversize() {
    let json = Array("{\"output\":\"".utf8) + [UInt8](repeating: 0x78, count: 10_000)
    #expect(answers(json, BazelProtocol(.json)).last == .oversize)
    #expect(answers([0xFF, 0xFF, 0x7F], BazelProtocol(.proto)).last == .oversize)
  }
}
