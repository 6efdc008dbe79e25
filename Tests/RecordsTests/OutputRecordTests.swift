import JSON
import TestSupport
import Testing
import Time

@testable import Records

@Suite struct OutputRecordTests {
  static let full = OutputRecord(
    seq: 17, outcome: "ok", attempts: 2, slot: 0, pid: 812, queued: 1_234_567, ran: 2_000_000_000, cpu: 999_999_500,
    rss: 1_048_576)
  static let bare = OutputRecord(seq: 1, outcome: "expired", attempts: 0)

  private func line(_ write: (inout [UInt8]) -> Void) -> String {
    var buffer: [UInt8] = []
    write(&buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  @Test("a reply of bytes is a string, with all that is known about the job behind it")
  func reply() {
    let (reply, id) = (Array("a \"b\"\n".utf8), Array("{\"n\": 7}".utf8))
    #expect(
      line { Self.full.append(reply: reply.span.bytes, id: id.span.bytes, to: &$0) }
        == #"{"id":{"n": 7},"seq":17,"outcome":"ok","result":"a \"b\"\n","attempts":2,"slot":0,"pid":812,"queued":0.001235,"ran":2.000000,"cpu":1.000000,"rss":1048576}"#
        + "\n")
  }

  @Test("progress is an object; what is no number or empty is left out")
  func progress() {
    let text = { (done: Double, total: Double?, message: String) in
      String(decoding: OutputRecord.progress(done: done, total: total, message: message), as: UTF8.self)
    }
    #expect(text(3, 10, "pages") == #"{"done":3,"total":10,"message":"pages"}"#)
    #expect(text(0.5, nil, "") == #"{"done":0.5}"#)
    #expect(text(.infinity, .nan, "") == "{}")
    let record = OutputRecord(seq: 1, outcome: "timeout", attempts: 1, progress: Array(#"{"done":3}"#.utf8))
    #expect(
      line { record.append(Failure(message: "m"), id: nil, to: &$0) }
        == #"{"seq":1,"outcome":"timeout","error":{"message":"m"},"attempts":1,"progress":{"done":3}}"# + "\n")
  }

  @Test("a reply that looks like JSON stays a string", arguments: ["1", "true", "{}", "\"a\"", "null"])
  func lookalikes(_ reply: String) {
    let bytes = Array(reply.utf8)
    #expect(written { Self.full.append(reply: bytes.span.bytes, id: nil, to: &$0) }?["result"] == .string(reply))
  }

  @Test("a reply that is not UTF-8 is there as base64, and there is no result beside it")
  func replyOfBytes() throws {
    let bytes: [UInt8] = [0x61, 0xFF]
    let tree = try #require(written { Self.full.append(reply: bytes.span.bytes, id: nil, to: &$0) })
    #expect(tree["result_base64"] == .string("Yf8="))
    #expect(tree["result"] == nil && tree["id"] == nil)
  }

  @Test("a reply in JSON passes through byte for byte; only a line feed, which would end the record, becomes a space")
  func jsonReply() {
    let value = Array(#"{ "a":1.0,"é":"\u00e9\n" , "b":[ ]}"#.utf8)
    let text = line { Self.full.append(jsonReply: value.span.bytes, id: nil, to: &$0) }
    #expect(text.hasPrefix(#"{"seq":17,"outcome":"ok","result":{ "a":1.0,"é":"\u00e9\n" , "b":[ ]},"attempts":2,"#))
    let broken = Array("{\n\"a\":\r\n[1,\n2]}".utf8)
    let tree = written { Self.full.append(jsonReply: broken.span.bytes, id: broken.span.bytes, to: &$0) }
    #expect(tree?["result"] == .object([("a", .array([.number("1"), .number("2")]))]))
    #expect(tree?["id"] == tree?["result"])
  }

  @Test("a job that did not end well has an error in place of the result")
  func failures() {
    let all = Failure(
      message: "died of SIGSEGV\t0.2 s into job 17", code: -32_000, signal: 11, stderr: Array("bad \"x\"\n".utf8))
    #expect(
      line { Self.bare.append(all, id: nil, to: &$0) }
        == #"{"seq":1,"outcome":"expired","error":{"message":"died of SIGSEGV\t0.2 s into job 17","code":-32000,"signal":11,"stderr":"bad \"x\"\n"},"attempts":0}"#
        + "\n")
    #expect(
      line { Self.bare.append(Failure(message: ""), id: nil, to: &$0) }
        == #"{"seq":1,"outcome":"expired","error":{"message":""},"attempts":0}"# + "\n")
  }

  @Test("stderr that is cut in the middle of a character is still text")
  func stderrTail() {
    let failure = Failure(message: "m", stderr: [0x82, 0xAC] + Array(" end \u{1B}[0m".utf8) + [0xE2])
    let tree = written { Self.bare.append(failure, id: nil, to: &$0) }
    #expect(tree?["error"]?["stderr"] == .string("\u{FFFD}\u{FFFD} end \u{1B}[0m\u{FFFD}"))
  }

  @Test(
    "times are seconds with six decimals, rounded, and never have an exponent",
    arguments: [
      (0, "0.000000"), (499, "0.000000"), (500, "0.000001"), (999_999_499, "0.999999"), (999_999_500, "1.000000"),
      (60_000_000_001, "60.000000"), (.max, "18446744073.709552"),
    ] as [(Nanoseconds, String)])
  func seconds(_ nanoseconds: Nanoseconds, _ text: String) {
    var buffer = Array("{".utf8)
    buffer.appendMember("ran", seconds: nanoseconds)
    #expect(String(decoding: buffer, as: UTF8.self) == "{\"ran\":\(text)")
  }

  @Test("records follow each other in one buffer, a line each")
  func lines() {
    let reply = Array("x".utf8)
    let text = line { buffer in
      for _ in 0..<3 { Self.bare.append(reply: reply.span.bytes, id: nil, to: &buffer) }
    }
    #expect(
      text == String(repeating: "{\"seq\":1,\"outcome\":\"expired\",\"result\":\"x\",\"attempts\":0}\n", count: 3))
  }
}
