import JSON
import PoolCore
import Text
import WireFormats

/// Jobs and marks of one worker.
struct REPLCodec: WorkerCodec {
  private enum State: Equatable {
    /// It has answered what it was sent.
    case idle
    /// It was sent the settings, and owes the first mark.
    case greeted
    /// It owes a second mark before the first job.
    case prompted
    /// It owes the begin mark of a job.
    case asked
    /// It owes a reply, which begins there in the bytes, and the end mark.
    case replying(from: Int)
  }

  private let dialect: REPLDialect
  private let maximumReplySize: Int
  private var generator: SeededGenerator
  private var state = State.idle
  /// The begin mark that it owes.
  private var beginning: [UInt8] = []
  /// The end mark that it owes, or the part of it up to the status.
  private var opening: [UInt8] = []
  /// The end of the mark behind the status; empty if the opening is all of it.
  private var closing: [UInt8] = []
  /// The second mark before the first job.
  private var secondOpening: [UInt8] = []
  /// What follows each mark: perhaps the value of the end command, and the prompt.
  private var tail: [UInt8] = []
  /// The mark does not begin in this many of the first bytes.
  private var searched = 0
  /// Where the opening was found.
  private var place: Int?
  /// What is being written; kept for its room.
  private var message: [UInt8] = []

  /// The most that may follow a mark, in bytes.
  private static let longestTail = 4096

  init(_ dialect: REPLDialect, maximumReplySize: Int, seed: UInt64) {
    self.dialect = dialect
    self.maximumReplySize = maximumReplySize
    generator = SeededGenerator(seed: seed)
  }

  // MARK: To the worker

  mutating func greet(to write: (UnsafeRawBufferPointer) -> Void) {
    dialect.settings.withUnsafeBytes(write)
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    ask(dialect.greeting, nothing, to: write)
    if dialect.mayPrompt {
      let first = opening
      ask(dialect.greeting, nothing, to: write)
      (opening, secondOpening) = (first, opening)
    }
    state = .greeted
  }

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    ask(dialect.message, job, to: write)
    state = .asked
  }

  /// Asks for a mark behind what the program makes of the job.
  private mutating func ask(
    _ template: REPLTemplate, _ job: UnsafeRawBufferPointer, to write: (UnsafeRawBufferPointer) -> Void
  ) {
    let begin = REPLNonce(from: &generator)
    let end = REPLNonce(from: &generator)
    beginning = dialect.beginMark.filled(begin, end)
    opening = dialect.endMark.filled(begin, end)
    closing = dialect.verdict == .none ? [] : end.hexadecimal + [0x0A]
    (searched, place) = (0, nil)
    message.removeAll(keepingCapacity: true)
    for piece in template.pieces {
      switch piece {
      case .literal(let bytes): message += bytes
      case .placeholder(.nonce): message += end.hexadecimal
      case .placeholder(.number): message += end.decimal
      case .placeholder(.begin): message += begin.hexadecimal
      case .placeholder(.beginNumber): message += begin.decimal
      case .placeholder(.string): message.appendEscaped(job)
      case .placeholder(.word): message.appendWord(job)
      case .placeholder(.job):
        flush(to: write)
        if !job.isEmpty { write(job) }
      }
    }
    flush(to: write)
  }

  private mutating func flush(to write: (UnsafeRawBufferPointer) -> Void) {
    if !message.isEmpty { message.withUnsafeBytes(write) }
    message.removeAll(keepingCapacity: true)
  }

  mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool {
    switch request {
    case .check, .cancel: return false
    case .stop:
      dialect.farewell.withUnsafeBytes(write)
      return !dialect.farewell.isEmpty
    }
  }

  // MARK: From the worker

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    switch state {
    case .idle: return .violation("output after the mark")
    case .asked: if let message = begin(bytes) { return message }
    case .greeted, .prompted, .replying: break
    }
    guard let start = place ?? find(opening, in: bytes) else { return withoutMark() }
    if place == nil { (place, searched) = (start, start + opening.count) }
    var end = start + opening.count
    var status = end..<end
    if !closing.isEmpty {
      guard let last = find(closing, in: bytes) else {
        return searched - end > maximumReplySize ? .oversize : .needMore(consumed: 0)
      }
      (status, end) = (end..<last, last + closing.count)
    }
    if state == .prompted { tail = (0..<start).map { bytes.byte(at: $0) } }
    if state != .greeted {
      guard let behind = bytes.endOf(tail, from: end) else { return .needMore(consumed: 0) }
      end = behind
    }
    return marked(start..<end, status, in: bytes)
  }

  /// Looks for the begin mark. Output before it belongs to no job: it is reported, and dropped. Nil when the reply is
  /// to be looked for.
  private mutating func begin(_ bytes: RawSpan) -> WorkerMessage? {
    guard let start = place ?? find(beginning, in: bytes) else {
      if searched <= Self.longestTail { return .needMore(consumed: 0) }
      let dropped = searched
      searched = 0
      return stray(bytes, until: dropped, consumed: dropped)
    }
    place = start
    guard let end = bytes.endOf(tail, from: start + beginning.count) else { return .needMore(consumed: 0) }
    place = nil
    let stray = start > 0 ? stray(bytes, until: start, consumed: end) : nil
    searched = stray == nil ? end : 0
    state = .replying(from: searched)
    return stray
  }

  private func stray(_ bytes: RawSpan, until end: Int, consumed: Int) -> WorkerMessage {
    let shown = quoted((0..<end).map { bytes.byte(at: $0) })
    return .notice(
      .log(.warning, "wrote \(shown) after a reply, which may be incomplete; it is dropped"), consumed: consumed)
  }

  /// The mark is not there yet.
  private mutating func withoutMark() -> WorkerMessage {
    switch state {
    case .idle, .asked: return .needMore(consumed: 0)
    case .greeted:
      let banner = searched
      searched = 0
      return .needMore(consumed: banner)
    case .prompted:
      return searched > Self.longestTail
        ? .violation("more than \(Self.longestTail) bytes between two prompts") : .needMore(consumed: 0)
    // The newline before the mark, and a prompt, are no part of the reply.
    case .replying(let start):
      return searched - start > maximumReplySize + tail.count + 1 ? .oversize : .needMore(consumed: 0)
    }
  }

  /// The mark is there, with what always follows it.
  private mutating func marked(_ mark: Range<Int>, _ status: Range<Int>, in bytes: RawSpan) -> WorkerMessage {
    let before = state
    (searched, place, state) = (0, nil, .idle)
    guard case .replying(let start) = before else {
      if before == .prompted || secondOpening.isEmpty { return .notice(.ready, consumed: mark.upperBound) }
      (opening, secondOpening, state) = (secondOpening, [], .prompted)
      return .notice(.ignored, consumed: mark.upperBound)
    }
    if let failure = dialect.verdict.failure(in: bytes.extracting(status)) {
      return .failure(failure, consumed: mark.upperBound)
    }
    var end = mark.lowerBound
    let prompt = tail[(tail.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
    if bytes.hasSuffix(prompt, before: end), end - prompt.count >= start { end -= prompt.count }
    if end > start, bytes.byte(at: end - 1) == 0x0A { end -= 1 }
    return end - start > maximumReplySize ? .oversize : .reply(payload: start..<end, consumed: mark.upperBound)
  }

  /// Where the text stands among those bytes that were not searched yet.
  private mutating func find(_ text: [UInt8], in bytes: RawSpan) -> Int? {
    if let offset = bytes.firstOffset(of: text, from: searched) { return offset }
    searched = max(searched, bytes.byteCount - text.count + 1)
    return nil
  }
}

/// What no output can hold by chance, and no job can know beforehand.
struct REPLNonce {
  let hexadecimal: [UInt8]
  let decimal: [UInt8]

  init(from generator: inout SeededGenerator) {
    // Each number is made of two, so that a job that knows this nonce cannot compute the next one from it.
    let numbers = (0..<2).map { _ in generator.next() &+ generator.next().byteSwapped }
    decimal = numbers.flatMap { Array("\($0)".utf8) }
    let digits = Array("0123456789abcdef".utf8)
    hexadecimal = numbers.flatMap { number in
      stride(from: 60, through: 0, by: -4).map { digits[Int(number >> UInt64($0) & 0xF)] }
    }
  }

}

extension REPLTemplate {
  /// A mark with its nonce.
  fileprivate func filled(_ begin: REPLNonce, _ end: REPLNonce) -> [UInt8] {
    var bytes: [UInt8] = []
    for piece in pieces {
      switch piece {
      case .literal(let text): bytes += text
      case .placeholder(.nonce): bytes += end.hexadecimal
      case .placeholder(.number): bytes += end.decimal
      case .placeholder(.begin): bytes += begin.hexadecimal
      case .placeholder(.beginNumber): bytes += begin.decimal
      case .placeholder(.job), .placeholder(.string), .placeholder(.word): preconditionFailure("a mark holds no job")
      }
    }
    return bytes
  }
}

extension REPLDialect.Verdict {
  /// The failure in what stands between the nonces; nil for a success.
  fileprivate func failure(in bytes: RawSpan) -> ReplyFailure? {
    if self == .none { return nil }
    var text: [UInt8] = []
    text.append(bytes)
    let words = String(decoding: text, as: UTF8.self).drop(while: \.isWhitespace)
    let status = words.prefix { !$0.isWhitespace }
    let message = Self.trimmed(words.dropFirst(status.count))
    switch self {
    case .none: return nil
    case .status: return status == "0" ? nil : ReplyFailure(message: message)
    case .exitStatus:
      return status == "0" ? nil : ReplyFailure(message: "exit status \(status)", code: Int(status))
    case .sqlState: return status == "00000" ? nil : ReplyFailure(message: "\(message) (SQLSTATE \(status))")
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

extension [UInt8] {
  /// Appends the bytes as a string in double quotes.
  fileprivate mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0x20...0x7E: append(byte)
      default:
        append(UInt8(ascii: "\\"))
        for shift in [6, 3, 0] { append(UInt8(ascii: "0") + (byte >> UInt8(shift)) & 7) }
      }
    }
    append(UInt8(ascii: "\""))
  }

  /// Appends the bytes as one word of the shell.
  fileprivate mutating func appendWord(_ bytes: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "'"))
    for byte in bytes {
      if byte == UInt8(ascii: "'") { self += Array(#"'\'"#.utf8) }
      append(byte)
    }
    append(UInt8(ascii: "'"))
  }
}

extension RawSpan {
  /// Behind `text`, which may be empty, if it stands at `start`; nil if only a part of it is there so far; `start` if
  /// something else is.
  fileprivate func endOf(_ text: [UInt8], from start: Int) -> Int? {
    let count = min(text.count, byteCount - start)
    guard (0..<count).allSatisfy({ byte(at: start + $0) == text[$0] }) else { return start }
    return count == text.count ? start + count : nil
  }

  /// Whether these bytes stand before `end`.
  fileprivate func hasSuffix(_ text: ArraySlice<UInt8>, before end: Int) -> Bool {
    text.count <= end && text.indices.allSatisfy { byte(at: end - text.endIndex + $0) == text[$0] }
  }

  /// Where `text`, which is not empty, first stands at or after `start`; nil if it stands nowhere.
  func firstOffset(of text: [UInt8], from start: Int) -> Int? {
    var offset = start
    while let place = WireFormats.firstOffset(of: text[0], in: self, from: offset) {
      guard place + text.count <= byteCount else { return nil }
      if (1..<text.count).allSatisfy({ byte(at: place + $0) == text[$0] }) { return place }
      offset = place + 1
    }
    return nil
  }
}
