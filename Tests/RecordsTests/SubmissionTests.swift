import JSON
import TestSupport
import Testing
import Time

@testable import Records

/// What goes to a served pool: jobs as records, and the first words.
@Suite struct SubmissionTests {
  /// The line of a job, read as the server reads it.
  private static func sent(
    _ payload: [UInt8], isJSON: Bool = false, timeout: Nanoseconds? = nil, retries: Int? = nil
  ) throws -> Reading {
    var terms: [UInt8] = []
    InputRecord.appendTerms(timeout: timeout, retries: retries, to: &terms)
    var line: [UInt8] = []
    InputRecord.append(id: 7, payload: payload.span.bytes, isJSON: isJSON, terms: terms.span.bytes, to: &line)
    try #require(line.popLast() == 0x0A)
    try #require(!line.contains(0x0A))
    return try Reading(line)
  }

  @Test("the bytes of a job arrive as they were, text or not")
  func payloads() throws {
    for payload in [[], Array("a \"b\"\n€".utf8), [0xFF, 0], Array("{}".utf8), Array("7".utf8)] {
      let reading = try Self.sent(payload)
      #expect(reading.job == payload)
      #expect(reading.id == "7")
      #expect(reading.record.timeout == nil && reading.record.retries == nil && reading.key == nil)
    }
  }

  @Test("a job that is JSON stays JSON")
  func json() throws {
    #expect(try Self.sent(Array("{\"x\":  1.50}".utf8), isJSON: true).rawJob == "{\"x\":  1.50}")
    #expect(try Self.sent(Array("[1,\n2]".utf8), isJSON: true).rawJob == "[1, 2]")
  }

  @Test("terms arrive to the nanosecond", arguments: [1, 1_000_000_001, 250_000, .max] as [Nanoseconds])
  func terms(timeout: Nanoseconds) throws {
    let record = try Self.sent([], timeout: timeout, retries: 5).record
    #expect(record.timeout == min(timeout, InputRecord.longestTimeout))
    #expect(record.retries == 5)
  }

  @Test("a record's own terms and key go along; what it leaves open is as usual")
  func ownTerms() throws {
    for (line, timeout, retries, priority, key) in [
      (#"{"id":"mine","job":"x","timeout":2,"priority":-3,"key":[1, 2]}"#, 2_000_000_000, 4, -3, "[1, 2]"),
      (#"{"job":"x","retries":0}"#, 9, 0, 0, nil),
    ] as [(String, Nanoseconds, Int, Int32, String?)] {
      let reading = try Reading(line)
      var terms: [UInt8] = []
      reading.record.appendTerms(of: reading.line.span.bytes, timeout: 9, retries: 4, to: &terms)
      var sent: [UInt8] = []
      InputRecord.append(id: 1, payload: reading.job.span.bytes, isJSON: false, terms: terms.span.bytes, to: &sent)
      let arrived = try Reading(sent.dropLast())
      #expect(arrived.record.timeout == timeout)
      #expect(arrived.record.retries == retries)
      #expect(arrived.record.priority == priority)
      #expect(arrived.key.map { String(decoding: $0, as: UTF8.self) } == key)
    }
  }

  @Test("a greeting says what the server takes, whatever else it says")
  func greetings() throws {
    let line =
      #"{"prefork":"0.1.0","records":1,"pool":"p","max-job-size":67108864,"most-unsettled":64,"new":[{}]}"#
    #expect(
      try RecordsGreeting(Array(line.utf8)) == .welcome(pool: "p", maximumJobSize: 67_108_864, mostUnsettled: 64))
    #expect(
      try RecordsGreeting(Array(#"{"prefork":"9","error":"no","code":77}"#.utf8)) == .refusal(reason: "no", code: 77))
    for wrong in [
      "HELLO", "[]", "{}", #"{"prefork":"9"}"#, #"{"prefork":"9","records":2,"most-unsettled":1}"#,
      #"{"prefork":"9","records":1,"most-unsettled":0}"#, #"{"records":1,"most-unsettled":1}"#,
    ] {
      #expect(throws: JSONObjectError.self, "\(wrong)") { try RecordsGreeting(Array(wrong.utf8)) }
    }
  }

  @Test("the first bytes hold the delimiters of lines and of nul, and nothing that a person would type")
  func request() {
    #expect(RecordsGreeting.request == [0x16] + Array("prefork records 1".utf8) + [0, 0x0A])
  }
}
