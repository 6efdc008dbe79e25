/// What a joblog holds about the jobs of a run that is to be resumed.
///
/// Give it the whole file with `feed`, block by block; ask `finish` how to repair its end; then ask `take` for each job
/// of the input. It goes by what the jobs are, not by where they stand: jobs may have been added, removed and moved.
///
/// A line that was not written whole is never believed: its job runs again. Such a line at the end of the file, where a
/// killed run or a crashed machine leaves it, is to be cut off; one further up stays, and is counted.
public struct ResumeIndex: Sendable {
  /// A line that was ignored.
  public struct DamagedLine: Hashable, Sendable {
    /// Its number in the file, from 1; the header is line 1.
    public var number: Int
    /// What is wrong with it.
    public var damage: JobLogDamage
  }

  /// What is to be done to the file before a line is appended.
  public struct Repair: Hashable, Sendable {
    /// The file's length up to the end of its last whole line: what follows is torn, and is to be cut off.
    public var keptBytes: Int
    /// How many bytes that is.
    public var tornBytes: Int
    /// Whether nothing is kept, so that a header is to be written.
    public var needsHeader: Bool { keptBytes == 0 }
  }

  /// The most damaged lines that are remembered one by one.
  public static let rememberedDamage = 8

  /// Jobs that are `ok` in the joblog, and were not yet taken.
  public private(set) var remaining = 0
  /// Lines about jobs that were whole.
  public private(set) var wholeLines = 0
  /// Lines that were ignored. What is torn at the end is not among them.
  public private(set) var damagedLines = 0
  /// The first of those.
  public private(set) var damage: [DamagedLine] = []
  /// The highest place in the input that any line names; 0 if there is none.
  public private(set) var highestSequence: UInt64 = 0

  private var counts = KeyCounts()
  private var bytesFed = 0
  private var keptBytes = 0
  private var linesSeen = 0
  /// The beginning of a line whose end is yet to come; of one that is too long only as much as shows it.
  private var partial: [UInt8] = []

  /// An index of nothing: every job is to be run.
  public init() {}

  /// Takes in the next block of the file, which may begin and end anywhere in a line.
  ///
  /// Throws if the file does not begin like a joblog. Then nothing may be appended to it, and the index is not to be
  /// used.
  public mutating func feed(_ block: RawSpan) throws(JobLogError) {
    var start = 0
    while let end = block.firstOffset(of: UInt8(ascii: "\n"), from: start) {
      keptBytes = bytesFed &+ end &+ 1
      if partial.isEmpty {
        try takeLine(block.extracting(start..<end))
      } else {
        keep(block.extracting(start..<end))
        let line = partial
        try takeLine(line.span.bytes)
        partial.removeAll(keepingCapacity: true)
      }
      start = end &+ 1
    }
    keep(block.extracting(start..<block.byteCount))
    bytesFed += block.byteCount
    // The first line of what is no joblog may be all of it.
    if linesSeen == 0, partial.count >= JobLogLine.longestLine { throw .notAJobLog }
  }

  /// All of the file was fed: what is to be done to it. To be called once.
  ///
  /// Throws if the file does not begin like a joblog.
  public mutating func finish() throws(JobLogError) -> Repair {
    if linesSeen == 0, !JobLogHeader.isTorn(partial.span.bytes) { throw Self.error(aboutHeader: partial.span.bytes) }
    partial = []
    return Repair(keptBytes: keptBytes, tornBytes: bytesFed - keptBytes)
  }

  /// Whether a job with this key was `ok` and is to be skipped. Of equal jobs as many as were `ok` are skipped, each by
  /// one call.
  public mutating func take(_ key: JobKey) -> Bool {
    guard counts.subtract(key) else { return false }
    remaining -= 1
    return true
  }

  private mutating func takeLine(_ line: RawSpan) throws(JobLogError) {
    linesSeen += 1
    if linesSeen == 1 {
      guard JobLogHeader.isHeader(line) else { throw Self.error(aboutHeader: line) }
      return
    }
    do throws(JobLogDamage) {
      let parsed = try JobLogLine(parsing: line)
      wholeLines += 1
      highestSequence = max(highestSequence, parsed.sequence)
      guard parsed.outcome == .ok else { return }
      counts.add(parsed.key)
      remaining += 1
    } catch {
      // Joblogs may have been joined: a header further down is none's loss.
      if JobLogHeader.isHeader(line) { return }
      damagedLines += 1
      if damage.count < Self.rememberedDamage { damage.append(DamagedLine(number: linesSeen, damage: error)) }
    }
  }

  /// Keeps a piece of a line until the rest of it comes. What has no newline for ever must not fill the memory.
  private mutating func keep(_ piece: RawSpan) {
    let room = JobLogLine.longestLine - partial.count
    piece.extracting(first: min(room, piece.byteCount)).withUnsafeBytes { unsafe partial.append(contentsOf: $0) }
  }

  private static func error(aboutHeader line: RawSpan) -> JobLogError {
    JobLogHeader.isParallels(line) ? .gnuParallels : .notAJobLog
  }
}

/// Why a file cannot be used as a joblog. It is left as it is: nothing was proved to be ours.
public enum JobLogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It was written by GNU parallel, which numbers jobs and does not identify them.
  case gnuParallels
  /// Its first line is not the header of a joblog.
  case notAJobLog

  /// What is wrong with "it".
  public var description: String {
    switch self {
    case .gnuParallels: "it was written by GNU parallel, and lacks the columns that show which jobs were done"
    case .notAJobLog: "it is not a joblog: its first line is not the header"
    }
  }
}
