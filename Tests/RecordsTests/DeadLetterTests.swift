import TestSupport
import Testing
import Time

@testable import JSON
@testable import Records

@Suite struct DeadLetterTests {
  static let letter = DeadLetter(
    seq: 17, outcome: "quarantined",
    attempts: [
      .init(
        outcome: "crashed", failure: Failure(message: "died of SIGSEGV", signal: 11, stderr: Array("oops\n".utf8)),
        slot: 3,
        pid: 812, ran: 200_000_000),
      .init(outcome: "timeout", failure: Failure(message: "ran \"longer\" than 1 s")),
    ])

  private func lines(of line: String, by letter: DeadLetter = Self.letter) throws -> String {
    let bytes = Array(line.utf8)
    var buffer: [UInt8] = []
    try letter.append(record: bytes.span.bytes, to: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  @Test("a record keeps all its members byte for byte, and the evidence stands behind them")
  func wholeRecord() throws {
    let line = #" { "id" : "a\/b","note":[1, 2],"job":{ "x":1.0 },"timeout":1.50 } "#
    #expect(
      try lines(of: line)
        == #"{"id" : "a\/b","note":[1, 2],"job":{ "x":1.0 },"timeout":1.50,"dead_letter":{"seq":17,"outcome":"quarantined","attempts":"#
        + #"[{"outcome":"crashed","message":"died of SIGSEGV","signal":11,"stderr":"oops\n","slot":3,"pid":812,"ran":0.200000},"#
        + #"{"outcome":"timeout","message":"ran \"longer\" than 1 s"}]}}"# + "\n")
  }

  @Test("fed back in and given up again, it has the new evidence alone, under whatever spelling the old one stood")
  func again() throws {
    let first = try lines(of: #"{"job":1}"#)
    let last = DeadLetter(seq: 2, outcome: "failed", attempts: [])
    let expected = #"{"job":1,"dead_letter":{"seq":2,"outcome":"failed","attempts":[]}}"# + "\n"
    #expect(try lines(of: String(first.dropLast()), by: last) == expected)
    #expect(try lines(of: #"{"dead\u005fletter":0,"job":1}"#, by: last) == expected)
  }

  @Test("a line that is no JSON is refused, and nothing of it is written")
  func noRecord() {
    let bytes = Array(#"{"job":1,"x":}"#.utf8)
    var buffer = Array("before".utf8)
    #expect(throws: JSONError(problem: .notAValue(UInt8(ascii: "}")), offset: 13)) {
      try Self.letter.append(record: bytes.span.bytes, to: &buffer)
    }
    #expect(buffer == Array("before".utf8))
  }

  @Test("what was no record is kept, and is no record when it is fed back in: never another job")
  func badRecords() throws {
    let none = DeadLetter(seq: 1, outcome: "failed", attempts: [])
    func letter(_ bytes: [UInt8]) -> [UInt8] {
      var line: [UInt8] = []
      none.append(badRecord: bytes.span.bytes, to: &line)
      return Array(line.dropLast())
    }
    func error(_ line: [UInt8]) -> RecordError? {
      do throws(RecordError) { _ = try InputRecord(line.span.bytes) } catch { return error }
      return nil
    }
    for text in [
      #"{"job":"x","timeout":-1}"#, #"{"id":1,"jobb":2}"#, #"{"job":1,"job":2}"#, #"{"job":1,"job_base64":"YQ=="}"#,
    ] {
      let line = letter(Array(text.utf8))
      #expect(String(decoding: line, as: UTF8.self).hasPrefix(text.dropLast() + ",\"dead_letter\":"))
      #expect(error(line) == error(Array(text.utf8)), "the same defect: \(text)")
      #expect(letter(line) == line, "and so it stays")
    }
    for bytes: [UInt8] in [Array("nope".utf8), Array("[1]".utf8), Array(#"{"job":"torn"#.utf8), [0xFF, 0x00]] {
      let line = letter(bytes)
      #expect(error(line) == .deadBadRecord, "\(String(decoding: line, as: UTF8.self))")
      #expect(letter(line) == line)
    }
    let lost = letter([])
    #expect(error(lost) == .deadWithoutJob && String(decoding: lost, as: UTF8.self).hasPrefix("{\"dead_letter\":"))
  }

  @Test("a plain line becomes a record of the same job, whether it is text or not")
  func plain() throws {
    let none = DeadLetter(seq: 1, outcome: "cancelled", attempts: [])
    for payload: [UInt8] in [[], Array("a\tb \"é\"".utf8), [0xFF, 0x00], Array("{\"job\":1}".utf8)] {
      var line: [UInt8] = []
      none.append(payload: payload.span.bytes, to: &line)
      #expect(try Reading(line).job == payload)
    }
  }

  @Test("any record, given up and fed back in, is the same job", arguments: 20..<24)
  func roundTrips(seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    var count = 0
    for _ in 0..<300 {
      // A line holds no line feed.
      guard let before = try? Reading(random.record().map { $0 == 0x0A ? 0x20 : $0 }) else { continue }
      count += 1
      var line: [UInt8] = []
      try Self.letter.append(record: before.line.span.bytes, to: &line)
      let after = try Reading(line)
      #expect(
        after.id == before.id && after.job == before.job && after.rawJob == before.rawJob && after.key == before.key)
      #expect(after.record.timeout == before.record.timeout && after.record.retries == before.record.retries)
      #expect(after.record.priority == before.record.priority)
      #expect(line.firstIndex(of: 0x0A) == line.count - 1, "one line")
      #expect(JSONTree.parse(line)?["dead_letter"]?["seq"] == .number("17"))
    }
    #expect(count > 150)
  }
}
