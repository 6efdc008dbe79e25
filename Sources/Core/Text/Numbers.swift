/// A number rounded to a number of decimals: `0`, `4.10`, `1234.5`. Negative numbers and NaN are shown as 0, numbers
/// over 10¹² as 10¹².
///
/// - Parameters:
///   - decimals: 0...3.
///   - keepsZeros: Whether zeros at the end stay: `4.10`, else `4.1`.
public func decimalText(_ number: Double, decimals: Int, keepsZeros: Bool = true) -> String {
  let scale: UInt64 = [1, 10, 100, 1000][decimals]
  let scaled = UInt64((min(max(0, number), 1e12) * Double(scale)).rounded())
  var (rest, count) = (scaled % scale, decimals)
  if !keepsZeros {
    while count > 0, rest % 10 == 0 { (rest, count) = (rest / 10, count - 1) }
  }
  return count == 0 ? "\(scaled / scale)" : "\(scaled / scale).\(zeroPadded(rest, to: count))"
}

/// A number with three digits, and narrow spaces between the thousands: `0.52`, `12.5`, `340`, `1 234`.
public func figureText(_ number: Double) -> String {
  number < 99.95 ? threeDigits(number) : groupedText(UInt64(min(number, 1e15).rounded()))
}

/// A whole number with narrow spaces (U+202F) between the thousands: `1 234 567`.
public func groupedText(_ number: UInt64) -> String {
  var rest = number
  var groups: [String] = []
  while rest >= 1000 {
    groups.append(zeroPadded(rest % 1000, to: 3))
    rest /= 1000
  }
  groups.append(String(rest))
  return groups.reversed().joined(separator: "\u{202F}")
}

/// A count in a column, five characters at most below 1000G: `99999`, `123k`, `4.5M`, `120M`, `1.5G`.
public func compactCountText(_ count: Int) -> String {
  switch count {
  case ..<100_000: "\(count)"
  case ..<1_000_000: "\(count / 1000)k"
  case ..<99_950_000: decimalText(Double(count) / 1e6, decimals: 1) + "M"
  case ..<999_500_000: decimalText(Double(count) / 1e6, decimals: 0) + "M"
  default: decimalText(Double(count) / 1e9, decimals: 1) + "G"
  }
}

/// How many in a second, or, when that is less than one, in a minute or an hour: `81/s`, `1.2/s`, `4.0/min`, `2.5/h`;
/// `0/s` for none.
public func rateText(perSecond rate: Double) -> String {
  func text(_ rate: Double) -> String { decimalText(rate, decimals: rate < 9.95 ? 1 : 0) }
  guard rate > 0 else { return "0/s" }
  if rate >= 1 { return "\(text(rate))/s" }
  if rate * 60 >= 1 { return "\(text(rate * 60))/min" }
  return "\(text(rate * 3600))/h"
}

/// A share of a whole in percent: `0.02 %`, `3.4 %`, `87 %`; 100 % and 0 % only if it is so.
public func shareText(_ part: UInt64, of whole: UInt64) -> String {
  guard whole > 0, part > 0 else { return "0 %" }
  guard part < whole else { return "100 %" }
  let share = Double(part) / Double(whole) * 100
  if share < 0.01 { return "< 0.01 %" }
  if share > 99.9 { return "> 99.9 %" }
  return "\(decimalText(share, decimals: share < 1 ? 2 : share < 10 || share > 99 ? 1 : 0)) %"
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`.
public func ordinalText(_ number: Int) -> String {
  let suffix =
    switch (number.magnitude % 10, number.magnitude % 100) {
    case (_, 11...13): "th"
    case (1, _): "st"
    case (2, _): "nd"
    case (3, _): "rd"
    default: "th"
    }
  return "\(number)\(suffix)"
}

/// Rounded to three digits; from 1000 on, to a whole number.
func threeDigits(_ number: Double, keepsZeros: Bool = true) -> String {
  decimalText(number, decimals: number < 9.995 ? 2 : number < 99.95 ? 1 : 0, keepsZeros: keepsZeros)
}

/// A number with zeros in front of it, so that it has at least `width` digits: `07`, `00ff`.
public func zeroPadded(_ number: some BinaryInteger, to width: Int, radix: Int = 10) -> String {
  let digits = String(number, radix: radix)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
