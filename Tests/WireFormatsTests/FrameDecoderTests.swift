import TestSupport
import Testing

@testable import WireFormats

@Suite struct FrameDecoderTests {
  /// Payloads that each framing can carry; between them every byte value.
  static func payloads(for framing: Framing) -> [[UInt8]] {
    let all = (0...255).map { UInt8($0) }.filter { $0 != framing.delimiter }
    return [[], Array("a".utf8), [], Array("0:,".utf8), [0xFF, 0x80], Array("12345678".utf8), [], all]
  }

  @Test(arguments: Framing.allCases)
  func aStreamInOnePieceOrCutAnywhereOrByteByByte(_ framing: Framing) {
    let payloads = Self.payloads(for: framing)
    let stream = write(payloads, as: framing)
    let expected = payloads.map { Cut.frame($0) }
    for cut in 0...stream.count {
      #expect(read(stream, in: [0..<cut, cut..<stream.count], as: framing) == expected, "cut at \(cut)")
    }
    #expect(read(stream, in: stream.indices.map { $0..<($0 + 1) }, as: framing) == expected)
  }

  /// Each size around the cap, the stream cut at each place: the frame alone is missing, said once, and what follows is
  /// whole.
  @Test(arguments: Framing.allCases, [0, 1, 7, 8, 9])
  func aFrameOverTheCapIsSkippedAlone(_ framing: Framing, _ cap: Int) {
    for size in [cap, cap + 1, cap + 2, cap + 17] {
      let payloads = [[], [UInt8](repeating: 0x61, count: size), []]
      let stream = write(payloads, as: framing)
      let middle = size > cap ? Cut.oversize(size) : .frame(payloads[1])
      let expected = [.frame([]), middle, Cut.frame([])]
      for cut in 0...stream.count {
        let cuts = read(stream, in: [0..<cut, cut..<stream.count], as: framing, maximumSize: cap)
        #expect(cuts == expected, "size \(size), cut at \(cut)")
      }
      let bytewise = stream.indices.map { $0..<($0 + 1) }
      #expect(read(stream, in: bytewise, as: framing, maximumSize: cap) == expected, "size \(size), byte by byte")
    }
  }

  @Test(arguments: Framing.allCases)
  func memoryStaysBoundedHoweverLongTheFrame(_ framing: Framing) {
    var reader = Reader(framing, maximumSize: 100)
    let stream = write([[UInt8](repeating: 0x61, count: 100_000), [0x62]], as: framing)
    for start in stride(from: 0, to: stream.count, by: 64) {
      reader.read(stream[start..<min(start + 64, stream.count)])
      if (200..<99_900).contains(start) { #expect(reader.decoder.isSkipping, "at byte \(start)") }
    }
    reader.end()
    #expect(reader.cuts == [.oversize(100_000), .frame([0x62])])
    #expect(reader.mostKept <= 100 + 12)
    #expect(reader.decoder.position == stream.count)
  }

  /// Random payloads, random pieces, a random cap; what comes out is what went in, oversize frames by their size.
  @Test(arguments: Framing.allCases)
  func randomPiecesOfRandomStreams(_ framing: Framing) {
    var generator = SplitMix64(state: 20_261)
    for round in 0..<150 {
      let cap = Int.random(in: 0...60, using: &generator)
      let payloads = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        (0..<Int.random(in: 0...80, using: &generator)).map { _ in
          let byte = UInt8.random(in: 0...255, using: &generator)
          return byte == framing.delimiter ? byte ^ 1 : byte
        }
      }
      let stream = write(payloads, as: framing)
      var pieces: [Range<Int>] = []
      var start = 0
      while start < stream.count {
        let end = min(stream.count, start + Int.random(in: 1...40, using: &generator))
        pieces.append(start..<end)
        start = end
      }
      let expected = payloads.map { $0.count > cap ? Cut.oversize($0.count) : .frame($0) }
      #expect(read(stream, in: pieces, as: framing, maximumSize: cap) == expected, "round \(round)")
    }
  }

  @Test func anUnterminatedLastLineIsAFrame() {
    #expect(read("a\nbc", as: .lines) == frames("a", "bc"))
    #expect(read("a\n", as: .lines) == frames("a"))
    #expect(read("", as: .lines) == [])
    #expect(read("\n", as: .lines) == frames(""))
    #expect(read("a\r\n\0\n", as: .lines) == frames("a\r", "\0"))
    #expect(read("a\nb\0c", as: .nul) == frames("a\nb", "c"))
    #expect(read("abcdef", as: .lines, maximumSize: 3) == [.oversize(6)])
  }

  @Test func aCutOffFrameIsNamedWithItsNumbers() {
    #expect(read("\0\0\0", as: .length4) == [.violation(.truncated(expected: 4, got: 3))])
    #expect(read("\0\0\0\u{2}a", as: .length4) == [.violation(.truncated(expected: 6, got: 5))])
    #expect(read("\0\0\0\u{9}abc", as: .length4, maximumSize: 3) == [.violation(.truncated(expected: 13, got: 7))])
    #expect(read("12", as: .netstring) == [.violation(.truncated(expected: nil, got: 2))])
    #expect(read("3:abc", as: .netstring) == [.violation(.truncated(expected: 6, got: 5))])
    #expect(read("9:abc", as: .netstring, maximumSize: 3) == [.violation(.truncated(expected: 12, got: 5))])
  }

  @Test(arguments: [
    ("00:,", FramingError.leadingZero(offset: 0)), ("01:a,", .leadingZero(offset: 0)),
    (":,", .notALength(byte: 0x3A, offset: 0)),
    ("1x", .notALength(byte: 0x78, offset: 1)), ("-1:", .notALength(byte: 0x2D, offset: 0)),
    ("hello\n", .notALength(byte: 0x68, offset: 0)), ("4294967296:", .lengthTooLarge(offset: 0)),
    ("99999999999999999999:", .lengthTooLarge(offset: 0)), ("1:ab", .missingComma(byte: 0x62, offset: 3)),
    ("1:a\n", .missingComma(byte: 0x0A, offset: 3)),
  ])
  func brokenNetstrings(_ text: String, _ error: FramingError) {
    #expect(read(text, as: .netstring) == [.violation(error)])
    let stream = Array("2:ab,\(text)".utf8)
    let cuts = read(stream, in: stream.indices.map { $0..<($0 + 1) }, as: .netstring)
    #expect(cuts.first == .frame(Array("ab".utf8)))
    #expect(cuts.last == .violation(error.moved(by: 5)))
    #expect(cuts.count == 2)
  }

  @Test func anOversizeNetstringWithoutItsCommaIsBroken() {
    for stream in ["5:abcdeX", "2:ab,5:abcdeX"] {
      let error = FramingError.missingComma(byte: 0x58, offset: stream.utf8.count - 1)
      #expect(read(stream, as: .netstring, maximumSize: 3).last == .violation(error))
    }
  }

  @Test func theLongestAnnouncedLengthIsSkippedNotAllocated() {
    var reader = Reader(.netstring, maximumSize: 10)
    reader.read(Array("4294967295:abc".utf8))
    #expect(reader.decoder.isSkipping)
    #expect(reader.pending.isEmpty)
    #expect(reader.cuts.isEmpty)
  }

  @Test func theFirstByteOverTheCapStartsSkipping() {
    var decoder = FrameDecoder(.lines, maximumSize: 3)
    #expect(decoder.next(in: Array("abc".utf8).span.bytes) == .needMore(consumed: 0))
    #expect(!decoder.isSkipping)
    #expect(decoder.next(in: Array("abcd".utf8).span.bytes) == .needMore(consumed: 4))
    #expect(decoder.isSkipping)
  }

  @Test func aLostStreamStaysLost() {
    var decoder = FrameDecoder(.netstring, maximumSize: 10)
    let bad = Array("x".utf8)
    let good = Array("1:a,".utf8)
    let violation = FrameDecoder.Step.violation(.notALength(byte: 0x78, offset: 0))
    #expect(decoder.next(in: bad.span.bytes) == violation)
    #expect(decoder.next(in: good.span.bytes) == violation)
    #expect(decoder.finish(in: good.span.bytes) == violation)
  }

  /// A frame that comes byte by byte must not be searched from its beginning each time: the decoder remembers how far
  /// it came.
  @Test func aPartialFrameIsNotSearchedAgain() {
    var decoder = FrameDecoder(.lines, maximumSize: 100)
    _ = decoder.next(in: Array("abcdefghij".utf8).span.bytes)
    // Were the first ten bytes looked at again, this newline would be found.
    #expect(decoder.next(in: Array("abc\nefghij!\n".utf8).span.bytes) == .frame(payload: 0..<11, consumed: 12))
  }
}

extension FramingError {
  /// The same error, later in the stream.
  func moved(by distance: Int) -> FramingError {
    switch self {
    case .notALength(let byte, let offset): .notALength(byte: byte, offset: offset + distance)
    case .leadingZero(let offset): .leadingZero(offset: offset + distance)
    case .lengthTooLarge(let offset): .lengthTooLarge(offset: offset + distance)
    case .missingComma(let byte, let offset): .missingComma(byte: byte, offset: offset + distance)
    case .embeddedDelimiter, .tooLong, .truncated: self
    }
  }
}
