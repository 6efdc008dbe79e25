/// A moment on a clock, by the nanoseconds since that clock's origin: CLOCK_MONOTONIC, a loop's clock, the time since a
/// run began. Only moments of one clock can be compared; which one it is, its owner decides. Arithmetic saturates.
@frozen public struct Instant: Comparable, Hashable, Sendable {
  /// Since the clock's origin.
  public var sinceOrigin: Nanoseconds

  /// The moment that is so far from the clock's origin.
  @inlinable public init(sinceOrigin: Nanoseconds) { self.sinceOrigin = sinceOrigin }

  /// The moment at which the clock shows this number of nanoseconds.
  @inlinable public init(nanoseconds: UInt64) { sinceOrigin = Nanoseconds(nanoseconds) }

  /// Where the clock begins: no moment is earlier.
  @inlinable public static var origin: Instant { Instant(nanoseconds: 0) }
  /// No moment is later: a deadline that never comes.
  @inlinable public static var distantFuture: Instant { Instant(nanoseconds: .max) }

  /// Whether `left` is earlier.
  @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.sinceOrigin < right.sinceOrigin }

  /// The moment later by this time; `.distantFuture` if that does not fit.
  @inlinable public static func + (instant: Instant, span: Nanoseconds) -> Instant {
    Instant(sinceOrigin: instant.sinceOrigin + span)
  }

  /// The moment earlier by this time; `.origin` if that would be before it.
  @inlinable public static func - (instant: Instant, span: Nanoseconds) -> Instant {
    Instant(sinceOrigin: instant.sinceOrigin - span)
  }

  /// How much later `left` is; `.zero` if it is not.
  @inlinable public static func - (left: Instant, right: Instant) -> Nanoseconds {
    left.sinceOrigin - right.sinceOrigin
  }

  /// Moves it later; no further than `.distantFuture`.
  @inlinable public static func += (left: inout Instant, right: Nanoseconds) { left = left + right }
}
