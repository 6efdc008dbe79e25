import JSON
import Time

/// A job that was given up, written as one line that is an `InputRecord` again: fed back in, it is the same job. What
/// is known about its end stands in one member more, which a reader of input records ignores: `"dead_letter": {"seq",
/// "outcome", "attempts": [{"outcome", "message", "code", "signal", "stderr", "slot", "pid", "ran"}, …]}`.
public struct DeadLetter: Equatable, Sendable {
  /// One attempt, from the first to the last.
  public struct Attempt: Equatable, Sendable {
    /// How it ended: a word such as `crashed`.
    public var outcome: String
    /// Why.
    public var failure: Failure
    /// The slot it ran in.
    public var slot: Int?
    /// The process it ran in.
    public var pid: Int32?
    /// How long it ran; written in seconds, to the microsecond.
    public var ran: Nanoseconds?

    /// An attempt as it is to be reported.
    public init(outcome: String, failure: Failure, slot: Int? = nil, pid: Int32? = nil, ran: Nanoseconds? = nil) {
      self.outcome = outcome
      self.failure = failure
      self.slot = slot
      self.pid = pid
      self.ran = ran
    }
  }

  /// The member that holds the evidence.
  static let evidence = "dead_letter"
  /// The member that holds a line that was no record, if it is text.
  static let badRecord = "bad_record"

  /// Which job of the input it was.
  public var seq: UInt64
  /// How it ended: a word such as `quarantined`.
  public var outcome: String
  /// Every attempt, the first one first.
  public var attempts: [Attempt]

  /// The evidence about a job that is given up.
  public init(seq: UInt64, outcome: String, attempts: [Attempt]) {
    self.seq = seq
    self.outcome = outcome
    self.attempts = attempts
  }

  /// Adds the line of a job that came as the record `line`. All its members are kept byte for byte, those that we do
  /// not know, too; only the evidence of an earlier run gives way to the new one. Adds nothing and throws if `line` is
  /// not JSON; a line that is not an object is a programming error.
  public func append(record line: RawSpan, to buffer: inout [UInt8]) throws(JSONError) {
    let start = buffer.count
    buffer.append(UInt8(ascii: "{"))
    var scanner = JSONScanner()
    precondition(scanner.enterObject(in: line), "a record is an object")
    do throws(JSONError) {
      while let member = try scanner.nextMember(in: line) {
        if member.name.says(Self.evidence, in: line) { continue }
        if buffer.last != UInt8(ascii: "{") { buffer.append(UInt8(ascii: ",")) }
        buffer.appendLine(line.extracting(member.name.range.lowerBound..<member.value.range.upperBound))
      }
      try scanner.finish(in: line)
    } catch {
      buffer.removeLast(buffer.count - start)
      throw error
    }
    appendEvidence(to: &buffer)
  }

  /// Adds the line of a job that came as plain bytes: a record whose `job` is a string that holds them, or whose
  /// `job_base64` holds them if they are not UTF-8.
  public func append(payload: RawSpan, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "{"))
    buffer.appendMember("job", bytes: payload)
    appendEvidence(to: &buffer)
  }

  /// Adds the line of a bad record, such that it is refused again when it is fed back in, and never run as a job: an
  /// object keeps its members, and so its defect; any other text stands in `bad_record`, or `bad_record_base64`. With
  /// no bytes the line holds the evidence alone.
  public func append(badRecord line: RawSpan, to buffer: inout [UInt8]) {
    var scanner = JSONScanner()
    if scanner.enterObject(in: line), (try? append(record: line, to: &buffer)) != nil { return }
    buffer.append(UInt8(ascii: "{"))
    if line.byteCount > 0 { buffer.appendMember(Self.badRecord, bytes: line) }
    appendEvidence(to: &buffer)
  }

  private func appendEvidence(to buffer: inout [UInt8]) {
    buffer.appendName(Self.evidence)
    buffer.append(UInt8(ascii: "{"))
    buffer.appendMember("seq", seq)
    buffer.appendMember("outcome", outcome)
    buffer.appendName("attempts")
    for (number, attempt) in attempts.enumerated() {
      buffer.append(number == 0 ? "[{" : ",{")
      buffer.appendMember("outcome", attempt.outcome)
      buffer.appendMembers(of: attempt.failure)
      buffer.appendMember("slot", ifAny: attempt.slot)
      buffer.appendMember("pid", ifAny: attempt.pid)
      buffer.appendMember("ran", seconds: attempt.ran)
      buffer.append(UInt8(ascii: "}"))
    }
    buffer.append(attempts.isEmpty ? "[]}}\n" : "]}}\n")
  }
}
