import Time

/// Why a line of a joblog cannot be believed.
public enum JobLogDamage: Error, Hashable, Sendable, CustomStringConvertible {
  /// It is as long as no line we write.
  case tooLong
  /// It has fewer columns than each line has: this many.
  case tooFewColumns(Int)
  /// The column of this number, from 1, does not hold what it should.
  case column(Int)

  /// What is wrong with "it".
  public var description: String {
    switch self {
    case .tooLong: "it is longer than \(JobLogLine.longestLine - 1) bytes"
    case .tooFewColumns(let count): "it has \(count) of \(Columns.required) columns"
    case .column(let number): "its column \(number) does not hold what it should"
    }
  }
}

extension JobLogLine {
  /// Reads a line without its newline. The job itself is not read: Command is for people, and may have been cut.
  ///
  /// What is accepted was written whole, even if lines were torn and others appended to the pieces: each line begins
  /// with a number, a tab and `:` alone in its column, and wherever that comes to stand in another line, something else
  /// belongs there. A line torn within its very first number is the exception: it makes the `sequence` of the next line
  /// wrong, and nothing else.
  public init(parsing line: RawSpan) throws(JobLogDamage) {
    if line.byteCount >= Self.longestLine { throw .tooLong }
    let columns = try Columns(of: line)
    sequence = try line.number(columns, 1)
    guard line.isByte(UInt8(ascii: ":"), columns, 2) else { throw .column(2) }
    startTime = Instant(sinceOrigin: try line.extracting(columns[3]).time().orDamage(3))
    runtime = try line.extracting(columns[4]).time(width: Self.runtimeWidth).orDamage(4)
    sent = try line.number(columns, 5)
    received = try line.number(columns, 6)
    exitValue = try line.extracting(columns[7]).signedDecimal.flatMap { Int32(exactly: $0) }.orDamage(7)
    signal = try line.extracting(columns[8]).signedDecimal.flatMap { Int32(exactly: $0) }.orDamage(8)
    slot = line.isUnknown(columns, 10) ? nil : try line.smallNumber(columns, 10)
    attempts = try line.smallNumber(columns, 11)
    outcome = try JobLogOutcome(column: line.extracting(columns[12])).orDamage(12)
    guard (outcome == .ok) == (exitValue == 0 && signal == 0) else { throw .column(12) }
    key = try JobKey(column: line.extracting(columns[13])).orDamage(13)
    guard columns.count > Columns.required else {
      usage = nil
      return
    }
    var usage = Usage(cpu: nil, rss: nil)
    if !line.isUnknown(columns, 14) { usage.cpu = try line.extracting(columns[14]).time().orDamage(14) }
    if columns.count > 14, !line.isUnknown(columns, 15) {
      usage.rss = try line.extracting(columns[15]).signedDecimal.orDamage(15)
    }
    self.usage = usage
  }
}

/// Where the columns of a line stand.
private struct Columns {
  static let required = 13
  private static let known = 15

  /// The end of each known column.
  private var ends = InlineArray<15, Int>(repeating: 0)
  /// How many there are, with those that only a later version knows.
  private(set) var count = 0

  init(of line: RawSpan) throws(JobLogDamage) {
    var start = 0
    var offset = 0
    while true {
      if offset < line.byteCount {
        let byte = line.byte(at: offset)
        if byte >= 0x20 && byte != 0x7F {
          offset &+= 1
          continue
        }
        guard byte == UInt8(ascii: "\t") else { throw .column(count + 1) }
      }
      count &+= 1
      if count <= Self.known {
        ends[count &- 1] = offset
      } else if offset - start == 1, line.byte(at: start) == UInt8(ascii: ":") {
        throw .column(count)  // The column Host of another line, glued to a torn one.
      }
      if offset == line.byteCount { break }
      offset &+= 1
      start = offset
    }
    if count < Self.required { throw .tooFewColumns(count) }
  }

  /// Where the column of this number, from 1, stands.
  subscript(number: Int) -> Range<Int> {
    (number == 1 ? 0 : ends[number &- 2] &+ 1)..<ends[number &- 1]
  }
}

extension RawSpan {
  fileprivate func number(_ columns: Columns, _ number: Int) throws(JobLogDamage) -> UInt64 {
    try extracting(columns[number]).decimal.orDamage(number)
  }

  fileprivate func smallNumber(_ columns: Columns, _ number: Int) throws(JobLogDamage) -> UInt32 {
    try UInt32(exactly: self.number(columns, number)).orDamage(number)
  }

  fileprivate func isByte(_ byte: UInt8, _ columns: Columns, _ number: Int) -> Bool {
    columns[number].count == 1 && self.byte(at: columns[number].lowerBound) == byte
  }

  fileprivate func isUnknown(_ columns: Columns, _ number: Int) -> Bool {
    isByte(UInt8(ascii: "-"), columns, number)
  }
}

extension Optional {
  /// What was read, or what is wrong with the column of this number.
  fileprivate func orDamage(_ number: Int) throws(JobLogDamage) -> Wrapped {
    guard let self else { throw .column(number) }
    return self
  }
}
