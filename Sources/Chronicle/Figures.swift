import Time

/// How long something took, as the summary says it: `12 ms`, `1.2 s`, `75 s`, `8 min`, `3.4 h`.
public func spanText(_ span: Nanoseconds) -> String {
  let seconds = span.seconds
  switch seconds {
  case ..<0.001: return "\(decimalText(seconds * 1000, decimals: 2)) ms"
  case ..<0.01: return "\(decimalText(seconds * 1000, decimals: 1)) ms"
  case ..<1: return "\(decimalText(seconds * 1000, decimals: 0)) ms"
  case ..<60: return "\(decimalText(seconds, decimals: 1)) s"
  case ..<120: return "\(decimalText(seconds, decimals: 0)) s"
  case ..<7200: return "\(decimalText(seconds / 60, decimals: 0)) min"
  default: return "\(decimalText(seconds / 3600, decimals: 1)) h"
  }
}

/// A time that runs on a clock: `5s`, `1m 05s`, `2h 05m`, `3d 4h`; `tight` without the blank. Whole seconds, rounded down.
public func clockText(_ span: Nanoseconds, tight: Bool = false) -> String {
  let seconds = span.wholeSeconds
  let blank = tight ? "" : " "
  switch seconds {
  case ..<60: return "\(seconds)s"
  case ..<3600: return "\(seconds / 60)m\(blank)\(twoDigits(seconds % 60))s"
  case ..<86400: return "\(seconds / 3600)h\(blank)\(twoDigits(seconds / 60 % 60))m"
  default: return "\(seconds / 86400)d\(blank)\(seconds / 3600 % 24)h"
  }
}

/// How many in a second, or, when that is less than one, in a minute or an hour: `81/s`, `1.2/s`, `4.0/min`, `2.5/h`.
public func rateText(perSecond rate: Double) -> String {
  func text(_ rate: Double) -> String { decimalText(rate, decimals: rate < 9.95 ? 1 : 0) }
  if rate >= 1 { return "\(text(rate))/s" }
  if rate * 60 >= 1 { return "\(text(rate * 60))/min" }
  return "\(text(rate * 3600))/h"
}

private func twoDigits(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
