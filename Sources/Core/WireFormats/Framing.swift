/// How one message is told from the next in a stream of bytes.
public enum Framing: String, Sendable, CaseIterable {
  /// The bytes, then `\n`. No byte is special but that one: a `\r` before it belongs to the message.
  case lines
  /// The bytes, then `\0`, as `find -print0` writes and `xargs -0` reads.
  case nul
  /// The length as four bytes, the most significant first, then the bytes: Erlang's `{packet, 4}`.
  case length4
  /// The length in decimal, `:`, the bytes, `,` (https://cr.yp.to/proto/netstrings.txt).
  case netstring

  /// The longest message that `length4` and `netstring` carry, in bytes: 2^32 - 1. A netstring could announce more, but
  /// nothing that long is a message: it is a stream that went out of step.
  public static let longestAnnounced = Int(UInt32.max)

  /// The byte that ends a message and therefore cannot be inside one; nil for framings that announce the length.
  public var delimiter: UInt8? {
    switch self {
    case .lines: 0x0A
    case .nul: 0
    case .length4, .netstring: nil
    }
  }

  /// Why this framing cannot carry the payload: the delimiter is inside, or the length is over `longestAnnounced`. Nil
  /// if it can.
  public func canCarry(_ payload: RawSpan) -> FramingError? {
    guard let delimiter else {
      return payload.byteCount <= Self.longestAnnounced ? nil : .tooLong(count: payload.byteCount)
    }
    return firstOffset(of: delimiter, in: payload, from: 0).map { .embeddedDelimiter(byte: delimiter, offset: $0) }
  }

  /// Gives `append` the bytes that stand before a payload of `count` bytes. A count that `canCarry` refuses is a
  /// programming error and stops the program: a wrong length on the wire would put every later message out of step.
  @inlinable public func appendHeader(count: Int, to append: (UInt8) -> Void) {
    switch self {
    case .lines, .nul: return
    case .length4: appendBigEndian(UInt32(count), to: append)
    case .netstring: appendDecimal(UInt32(count), to: append)
    }
  }

  /// Gives `append` the bytes that stand after a payload.
  @inlinable public func appendTrailer(to append: (UInt8) -> Void) {
    switch self {
    case .lines: append(0x0A)
    case .nul: append(0)
    case .length4: return
    case .netstring: append(UInt8(ascii: ","))
    }
  }

  @inlinable func appendBigEndian(_ length: UInt32, to append: (UInt8) -> Void) {
    append(UInt8(truncatingIfNeeded: length >> 24))
    append(UInt8(truncatingIfNeeded: length >> 16))
    append(UInt8(truncatingIfNeeded: length >> 8))
    append(UInt8(truncatingIfNeeded: length))
  }

  @inlinable func appendDecimal(_ length: UInt32, to append: (UInt8) -> Void) {
    var power: UInt32 = 1
    while length / power >= 10 { power *= 10 }
    while power > 0 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: length / power % 10))
      power /= 10
    }
    append(UInt8(ascii: ":"))
  }
}
