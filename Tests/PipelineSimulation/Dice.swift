import TestSupport
import Time

extension SplitMix64 {
  /// 0..<bound.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// The next number, which is still to come.
  func peek() -> UInt64 {
    var copy = self
    return copy.next()
  }

  /// True once in `count` times.
  mutating func oneIn(_ count: Int) -> Bool { next() % UInt64(count) == 0 }

  /// One of them.
  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

  /// A span up to `longest`; short ones come as often as long ones.
  mutating func span(upTo longest: Nanoseconds) -> Nanoseconds {
    let bits = UInt64.bitWidth - longest.count.leadingZeroBitCount
    return min(longest, Nanoseconds(next() & ((1 << UInt64(1 + below(bits))) - 1)))
  }
}

/// A promise of the pipeline that was not kept.
struct Violation: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

@inline(__always)
func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws {
  if !isTrue { throw Violation(text()) }
}
