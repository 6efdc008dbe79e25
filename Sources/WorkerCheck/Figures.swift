import Time

/// A duration as the report shows it, with two or three digits: `0.012 ms`, `0.31 ms`, `1.4 ms`, `312 ms`, `4.1 s`, `75 s`.
func durationText(_ duration: Nanoseconds) -> String {
  let nanoseconds = duration.count
  return switch nanoseconds {
  case ..<100_000: "\(decimal(nanoseconds, per: 1_000_000, digits: 3)) ms"
  case ..<1_000_000: "\(decimal(nanoseconds, per: 1_000_000, digits: 2)) ms"
  case ..<10_000_000: "\(decimal(nanoseconds, per: 1_000_000, digits: 1)) ms"
  case ..<1_000_000_000: "\(decimal(nanoseconds, per: 1_000_000, digits: 0)) ms"
  case ..<60_000_000_000: "\(decimal(nanoseconds, per: 1_000_000_000, digits: 1)) s"
  default: "\(decimal(nanoseconds, per: 1_000_000_000, digits: 0)) s"
  }
}

/// `value / unit`, rounded to so many decimals.
private func decimal(_ value: UInt64, per unit: UInt64, digits: Int) -> String {
  let scale = (0..<digits).reduce(1 as UInt64) { scale, _ in scale * 10 }
  let whole = value / unit
  let rest = (value % unit * scale + unit / 2) / unit
  if digits == 0 { return "\(whole + rest)" }
  let total = whole * scale + rest
  let decimals = String(total % scale)
  return "\(total / scale)." + String(repeating: "0", count: digits - decimals.count) + decimals
}

/// The value below which `percent` of the sorted values lie, or nil if there are none: the nearest rank, so that it is one
/// that was really measured.
func percentile(_ percent: Int, of sorted: [Nanoseconds]) -> Nanoseconds? {
  guard !sorted.isEmpty else { return nil }
  return sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
}

/// The first of 2s, 5s, 10s, ... 1h that is not shorter, as an option takes it; above that, whole hours.
func niceDuration(atLeast least: Nanoseconds) -> (length: Nanoseconds, text: String) {
  let steps: [(seconds: UInt64, text: String)] = [
    (2, "2s"), (5, "5s"), (10, "10s"), (20, "20s"), (30, "30s"), (60, "1m"), (120, "2m"), (300, "5m"), (600, "10m"),
    (1200, "20m"), (1800, "30m"), (3600, "1h"),
  ]
  if let step = steps.first(where: { .seconds($0.seconds) >= least }) { return (.seconds(step.seconds), step.text) }
  let hours: UInt64 = (least - .nanoseconds(1)) / .seconds(3600) + 1
  return (.seconds(hours * 3600), "\(hours)h")
}
