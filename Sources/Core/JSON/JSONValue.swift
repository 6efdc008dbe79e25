/// A value that was found and checked: what it is, and where it stands. The bytes stay where they are.
public struct JSONValue: Equatable, Sendable {
  /// The types of RFC 8259, `true` and `false` apart.
  public enum Kind: Equatable, Sendable {
    /// `{…}`
    case object
    /// `[…]`
    case array
    /// `"…"`; without escapes its text is the bytes between the quotes.
    case string(hasEscapes: Bool)
    /// Any number, of any length and exponent.
    case number
    /// `true`
    case yes
    /// `false`
    case no
    /// `null`
    case null
  }

  /// What it is.
  public var kind: Kind
  /// Its bytes, from the first to the last that belongs to it; a string's quotes included.
  public var range: Range<Int>

  /// Whether it is a string.
  public var isString: Bool {
    if case .string = kind { true } else { false }
  }
}

/// One member of an object.
public struct JSONMember: Equatable, Sendable {
  /// Its name, always a string.
  public var name: JSONValue
  /// What stands behind the colon.
  public var value: JSONValue
}
