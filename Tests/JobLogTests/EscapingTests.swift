import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct EscapingTests {
  private func escaped(_ text: [UInt8], limit: Int = .max) -> String {
    var bytes: [UInt8] = []
    appendEscaped(text.span.bytes, limit: limit, to: &bytes)
    return String(validating: bytes, as: UTF8.self) ?? "not UTF-8"
  }

  @Test("people read text as it was; what a terminal obeys, or a reader takes for the end of a line, is spelled out")
  func whatIsEscaped() {
    #expect(escaped(bytes("Grüße, 漢字 and 🦉")) == "Grüße, 漢字 and 🦉")
    #expect(escaped(bytes("a\tb\nc\rd\\e\0\u{1B}[31m\u{7F}")) == #"a\tb\nc\rd\\e\x00\x1b[31m\x7f"#)
    #expect(
      escaped(bytes("\u{85}\u{9B}\u{2028}\u{2029}\u{202E}")) == #"\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae"#
    )
  }

  @Test(
    "what is not UTF-8 is spelled out, byte by byte: half characters, overlong forms, surrogates, too large numbers")
  func whatIsNotUTF8() {
    #expect(escaped([0xFF, 0x41, 0xC3]) == #"\xffA\xc3"#)
    #expect(escaped([0xE2, 0x82, 0x41]) == #"\xe2\x82A"#)
    #expect(
      escaped([0xC1, 0x81, 0xE0, 0x81, 0x81, 0xF0, 0x80, 0x81, 0x81]) == #"\xc1\x81\xe0\x81\x81\xf0\x80\x81\x81"#)
    #expect(escaped([0xED, 0xA0, 0x80, 0xF4, 0x90, 0x80, 0x80]) == #"\xed\xa0\x80\xf4\x90\x80\x80"#)
  }

  @Test("a long text is cut between characters and says so, in a way that no whole text does")
  func cut() {
    #expect(escaped(bytes("abcdef"), limit: 6) == "abcdef")
    #expect(escaped(bytes("abcdefg"), limit: 6) == #"abcdef\..."#)
    #expect(escaped(bytes("abcdeü"), limit: 6) == #"abcde\..."#)
    #expect(escaped(bytes("abcdeü"), limit: 7) == "abcdeü")
    #expect(escaped(bytes(#"\..."#)) == #"\\..."#)
  }

  @Test("any bytes at all are read back as they were")
  func randomTexts() {
    var random = SplitMix64(state: 72)
    let pieces = nastyTexts.filter { $0.count < 20 }
    for _ in 0..<2000 {
      let original = (0..<Int.random(in: 0...6, using: &random)).flatMap { _ in
        Bool.random(using: &random)
          ? pieces.randomElement(using: &random)! : [UInt8.random(in: 0...255, using: &random)]
      }
      let written = bytes(escaped(original))
      #expect(written.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
      #expect(unescaped(written.span.bytes) == original)
    }
  }
}
