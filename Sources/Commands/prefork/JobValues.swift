import CommandLineKit
import JobCore
import PoolCore
import Text
import Time

/// How long a job may run, as it is written: `30s`, or `200%` of the median.
enum TimeLimitValue: Equatable {
  /// A time.
  case duration(Nanoseconds)
  /// A share of the median run time, in percent.
  case percent(Int)
}

extension ValueKind where Value == TimeLimitValue {
  /// A duration, or a share of the median.
  static var timeLimit: ValueKind {
    ValueKind(placeholder: "DUR|N%", example: "30s") { text throws(ValueError) in
      guard text.hasSuffix("%") else {
        return .duration(try ValueKind<Nanoseconds>.duration(atLeast: .nanoseconds(1)).parse(text))
      }
      guard let percent = Int(text.dropLast()), (1...1_000_000).contains(percent), text.first != "+" else {
        throw ValueError(
          problem: "is not a share of the median", wanted: "a whole number from 1 to 1000000 and a percent sign",
          example: "200%")
      }
      return .percent(percent)
    }
  }
}

extension ValueKind where Value == Int? {
  /// The number of jobs a worker may have at once; nil to measure what suits it.
  static var prefetch: ValueKind {
    ValueKind(placeholder: "auto|N", choices: ["auto"], example: "1") { text throws(ValueError) -> Int? in
      if text == "auto" { return nil }
      do throws(ValueError) {
        return try ValueKind<Int>.integer(in: 1...SeatEstimate.mostSeats, example: 1).parse(text)
      } catch {
        throw ValueError(problem: error.problem, wanted: "auto or \(error.wanted)", example: error.example)
      }
    }
  }
}

extension ValueKind where Value == ClosedRange<Nanoseconds> {
  /// A range of durations, or one duration for both.
  static var delay: ValueKind {
    ValueKind(placeholder: "MIN[..MAX]", example: "1s..30s") { text throws(ValueError) in
      if text.utf8.contains(UInt8(ascii: ".")), text.cut(at: "..") != nil { return try durationRange().parse(text) }
      let only = try ValueKind<Nanoseconds>.duration(example: "1s").parse(text)
      return only...only
    }
  }
}

extension ValueKind where Value == HaltRule? {
  /// `never`, or `now` or `soon` with the number or share of jobs that may fail, as GNU parallel writes it.
  static var halt: ValueKind {
    ValueKind(
      placeholder: "never|now,fail=N[%]|soon,fail=N[%]", choices: ["never", "now,fail=1", "soon,fail=1"],
      example: "now,fail=1"
    ) {
      text throws(ValueError) -> HaltRule? in
      if text == "never" { return nil }
      let wanted = "never, or now or soon and how many jobs may fail"
      guard let (word, limit) = text.cut(at: ",fail="), word == "now" || word == "soon" else {
        throw ValueError(problem: "is no rule for giving up", wanted: wanted, example: "soon,fail=10%")
      }
      let urgency: HaltRule.Urgency = word == "now" ? .now : .soon
      let isShare = limit.hasSuffix("%")
      let number = Int(isShare ? limit.dropLast() : limit)
      guard let number, number >= 1, !isShare || number <= 100, limit.first != "+" else {
        throw ValueError(
          problem: "has no number of failures", wanted: "a whole number of at least 1, or 1% to 100%",
          example: "soon,fail=10%")
      }
      return HaltRule(urgency, isShare ? .percent(number) : .count(number))
    }
  }
}
