import TestSupport
import Testing
import Time

@testable import WorkerCheck

/// Figures as a person reads them.
@Suite struct FiguresTests {
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
