import JSON

/// How client and server of a job socket agree on records: the client begins with `request`, and the server answers
/// with one line of JSON, `{"prefork": "0.1.0", "records": 1, "pool": "default", "max-job-size": 67108864,
/// "most-unsettled": 64}`, or `{"prefork": "0.1.0", "error": "words for a person", "code": 75}` when it does not want
/// this client.
public enum RecordsGreeting: Equatable, Sendable {
  /// From here on records flow. The longest line of a job, in bytes without its line feed, nil if that is not given;
  /// and how many jobs of one connection the server takes before it stops reading, 1 or more.
  case welcome(pool: String, maximumJobSize: Int?, mostUnsettled: Int)
  /// The server closes, for this reason, with a code of sysexits.h.
  case refusal(reason: String, code: Int)

  /// The first bytes of a client. They hold the delimiters of lines and of nul, so that no server waits for more of
  /// them.
  public static let request: [UInt8] = Array("\u{16}prefork records 1\0\n".utf8)
  /// The version of the records that is meant.
  public static let version = 1
  /// A longer answer is none, in bytes.
  public static let longestAnswer = 65536

  /// Reads the answer, without its line feed. Throws if it is not that of a server that knows these records.
  public init(_ line: [UInt8]) throws(JSONObjectError) {
    let object = try JSONObject(line)
    _ = try object.text("prefork")
    if let reason = try object.textIfAny("error") {
      self = .refusal(reason: reason, code: try object.number("code"))
      return
    }
    let version: Int = try object.number("records")
    guard version == Self.version else { throw .mismatch("records", wanted: "\(Self.version)") }
    let most: Int = try object.number("most-unsettled")
    guard most > 0 else { throw .mismatch("most-unsettled", wanted: "a whole number over 0") }
    self = .welcome(
      pool: try object.textIfAny("pool") ?? "", maximumJobSize: try object.numberIfAny("max-job-size"),
      mostUnsettled: most)
  }
}
