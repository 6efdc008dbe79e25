import Text
import Time

/// The value below which `percent` of the sorted values lie, or nil if there are none: the nearest rank, so that it is
/// one that was really measured.
func percentile(_ percent: Int, of sorted: [Nanoseconds]) -> Nanoseconds? {
  guard !sorted.isEmpty else { return nil }
  return sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
}

/// The first of 2s, 5s, 10s, ... 1h that is not shorter, and as an option takes it; above that, whole hours.
func niceDuration(atLeast least: Nanoseconds) -> (length: Nanoseconds, text: String) {
  let steps: [UInt64] = [2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]
  let hours: UInt64 = (least - .nanoseconds(1)) / .seconds(3600) + 1
  let length = steps.map { Nanoseconds.seconds($0) }.first { $0 >= least } ?? .seconds(hours * 3600)
  return (length, optionDurationText(length))
}
