import LinuxIO
import WireFormats

/// Results to stdout: gathered, and written once per turn of the loop or whenever 64 KiB are together.
struct ResultSink: ~Copyable {
  enum State {
    case open
    /// The reader has gone: quietly the end of the run.
    case closedByReader
    case failed(SystemError)
  }

  private static let blockSize = 65536
  /// A result of this many bytes or more is not copied to be written together with others.
  private static let directSize = 32768
  /// With this many bytes waiting for a slow reader no new job is started.
  private static let highWater = 1 << 20

  private var output: InheritedOutput
  private var buffer = ByteQueue(capacity: 65536)
  private let format: ResultFormat
  private var framing: Framing { format.framing }
  /// The tags of empty results that are owed.
  private var owed: [[UInt8]] = []
  /// What the output ends with is no whole result: the first of ours begins behind this delimiter.
  private var freshStart: UInt8?
  /// Bytes that were to be written so far, and those of them that were. What came when nobody read any more is never
  /// written.
  private(set) var appendedBytes: UInt64 = 0
  private(set) var writtenBytes: UInt64 = 0
  private(set) var state = State.open
  /// The reader is slow: wait until the output is writable.
  private(set) var isBlocked = false

  init(_ output: consuming InheritedOutput, format: ResultFormat) {
    self.output = output
    self.format = format
  }

  /// The output is appended to: what a full disk or a kill has torn there is ended before the first result. Returns
  /// how many bytes that is, 0 if nothing is torn.
  mutating func beginOnFreshLine() -> Int {
    let delimiter: UInt8
    switch framing {
    case .lines: delimiter = UInt8(ascii: "\n")
    case .nul: delimiter = 0
    case .length4, .netstring: return 0
    }
    let torn = output.unendedBytes(delimiter: delimiter)
    if torn > 0 { freshStart = delimiter }
    return torn
  }

  var descriptor: CInt { output.descriptor }
  var isAlwaysReady: Bool { output.isAlwaysReady }
  var isFull: Bool { buffer.count >= Self.highWater }
  var isEmpty: Bool { buffer.isEmpty }
  var waitingBytes: Int { buffer.count }

  /// A result. `tag`: what leads each of its lines; may be empty.
  mutating func append(_ result: UnsafeRawBufferPointer, tag: [UInt8] = []) {
    if !owed.isEmpty {
      for tag in owed { write(UnsafeRawBufferPointer(start: nil, count: 0), tag) }
      owed = []
    }
    write(result, tag)
  }

  /// An empty result for a job that did not end ok, so that result n stays the answer to job n.
  mutating func appendEmpty(tag: [UInt8] = []) { append(UnsafeRawBufferPointer(start: nil, count: 0), tag: tag) }

  /// An empty result for a job that was cancelled: owed only if another result follows it.
  mutating func oweEmpty(tag: [UInt8] = []) { owed.append(tag) }

  /// A line that is one already.
  mutating func appendLine(_ line: [UInt8]) {
    guard isTaken() else { return }
    makeFreshStart()
    line.withUnsafeBytes { buffer.append($0) }
    appended()
  }

  private mutating func appended() {
    appendedBytes = writtenBytes + UInt64(buffer.count)
    if buffer.count >= Self.blockSize, !isBlocked { flush() }
  }

  /// False when nobody takes results any more: the one that was to be written is lost, and must not pass for written.
  private mutating func isTaken() -> Bool {
    if case .open = state { return true }
    appendedBytes += 1
    return false
  }

  private mutating func write(_ result: UnsafeRawBufferPointer, _ tag: [UInt8]) {
    guard isTaken() else { return }
    makeFreshStart()
    if !tag.isEmpty { return writeTagged(result, tag) }
    framing.appendHeader(count: result.count) { buffer.append($0) }
    let written = result.count >= Self.directSize && !isBlocked ? writeDirectly(result) : 0
    buffer.append(UnsafeRawBufferPointer(rebasing: result[written...]))
    if format != .text || !result.isEmpty && result.last != UInt8(ascii: "\n") {
      framing.appendTrailer { buffer.append($0) }
    }
    appended()
    if written > 0, !isBlocked { flush() }
  }

  /// Each line behind the tag. In line output an empty result is a line, too.
  private mutating func writeTagged(_ result: UnsafeRawBufferPointer, _ tag: [UInt8]) {
    var rest = result[...]
    while !rest.isEmpty || rest.startIndex == 0 && format != .text {
      let line = rest.prefix { $0 != UInt8(ascii: "\n") }
      tag.withUnsafeBytes { buffer.append($0) }
      buffer.append(UnsafeRawBufferPointer(rebasing: line))
      buffer.append(UInt8(ascii: "\n"))
      rest = rest[min(line.endIndex + 1, rest.endIndex)...]
      if line.endIndex == result.endIndex { break }
    }
    appended()
  }

  /// Writes what stands before the result, and the result itself from where it is, as far as the reader takes it.
  private mutating func writeDirectly(_ result: UnsafeRawBufferPointer) -> Int {
    flush()
    var written = 0
    while buffer.isEmpty, !isBlocked, written < result.count, case .open = state {
      let outcome = output.write(UnsafeRawBufferPointer(rebasing: result[written...]))
      if case .bytes(let count) = outcome { written += count }
      record(outcome)
    }
    writtenBytes += UInt64(written)
    return written
  }

  private mutating func makeFreshStart() {
    guard let delimiter = freshStart else { return }
    freshStart = nil
    buffer.append(delimiter)
  }

  /// Writes as much as the reader takes.
  mutating func flush() {
    while !buffer.isEmpty, case .open = state {
      let before = buffer.count
      let outcome = output.write(from: &buffer)
      writtenBytes += UInt64(before - buffer.count)
      record(outcome)
      if isBlocked { return }
    }
  }

  private mutating func record(_ outcome: WriteResult) {
    isBlocked = outcome == .wouldBlock
    switch outcome {
    case .bytes, .wouldBlock: break
    case .closed: state = .closedByReader
    case .failed(let error): state = .failed(error)
    }
  }

  /// The reader went away while nothing was being written.
  mutating func readerWentAway() {
    if case .open = state { state = .closedByReader }
  }
}
