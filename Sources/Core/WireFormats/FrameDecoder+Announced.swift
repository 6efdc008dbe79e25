/// Length4 and netstring: a frame announces its length.
extension FrameDecoder {
  mutating func readBinaryLength(in bytes: RawSpan) -> Step {
    guard bytes.byteCount >= 4 else { return needMore(.readingLength(digits: 0, length: 0)) }
    let length = UInt32(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self))
    return nextAnnounced(in: bytes, header: 4, length: Int(length))
  }

  /// Goes on behind the `digits` that were read before and make `length`.
  mutating func readDecimalLength(in bytes: RawSpan, digits: Int, length: Int) -> Step {
    var offset = digits
    var length = length
    while offset < bytes.byteCount {
      let byte = bytes.byte(at: offset)
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if offset > 0, length == 0 { return lose(.leadingZero(offset: position)) }
        length = length * 10 + Int(byte - UInt8(ascii: "0"))
        if length > Framing.longestAnnounced { return lose(.lengthTooLarge(offset: position)) }
        offset += 1
      case UInt8(ascii: ":") where offset > 0:
        return nextAnnounced(in: bytes, header: offset + 1, length: length)
      default:
        return lose(.notALength(byte: byte, offset: position + offset))
      }
    }
    return needMore(.readingLength(digits: offset, length: length))
  }

  mutating func nextAnnounced(in bytes: RawSpan, header: Int, length: Int) -> Step {
    let total = header + length + trailerCount
    if length > maximumSize { return skip(in: bytes, header: header, length: length, left: total) }
    guard bytes.byteCount >= total else { return needMore(.announced(header: header, length: length)) }
    if let error = trailerError(in: bytes, at: header + length) { return lose(error) }
    return frame(header..<(header + length), consumed: total)
  }

  mutating func skip(in bytes: RawSpan, header: Int, length: Int, left: Int) -> Step {
    let count = bytes.byteCount
    if count < left { return needMore(.skipping(header: header, length: length, left: left - count), consumed: count) }
    if let error = trailerError(in: bytes, at: left - trailerCount) { return lose(error) }
    return oversize(length, consumed: left)
  }

  /// A netstring must end with a comma: without it the announced length was wrong, and so is everything that follows.
  private func trailerError(in bytes: RawSpan, at offset: Int) -> FramingError? {
    guard framing == .netstring else { return nil }
    let byte = bytes.byte(at: offset)
    return byte == UInt8(ascii: ",") ? nil : .missingComma(byte: byte, offset: position + offset)
  }
}
