import JSON

/// Why a line is no record. The job fails with this; the input goes on with the next line.
public enum RecordError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line is not JSON.
  case notJSON(JSONError)
  /// The line is JSON, but not an object.
  case notAnObject(JSONValue.Kind)
  /// There is neither `job` nor `job_base64`.
  case noJob
  /// A dead letter: what it holds was no record, and is to be repaired first.
  case deadBadRecord
  /// A dead letter: its job was too large to be kept.
  case deadWithoutJob
  /// There are both `job` and `job_base64`.
  case twoJobs
  /// A field that is known is given twice: it is ambiguous which is meant.
  case twice(InputRecord.Field)
  /// A field holds something that it must not hold; `found` is what, in words or as the number that it is.
  case wrongValue(InputRecord.Field, found: String)

  /// What it was, and what it must be.
  public var description: String {
    switch self {
    case .notJSON(let error): "not JSON: \(error)"
    case .notAnObject(let kind): "\(kind.words), not an object such as {\"job\": \"text\"}"
    case .noJob: "no \"job\"; it must be there, or \"job_base64\""
    case .deadBadRecord:
      "a dead letter of a bad record; repair the text in its \"bad_record\", and put that in the place of this line"
    case .deadWithoutJob: "a dead letter without its job, which was too large to be kept (--max-job-size)"
    case .twoJobs: "\"job\" and \"job_base64\" in one record; it must be one of the two"
    case .twice(let field): "\"\(field.name)\" is given twice"
    case .wrongValue(let field, let found): "\"\(field.name)\" is \(found); it must be \(field.wanted)"
    }
  }

  /// The longest number that a sentence can hold.
  private static let longestShown = 40

  /// A value in words, a short number as it stands.
  static func shown(_ value: JSONValue, in line: RawSpan) -> String {
    guard value.kind == .number else { return value.kind.words }
    guard value.range.count <= longestShown else { return "a number of \(value.range.count) characters" }
    return value.range.reduce(into: "") { $0.unicodeScalars.append(Unicode.Scalar(line.byte(at: $1))) }
  }
}

extension JSONValue.Kind {
  fileprivate var words: String {
    switch self {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string"
    case .number: "a number"
    case .yes: "true"
    case .no: "false"
    case .null: "null"
    }
  }
}

extension InputRecord.Field {
  /// What it must be.
  fileprivate var wanted: String {
    switch self {
    case .id, .job, .key: "a value"
    case .jobBase64: "a string in base64, with padding (RFC 4648)"
    case .timeout: "a number of seconds over 0 and up to \(InputRecord.longestTimeout.wholeSeconds)"
    case .retries: "a whole number from 0 to \(InputRecord.mostRetries)"
    case .priority: "a whole number from \(Int32.min) to \(Int32.max)"
    }
  }
}
