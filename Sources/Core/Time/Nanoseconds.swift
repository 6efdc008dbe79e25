/// A span of time, 0...2⁶⁴ - 1 nanoseconds (584 years), never negative. Arithmetic saturates instead of trapping: a sum
/// or product that does not fit is `.max`, a difference below zero is `.zero`.
@frozen public struct Nanoseconds: Comparable, Hashable, Sendable {
  /// The number of nanoseconds.
  public var count: UInt64

  /// A span of `count` nanoseconds.
  @inlinable public init(_ count: UInt64) { self.count = count }

  /// No time at all.
  @inlinable public static var zero: Nanoseconds { Nanoseconds(0) }
  /// The longest span, 584 years: as good as endless.
  @inlinable public static var max: Nanoseconds { Nanoseconds(.max) }

  /// A span of whole nanoseconds.
  @inlinable public static func nanoseconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(count) }
  /// A span of whole microseconds; `.max` if they do not fit.
  @inlinable public static func microseconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(1000) * count }
  /// A span of whole milliseconds; `.max` if they do not fit.
  @inlinable public static func milliseconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(1_000_000) * count }
  /// A span of whole seconds; `.max` if they do not fit.
  @inlinable public static func seconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(1_000_000_000) * count }

  /// The value of a Double, rounded down: negative numbers and NaN give `.zero`, those that do not fit `.max`.
  @inlinable public init(truncating count: Double) {
    guard count > 0 else { self = .zero; return }
    self = count < 0x1p64 ? Nanoseconds(UInt64(count)) : .max
  }

  /// In seconds, as a Double holds them.
  @inlinable public var seconds: Double { Double(count) / 1e9 }
  /// Whole microseconds, rounded down.
  @inlinable public var microseconds: UInt64 { count / 1000 }
  /// Whole milliseconds, rounded down.
  @inlinable public var milliseconds: UInt64 { count / 1_000_000 }
  /// Whole seconds, rounded down.
  @inlinable public var wholeSeconds: UInt64 { count / 1_000_000_000 }

  /// Whether `left` is shorter.
  @inlinable public static func < (left: Nanoseconds, right: Nanoseconds) -> Bool { left.count < right.count }

  /// Both spans; `.max` if that does not fit.
  @inlinable public static func + (left: Nanoseconds, right: Nanoseconds) -> Nanoseconds {
    let (sum, overflow) = left.count.addingReportingOverflow(right.count)
    return overflow ? .max : Nanoseconds(sum)
  }

  /// By how much `left` is longer; `.zero` if it is not.
  @inlinable public static func - (left: Nanoseconds, right: Nanoseconds) -> Nanoseconds {
    left > right ? Nanoseconds(left.count &- right.count) : .zero
  }

  /// A multiple; `.max` if it does not fit.
  @inlinable public static func * (span: Nanoseconds, factor: UInt64) -> Nanoseconds {
    let (product, overflow) = span.count.multipliedReportingOverflow(by: factor)
    return overflow ? .max : Nanoseconds(product)
  }

  /// A multiple; `.max` if it does not fit.
  @inlinable public static func * (factor: UInt64, span: Nanoseconds) -> Nanoseconds { span * factor }

  /// A share or a multiple, as near as a Double comes to it.
  @inlinable public func scaled(by factor: Double) -> Nanoseconds {
    Nanoseconds(truncating: Double(count) * factor)
  }

  /// A part, rounded down; a divisor of 0 counts as 1.
  @inlinable public static func / (span: Nanoseconds, divisor: UInt64) -> Nanoseconds {
    Nanoseconds(span.count / Swift.max(1, divisor))
  }

  /// How often `right` fits into `left`; a span of 0 counts as one nanosecond.
  @inlinable public static func / (left: Nanoseconds, right: Nanoseconds) -> UInt64 {
    left.count / Swift.max(1, right.count)
  }

  /// What is left of `left` when it is divided by `right`; a span of 0 counts as one nanosecond.
  @inlinable public static func % (left: Nanoseconds, right: Nanoseconds) -> Nanoseconds {
    Nanoseconds(left.count % Swift.max(1, right.count))
  }

  /// Adds a span; `.max` at most.
  @inlinable public static func += (left: inout Nanoseconds, right: Nanoseconds) { left = left + right }
  /// Takes a span away; `.zero` at least.
  @inlinable public static func -= (left: inout Nanoseconds, right: Nanoseconds) { left = left - right }
}
