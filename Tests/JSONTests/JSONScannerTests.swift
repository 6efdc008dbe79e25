import TestSupport
import Testing
import Time

@testable import JSON

/// What the scanner says of a text: nil if it is JSON, else the sentence.
func complaint(about text: some Collection<UInt8>) -> String? {
  let bytes = Array(text)
  do {
    _ = try JSONScanner.check(bytes.span.bytes)
    return nil
  } catch { return "\(error)" }
}

@Suite struct JSONScannerTests {
  @Test(
    "what RFC 8259 allows is let through",
    arguments: [
      "0", "-0", "10", "-0.0e-0", "1E+2", "1e00", "123456789012345678901234567890", "1e999999999999", "true", "false",
      "null", "\"\"", "[]", "{}", " \t\r\n[ ] ", "{\"\":0}", "[[],{},[{}]]",
      "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":[]}",
      "{\"a\":1,\"a\":2}", #""\" \\ \/ \b \f \n \r \t \u0000 \u00e9 \uD83D\uDE00""#,
      "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"",
      "\"\u{FEFF}\u{2028}\u{2029}\"", "[1 , 2]", "{\"a\" : 1 , \"b\" : 2}",
    ])
  func allowed(_ text: String) {
    #expect(complaint(about: text.utf8) == nil)
    #expect(JSONTree.parse(text.utf8) != nil, "the reference agrees")
  }

  @Test(
    "what it forbids is refused, with the place and a sentence",
    arguments: [
      ("", "byte 0: nothing where a value must be"),
      (" \t ", "byte 0: nothing where a value must be"),
      ("{\"id\": 12, \"job\": \"text", "byte 18: a string is not closed"),
      ("\"a\\\"", "byte 0: a string is not closed"),
      ("[", "byte 1: the end where a value must be"),
      ("[1", "byte 2: the end where \",\" or \"]\" must be"),
      ("[1,]", "byte 3: \"]\" where a value must be"),
      ("[,1]", "byte 1: \",\" where a value must be"),
      ("[1 2]", "byte 3: \"2\" where \",\" or \"]\" must be"),
      ("[1}", "byte 2: \"}\" where \",\" or \"]\" must be"),
      ("{\"a\":1]", "byte 6: \"]\" where \",\" or \"}\" must be"),
      ("[{\"a\":1]", "byte 7: \"]\" where \",\" or \"}\" must be"),
      ("{\"a\":1,}", "byte 7: \"}\" where a name in quotes must be"),
      ("{a:1}", "byte 1: \"a\" where a name in quotes must be"),
      ("{'a':1}", "byte 1: \"'\" where a name in quotes must be"),
      ("{\"a\" 1}", "byte 5: \"1\" where \":\" must be"),
      ("{\"a\":}", "byte 5: \"}\" where a value must be"),
      ("{} {}", "byte 3: \"{\" behind the end of the value"),
      ("1 \"", "byte 2: a quote behind the end of the value"),
      ("tru", "byte 0: \"t\" where a value must be"),
      ("True", "byte 0: \"T\" where a value must be"),
      ("nulll", "byte 4: \"l\" behind the end of the value"),
      ("NaN", "byte 0: \"N\" where a value must be"),
      ("[-Infinity]", "byte 2: \"I\" where a digit must be"),
      ("01", "byte 0: a number begins with a 0 and goes on"),
      ("-012", "byte 0: a number begins with a 0 and goes on"),
      ("+1", "byte 0: \"+\" where a value must be"),
      (".5", "byte 0: \".\" where a value must be"),
      ("1.", "byte 2: the end where a digit must be"),
      ("1.e3", "byte 2: \"e\" where a digit must be"),
      ("1e", "byte 2: the end where a digit must be"),
      ("1e+", "byte 3: the end where a digit must be"),
      ("-", "byte 1: the end where a digit must be"),
      ("0x10", "byte 1: \"x\" behind the end of the value"),
      ("\"\u{0}\"", "byte 1: byte 0x00 inside a string must be written as an escape"),
      ("\"tab\there\"", "byte 4: byte 0x09 inside a string must be written as an escape"),
      ("{\u{0}}", "byte 1: byte 0x00 where a name in quotes must be"),
      ("[1]\u{0}", "byte 3: byte 0x00 behind the end of the value"),
      ("[1,\u{C}2]", "byte 3: byte 0x0c where a value must be"),
      ("[\u{A0}1]", "byte 1: byte 0xc2 where a value must be"),
      (#""\x41""#, "byte 1: a backslash that begins no escape"),
      (#""\u12G4""#, "byte 1: a backslash that begins no escape"),
      (#""\u123""#, "byte 1: a backslash that begins no escape"),
      (#""\U0041""#, "byte 1: a backslash that begins no escape"),
      ("\"\\", "byte 1: a backslash that begins no escape"),
      (#""\uD800""#, "byte 1: half of a surrogate pair, which no text can hold"),
      (#""\uDC00\uD800""#, "byte 1: half of a surrogate pair, which no text can hold"),
      (#""ab\uD83D\u0041""#, "byte 3: half of a surrogate pair, which no text can hold"),
      (#""\uD83D""#, "byte 1: half of a surrogate pair, which no text can hold"),
      ("\u{FEFF}{}", "byte 0: a byte order mark, which JSON must not have"),
      ("// no\n1", "byte 0: \"/\" where a value must be"),
    ])
  func forbidden(_ text: String, _ sentence: String) {
    #expect(complaint(about: text.utf8) == sentence)
    #expect(JSONTree.parse(text.utf8) == nil, "the reference agrees")
  }

  @Test("bytes that are not UTF-8 are refused where they begin, wherever in a string they stand")
  func notUTF8() {
    let bad: [[UInt8]] = [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
      [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xE2, 0x82, 0xE2], [0xF0, 0x9F, 0x98, 0x22],
    ]
    for sequence in bad {
      for before in 0..<10 {
        let text = Array("[\"".utf8) + [UInt8](repeating: 0x61, count: before) + sequence + Array("zz\"]".utf8)
        #expect(complaint(about: text) == "byte \(2 + before): not UTF-8", "\(sequence) behind \(before) letters")
      }
      #expect(complaint(about: [0x22] + sequence) == "byte 1: not UTF-8", "\(sequence) at the end")
    }
    #expect(complaint(about: [0xC3, 0x28]) == "byte 0: byte 0xc3 where a value must be")
  }

  @Test("every sequence of two bytes, and every three with an edge in them, is judged as the standard library does")
  func everySequence() {
    var text: [UInt8] = [0x22, 0, 0, 0, 0x22]
    for first in UInt8(0x80)...0xFF {
      for second in stride(from: UInt8(0x70), through: 0xFE, by: 1) {
        for third: UInt8 in [0x41, 0x7F, 0x80, 0xBF, 0xC0] {
          (text[1], text[2], text[3]) = (first, second, third)
          let isGood = String(validating: text, as: UTF8.self) != nil
          #expect((complaint(about: text) == nil) == isGood, "\(text)")
        }
      }
    }
  }

  @Test("a special byte is found in every place of an eight-byte word", arguments: 0..<24)
  func everyPlace(place: Int) {
    for byte in UInt8.min...UInt8.max {
      var text = [UInt8](repeating: 0x7F, count: 24)
      text[place] = byte
      let isPlain = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
      let end = text.span.bytes.endOfPlainText(from: 0)
      #expect(end == (isPlain ? 24 : place), "byte \(byte)")
    }
  }

  @Test("the members of an object come with their places; what is inside them is checked, too")
  func members() throws {
    let text = Array(#" {"a" : [1,{"b":2}], "\u0062":"x\ny" ,"c":{}} "#.utf8)
    let bytes = text.span.bytes
    var scanner = JSONScanner()
    let isObject = scanner.enterObject(in: bytes)
    #expect(isObject)
    var seen: [String] = []
    while let member = try scanner.nextMember(in: bytes) {
      seen.append(String(decoding: text[member.name.range], as: UTF8.self))
      seen.append(String(decoding: text[member.value.range], as: UTF8.self))
    }
    try scanner.finish(in: bytes)
    #expect(seen == ["\"a\"", #"[1,{"b":2}]"#, #""\u0062""#, #""x\ny""#, "\"c\"", "{}"])
  }

  @Test("512 levels are let through and 513 are not, counted from the outermost")
  func depth() {
    func nested(_ count: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(ascii: "["), count: count) + [UInt8](repeating: UInt8(ascii: "]"), count: count)
    }
    #expect(complaint(about: nested(512)) == nil)
    #expect(complaint(about: nested(513)) == "byte 512: nested deeper than 512 objects and arrays")
  }
}
