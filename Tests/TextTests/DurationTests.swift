import TestSupport
import Testing
import Text
import Time

@Suite("Durations as people read them") struct DurationTests {
  @Test(
    "in a sentence: rounded down, in seconds from a tenth of one on",
    arguments: [
      (0, "0 ms"), (1, "1 ns"), (999, "999 ns"), (1000, "1 µs"), (999_999, "999 µs"), (1_000_000, "1 ms"),
      (99_999_999, "99 ms"), (100_000_000, "0.1 s"), (234_000_000, "0.2 s"), (1_000_000_000, "1.0 s"),
      (9_999_999_999, "9.9 s"), (10_000_000_000, "10 s"), (12_900_000_000, "12 s"), (3_600_000_000_000, "3600 s"),
      (.max, "18446744073 s"),
    ] as [(Nanoseconds, String)])
  func sentence(time: Nanoseconds, text: String) { #expect(durationText(time) == text) }

  @Test(
    "measured: two digits or three, never less than milliseconds",
    arguments: [
      (0, "0.000 ms"), (400, "0.000 ms"), (11_600, "0.012 ms"), (99_499, "0.099 ms"), (99_500, "0.10 ms"),
      (314_000, "0.31 ms"), (994_999, "0.99 ms"), (995_000, "1.0 ms"), (1_440_000, "1.4 ms"), (9_949_999, "9.9 ms"),
      (9_950_000, "10 ms"), (31_400_000, "31 ms"), (312_400_000, "312 ms"), (999_499_999, "999 ms"),
      (999_500_000, "1.0 s"), (1_249_000_000, "1.2 s"), (4_060_000_000, "4.1 s"), (59_949_000_000, "59.9 s"),
      (59_950_000_000, "60 s"), (75_400_000_000, "75 s"), (119_499_000_000, "119 s"), (119_500_000_000, "2 min"),
      (7_169_000_000_000, "119 min"), (7_170_000_000_000, "2.0 h"), (7_500_000_000_000, "2.1 h"),
      (90_000_000_000_000, "25.0 h"),
    ] as [(Nanoseconds, String)])
  func measured(time: Nanoseconds, text: String) { #expect(measuredText(time) == text) }

  @Test(
    "precise: three digits, from nanoseconds to hours",
    arguments: [
      (0, "0 ns"), (999, "999 ns"), (1000, "1.00 µs"), (12_500, "12.5 µs"), (999_499, "999 µs"), (999_500, "1.00 ms"),
      (9_994_999, "9.99 ms"), (9_995_000, "10.0 ms"), (99_950_000, "100 ms"), (999_500_000, "1.00 s"),
      (59_940_000_000, "59.9 s"), (59_950_000_000, "1 min 0 s"), (60_000_000_000, "1 min 0 s"),
      (3_599_000_000_000, "59 min 59 s"), (3_599_500_000_000, "1 h 0 min"), (7_260_000_000_000, "2 h 1 min"),
      (3_600_000_000_000_000, "1\u{202F}000 h 0 min"),
    ] as [(Nanoseconds, String)])
  func precise(time: Nanoseconds, text: String) { #expect(preciseDurationText(time) == text) }

  @Test(
    "round: three digits at most, without zeros that say nothing",
    arguments: [
      (30_000_000_000, "30 s"), (1_500_000_000, "1.5 s"), (250_000_000, "250 ms"), (87_123_456, "87.1 ms"),
      (1_049_000, "1.05 ms"), (1_009_000, "1.01 ms"), (1_001_000, "1 ms"), (20_000, "20 µs"), (999_500, "1 ms"),
      (3_600_000_000_000, "3600 s"), (999, "999 ns"), (0, "0 s"), (59_999_999_999, "60 s"), (100_000_000_000, "100 s"),
    ] as [(Nanoseconds, String)])
  func round(time: Nanoseconds, text: String) { #expect(roundDurationText(time) == text) }

  @Test(
    "on a clock: whole seconds",
    arguments: [
      (999_999_999, "0s", "0s"), (59_900_000_000, "59s", "59s"), (65_000_000_000, "1m 05s", "1m05s"),
      (3_599_000_000_000, "59m 59s", "59m59s"), (7_500_000_000_000, "2h 05m", "2h05m"),
      (90_000_000_000_000, "1d 1h", "1d1h"),
    ] as [(Nanoseconds, String, String)])
  func clock(time: Nanoseconds, text: String, tight: String) {
    #expect(clockText(time) == text)
    #expect(clockText(time, tight: true) == tight)
  }

  @Test(
    "as an option takes it: exactly, in the largest unit",
    arguments: [
      (0, "0s"), (1, "0.001us"), (1500, "1.500us"), (20_000, "20us"), (250_000_000, "250ms"), (1_500_000_000, "1500ms"),
      (90_000_000_000, "90s"), (60_000_000_000, "1m"), (7_200_000_000_000, "2h"), (172_800_000_000_000, "2d"),
    ] as [(Nanoseconds, String)])
  func option(time: Nanoseconds, text: String) { #expect(optionDurationText(time) == text) }
}
