import JobCore
import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct JobLogLineTests {
  private func written(_ line: JobLogLine, _ command: [UInt8] = bytes("sleep 1")) -> [UInt8] {
    var bytes: [UInt8] = []
    line.append(command: command.span.bytes, to: &bytes)
    return bytes
  }

  private func parse(_ line: [UInt8]) throws(JobLogDamage) -> JobLogLine { try JobLogLine(parsing: line.span.bytes) }

  /// A line, by columns.
  private let good = text(Job("sleep 1").line(17).dropLast()).split(separator: "\t", omittingEmptySubsequences: false)
    .map(String.init)

  private func damage(_ columns: [String]) -> JobLogDamage? {
    do {
      _ = try parse(bytes(columns.joined(separator: "\t")))
      return nil
    } catch {
      return error
    }
  }

  @Test("the header and the first nine columns are written as GNU parallel writes them, and ours follow")
  func asParallelWritesIt() {
    #expect(
      text(header())
        == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\tSlot\tAttempts\tOutcome\tKey\n")
    let ok = JobLogLine(
      sequence: 1, startTime: .origin + .milliseconds(1_795_270_319_025), runtime: .milliseconds(8),
      sent: 3, received: 4, exitValue: 0, signal: 0, slot: 0,
      attempts: 1,
      outcome: .ok, key: keyNamed(bytes("k")))
    #expect(
      text(written(ok, bytes("a\tb\n"))) == "1\t:\t1795270319.025\t     0.008\t3\t4\t0\t0\ta\\tb\\n\t0\t1\tok\tkey:k\n")
    let long = JobLogLine(
      sequence: 12, startTime: 0, runtime: .milliseconds(123_456_789_012),
      sent: 0, received: 0, exitValue: 0, signal: 9, slot: nil,
      attempts: 0,
      outcome: .crashed, key: keyOfJob(bytes("abc")))
    #expect(
      text(written(long, bytes("abc")))
        == "12\t:\t0.000\t123456789.012\t0\t0\t0\t9\tabc\t-\t0\tcrashed\thash:cf4ab791c62b8d2b2109c90275287816\n")
  }

  @Test("what a job took stands in two more columns, when the run measures it")
  func usage() throws {
    #expect(text(header(withUsage: true)).hasSuffix("\tKey\tCpu\tRss\n"))
    for (cpu, rss, columns) in [
      (1234, -4096, "\t1.234\t-4096\n"), (nil, 0, "\t-\t0\n"), (0, nil, "\t0.000\t-\n"), (nil, nil, "\t-\t-\n"),
    ] as [(UInt64?, Int64?, String)] {
      let usage = JobLogLine.Usage(cpu: cpu.map { .milliseconds($0) }, rss: rss)
      let line = Job("j", name: "k").line(1, usage: usage)
      #expect(text(line).hasSuffix("\tkey:k" + columns))
      #expect(try parse(line.dropLast()).usage == usage)
    }
    #expect(try parse(Job("j").line(1).dropLast()).usage == nil)
  }

  @Test("scripts that know GNU parallel tell success by Exitval and Signal: both are 0 if, and only if, the job is ok")
  func successIsTwoZeros() {
    func line(_ outcome: JobLogOutcome, _ exitValue: Int32, _ signal: Int32) -> [Int32] {
      let line = JobLogLine(
        sequence: 1, startTime: 0, runtime: 0, sent: 0, received: 0, exitValue: exitValue, signal: signal, slot: 0,
        attempts: 1,
        outcome: outcome, key: keyOfJob([]))
      return [line.exitValue, line.signal]
    }
    #expect(line(.ok, 3, 9) == [0, 0])
    #expect(line(.crashed, 0, 0) == [-1, 0])
    #expect(line(.expired, 0, 0) == [-1, 0])
    #expect(line(.crashed, 0, 11) == [0, 11])
    #expect(line(.failed, 3, 0) == [3, 0])
  }

  @Test("the outcomes are those of the ledger, by the same words")
  func outcomesAreTheLedgers() {
    #expect(JobLogOutcome.allCases.map(\.rawValue) == Outcome.allCases.map(\.description))
  }

  @Test("whatever a job was and did, its line is read back as it was, and is one line of thirteen or fifteen columns")
  func roundTrip() throws {
    var random = SplitMix64(state: 73)
    func number() -> UInt64 {
      UInt64.random(in: 0...(.max >> UInt64.random(in: 0...63, using: &random)), using: &random)
    }
    /// Lines tell times to the millisecond.
    func time() -> Nanoseconds { .milliseconds(number() / 1_000_000) }
    for turn in 0..<1000 {
      let text = nastyTexts[turn % nastyTexts.count]
      let usage = JobLogLine.Usage(
        cpu: turn % 5 == 0 ? nil : time(), rss: turn % 7 == 0 ? nil : Int64(bitPattern: number()))
      let line = JobLogLine(
        sequence: number(), startTime: .origin + time(), runtime: time(), sent: number(), received: number(),
        exitValue: Int32(truncatingIfNeeded: number()), signal: Int32(number() % 65),
        slot: turn % 3 == 0 ? nil : UInt32(truncatingIfNeeded: number()),
        attempts: UInt32(truncatingIfNeeded: number()),
        outcome: JobLogOutcome.allCases.randomElement(using: &random)!,
        key: turn % 2 == 0 ? keyNamed(text) : keyOfJob(text),
        usage: turn % 4 == 0 ? nil : usage)
      let written = written(line, text)
      #expect(written.count < JobLogLine.longestLine)
      #expect(written.filter { $0 == UInt8(ascii: "\t") }.count == (turn % 4 == 0 ? 12 : 14))
      #expect(written.firstIndex(of: UInt8(ascii: "\n")) == written.count - 1)
      #expect(try parse(written.dropLast()) == line)
    }
  }

  @Test("the longest line is far below what is refused as too long")
  func longestLine() {
    let control = [UInt8](repeating: 1, count: 1 << 20)
    let line = JobLogLine(
      sequence: .max, startTime: .distantFuture, runtime: .max, sent: .max, received: .max, exitValue: .min,
      signal: .max,
      slot: .max,
      attempts: .max, outcome: .quarantined, key: keyNamed(Array(control.prefix(JobKey.longestName))),
      usage: .init(cpu: .max, rss: .min))
    #expect(written(line, control).count < JobLogLine.longestLine / 2)
  }

  @Test(
    "a column that does not hold what it should is found, and named",
    arguments: [
      (1, ["", "x", "01", "-1", "1 ", "18446744073709551616"]),
      (2, ["", "::", "host", "3"]),
      (3, ["", "1", "1.0", "1.00", "1.0000", ".000", "01.000", "-1.000", " 1.000", "1.00x", "18446744073709551.616"]),
      (4, ["", "0.008", "    0.008", "      0.008", "     0.08 ", " 12345.678x"]),
      (5, ["", "-1", "1.5"]), (6, ["", "+1"]), (7, ["", "-0", "01", "2147483648", "--1"]), (8, ["", "x", "00"]),
      (9, ["a\0b", "a\rb", "\u{7F}"]), (10, ["", "--", "-1", "4294967296"]), (11, ["", "-", "1e3"]),
      (12, ["", "o", "okk", "OK", "done", "failed"]), (13, ["", "hash:", "key", "key:\\"]),
    ])
  func wrongColumns(number: Int, wrong: [String]) {
    #expect(damage(good) == nil)
    for value in wrong {
      var columns = good
      columns[number - 1] = value
      #expect(damage(columns) == .column(number), "\(value)")
    }
  }

  @Test("columns that a later version adds are read over; too few columns, or the beginning of another line, are not")
  func moreAndFewerColumns() {
    #expect(damage(good + ["1.000", "5", "whatever", "", "-"]) == nil)
    #expect(damage(good + ["1.000"]) == nil)
    #expect(damage(good + ["1.000", "5", "whatever17", ":"]) == .column(17))
    #expect(damage(good + [":"]) == .column(14))
    #expect(damage(good + ["1.000", ":"]) == .column(15))
    #expect(damage(good + ["1.000", "5", ":"]) == .column(16))
    #expect(damage(Array(good.dropLast())) == .tooFewColumns(12))
    #expect(damage([]) == .tooFewColumns(1))
    #expect(damage([String(repeating: "1", count: JobLogLine.longestLine)]) == .tooLong)
  }
}
