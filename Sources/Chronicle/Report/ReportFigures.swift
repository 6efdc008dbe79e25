import Time

/// Numbers as people read them.

/// A duration with two or three digits: `340 ns`, `12.5 µs`, `1.40 ms`, `312 ms`, `4.10 s`, `2 min 5 s`, `3 h 20 min`.
func durationText(_ duration: Nanoseconds) -> String {
  let (nanoseconds, seconds) = (duration.count, duration.wholeSeconds)
  return switch nanoseconds {
  case ..<1000: "\(nanoseconds) ns"
  case ..<999_500: "\(digits(nanoseconds, per: 1000)) µs"
  case ..<999_500_000: "\(digits(nanoseconds, per: 1_000_000)) ms"
  case ..<60_000_000_000: "\(digits(nanoseconds, per: 1_000_000_000)) s"
  case ..<3_600_000_000_000: "\(seconds / 60) min \(seconds % 60) s"
  default: "\(groupedText(seconds / 3600)) h \(seconds % 3600 / 60) min"
  }
}

/// Bytes with two digits or three, in powers of 1024: `1.2 MB`, `512 MB`, `-3.4 KB`.
public func sizeText(_ bytes: Int64) -> String {
  let sign = bytes < 0 ? "-" : ""
  let size = bytes.magnitude
  var unit: UInt64 = 1
  var name = 0
  while size / unit >= 1024, name < 4 {
    unit *= 1024
    name += 1
  }
  if name == 0 { return "\(sign)\(size) B" }
  let tenths = (size / unit) * 10 + (size % unit * 10 + unit / 2) / unit
  let number = tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\((tenths + 5) / 10)"
  return "\(sign)\(number) \(["B", "KB", "MB", "GB", "TB"][name])"
}

/// A number with narrow spaces between the thousands.
func groupedText(_ number: UInt64) -> String {
  var rest = number
  var groups: [String] = []
  while rest >= 1000 {
    let group = String(rest % 1000)
    groups.append(String(repeating: "0", count: 3 - group.count) + group)
    rest /= 1000
  }
  groups.append(String(rest))
  return groups.reversed().joined(separator: "\u{202F}")
}

/// Jobs per second, with decimals as long as they say something.
func rateText(_ rate: Double) -> String {
  guard rate < 100 else { return groupedText(UInt64(min(rate, 1e15).rounded())) }
  return digits(UInt64((rate * 1000).rounded()), per: 1000)
}

/// A share of a whole in percent: `0.02 %`, `3.4 %`, `87 %`; 100 % and 0 % only if it is so.
func shareText(_ part: UInt64, of whole: UInt64) -> String {
  guard whole > 0, part > 0 else { return "0 %" }
  guard part < whole else { return "100 %" }
  let share = Double(part) / Double(whole) * 100
  if share < 0.01 { return "< 0.01 %" }
  if share > 99.9 { return "> 99.9 %" }
  return "\(decimalText(share, decimals: share < 1 ? 2 : share < 10 || share > 99 ? 1 : 0)) %"
}

/// A number rounded to so many decimals, 0...3.
public func decimalText(_ number: Double, decimals: Int) -> String {
  let scale: UInt64 = [1, 10, 100, 1000][decimals]
  let scaled = UInt64((min(max(0, number), 1e12) * Double(scale)).rounded())
  if decimals == 0 { return "\(scaled)" }
  let rest = String(scaled % scale)
  return "\(scaled / scale)." + String(repeating: "0", count: decimals - rest.count) + rest
}

/// `value / unit` with three digits.
private func digits(_ value: UInt64, per unit: UInt64) -> String {
  let number = Double(value) / Double(unit)
  return decimalText(number, decimals: number < 9.995 ? 2 : number < 99.95 ? 1 : 0)
}
