import TestSupport
import TestSupport
import Testing
import Time

@testable import Records

@Suite struct InputRecordTests {
  @Test("a record says all that it can")
  func everything() throws {
    let reading = try Reading(
      #"{"id": {"n": 7}, "job": "a\tb", "key": "k\u00e9y", "timeout": 1.5, "retries": 2, "priority": -3}"#)
    #expect(reading.id == #"{"n": 7}"#)
    #expect(reading.job == Array("a\tb".utf8))
    #expect(reading.rawJob == #""a\tb""#)
    #expect(reading.key == Array("k\u{e9}y".utf8))
    #expect(reading.record.timeout == 1_500_000_000)
    #expect(reading.record.retries == 2)
    #expect(reading.record.priority == -3)
  }

  @Test("only the job must be there")
  func onlyJob() throws {
    let reading = try Reading("{\"job\":\"\"}")
    #expect(reading.id == nil && reading.job == [] && reading.key == nil)
    #expect(reading.record.timeout == nil && reading.record.retries == nil && reading.record.priority == 0)
  }

  @Test(
    "a job that is no string passes through byte for byte, white space and all",
    arguments: [
      "{ \"a\":1.0 , \"b\":[ ] }", "[1,  2e0]", "-0.0", "true", "null", "123456789012345678901234567890",
      "{\"\\u0061\":1}",
    ])
  func rawJobs(_ job: String) throws {
    let reading = try Reading("{\"job\": \(job) }")
    #expect(reading.job == Array(job.utf8))
    #expect(reading.rawJob == job)
  }

  @Test(
    "an id of any type is kept as it is written",
    arguments: ["null", "0", "-1.50", "\"a\\/b\"", "[1, 2]", "{}", "false", "\"\""])
  func ids(_ id: String) throws {
    #expect(try Reading("{\"job\":1,\"id\": \(id)}").id == id)
  }

  @Test(
    "a key is a string's text, or the value as it stands",
    arguments: [("\"a\\n\"", "a\n"), ("5", "5"), ("\"5\"", "5"), ("[1, 2]", "[1, 2]"), ("true", "true"), ("\"\"", "")])
  func keys(_ key: String, _ expected: String) throws {
    #expect(try Reading("{\"job\":1,\"key\":\(key)}").key == Array(expected.utf8))
  }

  @Test("null is the same as not given, except for a job and an id")
  func nulls() throws {
    let reading = try Reading(
      "{\"id\":null,\"job\":null,\"key\":null,\"timeout\":null,\"retries\":null,\"priority\":null}")
    #expect(reading.id == "null" && reading.job == Array("null".utf8))
    #expect(reading.key == nil)
    #expect(reading.record.timeout == nil && reading.record.retries == nil && reading.record.priority == 0)
  }

  @Test(
    "a timeout is exact to the nanosecond, however the number is written",
    arguments: [
      ("1", 1_000_000_000), ("0.3", 300_000_000), ("1e3", 1_000_000_000_000), ("25E-1", 2_500_000_000),
      ("0.000000001", 1), ("1e-9", 1), ("0.0000000019", 1), ("123.456789012999", 123_456_789_012),
      ("9223372036", 9_223_372_036_000_000_000), ("9223372036e0", 9_223_372_036_000_000_000),
      ("00.1e1".dropFirst(), 1_000_000_000),
      ("0.00000000000000000001e20", 1_000_000_000), ("100000000000000000000e-20", 1_000_000_000),
    ] as [(Substring, Nanoseconds)])
  func timeouts(_ number: Substring, _ nanoseconds: Nanoseconds) throws {
    #expect(try Reading("{\"job\":1,\"timeout\":\(number)}").record.timeout == nanoseconds)
  }

  @Test(
    "retries and priority are whole by their value, not by their spelling",
    arguments: [
      ("0", 0), ("3", 3), ("3.0", 3), ("3e0", 3), ("0.03e2", 3), ("300e-2", 3), ("1000000", 1_000_000),
      ("1e6", 1_000_000), ("-0", 0),
    ])
  func wholeNumbers(_ number: String, _ expected: Int) throws {
    let reading = try Reading("{\"job\":1,\"retries\":\(number),\"priority\":\(number)}")
    #expect(reading.record.retries == expected)
    #expect(reading.record.priority == expected)
  }

  @Test("priorities reach from end to end of 32 bits")
  func priorities() throws {
    #expect(try Reading("{\"job\":1,\"priority\":2147483647}").record.priority == .max)
    #expect(try Reading("{\"job\":1,\"priority\":-2147483648}").record.priority == .min)
  }

  @Test(
    "bytes that are no text come as base64, whose slashes may be escaped; a worker that speaks JSON cannot get them")
  func base64() throws {
    let reading = try Reading(#"{"job_base64":"\/wA\u002f"}"#)
    #expect(reading.job == [0xFF, 0x00, 0x3F])
    #expect(reading.rawJob == nil)
    #expect(try Reading("{\"job_base64\":\"\"}").job == [])
    #expect(try Reading("{\"job_base64\":\"Zg==\"}").job == Array("f".utf8))
  }

  @Test("what is not known is ignored, also twice; what stands inside it is nothing to us")
  func unknown() throws {
    let reading = try Reading(
      "{\"Job\":1,\"x\":{\"job\":2,\"timeout\":-1},\"x\":[{\"id\":9}],\"jobs\":3,\"\":4,\"job\":5,\"job_base65\":6}")
    #expect(reading.job == Array("5".utf8))
    #expect(reading.id == nil)
  }

  @Test("a name is the same however it is written")
  func escapedNames() throws {
    let reading = try Reading(#"{"j\u006fb":"x","\u0069d":1}"#)
    #expect(reading.job == Array("x".utf8) && reading.id == "1")
    #expect(refusal(of: #"{"job":1,"\u006aob":2}"#.utf8) == "\"job\" is given twice")
  }

  @Test("white space around a record, such as the \\r of a line from Windows, is nothing")
  func carriageReturn() throws {
    #expect(try Reading("  {\"job\":\"x\"}\r").job == Array("x".utf8))
  }

  @Test(
    "a line that is no record is refused with what it is and what it must be",
    arguments: [
      ("", "not JSON: byte 0: nothing where a value must be"),
      ("{\"job\":1", "not JSON: byte 8: the end where \",\" or \"}\" must be"),
      ("hello", "not JSON: byte 0: \"h\" where a value must be"),
      ("{\"job\":1} x", "not JSON: byte 10: \"x\" behind the end of the value"),
      ("[1]", "an array, not an object such as {\"job\": \"text\"}"),
      ("\"job\"", "a string, not an object such as {\"job\": \"text\"}"),
      ("5", "a number, not an object such as {\"job\": \"text\"}"),
      ("null", "null, not an object such as {\"job\": \"text\"}"),
      ("{}", "no \"job\"; it must be there, or \"job_base64\""),
      ("{\"id\":1}", "no \"job\"; it must be there, or \"job_base64\""),
      ("{\"job\":1,\"job_base64\":\"\"}", "\"job\" and \"job_base64\" in one record; it must be one of the two"),
      ("{\"job\":1,\"id\":2,\"id\":2}", "\"id\" is given twice"),
      ("{\"job\":1,\"key\":null,\"key\":null}", "\"key\" is given twice"),
      ("{\"job_base64\":5}", "\"job_base64\" is 5; it must be a string in base64, with padding (RFC 4648)"),
      ("{\"job_base64\":null}", "\"job_base64\" is null; it must be a string in base64, with padding (RFC 4648)"),
      (
        "{\"job_base64\":\"Zg\"}",
        "\"job_base64\" is a string but not base64; it must be a string in base64, with padding (RFC 4648)"
      ),
      ("{\"job\":1,\"timeout\":0}", "\"timeout\" is 0; it must be a number of seconds over 0 and up to 9223372036"),
      (
        "{\"job\":1,\"timeout\":-1.5}",
        "\"timeout\" is -1.5; it must be a number of seconds over 0 and up to 9223372036"
      ),
      (
        "{\"job\":1,\"timeout\":1e-10}",
        "\"timeout\" is 1e-10; it must be a number of seconds over 0 and up to 9223372036"
      ),
      (
        "{\"job\":1,\"timeout\":9223372036.1}",
        "\"timeout\" is 9223372036.1; it must be a number of seconds over 0 and up to 9223372036"
      ),
      (
        "{\"job\":1,\"timeout\":1e400}",
        "\"timeout\" is 1e400; it must be a number of seconds over 0 and up to 9223372036"
      ),
      (
        "{\"job\":1,\"timeout\":\"30s\"}",
        "\"timeout\" is a string; it must be a number of seconds over 0 and up to 9223372036"
      ),
      ("{\"job\":1,\"retries\":1.5}", "\"retries\" is 1.5; it must be a whole number from 0 to 1000000"),
      ("{\"job\":1,\"retries\":-1}", "\"retries\" is -1; it must be a whole number from 0 to 1000000"),
      ("{\"job\":1,\"retries\":1000001}", "\"retries\" is 1000001; it must be a whole number from 0 to 1000000"),
      ("{\"job\":1,\"retries\":true}", "\"retries\" is true; it must be a whole number from 0 to 1000000"),
      (
        "{\"job\":1,\"priority\":2147483648}",
        "\"priority\" is 2147483648; it must be a whole number from -2147483648 to 2147483647"
      ),
      (
        "{\"job\":1,\"priority\":-2147483649}",
        "\"priority\" is -2147483649; it must be a whole number from -2147483648 to 2147483647"
      ),
      (
        "{\"job\":1,\"priority\":18446744073709551616}",
        "\"priority\" is 18446744073709551616; it must be a whole number from -2147483648 to 2147483647"
      ),
      (
        "{\"job\":1,\"priority\":{}}",
        "\"priority\" is an object; it must be a whole number from -2147483648 to 2147483647"
      ),
    ])
  func refused(_ line: String, _ sentence: String) {
    #expect(refusal(of: line.utf8) == sentence)
  }
}
