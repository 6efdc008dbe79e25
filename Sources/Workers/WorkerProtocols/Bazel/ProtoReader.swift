import JSON

/// Reads the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding). Give it the same bytes
/// each time: it keeps its place in them and nothing else.
struct ProtoReader {
  /// In bytes.
  static let longestVarint = 10

  enum Field {
    case varint(Int, UInt64)
    /// A string, bytes or a message, at these offsets.
    case bytes(Int, Range<Int>)
    /// Of a fixed size.
    case other
  }

  private(set) var offset = 0

  /// Nil if it does not end within the bytes, or is longer than any.
  mutating func varint(in bytes: RawSpan) -> UInt64? {
    var value: UInt64 = 0
    for place in 0..<Self.longestVarint {
      guard let byte = bytes.byteIfAny(at: offset + place) else { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(7 * place)
      guard byte & 0x80 != 0 else {
        offset += place + 1
        return value
      }
    }
    return nil
  }

  /// The next field; nil if there is none.
  mutating func field(in bytes: RawSpan) -> Field? {
    guard let tag = varint(in: bytes), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return nil }
    let number = Int(tag >> 3)
    switch tag & 7 {
    case 0: return varint(in: bytes).map { .varint(number, $0) }
    case 1: return skip(8, in: bytes)
    case 2:
      guard let length = varint(in: bytes), length <= UInt64(bytes.byteCount - offset) else { return nil }
      let place = offset..<(offset + Int(length))
      offset = place.upperBound
      return .bytes(number, place)
    case 5: return skip(4, in: bytes)
    default: return nil
    }
  }

  private mutating func skip(_ count: Int, in bytes: RawSpan) -> Field? {
    guard bytes.byteCount - offset >= count else { return nil }
    offset += count
    return .other
  }
}

/// The same, written.
extension [UInt8] {
  mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  mutating func appendField(_ number: UInt64, _ value: UInt64) {
    appendVarint(number << 3)
    appendVarint(value)
  }

  mutating func appendField(_ number: UInt64, _ bytes: [UInt8]) {
    appendVarint(number << 3 | 2)
    appendVarint(UInt64(bytes.count))
    self += bytes
  }
}
