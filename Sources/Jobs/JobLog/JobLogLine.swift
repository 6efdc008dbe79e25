import Time

/// The line of the joblog about one settled job.
///
/// A joblog is a table in text: a header, then one line per job in the order in which they settled. The columns are
/// separated by single tabs, and each line ends with a newline. The first nine are GNU parallel's, written as it writes
/// them (parallel(1), `--joblog`), so that what reads its joblogs reads ours; `cut -f` takes any.
///
///   1 Seq         the job's place in the input, from 1
///   2 Host        always `:`, this machine
///   3 Starttime   seconds since 1970, three decimals
///   4 JobRuntime  seconds, three decimals, with spaces before them to a width of 10
///   5 Send        bytes of the job
///   6 Receive     bytes of the reply
///   7 Exitval     0 if and only if, with Signal, the outcome is `ok`
///   8 Signal
///   9 Command     the job, escaped; cut after 256 bytes, with `\...` in place of the rest
///  10 Slot        of the last attempt; `-` if there was none
///  11 Attempts
///  12 Outcome     `ok`, `failed`, `timeout`, `crashed`, `quarantined`, `cancelled`, `expired`
///  13 Key         which job it is: see `JobKey`
///  14 Cpu         only when the run measures it: seconds, three decimals; `-` if unknown, as for a job of some
///                 microseconds, whose time is part of the next measurement
///  15 Rss         only when the run measures it: the bytes by which the job made the worker grow; `-` if unknown
///
/// In Command and Key a backslash is `\\`, a tab `\t`, a newline `\n`, a carriage return `\r`, and any other byte that
/// is not printable UTF-8 `\xHH`. Nothing else in a line needs it: a control byte, above all a NUL, is never whole.
public struct JobLogLine: Hashable, Sendable {
  /// The column Command holds at most this many bytes of a job, in whole characters.
  public static let longestCommand = 256
  /// No line that we write is as long as this, newline included. On reading, what is longer is damaged.
  public static let longestLine = 16 * 1024

  /// The job's place in the input, from 1.
  public let sequence: UInt64
  /// When its last attempt began, or when it settled if there was none, on the wall clock. Like all times it is
  /// written to the millisecond.
  public let startTime: Instant
  /// How long its last attempt ran.
  public let runtime: Nanoseconds
  /// Bytes of the job.
  public let sent: UInt64
  /// Bytes of the reply.
  public let received: UInt64
  /// The worker's exit status, or the code of its answer. Never 0 for a job that is not `ok` and died of no signal:
  /// those that have no code of their own get -1, as in GNU parallel.
  public let exitValue: Int32
  /// The signal its worker died of; 0 if of none.
  public let signal: Int32
  /// The slot of its last attempt; nil if there was none.
  public let slot: UInt32?
  /// How often it was tried.
  public let attempts: UInt32
  /// How it ended.
  public let outcome: JobLogOutcome
  /// Which job it is.
  public let key: JobKey
  /// What it took, if the run measures that.
  public let usage: Usage?

  /// What a job took of the machine. Either may be unknown for one job and known for the next.
  public struct Usage: Hashable, Sendable {
    /// Processor time.
    public var cpu: Nanoseconds?
    /// By how many bytes its worker's resident memory changed.
    public var rss: Int64?

    /// What is known, in the units of the properties.
    public init(cpu: Nanoseconds?, rss: Int64?) {
      (self.cpu, self.rss) = (cpu, rss)
    }
  }

  /// A line about a settled job; the units are those of the properties. `exitValue` and `signal` are taken as 0 for a
  /// job that is `ok`, and `exitValue` as -1 for another if both are 0: scripts that know GNU parallel tell success by
  /// these two columns.
  public init(
    sequence: UInt64, startTime: Instant, runtime: Nanoseconds, sent: UInt64, received: UInt64, exitValue: Int32,
    signal: Int32,
    slot: UInt32?, attempts: UInt32, outcome: JobLogOutcome, key: JobKey, usage: Usage? = nil
  ) {
    self.sequence = sequence
    self.startTime = startTime
    self.runtime = runtime
    self.sent = sent
    self.received = received
    let isOK = outcome == .ok
    self.exitValue = isOK ? 0 : exitValue == 0 && signal == 0 ? -1 : exitValue
    self.signal = isOK ? 0 : signal
    self.slot = slot
    self.attempts = attempts
    self.outcome = outcome
    self.key = key
    self.usage = usage
  }

  /// Appends the line with its newline. `command` is the job; it is cut, not kept.
  public func append(command: RawSpan, to bytes: inout [UInt8]) {
    func endColumn() { bytes.append(UInt8(ascii: "\t")) }
    func number(_ value: UInt64) {
      appendDecimal(value, to: &bytes)
      endColumn()
    }
    number(sequence)
    bytes.append(contentsOf: ":\t".utf8)
    appendSeconds(startTime.sinceOrigin, to: &bytes)
    endColumn()
    appendSeconds(runtime, width: Self.runtimeWidth, to: &bytes)
    endColumn()
    number(sent)
    number(received)
    appendDecimal(Int64(exitValue), to: &bytes)
    endColumn()
    appendDecimal(Int64(signal), to: &bytes)
    endColumn()
    appendEscaped(command, limit: Self.longestCommand, to: &bytes)
    endColumn()
    if let slot { number(UInt64(slot)) } else { bytes.append(contentsOf: "-\t".utf8) }
    number(UInt64(attempts))
    bytes.append(contentsOf: outcome.rawValue.utf8)
    endColumn()
    key.append(to: &bytes)
    if let usage {
      endColumn()
      if let cpu = usage.cpu { appendSeconds(cpu, to: &bytes) } else { bytes.append(UInt8(ascii: "-")) }
      endColumn()
      if let rss = usage.rss { appendDecimal(rss, to: &bytes) } else { bytes.append(UInt8(ascii: "-")) }
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// The column JobRuntime is GNU parallel's `%10.3f`.
  static let runtimeWidth = 10
}
