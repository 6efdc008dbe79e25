import Testing
import Text

@Suite("Numbers as people read them") struct NumberTests {
  @Test(
    "decimals are rounded, and kept",
    arguments: [
      (0, 0, "0"), (0.5, 0, "1"), (1.25, 1, "1.3"), (4.1, 2, "4.10"), (0.05, 3, "0.050"), (9.9996, 3, "10.000"),
      (-1, 1, "0.0"), (.nan, 0, "0"), (.infinity, 0, "1000000000000"), (1e30, 1, "1000000000000.0"),
    ] as [(Double, Int, String)])
  func decimals(number: Double, decimals: Int, text: String) {
    #expect(decimalText(number, decimals: decimals) == text)
  }

  @Test(
    "or left out where they say nothing",
    arguments: [(4.1, "4.1"), (4, "4"), (0, "0"), (4.05, "4.05"), (10.999, "11"), (100, "100")] as [(Double, String)])
  func withoutZeros(number: Double, text: String) {
    #expect(decimalText(number, decimals: 2, keepsZeros: false) == text)
  }

  @Test("a figure has three digits, or all before the point")
  func figures() {
    #expect(
      [0, 0.5249, 9.994, 9.996, 12.54, 99.94, 99.96, 1234.4, 1e30].map(figureText) == [
        "0.00", "0.52", "9.99", "10.0", "12.5", "99.9", "100", "1\u{202F}234",
        "1\u{202F}000\u{202F}000\u{202F}000\u{202F}000\u{202F}000",
      ])
  }

  @Test("thousands stand apart")
  func groups() {
    #expect(
      [0, 1, 999, 1000, 1_000_020].map(groupedText) == [
        "0", "1", "999", "1\u{202F}000", "1\u{202F}000\u{202F}020",
      ])
  }

  @Test(
    "a count fits into a column",
    arguments: [
      (0, "0"), (99_999, "99999"), (100_000, "100k"), (999_999, "999k"), (1_000_000, "1.0M"), (4_549_000, "4.5M"),
      (99_949_999, "99.9M"), (99_950_000, "100M"), (999_499_999, "999M"), (999_500_000, "1.0G"),
      (1_500_000_000, "1.5G"),
    ])
  func counts(count: Int, text: String) {
    #expect(compactCountText(count) == text)
    #expect(text.count <= 5)
  }

  @Test("a rate has the unit in which it is at least one")
  func rates() {
    #expect(
      [1234.4, 81, 9.94, 9.96, 1, 0.5, 0.01, 0.00001, 0].map { rateText(perSecond: $0) } == [
        "1234/s", "81/s", "9.9/s", "10/s", "1.0/s", "30/min", "36/h", "0.0/h", "0/s",
      ])
  }

  @Test("a share is all or nothing only if it is so")
  func shares() {
    #expect(
      [0, 1, 12, 340, 9_999, 34_000, 870_000, 995_000, 999_999, 1_000_000].map { shareText($0, of: 1_000_000) } == [
        "0 %", "< 0.01 %", "< 0.01 %", "0.03 %", "1.00 %", "3.4 %", "87 %", "99.5 %", "> 99.9 %", "100 %",
      ])
    #expect(shareText(1, of: 0) == "0 %")
  }

  @Test(
    "ordinals",
    arguments: [
      (0, "0th"), (1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"),
      (21, "21st"), (22, "22nd"), (101, "101st"), (111, "111th"), (1013, "1013th"), (-1, "-1st"),
    ])
  func ordinals(number: Int, text: String) { #expect(ordinalText(number) == text) }

  @Test("zeros fill a number up, and cut nothing")
  func padding() {
    #expect(zeroPadded(7, to: 2) == "07")
    #expect(zeroPadded(123, to: 2) == "123")
    #expect(zeroPadded(0, to: 0) == "0")
    #expect(zeroPadded(UInt64.max, to: 16, radix: 16) == "ffffffffffffffff")
    #expect(zeroPadded(0xFF as UInt8, to: 4, radix: 16) == "00ff")
  }
}
