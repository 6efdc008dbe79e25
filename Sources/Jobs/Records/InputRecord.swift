import JSON
import Time

/// A job as one line of JSON, `{"id": any, "job": value, "key": …, "timeout": …, "retries": …, "priority": …}`: what it
/// holds, and where its parts stand in the line. Nothing is copied or allocated, and the payload is never encoded
/// again.
///
/// - `job`, the payload, any value. Bytes that are no text stand as base64 in `job_base64` instead; a record has one of
///   the two.
/// - `id`, any value: comes back with the result, byte for byte. Whether two records share one is not looked at.
/// - `key`, any value: the name under which a resumed run knows the job again.
/// - `timeout`, seconds over 0: the run limit of this job.
/// - `retries`, 0 to 1 000 000: extra attempts for this job.
/// - `priority`, a whole number, 0 if not given: a higher one goes first.
///
/// Each may be given once. A `key`, `timeout`, `retries` or `priority` of null counts as not given, since many programs
/// write null for what they do not have. Other members are ignored, as long as they are JSON: what a later version will
/// know must not break an earlier one, and a dead letter's evidence stands in one.
public struct InputRecord: Equatable, Sendable {
  /// What the record can hold.
  public enum Field: Int, Sendable {
    /// Comes back with the result.
    case id
    /// The payload.
    case job
    /// The payload, as base64.
    case jobBase64
    /// The name for resuming.
    case key
    /// The run limit.
    case timeout
    /// Extra attempts.
    case retries
    /// What goes first.
    case priority

    /// The member's name.
    public var name: String {
      switch self {
      case .id: "id"
      case .job: "job"
      case .jobBase64: "job_base64"
      case .key: "key"
      case .timeout: "timeout"
      case .retries: "retries"
      case .priority: "priority"
      }
    }
  }

  /// The payload as the record has it.
  public enum Job: Equatable, Sendable {
    /// Any value.
    case value(JSONValue)
    /// A string that is base64.
    case base64(JSONValue)
  }

  /// The longest `timeout`: 292 years, in whole seconds.
  public static let longestTimeout: Nanoseconds = .seconds(UInt64(Int64.max) / 1_000_000_000)
  /// The most `retries`.
  public static let mostRetries = 1_000_000

  /// Where the id stands in the line; nil if there is none.
  public let id: Range<Int>?
  /// The payload.
  public let job: Job
  /// The key; nil if there is none.
  public let key: JSONValue?
  /// The run limit, over 0; what is finer than a nanosecond is cut off. Nil if there is none.
  public let timeout: Nanoseconds?
  /// How many extra attempts, 0...1 000 000; nil if it is not given.
  public let retries: Int?
  /// The higher, the earlier.
  public let priority: Int32

  /// Reads a line, without its line feed. The ranges are offsets in it.
  public init(_ line: RawSpan) throws(RecordError) {
    let members = try Members(line)
    switch (members[.job], members[.jobBase64]) {
    case (let value?, nil): job = .value(value)
    case (nil, let value?): job = .base64(try Self.checkedBase64(value, in: line))
    case (nil, nil): throw Self.errorWithoutJob(line)
    case (_?, _?): throw .twoJobs
    }
    id = members[.id]?.range
    key = members.ifGiven(.key)
    timeout = try Self.nanoseconds(members.ifGiven(.timeout), in: line)
    let retries = 0...Int64(Self.mostRetries)
    self.retries = try Self.integer(members.ifGiven(.retries), in: line, field: .retries, range: retries).map(Int.init)
    let priorities = Int64(Int32.min)...Int64(Int32.max)
    let priority = try Self.integer(members.ifGiven(.priority), in: line, field: .priority, range: priorities)
    self.priority = Int32(priority ?? 0)
  }
}

extension InputRecord {
  /// What a record without a job is: perhaps the dead letter of what was none.
  private static func errorWithoutJob(_ line: RawSpan) -> RecordError {
    var scanner = JSONScanner()
    guard scanner.enterObject(in: line) else { return .noJob }
    var (members, evidence) = (0, 0)
    while let member = try? scanner.nextMember(in: line) {
      members += 1
      if member.name.says(DeadLetter.evidence, in: line) { evidence += 1 }
      for name in [DeadLetter.badRecord, DeadLetter.badRecord + "_base64"] where member.name.says(name, in: line) {
        return .deadBadRecord
      }
    }
    return members == 1 && evidence == 1 ? .deadWithoutJob : .noJob
  }

  /// Where the id stands in a line that may be a bad record otherwise; nil if there is none, or the line is no object.
  public static func id(of line: RawSpan) -> Range<Int>? {
    guard let members = try? Members(line) else { return nil }
    return members[.id]?.range
  }
}

// MARK: - What goes to the worker

extension InputRecord {
  /// Where the payload stands as JSON, for a worker that is spoken to in JSON; nil for `job_base64`, which is not JSON
  /// but bytes.
  public var jobRange: Range<Int>? {
    switch job {
    case .value(let value): value.range
    case .base64: nil
    }
  }

  /// Adds the payload for a worker that is spoken to in bytes: the text of a string, the bytes that base64 stands for,
  /// any other value as it stands in `line`, the line of this record. It may hold any byte, the delimiter of the
  /// worker's framing, too.
  public func appendJob(of line: RawSpan, to buffer: inout [UInt8]) {
    switch job {
    case .value(let value):
      value.appendText(of: line, to: &buffer)
    case .base64(let value):
      value.withText(of: line) { Base64.appendDecoded($0, to: &buffer) }
    }
  }

  /// Adds the key, if there is one: the text of a string, any other value as it stands in `line`. The keys `5` and
  /// `"5"` are therefore one.
  public func appendKey(of line: RawSpan, to buffer: inout [UInt8]) {
    key?.appendText(of: line, to: &buffer)
  }
}

// MARK: - What a field may hold

extension InputRecord {
  private static func nanoseconds(_ value: JSONValue?, in line: RawSpan) throws(RecordError) -> Nanoseconds? {
    guard let value else { return nil }
    guard value.kind == .number, let number = Decimal(value.range, in: line, scale: 9), !number.isNegative,
      number.magnitude > 0, number.magnitude <= longestTimeout.count
    else { throw .wrongValue(.timeout, found: RecordError.shown(value, in: line)) }
    return Nanoseconds(number.magnitude)
  }

  /// A number is whole by its value: 3, 3.0 and 0.3e1 are the same number.
  private static func integer(
    _ value: JSONValue?, in line: RawSpan, field: Field, range: ClosedRange<Int64>
  ) throws(RecordError) -> Int64? {
    guard let value else { return nil }
    guard value.kind == .number, let number = Decimal(value.range, in: line, scale: 0), number.isWhole,
      let magnitude = Int64(exactly: number.magnitude), range.contains(number.isNegative ? -magnitude : magnitude)
    else { throw .wrongValue(field, found: RecordError.shown(value, in: line)) }
    return number.isNegative ? -magnitude : magnitude
  }

  private static func checkedBase64(_ value: JSONValue, in line: RawSpan) throws(RecordError) -> JSONValue {
    guard value.isString else { throw .wrongValue(.jobBase64, found: RecordError.shown(value, in: line)) }
    guard value.withText(of: line, Base64.check) else {
      throw .wrongValue(.jobBase64, found: "a string but not base64")
    }
    return value
  }
}
