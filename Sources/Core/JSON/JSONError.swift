import Text

/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong. A byte that is nil is the end of the text.
  public enum Problem: Equatable, Sendable {
    /// There is nothing, or only white space.
    case empty
    /// No value begins with this byte.
    case notAValue(UInt8?)
    /// An object's member must begin with its name, a string.
    case notAName(UInt8?)
    /// A name must be followed by a colon.
    case missingColon(UInt8?)
    /// A value inside an object or an array must be followed by a comma or by `closer`.
    case missingComma(UInt8?, closer: UInt8)
    /// Something other than white space stands behind the value.
    case trailing(UInt8)
    /// The text begins with U+FEFF, which RFC 8259 (8.1) forbids to write.
    case byteOrderMark
    /// A string that begins here has no end.
    case unclosedString
    /// A byte under 0x20 inside a string must be written as an escape.
    case controlCharacter(UInt8)
    /// A backslash that begins no escape.
    case badEscape
    /// An escape for half of a surrogate pair. The grammar allows it, but no UTF-8 can express it, so that programs
    /// make different bytes of it; RFC 7493 (2.1) forbids it, and so do we.
    case loneSurrogate
    /// Bytes that are not UTF-8: overlong, cut off, a surrogate, or over U+10FFFF.
    case notUTF8
    /// A digit is missing in a number: behind the minus, the point or the exponent.
    case missingDigit(UInt8?)
    /// A number begins with a 0 and goes on.
    case leadingZero
    /// Objects and arrays are nested deeper than `JSONScanner.maximumDepth`.
    case tooDeep
  }

  /// What is wrong.
  public var problem: Problem
  /// Where, in bytes from the text's first, which is 0.
  public var offset: Int

  /// One sentence for people: `byte 17: a string is not closed`.
  public var description: String { "byte \(offset): \(problem.sentence)" }
}

extension JSONError.Problem {
  var sentence: String {
    switch self {
    case .empty: "nothing where a value must be"
    case .notAValue(let byte): "\(shown(byte)) where a value must be"
    case .notAName(let byte): "\(shown(byte)) where a name in quotes must be"
    case .missingColon(let byte): "\(shown(byte)) where \":\" must be"
    case .missingComma(let byte, let closer): "\(shown(byte)) where \",\" or \(byteText(closer)) must be"
    case .trailing(let byte): "\(shown(byte)) behind the end of the value"
    case .byteOrderMark: "a byte order mark, which JSON must not have"
    case .unclosedString: "a string is not closed"
    case .controlCharacter(let byte): "\(shown(byte)) inside a string must be written as an escape"
    case .badEscape: "a backslash that begins no escape"
    case .loneSurrogate: "half of a surrogate pair, which no text can hold"
    case .notUTF8: "not UTF-8"
    case .missingDigit(let byte): "\(shown(byte)) where a digit must be"
    case .leadingZero: "a number begins with a 0 and goes on"
    case .tooDeep: "nested deeper than \(JSONScanner.maximumDepth) objects and arrays"
    }
  }
}

/// A byte, or the end of the text.
private func shown(_ byte: UInt8?) -> String { byte.map(byteText) ?? "the end" }
