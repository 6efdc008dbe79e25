import Testing

@testable import WireFormats

@Suite struct FramingTests {
  @Test(arguments: [
    (Framing.lines, "ab\n\n"), (.nul, "ab\0\0"), (.length4, "\0\0\0\u{2}ab\0\0\0\0"), (.netstring, "2:ab,0:,"),
  ])
  func bytesOnTheWire(_ framing: Framing, _ wire: String) {
    #expect(write([[0x61, 0x62], []], as: framing) == Array(wire.utf8))
  }

  @Test(arguments: [
    (0, "0:"), (9, "9:"), (10, "10:"), (99, "99:"), (1_000_000, "1000000:"), (4_294_967_295, "4294967295:"),
  ])
  func decimalLengths(_ count: Int, _ header: String) {
    var bytes: [UInt8] = []
    Framing.netstring.appendHeader(count: count) { bytes.append($0) }
    #expect(bytes == Array(header.utf8))
  }

  @Test func binaryLengthsAreBigEndian() {
    var bytes: [UInt8] = []
    Framing.length4.appendHeader(count: 0xFEDC_BA98) { bytes.append($0) }
    #expect(bytes == [0xFE, 0xDC, 0xBA, 0x98])
  }

  @Test func aDelimiterInsideIsNamedWithItsPlace() {
    #expect(Framing.lines.canCarry(Array("ab\ncd".utf8).span.bytes) == .embeddedDelimiter(byte: 0x0A, offset: 2))
    #expect(Framing.lines.canCarry(Array("ab\0\r".utf8).span.bytes) == nil)
    #expect(Framing.nul.canCarry(Array("0123456789\0".utf8).span.bytes) == .embeddedDelimiter(byte: 0, offset: 10))
    #expect(Framing.nul.canCarry(Array("a\n".utf8).span.bytes) == nil)
    for framing in [Framing.length4, .netstring] {
      #expect(framing.canCarry(Array("\0\n,:".utf8).span.bytes) == nil)
    }
  }

  /// Never read, only measured.
  @Test func aPayloadOver4GiBIsRefused() {
    let length = Framing.longestAnnounced + 1
    let start = UnsafeRawPointer(bitPattern: 4096)
    let huge = unsafe UnsafeRawBufferPointer(start: start, count: length)
    #expect(Framing.length4.canCarry(huge.bytes) == .tooLong(count: 1 << 32))
    #expect(Framing.netstring.canCarry(huge.bytes) == .tooLong(count: 1 << 32))
    #expect(Framing.length4.canCarry(huge.bytes.extracting(first: length - 1)) == nil)
  }

  /// The search by eights against a search one by one: every position, every alignment, and bytes that differ in one
  /// bit.
  @Test func theSearchFindsTheFirstOne() {
    for byte: UInt8 in [0, 1, 0x0A, 0x7F, 0x80, 0xFF] {
      for neighbour in [byte ^ 1, byte ^ 0x80, byte &+ 1, byte &- 1] {
        for count in 0..<20 {
          var bytes = [UInt8](repeating: neighbour, count: count)
          #expect(firstOffset(of: byte, in: bytes.span.bytes, from: 0) == nil)
          for position in (0..<count).reversed() {
            bytes[position] = byte
            for start in 0...position {
              #expect(firstOffset(of: byte, in: bytes.span.bytes, from: start) == max(start, position))
            }
          }
        }
      }
    }
  }

  @Test(arguments: [
    (FramingError.embeddedDelimiter(byte: 0, offset: 7), "byte 0x00 at offset 7"),
    (.tooLong(count: 1 << 32), "4294967296 bytes"),
    (.notALength(byte: UInt8(ascii: "x"), offset: 3), "\"x\" at byte 3"),
    (.notALength(byte: 0xFF, offset: 0), "byte 0xff at byte 0"),
    (.leadingZero(offset: 5), "at byte 5"),
    (.lengthTooLarge(offset: 5), "over 4294967295"),
    (.missingComma(byte: 0x0A, offset: 12), "\"\\n\" at byte 12"),
    (.truncated(expected: 8, got: 5), "after 5 of 8 bytes"),
    (.truncated(expected: nil, got: 1), "after 1 byte"),
  ])
  func errorsSayWhatAndWhere(_ error: FramingError, _ part: String) {
    #expect("\(error)".contains(part), "\(error)")
  }
}
