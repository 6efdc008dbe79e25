import Text

extension ValueKind where Value: FixedWidthInteger {
  /// A whole number within `range`.
  public static func integer(in range: ClosedRange<Value>, example: Value? = nil) -> ValueKind {
    let example = example.map(String.init(_:)) ?? String(range.lowerBound)
    let wanted =
      range.upperBound == .max
      ? "a whole number of at least \(range.lowerBound)"
      : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    return ValueKind(placeholder: "N", example: example) { text throws(ValueError) in
      func failure(_ problem: String) -> ValueError {
        ValueError(problem: problem, wanted: wanted, example: example)
      }
      func tooLarge() -> ValueError {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueError(problem: "is too large", wanted: wanted, example: example)
      }
      let isNegative = looksNegative(text)
      if isNegative, range.lowerBound >= 0 { throw failure("is negative") }
      guard let number = NumberText(isNegative ? String(text.dropFirst()) : text), number.fraction == nil,
        number.unit.isEmpty
      else { throw failure("is not a whole number") }
      guard let value = Value((isNegative ? "-" : "") + number.whole) else {
        throw isNegative ? failure("is too small") : tooLarge()
      }
      if value > range.upperBound { throw tooLarge() }
      if value < range.lowerBound { throw failure("is too small") }
      return value
    }
  }
}

extension ValueKind where Value == ClosedRange<Int> {
  /// A whole number, or a range of two with two dots between, all within `range`, the upper one at least 1: `4` is
  /// `4...4`, `2..8` is `2...8`.
  public static func countRange(in range: ClosedRange<Int>, example: String) -> ValueKind {
    let count = ValueKind<Int>.integer(in: range)
    return ValueKind(placeholder: "N|MIN..MAX", example: example) { text throws(ValueError) in
      func failure(_ problem: String) -> ValueError {
        ValueError(
          problem: problem,
          wanted: "a whole number from 1 to \(range.upperBound) or a range MIN..MAX",
          example: example)
      }
      let dots = firstDoubleDot(in: text)
      let parts = dots.map { [text[..<$0], text[text.index($0, offsetBy: 2)...]] } ?? [text[...]]
      var bounds: [Int] = []
      for part in parts {
        do throws(ValueError) {
          bounds.append(try count.parse(String(part)))
        } catch {
          throw failure(parts.count == 1 ? error.problem : "has a bound that \(error.problem)")
        }
      }
      guard let lower = bounds.first, let upper = bounds.last else { throw failure("is not a number") }
      if lower > upper { throw failure("runs backwards") }
      if upper < 1 { throw failure("is too small") }
      return lower...upper
    }
  }
}

/// The largest size that is accepted, in bytes: 1024T, more than any machine holds, and so far below `Int.max` that
/// adding to it, or multiplying it by a small number, cannot overflow.
let largestSize = 1 << 50

extension ValueKind where Value == Int {
  /// A size in bytes of at least `minimum` and at most 1024T: `4096`, `64K`, `16M`, `2G`, `1T`. The units are powers of
  /// 1024; `KB` and `KiB` are refused, because their meaning differs between programs.
  public static func size(atLeast minimum: Int = 1) -> ValueKind {
    ValueKind(placeholder: "SIZE", example: "64M") { text throws(ValueError) in
      func failure(_ problem: String) -> ValueError {
        ValueError(
          problem: problem, wanted: "a size in bytes, or with K, M, G or T (powers of 1024)", example: "64M")
      }
      if looksNegative(text) { throw failure("is negative") }
      guard let number = NumberText(text), number.fraction == nil else { throw failure("is not a size") }
      guard let shift = ["": 0, "k": 10, "m": 20, "g": 30, "t": 40][number.unit.lowercased()] else {
        throw failure("has an unknown unit")
      }
      let (bytes, overflow) = (Int(number.whole) ?? .max).multipliedReportingOverflow(by: 1 << shift)
      if overflow || bytes > largestSize {
        throw ValueError(
          problem: "is too large", wanted: "a size of at most \(optionSizeText(largestSize))", example: "64M")
      }
      if bytes < minimum {
        let limit = minimum == 1 ? "above 0" : "of at least \(optionSizeText(minimum))"
        throw ValueError(problem: "is too small", wanted: "a size \(limit)", example: "64M")
      }
      return bytes
    }
  }
}

extension ValueKind where Value == Double {
  /// A percentage from 0 to 100 as a ratio from 0 to 1: `10%` is 0.1. Without the sign it is a percentage as well.
  public static var percentage: ValueKind {
    ValueKind(placeholder: "PERCENT", example: "10%") { text throws(ValueError) in
      func failure(_ problem: String) -> ValueError {
        ValueError(problem: problem, wanted: "a percentage from 0% to 100%", example: "10%")
      }
      if looksNegative(text) { throw failure("is negative") }
      guard let number = NumberText(text), number.unit.isEmpty || number.unit == "%",
        let percent = Double("0\(number.whole).\(number.fraction ?? "0")")
      else { throw failure("is not a percentage") }
      if percent > 100 { throw failure("is too large") }
      return percent / 100
    }
  }
}
