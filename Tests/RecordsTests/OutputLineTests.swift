import JSON
import TestSupport
import Testing
import Time

@testable import Records

/// What `OutputRecord` writes, read back.
@Suite struct OutputLineTests {
  /// A line as it was written, and as it is read.
  private struct Round {
    let line: [UInt8]
    let read: OutputLine

    init(_ write: (inout [UInt8]) -> Void) throws {
      var line: [UInt8] = []
      write(&line)
      try #require(line.popLast() == 0x0A)
      self.line = line
      read = try OutputLine(line.span.bytes)
    }

    var id: String? { read.id.map { String(decoding: line[$0.range], as: UTF8.self) } }

    var reply: [UInt8] {
      var buffer: [UInt8] = []
      read.appendReply(of: line.span.bytes, to: &buffer)
      return buffer
    }
  }

  static let full = OutputRecord(
    seq: 17, outcome: "ok", attempts: 2, slot: 0, pid: 812, queued: 1_235_000, ran: 2_000_000_000, cpu: 999_999_000,
    rss: -1_048_576)
  static let bare = OutputRecord(seq: .max, outcome: "expired", attempts: 0)

  private static func refusal(_ line: String) -> JSONObjectError? {
    let bytes = Array(line.utf8)
    do throws(JSONObjectError) {
      _ = try OutputLine(bytes.span.bytes)
      return nil
    } catch { return error }
  }

  @Test("every reply of bytes comes back as it was, text or not", arguments: [full, bare])
  func replies(_ record: OutputRecord) throws {
    let replies: [[UInt8]] = [
      [], Array("plain".utf8), Array("a \"b\"\\ \n\t\u{1}é€😀".utf8), [0xFF], [0, 0xC3, 0x28], Array("{\"x\":1}".utf8),
      [0x80, 1],
    ]
    for reply in replies {
      let round = try Round { record.append(reply: reply.span.bytes, id: nil, to: &$0) }
      #expect(round.read.record == record)
      #expect(round.reply == reply)
      #expect(round.read.id == nil)
    }
  }

  @Test("a reply in JSON comes back byte for byte")
  func jsonReplies() throws {
    for reply in ["1", "null", "{\"a\":[1,  2.50]}", "[ ]", "true"] {
      let bytes = Array(reply.utf8)
      let round = try Round { Self.full.append(jsonReply: bytes.span.bytes, id: nil, to: &$0) }
      #expect(String(decoding: round.reply, as: UTF8.self) == reply)
    }
  }

  @Test("an id comes back as it stands, and as a number if it is one")
  func ids() throws {
    let ids: [(String, UInt64?)] = [
      ("7", 7), ("18446744073709551615", UInt64.max), ("null", nil), ("\"7\"", nil), ("-1", nil),
    ]
    for (id, number) in ids {
      let bytes = Array(id.utf8)
      let round = try Round { Self.full.append(reply: Array<UInt8>().span.bytes, id: bytes.span.bytes, to: &$0) }
      #expect(round.id == id)
      #expect(round.read.number(of: round.line.span.bytes) == number)
    }
  }

  @Test("a failure comes back with all that is known of it")
  func failures() throws {
    for failure in [
      Failure(message: "died of SIGSEGV\t\"now\"", code: -32_000, signal: 11, stderr: Array("bad\nend\n".utf8)),
      Failure(message: ""), Failure(message: "m", code: .min), Failure(message: "m", signal: 9),
    ] {
      let round = try Round { Self.bare.append(failure, id: nil, to: &$0) }
      #expect(round.read.answer == .failure(failure))
      #expect(round.read.record == Self.bare)
      #expect(round.reply == [])
    }
  }

  @Test("any record comes back", arguments: 0..<200 as Range<UInt64>)
  func anyRecord(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    var record = OutputRecord(
      seq: generator.next(), outcome: ["ok", "failed", "timeout"].randomElement(using: &generator)!,
      attempts: Int.random(in: 0 ... .max, using: &generator))
    let microseconds = { (generator: inout SplitMix64) in
      Nanoseconds.microseconds(UInt64.random(in: 0...1 << 50, using: &generator))
    }
    if Bool.random(using: &generator) { record.slot = Int.random(in: 0...9999, using: &generator) }
    if Bool.random(using: &generator) { record.pid = Int32.random(in: 0 ... .max, using: &generator) }
    if Bool.random(using: &generator) { record.queued = microseconds(&generator) }
    if Bool.random(using: &generator) { record.ran = microseconds(&generator) }
    if Bool.random(using: &generator) { record.cpu = microseconds(&generator) }
    if Bool.random(using: &generator) { record.rss = Int64.random(in: .min ... .max, using: &generator) }
    if Bool.random(using: &generator) {
      record.progress = OutputRecord.progress(
        done: Double.random(in: 0...100, using: &generator), total: Bool.random(using: &generator) ? 100 : nil,
        message: ["", "a \"b\""].randomElement(using: &generator)!)
    }
    let reply = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
    }
    let round = try Round { record.append(reply: reply.span.bytes, id: nil, to: &$0) }
    #expect(round.read.record == record)
    #expect(round.reply == reply)
  }

  @Test("members that a later version adds do no harm, and null is nothing but for the result")
  func strangers() throws {
    let line = Array(
      #" { "new": {"a": [1]}, "attempts": 1, "result": null, "outcome": "ok", "seq": 1e0, "slot": null, "error": null } "#
        .utf8)
    let read = try OutputLine(line.span.bytes)
    #expect(read.record == OutputRecord(seq: 1, outcome: "ok", attempts: 1))
    var reply: [UInt8] = []
    read.appendReply(of: line.span.bytes, to: &reply)
    #expect(String(decoding: reply, as: UTF8.self) == "null")
  }

  @Test("what no OutputRecord has written is refused, with what is wrong")
  func refusals() {
    let cases: [(String, JSONObjectError)] = [
      ("7", .notAnObject), (#"{"outcome":"ok","attempts":1,"result":""}"#, .missing("seq")),
      (#"{"seq":1,"attempts":1,"result":""}"#, .missing("outcome")),
      (#"{"seq":1,"outcome":"ok","result":""}"#, .missing("attempts")),
      (#"{"seq":1,"outcome":"ok","attempts":1}"#, .missing("result")),
      (#"{"seq":1,"outcome":"ok","attempts":1,"result":1,"result":2}"#, .twice("result")),
      (#"{"seq":1,"outcome":"failed","attempts":1,"error":{}}"#, .missing("message")),
      (#"{"seq":1,"outcome":7,"attempts":1,"result":1}"#, .mismatch("outcome", wanted: "a string")),
      (
        #"{"seq":1,"outcome":"ok","attempts":1,"result_base64":"?"}"#,
        .mismatch("result_base64", wanted: "a string in base64")
      ),
      (#"{"seq":1,"outcome":"ok","attempts":1,"result":1,"ran":-1}"#, .mismatch("ran", wanted: "a number of seconds")),
      (
        #"{"seq":1,"outcome":"ok","attempts":1,"result":1,"error":{"message":""}}"#,
        .mismatch("result", wanted: "the only one of result, result_base64 and error")
      ),
    ]
    for (line, error) in cases { #expect(Self.refusal(line) == error, "\(line)") }
    for line in ["", "{", "GET / HTTP/1.1", #"{"seq":1"#, "[1]x", "{\"seq\":\u{1}}"] {
      guard case .notJSON = Self.refusal(line) else {
        Issue.record("\(line) was accepted")
        continue
      }
    }
    for seq in ["-1", "1.5", "18446744073709551616", "\"1\""] {
      guard case .mismatch("seq", _) = Self.refusal("{\"seq\":\(seq),\"outcome\":\"ok\",\"attempts\":1,\"result\":1}")
      else {
        Issue.record("\(seq) was accepted")
        continue
      }
    }
  }
}
