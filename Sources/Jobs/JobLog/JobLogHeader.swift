/// The first line of a joblog: the names of the columns.
public enum JobLogHeader {
  static let names =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\tSlot\tAttempts\tOutcome\tKey"
  static let usageNames = "\tCpu\tRss"
  static let parallelNames = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"

  /// Appends the header with its newline. `withUsage` if the run's lines have a `usage`.
  public static func append(withUsage: Bool, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: names.utf8)
    if withUsage { bytes.append(contentsOf: usageNames.utf8) }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Whether a line without its newline is the header of a joblog, perhaps of a later version with more columns.
  static func isHeader(_ line: RawSpan) -> Bool {
    let count = names.utf8.count
    return matches(line, names, count) && (line.byteCount == count || line.byte(at: count) == UInt8(ascii: "\t"))
  }

  /// Whether a line without its newline is the header that GNU parallel writes.
  static func isParallels(_ line: RawSpan) -> Bool {
    line.byteCount == parallelNames.utf8.count && matches(line, parallelNames, line.byteCount)
  }

  /// Whether a file that ends before its first newline is one whose header was never written whole: a beginning of it,
  /// and then perhaps the NULs that a file system leaves after a crash where it had promised room and not yet written.
  static func isTorn(_ file: RawSpan) -> Bool {
    var count = file.byteCount
    while count > 0, file.byte(at: count - 1) == 0 { count -= 1 }
    let whole = names + usageNames
    return count <= whole.utf8.count && matches(file, whole, count)
  }

  /// Whether the first `count` bytes are the same.
  private static func matches(_ line: RawSpan, _ text: String, _ count: Int) -> Bool {
    guard line.byteCount >= count else { return false }
    return zip(text.utf8.prefix(count), 0...).allSatisfy { line.byte(at: $1) == $0 }
  }
}
