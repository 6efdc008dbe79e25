import Text
import Time

/// A number of events per period, as in `5/10s`.
public struct CountPerPeriod: Equatable, Sendable {
  /// How many. At least 1.
  public let count: Int
  /// Within how long. Over zero.
  public let period: Nanoseconds
}

/// The longest duration that is accepted: 292 years, which a signed number of nanoseconds can hold.
let longestDuration = Nanoseconds(UInt64(Int64.max))
/// It in whole days, for error messages.
private let longestDurationText = "\(longestDuration.wholeSeconds / 86_400)d"
/// More events per period than anybody means. Each of them may be remembered until the period is over.
private let largestCount = 1_000_000

extension ValueKind where Value == Nanoseconds {
  /// A duration of at least `minimum`: `250us`, `500ms`, `30s`, `1.5m`, `1h`, `7d`. A bare number is
  /// seconds. Up to nine decimals; what is finer than a nanosecond is cut off.
  public static func duration(atLeast minimum: Nanoseconds = .zero, example: String = "30s") -> ValueKind {
    ValueKind(placeholder: "DUR", example: example) { text throws(ValueError) in
      do throws(DurationProblem) {
        return try nanoseconds(text, atLeast: minimum)
      } catch {
        let limit =
          error == .tooLarge
          ? " of at most \(longestDurationText)"
          : minimum == .zero
            ? "" : minimum == .nanoseconds(1) ? " above 0" : " of at least \(optionDurationText(minimum))"
        throw ValueError(
          problem: error.rawValue, wanted: "a duration\(limit) in us, ms, s, m, h or d (bare: seconds)",
          example: example)
      }
    }
  }
}

extension ValueKind where Value == CountPerPeriod {
  /// A count per duration: `5/10s`. Both must be above 0, and the count at most a million.
  public static var countPerPeriod: ValueKind {
    ValueKind(placeholder: "N/DUR", example: "5/10s") { text throws(ValueError) in
      func failure(_ problem: String, count limit: String = "", duration: String = "") -> ValueError {
        ValueError(problem: problem, wanted: "a count\(limit), a slash and a duration\(duration)", example: "5/10s")
      }
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw failure("is not a count per duration") }
      guard let number = NumberText(parts[0]), number.fraction == nil, number.unit.isEmpty else {
        throw failure("has no whole number before the slash")
      }
      guard let count = Int(number.whole), count <= largestCount else {
        throw failure("has a count that is too large", count: " of at most \(largestCount)")
      }
      if count == 0 { throw failure("has a count of 0") }
      do throws(DurationProblem) {
        return CountPerPeriod(count: count, period: try nanoseconds(parts[1], atLeast: .nanoseconds(1)))
      } catch {
        let limit = error == .tooLarge ? " of at most \(longestDurationText)" : ""
        throw failure("has a duration that \(error.rawValue)", duration: limit)
      }
    }
  }
}

extension ValueKind where Value == ClosedRange<Nanoseconds> {
  /// A range of durations, both of at least `minimum`: `100ms..30s`.
  public static func durationRange(atLeast minimum: Nanoseconds = .zero) -> ValueKind {
    ValueKind(placeholder: "MIN..MAX", example: "100ms..30s") { text throws(ValueError) in
      func failure(_ problem: String, isTooLarge: Bool = false) -> ValueError {
        let least = minimum == .zero ? "" : " of at least \(optionDurationText(minimum))"
        let limit = isTooLarge ? " of at most \(longestDurationText)" : least
        return ValueError(
          problem: problem, wanted: "two durations\(limit), the shorter first, with two dots between",
          example: "100ms..30s")
      }
      guard let dots = firstDoubleDot(in: text) else { throw failure("is not a range of durations") }
      let parts = (text[..<dots], text[text.index(dots, offsetBy: 2)...])
      do throws(DurationProblem) {
        let lower = try nanoseconds(parts.0, atLeast: minimum)
        let upper = try nanoseconds(parts.1, atLeast: minimum)
        if lower > upper { throw .runsBackwards }
        return lower...upper
      } catch {
        let problem = error == .runsBackwards ? error.rawValue : "has a duration that \(error.rawValue)"
        throw failure(problem, isTooLarge: error == .tooLarge)
      }
    }
  }
}

private enum DurationProblem: String, Error {
  case notADuration = "is not a duration"
  case unknownUnit = "has an unknown unit"
  case negative = "is negative"
  case tooLarge = "is too large"
  case tooSmall = "is too small"
  case tooFine = "has more than nine decimals"
  case runsBackwards = "runs backwards"
}

private let units: [Substring: Nanoseconds] = [
  "us": .microseconds(1), "ms": .milliseconds(1), "s": .seconds(1), "": .seconds(1),
  "m": .seconds(60), "h": .seconds(3600), "d": .seconds(86_400),
]

private func nanoseconds(_ text: some StringProtocol, atLeast minimum: Nanoseconds) throws(DurationProblem)
  -> Nanoseconds
{
  if looksNegative(text) { throw .negative }
  guard let number = NumberText(text) else { throw .notADuration }
  guard let unit = units[number.unit].map({ UInt128($0.count) }) else { throw .unknownUnit }
  guard let whole = UInt64(number.whole.isEmpty ? "0" : number.whole) else { throw .tooLarge }
  var total = UInt128(whole) * unit
  if let fraction = number.fraction {
    guard fraction.count <= 9, let digits = UInt128(fraction) else { throw .tooFine }
    let scale = fraction.reduce(UInt128(1)) { scale, _ in scale * 10 }
    total += digits * unit / scale
    // Something that rounds to nothing must not turn into 0, which may mean "never".
    if total == 0, digits > 0 { throw .tooSmall }
  }
  if total > UInt128(longestDuration.count) { throw .tooLarge }
  if total < UInt128(minimum.count) { throw .tooSmall }
  return Nanoseconds(UInt64(total))
}

func firstDoubleDot(in text: String) -> String.Index? {
  text.indices.first { text[$0...].hasPrefix("..") }
}
