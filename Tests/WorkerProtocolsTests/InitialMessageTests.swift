import TestSupport
import Testing
import WireFormats

@testable import WorkerProtocols

/// What a worker is sent at its start, protocol by protocol; and framings that differ by direction.
@Suite struct InitialMessageTests {
  private func form(_ message: String, _ workerProtocol: any WorkerProtocol) -> InitialMessageForm {
    let bytes = Array(message.utf8)
    return workerProtocol.form(ofInitial: bytes.span.bytes)
  }

  private func sent(_ message: String, by codec: inout any WorkerCodec) -> String? {
    var bytes: [UInt8] = []
    let isSent = Array(message.utf8).withUnsafeBytes { codec.encode(initial: $0) { bytes += $0 } }
    return isSent ? String(decoding: bytes, as: UTF8.self) : nil
  }

  @Test("a line is a job like any other, unless it cannot be sent as one")
  func lines() {
    #expect(form("a", Framing.lines) == .answered)
    #expect(
      form("a\nb", Framing.lines)
        == .unusable("it cannot be sent with --protocol lines: \(FramingError.embeddedDelimiter(byte: 10, offset: 1))"))
    var codec = Framing.lines.makeCodec(maximumReplySize: 100)
    #expect(sent("a", by: &codec) == nil)
  }

  @Test("of JSON-RPC there are requests, with ids of ours, notifications, and what is neither")
  func jsonrpc() {
    let rpc = JSONRPCProtocol()
    #expect(form(#"{"id":1,"method":"open"}"#, rpc) == .answered)
    #expect(form(#"{"method":"opened"}"#, rpc) == .unanswered)
    #expect(form(#"{"id":1}"#, rpc) == .unusable("it is no JSON object with a \"method\""))
    #expect(form("[1]", rpc) == .unusable("it is no JSON object with a \"method\""))
    guard case .unusable(let reason) = form("open", rpc) else {
      Issue.record("it is not JSON")
      return
    }
    #expect(reason.hasPrefix("it is not JSON: "))
    var codec = rpc.makeCodec(maximumReplySize: 100)
    #expect(
      sent(#"{"params": {"a":1}, "method":"open", "id":"x"}"#, by: &codec)
        == #"{"jsonrpc":"2.0","id":"check-1","method":"open","params":{"a":1}}"# + "\n")
    let answer = Array((#"{"jsonrpc":"2.0","id":"check-1","result":7}"# + "\n").utf8)
    #expect(codec.decode(answer.span.bytes) == .reply(payload: 41..<42, consumed: answer.count))
    #expect(sent(#"{"method":"opened"}"#, by: &codec) == #"{"method":"opened"}"# + "\n")
  }

  @Test("jobs in one framing, replies in another")
  func mixed() {
    let mixed = MixedFraming(jobs: .lines, replies: .netstring)
    #expect(mixed.name == "lines/netstring" && mixed.framing == .lines && mixed.replyFraming == .netstring)
    #expect(mixed.advice.form.contains("--reply-protocol netstring"))
    var codec = mixed.makeCodec(maximumReplySize: 100)
    var bytes: [UInt8] = []
    Array("job".utf8).withUnsafeBytes { codec.encode($0, id: 1) { bytes += $0 } }
    #expect(String(decoding: bytes, as: UTF8.self) == "job\n")
    let reply = Array("3:a\nb,".utf8)
    #expect(codec.decode(reply.span.bytes) == .reply(payload: 2..<5, consumed: 6))
    #expect(Framing.nul.replyFraming == .nul)
  }
}
