import Time

/// What a value that was found is worth.
extension JSONValue {
  /// The whole number that it is, however it is written (1e3 is 1000); nil if it is none, or `Number` cannot hold it.
  package func integer<Number: FixedWidthInteger>(in bytes: RawSpan) -> Number? {
    guard kind == .number, let decimal = Decimal(range, in: bytes, scale: 0), decimal.isWhole else { return nil }
    if !decimal.isNegative { return Number(exactly: decimal.magnitude) }
    // The lowest number has no positive counterpart.
    return Int64(exactly: decimal.magnitude).map { -$0 }.flatMap(Number.init(exactly:))
      ?? (decimal.magnitude == 1 << 63 ? Number(exactly: Int64.min) : nil)
  }

  /// A number of seconds, not negative; what is finer than a nanosecond is cut off. Nil if it is none, or over 584
  /// years.
  package func nanoseconds(in bytes: RawSpan) -> Nanoseconds? {
    guard kind == .number, let decimal = Decimal(range, in: bytes, scale: 9) else { return nil }
    return decimal.isNegative && (decimal.magnitude > 0 || !decimal.isWhole) ? nil : Nanoseconds(decimal.magnitude)
  }

  /// The text of a string.
  package func string(in bytes: RawSpan) -> String {
    var text: [UInt8] = []
    appendText(of: bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}
