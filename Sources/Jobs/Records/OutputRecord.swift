import JSON
import Time

/// What became of one job, written as one line of JSON, in this order: `{"id", "seq", "outcome", "result" | "error":
/// {"message", "code", "signal", "stderr"}, "attempts", "slot", "pid", "queued", "ran", "cpu", "rss", "progress"}`. What is not
/// known is left out.
///
/// `result` has two forms:
/// - JSON (`--reply json`, and the reply is JSON): the value, byte for byte as the worker wrote it, never encoded again.
/// - bytes: a string that holds the reply, since a reply that merely looks
///   like JSON must not change its type (`1`, `true`, `"a"`). A reply that is not UTF-8 cannot stand in JSON: it is
///   written as base64 under the name `result_base64`, so that nothing is lost, and a program that reads only `result`
///   gets no false text.
public struct OutputRecord: Equatable, Sendable {
  /// Which job of the input it was.
  public var seq: UInt64
  /// How it ended: a word such as `ok` or `timeout`.
  public var outcome: String
  /// How many attempts were made, 0 if it never came to a worker.
  public var attempts: Int
  /// The slot of the last attempt.
  public var slot: Int?
  /// The process of the last attempt.
  public var pid: Int32?
  /// How long it waited for a worker. All times are written in seconds, to the microsecond.
  public var queued: Nanoseconds?
  /// How long the last attempt ran.
  public var ran: Nanoseconds?
  /// How much processor time the last attempt took.
  public var cpu: Nanoseconds?
  /// By how many bytes the resident memory of its worker changed over the last attempt.
  public var rss: Int64?
  /// How far the job had come when its worker last reported that: `{"done", "total", "message"}`, in JSON.
  public var progress: [UInt8]?

  /// A record of a job that is settled.
  public init(
    seq: UInt64, outcome: String, attempts: Int, slot: Int? = nil, pid: Int32? = nil, queued: Nanoseconds? = nil,
    ran: Nanoseconds? = nil, cpu: Nanoseconds? = nil, rss: Int64? = nil, progress: [UInt8]? = nil
  ) {
    self.seq = seq
    self.outcome = outcome
    self.attempts = attempts
    self.slot = slot
    self.pid = pid
    self.queued = queued
    self.ran = ran
    self.cpu = cpu
    self.rss = rss
    self.progress = progress
  }

  /// The value of `progress`. `total`: nil if it is not known. What is no finite number is left out, and so is an empty
  /// message.
  public static func progress(done: Double, total: Double?, message: String) -> [UInt8] {
    var value = Array("{".utf8)
    for case (let name, let number?) in [("done", done), ("total", total)] where number.isFinite {
      value.appendName(name)
      value.append(Int64(exactly: number).map { "\($0)" } ?? "\(number)")
    }
    if !message.isEmpty { value.appendMember("message", message) }
    value.append(UInt8(ascii: "}"))
    return value
  }

  /// Adds the line of a job whose worker answered with bytes. `id` is the JSON value that the job came with, nil if it
  /// had none.
  public func append(reply: RawSpan, id: RawSpan?, to buffer: inout [UInt8]) {
    appendStart(id: id, to: &buffer)
    buffer.appendMember("result", bytes: reply)
    appendEnd(to: &buffer)
  }

  /// The same. `keepingJSON`: a reply that is JSON stands as the JSON that it is.
  public func append(reply: RawSpan, keepingJSON: Bool, id: RawSpan?, to buffer: inout [UInt8]) {
    if keepingJSON, (try? JSONScanner.check(reply)) != nil { return append(jsonReply: reply, id: id, to: &buffer) }
    append(reply: reply, id: id, to: &buffer)
  }

  /// Adds the line of a job whose worker answered with a JSON value, which was checked. A line feed in it is white
  /// space, and becomes a space.
  public func append(jsonReply: RawSpan, id: RawSpan?, to buffer: inout [UInt8]) {
    appendStart(id: id, to: &buffer)
    buffer.appendMember("result", json: jsonReply)
    appendEnd(to: &buffer)
  }

  /// Adds the line of a job whose reply stands elsewhere. `id` as above.
  public func append(id: RawSpan?, to buffer: inout [UInt8]) {
    appendStart(id: id, to: &buffer)
    appendEnd(to: &buffer)
  }

  /// Adds the line of a job that did not end well.
  public func append(_ failure: Failure, id: RawSpan?, to buffer: inout [UInt8]) {
    appendStart(id: id, to: &buffer)
    buffer.appendName("error")
    buffer.append(UInt8(ascii: "{"))
    buffer.appendMembers(of: failure)
    buffer.append(UInt8(ascii: "}"))
    appendEnd(to: &buffer)
  }

  private func appendStart(id: RawSpan?, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "{"))
    if let id { buffer.appendMember("id", json: id) }
    buffer.appendMember("seq", seq)
    buffer.appendMember("outcome", outcome)
  }

  private func appendEnd(to buffer: inout [UInt8]) {
    buffer.appendMember("attempts", attempts)
    buffer.appendMember("slot", ifAny: slot)
    buffer.appendMember("pid", ifAny: pid)
    buffer.appendMember("queued", seconds: queued)
    buffer.appendMember("ran", seconds: ran)
    buffer.appendMember("cpu", seconds: cpu)
    buffer.appendMember("rss", ifAny: rss)
    if let progress { buffer.appendMember("progress", json: progress.span.bytes) }
    buffer.append("}\n")
  }
}
