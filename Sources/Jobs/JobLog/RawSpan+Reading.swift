extension RawSpan {
  /// The byte at an offset, which is checked against the bounds.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The eight bytes at an offset, which is checked against the bounds, as a little-endian word.
  @inline(__always)
  func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Where `byte` first stands at or after `start`, or nil.
  func firstOffset(of byte: UInt8, from start: Int) -> Int? {
    var offset = start
    while offset < byteCount {
      if self.byte(at: offset) == byte { return offset }
      offset &+= 1
    }
    return nil
  }
}
