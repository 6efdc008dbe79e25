/// Where `byte` first stands at or after `start`, or nil. No C library is needed.
package func firstOffset(of byte: UInt8, in bytes: RawSpan, from start: Int) -> Int? {
  let near = min(bytes.byteCount, start &+ 256)
  if let offset = firstOffset(of: byte, in: bytes, from: start, to: near) { return offset }
  if near == bytes.byteCount { return nil }
  return firstOffset(of: byte, in: bytes, from: skipWithout(byte, in: bytes, from: near), to: bytes.byteCount)
}

/// In a long message 64 bytes are looked at at once: an offset at or after `start`, before which the byte does not
/// stand.
private func skipWithout(_ byte: UInt8, in bytes: RawSpan, from start: Int) -> Int {
  let pattern = SIMD16<UInt8>(repeating: byte)
  var offset = start
  while offset &+ 64 <= bytes.byteCount {
    var found = SIMDMask<SIMD16<Int8>>(repeating: false)
    for part in 0..<4 {
      let lanes = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset &+ 16 &* part, as: SIMD16<UInt8>.self)
      found = found .| (lanes .== pattern)
    }
    // As two words, since `any` is not inlined.
    let words = unsafe unsafeBitCast(found, to: SIMD2<UInt64>.self)
    if words[0] | words[1] != 0 { break }
    offset &+= 64
  }
  return offset
}

/// Eight bytes are looked at at once.
///
/// A word XORed with the pattern has a zero byte where the byte stands. `(x - 0x01…01) & ~x & 0x80…80` marks zero
/// bytes; a borrow can mark wrong ones, but only above a true one, so the lowest mark is always right (Hacker's
/// Delight, 6-1).
private func firstOffset(of byte: UInt8, in bytes: RawSpan, from start: Int, to count: Int) -> Int? {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let pattern = ones &* UInt64(byte)
  var offset = start
  while offset &+ 8 <= count {
    let word = UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ pattern
    let marks = (word &- ones) & ~word & (ones &* 0x80)
    if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
    offset &+= 8
  }
  while offset < count {
    if bytes.byte(at: offset) == byte { return offset }
    offset &+= 1
  }
  return nil
}

extension RawSpan {
  /// The byte at an offset, which is checked against the bounds.
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
