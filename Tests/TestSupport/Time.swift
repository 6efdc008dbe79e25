import Time

// Tests write times as plain numbers of nanoseconds.

extension Instant: ExpressibleByIntegerLiteral {
  /// The instant that many nanoseconds after the origin.
  public init(integerLiteral nanoseconds: UInt64) { self.init(nanoseconds: nanoseconds) }
}

extension Nanoseconds: ExpressibleByIntegerLiteral {
  /// A span of that many nanoseconds.
  public init(integerLiteral count: UInt64) { self.init(count) }
}

extension Nanoseconds {
  /// A span in the range, to the nanosecond.
  public static func random(in range: ClosedRange<Nanoseconds>, using generator: inout some RandomNumberGenerator)
    -> Nanoseconds
  {
    Nanoseconds(UInt64.random(in: range.lowerBound.count...range.upperBound.count, using: &generator))
  }

  /// A span in the range, which must not be empty, to the nanosecond.
  public static func random(in range: Range<Nanoseconds>, using generator: inout some RandomNumberGenerator)
    -> Nanoseconds
  {
    Nanoseconds(UInt64.random(in: range.lowerBound.count..<range.upperBound.count, using: &generator))
  }
}
