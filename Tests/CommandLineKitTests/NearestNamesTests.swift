import TestSupport
import Testing
import Time

@testable import CommandLineKit

@Suite struct NearestNamesTests {
  static let names = ["workers", "timeout", "max-jobs", "max-age", "keep-order", "quiet", "queue"]

  @Test(arguments: [
    ("wrokers", ["workers"]), ("worker", ["workers"]), ("Workers", ["workers"]), ("time", ["timeout"]),
    ("max", ["max-age", "max-jobs"]), ("age", ["max-age"]), ("keep", ["keep-order"]), ("qu", ["queue", "quiet"]),
    ("zzz", []), ("", []), ("w", []), ("keeporder", ["keep-order"]),
  ])
  func theNearestIsFound(text: String, expected: [String]) {
    #expect(nearestNames(to: text, among: Self.names) == expected)
  }

  @Test func distancesCountEveryKindOfSlipAsOne() {
    func distance(_ first: String, _ second: String) -> Int { editDistance(Array(first.utf8), Array(second.utf8)) }
    #expect(distance("abc", "abc") == 0)
    #expect(distance("abc", "abxc") == 1)
    #expect(distance("abc", "ac") == 1)
    #expect(distance("abc", "axc") == 1)
    #expect(distance("abc", "acb") == 1)
    #expect(distance("", "abc") == 3)
    #expect(distance("kitten", "sitting") == 3)
  }

  @Test func aVeryLongWordCostsNothing() {
    #expect(nearestNames(to: String(repeating: "w", count: 100_000), among: Self.names) == [])
  }
}
