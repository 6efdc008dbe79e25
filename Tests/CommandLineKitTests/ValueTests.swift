import CommandLineKit
import TestSupport
import Testing
import Time

/// What went wrong with a text; nil if it was accepted.
private func problem<Value>(_ kind: ValueKind<Value>, _ text: String) -> String? {
  do throws(ValueError) {
    _ = try kind.parse(text)
    return nil
  } catch {
    return error.problem
  }
}

@Suite struct ValueTests {
  @Test func integersEndAtTheirRange() throws {
    let kind = ValueKind<Int>.integer(in: 0...Int.max)
    #expect(try kind.parse("0") == 0)
    #expect(try kind.parse("0007") == 7)
    #expect(try kind.parse("9223372036854775807") == .max)
    #expect(problem(kind, "9223372036854775808") == "is too large")
    #expect(try ValueKind<UInt64>.integer(in: 0...UInt64.max).parse("18446744073709551615") == .max)
    let small = ValueKind<Int>.integer(in: 2...8)
    #expect(problem(small, "1") == "is too small")
    #expect(problem(small, "9") == "is too large")
    #expect(problem(small, "-3") == "is negative")
    let signed = ValueKind<Int>.integer(in: -39...39)
    #expect(try signed.parse("-39") == -39)
    #expect(try signed.parse("5") == 5)
    #expect(problem(signed, "-40") == "is too small")
    #expect(problem(signed, "-9223372036854775809") == "is too small")
    #expect(problem(signed, "--5") == "is not a whole number")
  }

  @Test(arguments: [
    "", " 4", "4 ", "+4", "4.0", "1e3", "0x10", "1_000", "٤", "４", "4\u{301}", "four", "2..8", "=4", "-",
  ])
  func whatIsNoPlainNumberIsRefused(text: String) {
    #expect(problem(ValueKind<Int>.integer(in: 0...100), text) == "is not a whole number")
    #expect(problem(ValueKind<Int>.size(), text) != nil)
    #expect(problem(ValueKind<CountPerPeriod>.countPerPeriod, text) != nil)
  }

  @Test(
    arguments: [
      ("250us", 250_000), ("500ms", 500_000_000), ("30s", 30_000_000_000), ("30", 30_000_000_000),
      ("5m", 300_000_000_000), ("1h", 3_600_000_000_000), ("2d", 172_800_000_000_000), ("1.5", 1_500_000_000),
      ("0.25h", 900_000_000_000), (".5s", 500_000_000), ("0", 0), ("0.000000001", 1), ("1.000000001s", 1_000_000_001),
      ("0.0015us", 1), ("9223372036.854775807s", Nanoseconds(UInt64(Int64.max))),
    ] as [(String, Nanoseconds)])
  func durationsAreNanoseconds(text: String, expected: Nanoseconds) throws {
    #expect(try ValueKind<Nanoseconds>.duration().parse(text) == expected)
  }

  @Test(arguments: [
    ("9223372036.854775808s", "is too large"), ("99999999999999999999999s", "is too large"),
    ("106752d", "is too large"),
    ("18446744073709551615d", "is too large"), ("-5s", "is negative"), ("5x", "has an unknown unit"),
    ("5 s", "has an unknown unit"), ("1h30m", "has an unknown unit"), ("5S", "has an unknown unit"),
    ("1.", "is not a duration"), ("s", "is not a duration"), ("", "is not a duration"), (".", "is not a duration"),
    ("1.1234567891s", "has more than nine decimals"), ("0.0001us", "is too small"),
  ])
  func durationsOutOfBoundsAreRefused(text: String, expected: String) {
    #expect(problem(ValueKind<Nanoseconds>.duration(), text) == expected)
  }

  @Test func aDurationCanHaveAMinimum() throws {
    #expect(problem(.duration(atLeast: 1), "0") == "is too small")
    let kind = ValueKind<Nanoseconds>.duration(atLeast: 1_500_000_000)
    #expect(try kind.parse("1.5") == 1_500_000_000)
    do {
      _ = try kind.parse("1s")
    } catch {
      #expect(
        error.sentence(about: "1s")
          == "\"1s\" is too small; want a duration of at least 1500ms in us, ms, s, m, h or d (bare: seconds), such as 30s"
      )
    }
  }

  @Test(arguments: [
    ("1", 1), ("4096", 4096), ("64K", 65536), ("64k", 65536), ("16M", 16_777_216), ("2G", 2_147_483_648),
    ("1T", 1_099_511_627_776), ("1024T", 1 << 50), ("1125899906842624", 1 << 50),
  ])
  func sizesArePowersOf1024(text: String, expected: Int) throws {
    #expect(try ValueKind<Int>.size().parse(text) == expected)
  }

  @Test(arguments: [
    ("0", "is too small"), ("0M", "is too small"), ("8388608T", "is too large"),
    ("1025T", "is too large"), ("1125899906842625", "is too large"), ("9223372036854775807", "is too large"),
    ("9223372036854775808", "is too large"), ("64KB", "has an unknown unit"), ("64KiB", "has an unknown unit"),
    ("1.5G", "is not a size"), ("-1K", "is negative"), ("K", "is not a size"),
  ])
  func sizesOutOfBoundsAreRefused(text: String, expected: String) {
    #expect(problem(ValueKind<Int>.size(), text) == expected)
  }

  @Test("what is too large is refused with the largest value that is not, and that one is accepted")
  func theLargestIsNamed() throws {
    #expect(wanted(ValueKind<Int>.size(), "9223372036854775807") == "a size of at most 1024T")
    #expect(wanted(ValueKind<Int>.size(atLeast: 65536), "1") == "a size of at least 64K")
    #expect(
      wanted(.duration(), "9999999999h") == "a duration of at most 106751d in us, ms, s, m, h or d (bare: seconds)")
    #expect(try ValueKind.duration().parse("106751d") > 0)
    #expect(wanted(.integer(in: 0...UInt64.max), "18446744073709551616").hasSuffix("to 18446744073709551615"))
    #expect(wanted(.countPerPeriod, "1000001/1s") == "a count of at most 1000000, a slash and a duration")
    #expect(wanted(.countPerPeriod, "1/106752d") == "a count, a slash and a duration of at most 106751d")
    #expect(wanted(.durationRange(), "1s..106752d").hasPrefix("two durations of at most 106751d"))
  }

  private func wanted<Value>(_ kind: ValueKind<Value>, _ text: String) -> String {
    do throws(ValueError) {
      _ = try kind.parse(text)
      return "is accepted"
    } catch {
      return error.wanted
    }
  }

  @Test func percentagesAreRatios() throws {
    let kind = ValueKind<Double>.percentage
    #expect(try kind.parse("10%") == 0.1)
    #expect(try kind.parse("10") == 0.1)
    #expect(try kind.parse("2.5%") == 0.025)
    #expect(try kind.parse("0") == 0)
    #expect(try kind.parse("100%") == 1)
    #expect(problem(kind, "100.1%") == "is too large")
    #expect(problem(kind, "-1%") == "is negative")
    #expect(problem(kind, "10%%") == "is not a percentage")
    #expect(problem(kind, "%") == "is not a percentage")
    #expect(problem(kind, "nan") == "is not a percentage")
    #expect(problem(kind, String(repeating: "9", count: 400)) == "is too large")
  }

  @Test func aCountPerPeriodNeedsBoth() throws {
    let kind = ValueKind<CountPerPeriod>.countPerPeriod
    let value = try kind.parse("5/10s")
    #expect(value.count == 5)
    #expect(value.period == 10_000_000_000)
    #expect(try kind.parse("1/0.5").period == 500_000_000)
    #expect(problem(kind, "5") == "is not a count per duration")
    #expect(problem(kind, "5/1/2") == "is not a count per duration")
    #expect(problem(kind, "/10s") == "has no whole number before the slash")
    #expect(problem(kind, "5/") == "has a duration that is not a duration")
    #expect(problem(kind, "0/10s") == "has a count of 0")
    #expect(problem(kind, "5/0s") == "has a duration that is too small")
    #expect(problem(kind, "99999999999999999999/1s") == "has a count that is too large")
    #expect(problem(kind, "1000001/1s") == "has a count that is too large")
    #expect(try kind.parse("1000000/1s").count == 1_000_000)
  }

  @Test func aRangeOfDurationsGoesUpwards() throws {
    let kind = ValueKind<ClosedRange<Nanoseconds>>.durationRange(atLeast: 1_000_000)
    #expect(try kind.parse("100ms..30s") == 100_000_000...30_000_000_000)
    #expect(try kind.parse("0.5..0.5s") == 500_000_000...500_000_000)
    #expect(problem(kind, "30s..100ms") == "runs backwards")
    #expect(problem(kind, "30s") == "is not a range of durations")
    #expect(problem(kind, "..30s") == "has a duration that is not a duration")
    #expect(problem(kind, "1s..") == "has a duration that is not a duration")
    #expect(problem(kind, "1s...2s") != nil)
    #expect(problem(kind, "0..1s") == "has a duration that is too small")
  }

  @Test func everyExampleIsAcceptedByItsKind() {
    for command in Sample.tool.commands {
      for option in command.options where option.placeholder != nil {
        #expect((try? Sample.tool.parse(["go", "--\(option.spellings[0].long)=\(option.example)", "cat"])) != nil)
      }
    }
  }
}
