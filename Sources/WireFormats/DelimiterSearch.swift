/// Where `byte` first stands at or after `start`, or nil. Eight bytes are looked at at once; no C library is needed.
///
/// A word XORed with the pattern has a zero byte where the byte stands. `(x - 0x01…01) & ~x & 0x80…80` marks zero bytes; a borrow
/// can mark wrong ones, but only above a true one, so the lowest mark is always right (Hacker's Delight, 6-1).
func firstOffset(of byte: UInt8, in bytes: RawSpan, from start: Int) -> Int? {
  let count = bytes.byteCount
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
