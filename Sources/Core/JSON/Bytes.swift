extension RawSpan {
  /// The byte at an offset, which is checked against the bounds.
  @inlinable @inline(__always)
  package func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The byte at an offset, nil at the end.
  @inlinable @inline(__always)
  package func byteIfAny(at offset: Int) -> UInt8? {
    offset < byteCount ? byte(at: offset) : nil
  }

  /// Whether these are the bytes of `text`.
  @inlinable
  package func equals(_ text: String) -> Bool {
    guard byteCount == text.utf8.count else { return false }
    var offset = 0
    for byte in text.utf8 {
      if self.byte(at: offset) != byte { return false }
      offset &+= 1
    }
    return true
  }

  /// Where, at or after `start`, the first byte stands that a JSON string cannot simply hold: a quote, a backslash, a
  /// byte under 0x20, or one of 0x80 and above, which must be looked at as UTF-8. The end if there is none.
  ///
  /// Eight bytes are looked at at once. `(x - 0x01…01) & ~x & 0x80…80` marks the zero bytes of x; a borrow can mark
  /// wrong ones, but only above a true one, so the lowest mark is always right (Hacker's Delight, 6-1). The same holds
  /// for bytes under 0x20.
  @inlinable
  package func endOfPlainText(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var offset = start
    while offset &+ 8 <= byteCount {
      let word = UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let controls = (word &- ones &* 0x20) & ~word
      let marks = ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | controls | word) & (ones &* 0x80)
      if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < byteCount {
      let byte = byte(at: offset)
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return offset }
      offset &+= 1
    }
    return offset
  }

  /// The length of the UTF-8 sequence of two to four bytes at `offset`, whose first byte is 0x80 or above; nil if it is
  /// not well-formed (The Unicode Standard, table 3-7).
  @inlinable
  package func countOfSequence(at offset: Int) -> Int? {
    let first = byte(at: offset)
    let count: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: count = 2
    case 0xE0: (count, second) = (3, 0xA0...0xBF)  // else overlong
    case 0xED: (count, second) = (3, 0x80...0x9F)  // else a surrogate
    case 0xE1...0xEF: count = 3
    case 0xF0: (count, second) = (4, 0x90...0xBF)  // else overlong
    case 0xF1...0xF3: count = 4
    case 0xF4: (count, second) = (4, 0x80...0x8F)  // else over U+10FFFF
    default: return nil
    }
    guard byteCount &- offset >= count, second.contains(byte(at: offset &+ 1)) else { return nil }
    for next in 2..<max(2, count) where byte(at: offset &+ next) & 0xC0 != 0x80 { return nil }
    return count
  }
}

extension RawSpan {
  /// Whether all of it is well-formed UTF-8.
  package var isText: Bool {
    var offset = 0
    while offset < byteCount {
      guard byte(at: offset) >= 0x80 else {
        offset &+= 1
        continue
      }
      guard let count = countOfSequence(at: offset) else { return false }
      offset &+= count
    }
    return true
  }
}

extension [UInt8] {
  /// Adds bytes at the end.
  package mutating func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}
