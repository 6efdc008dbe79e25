import JSON
import Time

/// A line that `OutputRecord` has written, read back: what it holds, and where its parts stand in the line. Its exact
/// inverse, but for times, which were rounded to the microsecond when they were written.
///
/// Members that are not known are ignored, as long as they are JSON. One that is known may be there once; null counts
/// as not given, except for `id` and `result`, where it is a value like any other.
public struct OutputLine: Equatable, Sendable {
  /// What the worker answered, or why it did not. The values stand in the line.
  public enum Answer: Equatable, Sendable {
    /// The reply: a string that holds its bytes, or any other value, which is the reply itself.
    case result(JSONValue)
    /// The reply as a string in base64, which was checked.
    case base64(JSONValue)
    /// The job did not end well.
    case failure(Failure)
  }

  /// All that is a number or a word.
  public let record: OutputRecord
  /// The id that the job came with, where it stands in the line; nil if there is none.
  public let id: JSONValue?
  /// What came of the job.
  public let answer: Answer

  /// Reads a line, without its line feed. The ranges are offsets in it.
  public init(_ line: RawSpan) throws(JSONObjectError) {
    let fields = try OutputFields(line)
    id = fields[.id]
    answer = try fields.answer(in: line)
    record = OutputRecord(
      seq: try fields.required(.seq, in: line), outcome: try fields.outcome(in: line),
      attempts: try fields.required(.attempts, in: line), slot: try fields.number(.slot, in: line),
      pid: try fields.number(.pid, in: line), queued: try fields.nanoseconds(.queued, in: line),
      ran: try fields.nanoseconds(.ran, in: line), cpu: try fields.nanoseconds(.cpu, in: line),
      rss: try fields.number(.rss, in: line), progress: fields.bytes(.progress, in: line))
  }

  /// The id as the whole number that it is; nil if it is anything else.
  public func number(of line: RawSpan) -> UInt64? { id?.integer(in: line) }

  /// Adds the bytes of the reply: the text of a string, what base64 stands for, any other value as it stands in `line`.
  /// Nothing for a job that did not end well.
  public func appendReply(of line: RawSpan, to buffer: inout [UInt8]) {
    switch answer {
    case .result(let value): value.appendText(of: line, to: &buffer)
    case .base64(let value): value.withText(of: line) { Base64.appendDecoded($0, to: &buffer) }
    case .failure: break
    }
  }
}

/// The members of such a line that are known.
private struct OutputFields {
  enum Field: Int {
    case id, seq, outcome, result, base64, error, attempts, slot, pid, queued, ran, cpu, rss, progress

    var name: String {
      switch self {
      case .id: "id"
      case .seq: "seq"
      case .outcome: "outcome"
      case .result: "result"
      case .base64: "result_base64"
      case .error: "error"
      case .attempts: "attempts"
      case .slot: "slot"
      case .pid: "pid"
      case .queued: "queued"
      case .ran: "ran"
      case .cpu: "cpu"
      case .rss: "rss"
      case .progress: "progress"
      }
    }
  }

  private var values = InlineArray<14, JSONValue?>(repeating: nil)

  init(_ line: RawSpan) throws(JSONObjectError) {
    var twice: Field?
    let isObject: Bool
    do throws(JSONError) {
      isObject = try read(line, &twice)
      if !isObject { _ = try JSONScanner.check(line) }
    } catch {
      throw .notJSON(error)
    }
    guard isObject else { throw .notAnObject }
    if let twice { throw .twice(twice.name) }
  }

  /// False if the line is something other than an object.
  private mutating func read(_ line: RawSpan, _ twice: inout Field?) throws(JSONError) -> Bool {
    try JSONScanner.readObject(in: line) { member in
      guard let field = Self.field(named: member.name, in: line) else { return }
      if values[field.rawValue] != nil { twice = field }
      values[field.rawValue] = member.value
    }
  }

  private static func field(named name: JSONValue, in line: RawSpan) -> Field? {
    name.withText(of: line) { text in
      let field: Field
      // Length, first and last letter leave one that it can be.
      switch (text.byteCount, text.byteIfAny(at: 0), text.byteIfAny(at: text.byteCount - 1)) {
      case (2, _, _): field = .id
      case (3, UInt8(ascii: "s"), _): field = .seq
      case (3, UInt8(ascii: "p"), _): field = .pid
      case (3, UInt8(ascii: "c"), _): field = .cpu
      case (3, _, UInt8(ascii: "n")): field = .ran
      case (3, _, _): field = .rss
      case (4, _, _): field = .slot
      case (5, _, _): field = .error
      case (6, UInt8(ascii: "r"), _): field = .result
      case (6, _, _): field = .queued
      case (7, _, _): field = .outcome
      case (8, UInt8(ascii: "p"), _): field = .progress
      case (8, _, _): field = .attempts
      case (13, _, _): field = .base64
      case (_, _, _): return nil
      }
      return text.equals(field.name) ? field : nil
    }
  }

  subscript(field: Field) -> JSONValue? { values[field.rawValue] }

  private func ifGiven(_ field: Field) -> JSONValue? { self[field].flatMap { $0.kind == .null ? nil : $0 } }

  func outcome(in line: RawSpan) throws(JSONObjectError) -> String {
    guard let value = ifGiven(.outcome) else { throw .missing("outcome") }
    guard value.isString else { throw .mismatch("outcome", wanted: "a string") }
    return value.string(in: line)
  }

  func answer(in line: RawSpan) throws(JSONObjectError) -> OutputLine.Answer {
    let (result, base64, failure) = (self[.result], ifGiven(.base64), ifGiven(.error))
    switch (result, base64, failure) {
    case (let value?, nil, nil): return .result(value)
    case (nil, let value?, nil):
      guard value.isString, value.withText(of: line, Base64.check) else {
        throw .mismatch("result_base64", wanted: "a string in base64")
      }
      return .base64(value)
    case (nil, nil, let value?):
      guard value.kind == .object else { throw .mismatch("error", wanted: "an object") }
      return .failure(try Failure(line.extracting(value.range)))
    case (nil, nil, nil): throw .missing("result")
    case (_, _, _): throw .mismatch("result", wanted: "the only one of result, result_base64 and error")
    }
  }

  func number<Number: FixedWidthInteger>(_ field: Field, in line: RawSpan) throws(JSONObjectError) -> Number? {
    guard let value = ifGiven(field) else { return nil }
    guard let number: Number = value.integer(in: line) else {
      throw .mismatch(field.name, wanted: "a whole number from \(Number.min) to \(Number.max)")
    }
    return number
  }

  func required<Number: FixedWidthInteger>(_ field: Field, in line: RawSpan) throws(JSONObjectError) -> Number {
    guard let number: Number = try number(field, in: line) else { throw .missing(field.name) }
    return number
  }

  /// The value as it stands.
  func bytes(_ field: Field, in line: RawSpan) -> [UInt8]? {
    ifGiven(field).map { value in line.extracting(value.range).withUnsafeBytes { Array($0) } }
  }

  func nanoseconds(_ field: Field, in line: RawSpan) throws(JSONObjectError) -> Nanoseconds? {
    guard let value = ifGiven(field) else { return nil }
    guard let time = value.nanoseconds(in: line) else { throw .mismatch(field.name, wanted: "a number of seconds") }
    return time
  }
}

extension Failure {
  /// Reads the object that stands as `error` in a line.
  fileprivate init(_ bytes: RawSpan) throws(JSONObjectError) {
    var text: [UInt8] = []
    text.append(bytes)
    let object = try JSONObject(text)
    self.init(
      message: try object.text("message"), code: try object.numberIfAny("code"),
      data: object.jsonIfAny("data"),
      signal: try object.numberIfAny("signal"), stderr: Array((try object.textIfAny("stderr") ?? "").utf8))
  }
}
