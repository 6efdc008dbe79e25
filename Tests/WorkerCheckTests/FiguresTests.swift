import TestSupport
import Testing
import Time

@testable import WorkerCheck

/// Figures as a person reads them.
@Suite struct FiguresTests {
  static let durations: [(Nanoseconds, String)] = [
    (0, "0.000 ms"), (11_600, "0.012 ms"), (99_999, "0.100 ms"), (314_000, "0.31 ms"), (999_999, "1.00 ms"),
    (1_440_000, "1.4 ms"), (31_400_000, "31 ms"), (312_400_000, "312 ms"), (1_000_000_000, "1.0 s"),
    (4_060_000_000, "4.1 s"), (75_400_000_000, "75 s"),
  ]

  @Test(arguments: durations)
  func aDuration(_ nanoseconds: Nanoseconds, _ text: String) { #expect(durationText(nanoseconds) == text) }

  @Test func aPercentileIsAValueThatWasMeasured() {
    let values = (1...100).map { Nanoseconds(UInt64($0)) }
    #expect(percentile(50, of: values) == 50)
    #expect(percentile(99, of: values) == 99)
    #expect(percentile(100, of: values) == 100)
    #expect(percentile(1, of: [7]) == 7)
    #expect(percentile(99, of: [1, 2, 3]) == 3)
    #expect(percentile(50, of: []) == nil)
  }

  static let limits: [(Nanoseconds, String)] = [
    (1, "2s"), (2 * second, "2s"), (2 * second + 1, "5s"), (66 * second, "2m"), (3600 * second, "1h"),
    (3601 * second, "2h"), (7200 * second, "2h"),
  ]

  @Test(arguments: limits)
  func aNiceDurationIsNeverShorter(_ nanoseconds: Nanoseconds, _ text: String) {
    let nice = niceDuration(atLeast: nanoseconds)
    #expect(nice.text == text)
    #expect(nice.length >= nanoseconds)
  }
}
