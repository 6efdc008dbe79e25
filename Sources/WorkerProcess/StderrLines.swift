/// A worker's stderr, cut into whole lines, with the last few kept as evidence for its death notice.
public struct StderrLines: Sendable {
  /// A line longer than this is passed on in pieces, so that no memory is spent on a worker that never ends one.
  static let longestLine = 8192
  private static let keptLines = 5
  /// So much of a kept line, in bytes: five of them are less than 2 KiB.
  private static let keptLength = 400

  private var unfinished: [UInt8] = []
  private var last: [[UInt8]] = []

  /// No lines yet.
  public init() {}

  /// Takes bytes as they come; returns the lines that they complete, without newlines.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        lines.append(takeLine())
      } else {
        // Cut only when there is more: a line of just this length is whole, and its newline must not make another.
        if unfinished.count == Self.longestLine { lines.append(takeLine()) }
        unfinished.append(byte)
      }
    }
    return lines
  }

  /// The last line, if it had no newline.
  public mutating func finish() -> [UInt8]? { unfinished.isEmpty ? nil : takeLine() }

  private mutating func takeLine() -> [UInt8] {
    let line = unfinished
    unfinished.removeAll(keepingCapacity: true)
    last.append(Array(line.prefix(Self.keptLength)))
    if last.count > Self.keptLines { last.removeFirst() }
    return line
  }

  /// The last lines, oldest first, the unfinished one included: at most 5, at most 2 KiB of its bytes in all.
  public var tail: [String] {
    let lines = unfinished.isEmpty ? last : last.suffix(Self.keptLines - 1) + [unfinished]
    return lines.map(Self.shown)
  }

  /// Bytes that are no UTF-8 become replacement characters, which are three times as long: hence the second cut.
  private static func shown(_ line: [UInt8]) -> String {
    let text = String(decoding: line.prefix(keptLength), as: UTF8.self)
    return String(decoding: text.utf8.prefix(keptLength), as: UTF8.self)
  }
}
