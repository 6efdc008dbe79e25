import Time

@testable import JobCore

/// The limit that follows from the median, by sorting. Times are so short that the ledger, too, knows them exactly.
struct TimesModel {
  /// The longest time that may be added, in nanoseconds.
  static let longest: UInt64 = 7

  private var times: [Nanoseconds] = []
  private var nextLook = 3
  /// In nanoseconds, once it is known.
  private(set) var limit: Nanoseconds?

  /// One more answered job ran this long.
  mutating func add(_ time: Nanoseconds, _ configuration: JobLedger.Configuration) {
    times.append(time)
    guard let percent = configuration.runLimitPercent, times.count == nextLook else { return }
    let median = times.sorted()[(times.count + 1) / 2 - 1]
    limit = max(configuration.leastMedianLimit, median * UInt64(percent) / 100)
    nextLook += max(1, times.count / 16)
  }
}
