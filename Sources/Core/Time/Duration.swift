extension Duration {
  /// Whole nanoseconds; zero if it is negative, `.max` (584 years) if it is longer.
  public var nanoseconds: Nanoseconds {
    guard self > .zero else { return .zero }
    let (seconds, attoseconds) = components
    return .seconds(UInt64(seconds)) + Nanoseconds(UInt64(attoseconds) / 1_000_000_000)
  }

  /// The same span; 292 years if it is longer.
  public init(_ span: Nanoseconds) { self = .nanoseconds(Int64(clamping: span.count)) }
}
