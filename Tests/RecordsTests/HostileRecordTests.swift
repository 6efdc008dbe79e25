import TestSupport
import Testing
import Time

@testable import JSON
@testable import Records

/// Lines that somebody made to hurt.
@Suite struct HostileRecordTests {
  private static let megabyte = 1 << 20

  private func record(_ head: String, _ middle: [UInt8], _ tail: String) -> [UInt8] {
    Array(head.utf8) + middle + Array(tail.utf8)
  }

  @Test("a hundred thousand brackets cost an error, not the stack", arguments: ["[", "{\"a\":", "[{\"a\":"])
  func deep(_ opening: String) {
    let brackets = Array(repeatElement(Array(opening.utf8), count: 100_000).joined())
    for head in ["{\"job\":", "{\"job\":1,\"unknown\":", ""] {
      let said = refusal(of: record(head, brackets, ""))
      #expect(said?.hasSuffix("nested deeper than 512 objects and arrays") == true)
    }
  }

  @Test("a job of 20 MB passes through whole")
  func longJob() throws {
    let payload = [UInt8](repeating: 0x78, count: 20 * Self.megabyte)
    let reading = try Reading(record("{\"id\":1,\"job\":\"", payload, "\",\"retries\":1}"))
    #expect(reading.job == payload)
    #expect(reading.record.retries == 1)
  }

  @Test(
    "half a megabyte of anything else is judged as well",
    arguments: ["[", "1", " ", "\\", "\"", "\u{0}", "\u{e9}", "{\"a\":1},", "-"])
  func longNonsense(_ piece: String) {
    let piece = Array(piece.utf8)
    let nonsense = Array(repeatElement(piece, count: Self.megabyte / 2 / piece.count).joined())
    #expect(refusal(of: nonsense) != nil)
    #expect(refusal(of: record("{\"job\":", nonsense, "")) != nil)
    #expect(refusal(of: record("{\"job\":\"", nonsense, "")) != nil)
  }

  @Test("a number of a million digits is a job, but no timeout, and the sentence about it is short")
  func longNumber() throws {
    let digits = [UInt8](repeating: UInt8(ascii: "9"), count: Self.megabyte)
    #expect(try Reading(record("{\"job\":", digits, "}")).job == digits)
    #expect(
      refusal(of: record("{\"job\":1,\"timeout\":", digits, "}"))
        == "\"timeout\" is a number of 1048576 characters; it must be a number of seconds over 0 and up to 9223372036")
  }

  @Test("huge exponents are exact or refused, and none is waited for")
  func exponents() throws {
    let zeros = String(repeating: "0", count: 100_000)
    #expect(try Reading("{\"job\":1,\"timeout\":0.\(zeros)1e100001}").record.timeout == 1_000_000_000)
    #expect(try Reading("{\"job\":1,\"timeout\":1\(zeros)e-100000}").record.timeout == 1_000_000_000)
    #expect(try Reading("{\"job\":1,\"priority\":0e99999999999999999999}").record.priority == 0)
    for exponent in [
      "99999999999999999999999", "-99999999999999999999999", "9223372036854775807", "-9223372036854775808",
    ] {
      #expect(refusal(of: "{\"job\":1,\"timeout\":1e\(exponent)}".utf8) != nil)
      #expect(refusal(of: "{\"job\":1,\"retries\":1e\(exponent)}".utf8) != nil)
    }
  }

  @Test("a NUL byte is refused wherever it stands, and let through as an escape")
  func zeroBytes() throws {
    let line = Array("{\"job\":\"ab\",\"id\":[1,true]}".utf8)
    for place in 0...line.count {
      #expect(refusal(of: line[..<place] + [0] + line[place...]) != nil, "before byte \(place)")
    }
    #expect(try Reading(#"{"job":"a\u0000b"}"#).job == [0x61, 0, 0x62])
  }

  @Test("a byte order mark and half a surrogate pair are named as what they are")
  func named() {
    #expect(refusal(of: "\u{FEFF}{\"job\":1}".utf8) == "not JSON: byte 0: a byte order mark, which JSON must not have")
    #expect(
      refusal(of: #"{"job":1,"other":["\ud83d"]}"#.utf8)
        == "not JSON: byte 19: half of a surrogate pair, which no text can hold")
    #expect(
      refusal(of: #"{"job":1,"\ud83d":2}"#.utf8)
        == "not JSON: byte 10: half of a surrogate pair, which no text can hold")
  }

  @Test("bytes that are not UTF-8 are refused even where nobody looks")
  func notUTF8() {
    #expect(refusal(of: record("{\"job\":1,\"other\":\"", [0xC0, 0xAF], "\"}")) == "not JSON: byte 18: not UTF-8")
    #expect(refusal(of: record("{\"job\":1,\"", [0xED, 0xA0, 0x80], "\":2}")) == "not JSON: byte 10: not UTF-8")
  }

  @Test("a record cut off anywhere is refused")
  func cutOff() {
    let line = Array(
      #"{"id":[1,{"a":"é\u00e9"}],"job":"x","timeout":1.5e0,"retries":0,"other":[true,false,null]}"#.utf8)
    #expect(refusal(of: line) == nil)
    for count in 0..<line.count { #expect(refusal(of: line[..<count]) != nil, "cut to \(count) bytes") }
  }

  @Test("ten thousand members are no more trouble than one, whether they are known or not")
  func manyMembers() throws {
    let members = (0..<10_000).map { "\"member\($0)\":\($0)" }.joined(separator: ",")
    #expect(try Reading("{\(members),\"job\":7}").job == Array("7".utf8))
    let twice = String(repeating: "\"job\":1,", count: 10_000)
    #expect(refusal(of: "{\(twice)\"id\":1}".utf8) == "\"job\" is given twice")
  }

  @Test("a record that nests 512 levels is read, and one that nests 513 is not")
  func depth() {
    func record(_ count: Int) -> [UInt8] {
      let value =
        [UInt8](repeating: UInt8(ascii: "["), count: count) + [UInt8](repeating: UInt8(ascii: "]"), count: count)
      return Array("{\"job\":".utf8) + value + Array("}".utf8)
    }
    let (good, deep) = (record(511), record(512))
    #expect(throws: Never.self) { try InputRecord(good.span.bytes) }
    #expect(throws: RecordError.notJSON(JSONError(problem: .tooDeep, offset: 518))) { try InputRecord(deep.span.bytes) }
  }
}
