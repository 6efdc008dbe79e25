import Testing
import Text

@Suite("Quoting for people") struct QuotingTests {
  @Test(
    "nothing quoted can drive a terminal, fake a line, or end its quotes",
    arguments: [
      ("", #""""#), ("plain", #""plain""#), ("é€😀 e\u{301}", "\"é€😀 e\u{301}\""), ("a\"b\\c", #""a\"b\\c""#),
      ("HTTP/1.1\r\n\u{1B}[2J", #""HTTP/1.1\r\n\u{1b}[2J""#), ("a\tb\0", #""a\tb\0""#), ("\u{7F}", #""\u{7f}""#),
      ("\u{9B}31m\u{202E}\u{2028}", #""\u{9b}31m\u{202e}\u{2028}""#), ("\u{E000}", #""\u{e000}""#),
    ])
  func isHarmless(text: String, shown: String) {
    #expect(quoted(text) == shown)
    #expect(quoted(Array(text.utf8)) == shown)
  }

  @Test(
    "bytes that are not UTF-8 are shown by value",
    arguments: [
      ([0xFF, 0x00, 0x22], #""\xff\0\"""#), ([0x61, 0xC3], #""a\xc3""#), ([0xC3, 0x28], #""\xc3(""#),
      ([0xE2, 0x82, 0x61], #""\xe2\x82a""#), ([0xC0, 0x80], #""\xc0\x80""#), ([0xED, 0xA0, 0x80], #""\xed\xa0\x80""#),
      ([0x0A, 0x80], #""\n\x80""#),
    ] as [([UInt8], String)])
  func notUTF8(bytes: [UInt8], shown: String) { #expect(quoted(bytes) == shown) }

  @Test("what is too long is cut between characters, and its length is named")
  func cut() {
    #expect(quoted("abcdef".utf8, limit: 6) == #""abcdef""#)
    #expect(quoted("abcdefg".utf8, limit: 6) == #""abcdef"… (7 bytes)"#)
    #expect(quoted("abcdeé".utf8, limit: 6) == #""abcde"… (7 bytes)"#)
    #expect(quoted([0x61, 0xFF, 0xFF], limit: 2) == #""a\xff"… (3 bytes)"#)
    #expect(quoted("a".utf8, limit: 0) == #"""… (1 byte)"#)
    #expect(quoted(String(repeating: "x", count: 61)) == "\"" + String(repeating: "x", count: 60) + "\"… (61 bytes)")
  }

  @Test("a part of a buffer is quoted by itself")
  func slices() {
    let bytes = Array("one two three".utf8)
    #expect(quoted(bytes[4..<7]) == #""two""#)
    #expect(
      bytes.withUnsafeBytes { quoted(UnsafeRawBufferPointer(rebasing: $0[8...]), limit: 2) } == #""th"… (5 bytes)"#)
  }

  @Test(
    "a plain word needs no quotes",
    arguments: [
      ("--workers=4", "--workers=4"), ("", #""""#), ("two words", #""two words""#), ("é", #""é""#),
      ("a\"b", #""a\"b""#), ("\u{1B}", #""\u{1b}""#),
      (String(repeating: "x", count: 60), String(repeating: "x", count: 60)),
    ])
  func words(word: String, shown: String) { #expect(wordText(word) == shown) }

  @Test(
    "a byte is its character, its escape or its value",
    arguments: [
      (0x78, #""x""#), (0x20, #"" ""#), (0x22, "a quote"), (0x0A, #""\n""#), (0x0D, #""\r""#), (0x09, "byte 0x09"),
      (0, "byte 0x00"), (0x7E, #""~""#), (0x7F, "byte 0x7f"), (0xFF, "byte 0xff"),
    ] as [(UInt8, String)])
  func bytes(byte: UInt8, shown: String) { #expect(byteText(byte) == shown) }

  @Test("without quotes blanks stand where a terminal would obey")
  func controls() {
    #expect(withoutControls("loading\tshard 3\u{1B}[2J\u{202E}é😀") == "loading shard 3 [2J é😀")
    #expect(withoutControls("") == "")
  }
}
