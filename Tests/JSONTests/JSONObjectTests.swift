import TestSupport
import Testing
import Time

@testable import JSON

/// Small objects, read by name and written member by member.
@Suite struct JSONObjectTests {
  static func object(_ text: String) throws(JSONObjectError) -> JSONObject { try JSONObject(Array(text.utf8)) }

  @Test("members are read by their names, at any depth and place")
  func members() throws {
    let object = try Self.object(
      #" {"t":"a\u0062\n","f":false,"n":-5,"s":1.5,"o":{"x":[{"y":1},{"y":2}],"z":{}},"l":["a","b"],"i":[1,-2e0],"u":null} "#
    )
    #expect(try object.text("t") == "ab\n")
    #expect(try object.flag("f") == false)
    #expect(try object.number("n") == -5)
    #expect(try object.nanoseconds("s") == 1_500_000_000)
    let inner = try object.object("o")
    #expect(try inner.objectsIfAny("x") { item throws(JSONObjectError) in try item.number("y") as Int } == [1, 2])
    #expect(inner.json == #"{"x":[{"y":1},{"y":2}],"z":{}}"#)
    #expect(try inner.object("z").names == [])
    #expect(try object.textsIfAny("l") == ["a", "b"])
    #expect(try object.numbersIfAny("i") == [1, -2])
    #expect(try object.textIfAny("u") == nil)
    #expect(try object.textIfAny("v") == nil)
    #expect(object.names == ["f", "i", "l", "n", "o", "s", "t", "u"])
  }

  @Test("what is missing or of another kind is named")
  func errors() throws {
    let object = try Self.object(#"{"a":1.5,"b":"x","c":[1,"2"],"d":-1,"e":300,"f":null,"g":1e30}"#)
    #expect(throws: JSONObjectError.missing("x")) { try object.text("x") }
    #expect(throws: JSONObjectError.missing("f")) { try object.flag("f") }
    #expect(throws: JSONObjectError.mismatch("a", wanted: "a string")) { try object.text("a") }
    #expect(throws: JSONObjectError.mismatch("b", wanted: "an object")) { try object.object("b") }
    #expect(throws: JSONObjectError.mismatch("c", wanted: "an array of strings")) { try object.textsIfAny("c") }
    #expect(throws: JSONObjectError.mismatch("d", wanted: "a number of seconds")) { try object.nanoseconds("d") }
    #expect(throws: JSONObjectError.mismatch("e", wanted: "a whole number from 0 to 255")) {
      try object.number("e") as UInt8
    }
    for name in ["a", "g"] { #expect(throws: JSONObjectError.self) { try object.number(name) as Int } }
  }

  @Test(
    "a text that is not one object of different members is refused",
    arguments: [
      ("", "not JSON: byte 0: nothing where a value must be"), ("[1]", "not an object"), ("7", "not an object"),
      (#"{"a":1,"\u0061":2}"#, #"two members are named "a""#),
      (#"{"a":1}x"#, #"not JSON: byte 7: "x" behind the end of the value"#),
    ])
  func refused(text: String, reason: String) {
    do throws(JSONObjectError) {
      _ = try Self.object(text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.description == reason)
    }
  }

  @Test("the extremes of whole numbers and of nanoseconds come back as they were written")
  func extremes() throws {
    let bytes = JSONWriter.object { writer in
      writer.member("min", Int.min)
      writer.member("max", Int.max)
      writer.member("most", UInt64.max)
      writer.member("time", seconds: .max)
      writer.member("instant", seconds: 1)
    }
    let object = try JSONObject(bytes)
    #expect(try object.number("min") == Int.min)
    #expect(try object.number("max") == Int.max)
    #expect(try object.number("most") == UInt64.max)
    #expect(try object.nanoseconds("time") == .max)
    #expect(try object.nanoseconds("instant") == 1)
    #expect(object.json.hasSuffix(#""time":18446744073.709551615,"instant":0.000000001}"#))
  }

  @Test("what is nil is left out, and arrays and objects stand inside each other")
  func writing() {
    let bytes = JSONWriter.object { writer in
      writer.member("gone", nil as Int?)
      writer.member("text", "a\"\n")
      writer.member("none", [] as [Int]) { $0.element($1) }
      writer.member("flag", true)
      writer.member("list", [1, -2]) { writer, number in writer.element(object: { $0.member("n", number) }) }
      writer.member("words", ["x", "y"]) { $0.element($1) }
      writer.member("object", object: { _ in })
    }
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"text":"a\"\n","none":[],"flag":true,"list":[{"n":1},{"n":-2}],"words":["x","y"],"object":{}}"#)
  }

  @Test("an array is gone through element by element, and its mistakes are those of any JSON")
  func arrays() throws {
    #expect(try Self.elements(of: #" [1, "a", [2], {"b":[]}] "#) == ["1", #""a""#, "[2]", #"{"b":[]}"#])
    #expect(try Self.elements(of: "[]") == [])
    #expect(try Self.elements(of: "{}") == nil)
    for wrong in ["[1 2]", "[1,]", "[,1]", "[1", "[1]x"] {
      #expect(throws: JSONError.self, "\(wrong)") { try Self.elements(of: wrong) }
    }
  }

  /// What stands in an array; nil if the text begins something else.
  static func elements(of text: String) throws(JSONError) -> [String]? {
    let bytes = Array(text.utf8)
    var scanner = JSONScanner()
    guard scanner.enterArray(in: bytes.span.bytes) else { return nil }
    var found: [String] = []
    while let value = try scanner.nextElement(in: bytes.span.bytes) {
      found.append(String(decoding: bytes[value.range], as: UTF8.self))
    }
    try scanner.finish(in: bytes.span.bytes)
    return found
  }
}
