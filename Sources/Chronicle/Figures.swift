private let second: UInt64 = 1_000_000_000

/// How long something took, as the summary says it: `12 ms`, `1.2 s`, `75 s`, `8 min`, `3.4 h`. In nanoseconds.
func spanText(_ nanoseconds: UInt64) -> String {
  let seconds = Double(nanoseconds) / 1e9
  switch seconds {
  case ..<0.001: return "\(decimal(seconds * 1000, digits: 2)) ms"
  case ..<0.01: return "\(decimal(seconds * 1000, digits: 1)) ms"
  case ..<1: return "\(decimal(seconds * 1000)) ms"
  case ..<60: return "\(decimal(seconds, digits: 1)) s"
  case ..<120: return "\(decimal(seconds)) s"
  case ..<7200: return "\(decimal(seconds / 60)) min"
  default: return "\(decimal(seconds / 3600, digits: 1)) h"
  }
}

/// A time that runs on a clock: `5s`, `1m 05s`, `2h 05m`, `3d 4h`; `tight` without the blank. Whole seconds, rounded down.
func clockText(_ nanoseconds: UInt64, tight: Bool = false) -> String {
  let seconds = nanoseconds / second
  let blank = tight ? "" : " "
  switch seconds {
  case ..<60: return "\(seconds)s"
  case ..<3600: return "\(seconds / 60)m\(blank)\(twoDigits(seconds % 60))s"
  case ..<86400: return "\(seconds / 3600)h\(blank)\(twoDigits(seconds / 60 % 60))m"
  default: return "\(seconds / 86400)d\(blank)\(seconds / 3600 % 24)h"
  }
}

/// How many in a second, or, when that is less than one, in a minute or an hour: `81/s`, `1.2/s`, `4.0/min`, `2.5/h`.
func rateText(perSecond rate: Double) -> String {
  func text(_ rate: Double) -> String { decimal(rate, digits: rate < 9.95 ? 1 : 0) }
  if rate >= 1 { return "\(text(rate))/s" }
  if rate * 60 >= 1 { return "\(text(rate * 60))/min" }
  return "\(text(rate * 3600))/h"
}

/// `1 job`, `2 jobs`.
func plural(_ count: UInt64, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }

/// Rounded to so many decimals (0, 1 or 2). What is too large for 64 bits is cut off there.
private func decimal(_ value: Double, digits: Int = 0) -> String {
  let scale: UInt64 = digits == 0 ? 1 : digits == 1 ? 10 : 100
  let scaled = UInt64(exactly: (value * Double(scale)).rounded()) ?? .max
  if digits == 0 { return "\(scaled)" }
  let decimals = String(scaled % scale)
  return "\(scaled / scale)." + String(repeating: "0", count: digits - decimals.utf8.count) + decimals
}

private func twoDigits(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
