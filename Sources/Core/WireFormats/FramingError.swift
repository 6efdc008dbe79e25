import Text

/// What is wrong with a message, or with a stream of them. Offsets in a stream count from its first byte, from 0.
public enum FramingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The payload has the framing's delimiter inside, at `offset` of the payload.
  case embeddedDelimiter(byte: UInt8, offset: Int)
  /// The payload is longer than the framing can announce.
  case tooLong(count: Int)
  /// Neither a digit nor the `:` after one stands where a netstring's length must be.
  case notALength(byte: UInt8, offset: Int)
  /// A netstring's length begins with a 0 and goes on: forbidden, since there must be one way only to write a length.
  case leadingZero(offset: Int)
  /// A netstring's length, whose first digit is at `offset`, is over `Framing.longestAnnounced`.
  case lengthTooLarge(offset: Int)
  /// Not the `,` that must end a netstring.
  case missingComma(byte: UInt8, offset: Int)
  /// The stream ended inside a frame, after `got` of `expected` bytes, header and trailer counted. `expected` is nil
  /// when the length itself was cut off.
  case truncated(expected: Int?, got: Int)

  /// One line for people: what, where, and the byte in question.
  public var description: String {
    switch self {
    case .embeddedDelimiter(let byte, let offset):
      "the payload has \(byteText(byte)) at offset \(offset), which would end it there"
    case .tooLong(let count):
      "the payload of \(plural(count, "byte")) is longer than the framing can announce "
        + "(\(Framing.longestAnnounced) bytes)"
    case .notALength(let byte, let offset):
      "netstring: \(byteText(byte)) at byte \(offset) of the stream, where a digit or the \":\" after the length "
        + "must be"
    case .leadingZero(let offset):
      "netstring: the length at byte \(offset) of the stream begins with a 0 and goes on"
    case .lengthTooLarge(let offset):
      "netstring: the length at byte \(offset) of the stream is over \(Framing.longestAnnounced)"
    case .missingComma(let byte, let offset):
      "netstring: \(byteText(byte)) at byte \(offset) of the stream, where the \",\" after the payload must be"
    case .truncated(let expected?, let got):
      "the stream ended inside a frame, after \(got) of \(plural(expected, "byte"))"
    case .truncated(nil, let got):
      "the stream ended inside the length of a frame, after \(plural(got, "byte"))"
    }
  }
}
