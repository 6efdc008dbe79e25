/// A worker's stderr, cut into whole lines, with the last few kept as evidence for its death notice.
///
/// A carriage return ends what a line shows for now, as progress bars do it: what follows takes its place. Such a
/// state is held back; the last one becomes the line when a newline follows, or ``takeState()`` shows it in the
/// meantime. `\r\n` is one end of a line. Several bars below each other are drawn with newlines and `ESC [ A`, which
/// moves up again: those newlines end no lines.
public struct StderrLines: Sendable {
  /// A line longer than this is passed on in pieces, so that no memory is spent on a worker that never ends one.
  static let longestLine = 8192
  private static let keptLines = 5
  /// The longest part of a line that is kept, in bytes: five of them are less than 2 KiB.
  private static let keptLength = 400

  private var unfinished: [UInt8] = []
  /// What the line showed last, before a carriage return; empty if there was none.
  private var state: [UInt8] = []
  private var stateIsShown = false
  /// The state stands on a line above the one that is being written.
  private var stateIsAbove = false
  /// The number of newlines that only move down again to lines which were left by moving up.
  private var linesBelow = 0
  /// The most bars below each other that are understood.
  private static let mostLinesBelow = 64
  private var last: [[UInt8]] = []

  /// No lines yet.
  public init() {}

  /// Takes bytes as they come; returns the lines that they complete, without newlines.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\n"):
        if linesBelow > 0 {
          linesBelow -= 1
          holdState()
          stateIsAbove = true
        } else {
          if stateIsAbove, Self.isVisible(unfinished), let state = takeState() { lines.append(state) }
          if let line = endLine() { lines.append(line) }
        }
      case UInt8(ascii: "\r"): holdState()
      case UInt8(ascii: "A") where endsInSequence: moveUp()
      default:
        // Cut only when there is more: a line of just this length is whole, and its newline must not make another.
        if unfinished.count == Self.longestLine { lines.append(takeLine()) }
        unfinished.append(byte)
      }
    }
    return lines
  }

  /// Whether a state is held back that has not been shown.
  public var holdsState: Bool { !state.isEmpty && !stateIsShown }

  /// The state that is held back, to be shown now, because its line goes on for long; nil if it was shown already.
  public mutating func takeState() -> [UInt8]? {
    guard holdsState else { return nil }
    stateIsShown = true
    return state
  }

  /// A line that goes on, as far as it was written; nil if there is none.
  public var unfinishedLine: [UInt8]? { unfinished.isEmpty ? nil : unfinished }

  /// Forgets the line that goes on: it is no line.
  public mutating func dropUnfinishedLine() { unfinished.removeAll(keepingCapacity: true) }

  /// What was not shown at the end: the last line, if it had no newline.
  public mutating func finish() -> [UInt8]? { unfinished.isEmpty && state.isEmpty ? nil : endLine() }

  /// The line that a newline completes; nil if it was shown as a state already.
  private mutating func endLine() -> [UInt8]? {
    if state.isEmpty || Self.isVisible(unfinished) {
      state.removeAll()
      return takeLine()
    }
    unfinished = state
    state.removeAll()
    let line = takeLine()
    return stateIsShown ? nil : line
  }

  private mutating func holdState() {
    // Blanks over a state only erase it: it is still the last state.
    if Self.isVisible(unfinished), unfinished != state {
      state = unfinished
      stateIsShown = false
      stateIsAbove = false
    }
    unfinished.removeAll(keepingCapacity: true)
  }

  /// What was written so far ends with the beginning of `ESC [ NUMBER A`.
  private var endsInSequence: Bool {
    let digits = unfinished.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
    return digits < 4 && unfinished.dropLast(digits).suffix(2).elementsEqual([0x1B, UInt8(ascii: "[")])
  }

  private mutating func moveUp() {
    let digits = unfinished.reversed().prefix { $0 != UInt8(ascii: "[") }.reversed()
    let count = Int(String(decoding: digits, as: UTF8.self)) ?? 1
    unfinished.removeLast(digits.count + 2)
    holdState()
    linesBelow = min(linesBelow + max(1, count), Self.mostLinesBelow)
  }

  private mutating func takeLine() -> [UInt8] {
    let line = unfinished
    unfinished.removeAll(keepingCapacity: true)
    last.append(Array(line.prefix(Self.keptLength)))
    if last.count > Self.keptLines { last.removeFirst() }
    return line
  }

  /// Whether a terminal shows anything of it: blanks and sequences that move or erase (`ESC [ … letter`) are nothing.
  private static func isVisible(_ text: [UInt8]) -> Bool {
    var isInSequence = false
    for (index, byte) in text.enumerated() {
      if byte == 0x1B {
        isInSequence = true
      } else if isInSequence {
        isInSequence = !(0x40...0x7E).contains(byte) || (byte == UInt8(ascii: "[") && text[index - 1] == 0x1B)
      } else if byte > 0x20 {
        return true
      }
    }
    return false
  }

  /// The last lines, oldest first, the unfinished one included: at most 5, at most 2 KiB of its bytes in all.
  public var tail: [String] {
    let open = Self.isVisible(unfinished) || state.isEmpty ? unfinished : state
    let lines = open.isEmpty ? last : last.suffix(Self.keptLines - 1) + [open]
    return lines.map(Self.shown)
  }

  /// Bytes that are no UTF-8 become replacement characters, which are three times as long: hence the second cut.
  private static func shown(_ line: [UInt8]) -> String {
    let text = String(decoding: line.prefix(keptLength), as: UTF8.self)
    return String(decoding: text.utf8.prefix(keptLength), as: UTF8.self)
  }
}
