import JSON

/// A line that a server sends to `prefork submit` besides its output records: an answer that was sent before cannot
/// be trusted. `{"id":17,"withdrawn":"worker 0 (pid 812) wrote …"}`
public struct WithdrawnAnswer: Equatable, Sendable {
  /// The id of the job, which `submit` gives as a whole number.
  public let id: UInt64
  /// What is known of it.
  public let reason: String

  /// Reads a line, without its line feed. Nil if it is none of these.
  public init?(_ line: RawSpan) {
    var text: [UInt8] = []
    text.append(line)
    guard let object = try? JSONObject(text), let reason = try? object.text("withdrawn"),
      let id: UInt64 = try? object.number("id")
    else { return nil }
    self.id = id
    self.reason = reason
  }

  /// The line, with its line feed. `id` is the JSON value that the job came with.
  public static func line(id: [UInt8], reason: String) -> [UInt8] {
    Array("{\"id\":".utf8) + id + Array(",".utf8)
      + JSONWriter.object { $0.member("withdrawn", reason) }.dropFirst() + Array("\n".utf8)
  }
}
