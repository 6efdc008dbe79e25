import Time

// Durations have one format for each kind of place:
//
//   durationText         3 ms, 0.2 s, 12 s             in a sentence
//   measuredText         0.012 ms, 1.4 ms, 8 min       a measured time among others of its kind
//   preciseDurationText  12.5 µs, 1.40 ms, 2 min 5 s   on a page with room for three digits
//   roundDurationText    20 µs, 1.5 s, 3600 s          a limit, a mark on an axis
//   clockText            5s, 1m 05s, 3d 4h             an age, in a column or a line that is redrawn
//   optionDurationText   250ms, 90s, 1h                as a command line takes it

/// A duration in a sentence, rounded down: `183 µs`, `3 ms`, `0.2 s`, `12 s`, `3600 s`.
///
/// From 0.1 s on it is in seconds, with one decimal up to 10 s.
public func durationText(_ duration: Nanoseconds) -> String {
  let milliseconds = duration.milliseconds
  return switch duration.count {
  case 0, 1_000_000..<100_000_000: "\(milliseconds) ms"
  case ..<1000: "\(duration.count) ns"
  case ..<1_000_000: "\(duration.microseconds) µs"
  case ..<10_000_000_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
  default: "\(duration.wholeSeconds) s"
  }
}

/// A measured time with two or three digits, rounded: `0.012 ms`, `0.31 ms`, `1.4 ms`, `312 ms`, `4.1 s`, `75 s`,
/// `8 min`, `3.4 h`.
///
/// No unit is smaller than a millisecond, so that fast and slow times compare at a glance.
public func measuredText(_ duration: Nanoseconds) -> String {
  let seconds = duration.seconds
  return switch duration.count {
  case ..<99_500: "\(decimalText(seconds * 1000, decimals: 3)) ms"
  case ..<995_000: "\(decimalText(seconds * 1000, decimals: 2)) ms"
  case ..<9_950_000: "\(decimalText(seconds * 1000, decimals: 1)) ms"
  case ..<999_500_000: "\(decimalText(seconds * 1000, decimals: 0)) ms"
  case ..<59_950_000_000: "\(decimalText(seconds, decimals: 1)) s"
  case ..<119_500_000_000: "\(decimalText(seconds, decimals: 0)) s"
  case ..<7_170_000_000_000: "\(decimalText(seconds / 60, decimals: 0)) min"
  default: "\(decimalText(seconds / 3600, decimals: 1)) h"
  }
}

/// A duration with three digits, rounded: `340 ns`, `12.5 µs`, `1.40 ms`, `312 ms`, `4.10 s`, `2 min 5 s`, `3 h 20
/// min`.
public func preciseDurationText(_ duration: Nanoseconds) -> String {
  if duration < .nanoseconds(59_950_000_000) { return inOneUnit(duration) { threeDigits($0) } }
  let seconds = (duration + .milliseconds(500)).wholeSeconds
  if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
  return "\(groupedText(seconds / 3600)) h \(seconds % 3600 / 60) min"
}

/// A duration that was chosen, such as a limit, and is probably round: rounded to three digits, without zeros
/// at the end of its decimals: `20 µs`, `87.1 ms`, `250 ms`, `1.5 s`, `30 s`, `3600 s`, `0 s`.
public func roundDurationText(_ duration: Nanoseconds) -> String {
  duration == .zero ? "0 s" : inOneUnit(duration) { threeDigits($0, keepsZeros: false) }
}

/// A running time, as a clock shows it, in whole seconds, rounded down: `5s`, `1m 05s`, `2h 05m`, `3d 4h`.
///
/// - Parameter tight: Whether to omit the blank: `1m05s`.
public func clockText(_ duration: Nanoseconds, tight: Bool = false) -> String {
  let seconds = duration.wholeSeconds
  let blank = tight ? "" : " "
  return switch seconds {
  case ..<60: "\(seconds)s"
  case ..<3600: "\(seconds / 60)m\(blank)\(zeroPadded(seconds % 60, to: 2))s"
  case ..<86400: "\(seconds / 3600)h\(blank)\(zeroPadded(seconds / 60 % 60, to: 2))m"
  default: "\(seconds / 86400)d\(blank)\(seconds / 3600 % 24)h"
  }
}

/// A duration as a command line takes it, exactly, in the largest unit that needs no decimals: `20us`, `250ms`, `90s`,
/// `1h`, `2d`. A fraction of a microsecond needs them: `0.001us`.
public func optionDurationText(_ duration: Nanoseconds) -> String {
  if duration == .zero { return "0s" }
  let units: [(name: String, length: Nanoseconds)] = [
    ("d", .seconds(86_400)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)), ("ms", .milliseconds(1)),
    ("us", .microseconds(1)),
  ]
  for unit in units where duration % unit.length == .zero {
    return "\(duration / unit.length as UInt64)\(unit.name)"
  }
  return "\(duration.microseconds).\(zeroPadded(duration.count % 1000, to: 3))us"
}

/// In the largest unit, from nanoseconds to seconds, in which it is at least 1 after rounding to three digits.
private func inOneUnit(_ duration: Nanoseconds, _ text: (Double) -> String) -> String {
  let count = Double(duration.count)
  return switch duration.count {
  case ..<1000: "\(duration.count) ns"
  case ..<999_500: "\(text(count / 1e3)) µs"
  case ..<999_500_000: "\(text(count / 1e6)) ms"
  default: "\(text(count / 1e9)) s"
  }
}
