import JSON
import TestSupport
import Testing
import Time

@testable import Records

/// Bytes that go into JSON and come out again.
@Suite struct WrittenTextTests {
  /// The member that says `bytes`, as it is written.
  private func member(_ bytes: [UInt8]) -> String {
    var buffer = Array("{".utf8)
    buffer.appendMember("x", bytes: bytes.span.bytes)
    return String(decoding: buffer.dropFirst(), as: UTF8.self)
  }

  @Test(
    "what must be escaped is, and nothing else",
    arguments: [
      ("", #""x":"""#), ("plain", #""x":"plain""#), ("a\"b\\c/d", #""x":"a\"b\\c/d""#),
      ("\n\r\t\u{8}\u{C}", #""x":"\n\r\t\b\f""#),
      ("\u{0}\u{1}\u{B}\u{1F}\u{7F}", "\"x\":\"\\u0000\\u0001\\u000b\\u001f\u{7F}\""),
      ("é€😀\u{2028}", "\"x\":\"é€😀\u{2028}\""),
    ])
  func escapes(_ text: String, _ expected: String) {
    #expect(member(Array(text.utf8)) == expected)
  }

  @Test("bytes that are no text become base64 under a name that says so")
  func notText() {
    #expect(member([0xFF]) == #""x_base64":"/w==""#)
    #expect(member([0xE2, 0x82]) == #""x_base64":"4oI=""#)
    #expect(member(Array("ok".utf8) + [0xC0]) == #""x_base64":"b2vA""#)
  }

  @Test("random bytes and random text come back as they were, read by us and by the reference", arguments: 0..<4)
  func roundTrips(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    let pieces = [
      "a", "long enough for a word of eight", "\"", "\\", "\u{0}", "\n", "\u{1F}", "é", "€", "😀", "\\u0041", "/",
    ].map { Array($0.utf8) }
    var (asText, asBase64) = (0, 0)
    for _ in 0..<800 {
      var bytes = (0..<Int.random(in: 0...8, using: &generator)).flatMap { _ in pieces.randomElement(using: &generator)!
      }
      if Bool.random(using: &generator) {
        bytes.insert(
          UInt8.random(in: 0...255, using: &generator), at: Int.random(in: 0...bytes.count, using: &generator))
      }
      let letter = DeadLetter(seq: 1, outcome: "failed", attempts: [])
      var line: [UInt8] = []
      letter.append(payload: bytes.span.bytes, to: &line)
      #expect(try Reading(line).job == bytes)
      let tree = try #require(JSONTree.parse(line))
      if let text = String(validating: bytes, as: UTF8.self) {
        asText += 1
        #expect(tree["job"].map { Array($0.text!.utf8) } == Array(text.utf8))
      } else {
        asBase64 += 1
        #expect(tree.names == ["job_base64", "dead_letter"])
      }
    }
    #expect(asText > 100 && asBase64 > 100, "both forms were tried")
  }

  @Test(
    "the test vectors of RFC 4648",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func vectors(_ plain: String, _ encoded: String) {
    let (plain, encoded) = (Array(plain.utf8), Array(encoded.utf8))
    var there: [UInt8] = []
    Base64.append(plain.span.bytes, to: &there)
    #expect(there == encoded)
    var back: [UInt8] = []
    Base64.appendDecoded(encoded.span.bytes, to: &back)
    #expect(back == plain)
  }

  @Test("all 64 letters, there and back")
  func alphabet() {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var (bytes, back): ([UInt8], [UInt8]) = ([], [])
    Base64.appendDecoded(alphabet.span.bytes, to: &bytes)
    Base64.append(bytes.span.bytes, to: &back)
    #expect(bytes.count == 48 && back == alphabet)
    #expect(Array(bytes[..<3]) == [0x00, 0x10, 0x83])
  }

  @Test(
    "base64 has one form; every other is refused",
    arguments: [
      "Z", "Zg", "Zg=", "Zg===", "=", "==", "===", "====", "Zh==", "Zi==", "Zk==", "Zo==", "Zm9=", "Zm+=", "Zm 9v",
      "Zm9v\\n", "Zm-_", "Z=g=", "Zg==Zg==", "Zm9v=",
    ])
  func notBase64(_ text: String) {
    #expect(refusal(of: "{\"job_base64\":\"\(text)\"}".utf8) != nil)
  }
}
