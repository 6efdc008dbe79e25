import JSON
import WireFormats

/// Programs at a prompt, unchanged: after each job the worker is sent a command that prints a mark with a fresh nonce,
/// and the reply is all that came before the mark. No prompt shows where a reply ends, and no terminal is needed.
///
/// A worker has one job at a time. Before the first one it is sent the settings of its dialect and a first mark: what
/// comes before that is a banner, and then the worker is ready. Programs of unknown kinds may print a prompt to their
/// stdout, if it is always the same: it is found out between two marks before the first job.
public struct REPLProtocol: WorkerProtocol {
  /// How the program is spoken to.
  public var dialect: REPLDialect

  /// The protocol of programs that are spoken to like this.
  public init(_ dialect: REPLDialect) { self.dialect = dialect }

  /// `repl`
  public var name: String { "repl" }
  /// `--repl NAME`, or `--end` for a dialect of one's own.
  public var option: String { dialect.name.map { "--repl \($0)" } ?? "--end TEXT --end-reply TEXT" }
  /// None: a reply can hold any byte.
  public var framing: Framing? { nil }
  /// Each reply ends with a mark.
  public var marksReplies: Bool { true }
  /// After its first mark.
  public var announcesReady: Bool { true }

  /// The job contains a NUL byte, which no prompt takes, or is not UTF-8 where the dialect needs that.
  public func defect(of job: RawSpan) -> String? {
    if let offset = job.firstOffset(of: [0], from: 0) {
      return "the job has a NUL byte at offset \(offset), which a prompt cannot take"
    }
    return dialect.needsText && !job.isText ? "the job is not UTF-8" : nil
  }

  /// A codec with the nonces of seed 0.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    makeCodec(maximumReplySize: maximumReplySize, seed: 0)
  }

  /// A codec for one worker.
  public func makeCodec(maximumReplySize: Int, seed: UInt64) -> any WorkerCodec {
    REPLCodec(dialect, maximumReplySize: maximumReplySize, seed: seed)
  }

  /// Describes a reply.
  public var advice: ProtocolAdvice {
    ProtocolAdvice(
      unit: "reply", form: "a reply ends with the mark that is asked for after each job (\(option))",
      severalLines: nil, endsLines: true)
  }
}

/// How a kind of programs at a prompt is spoken to.
public struct REPLDialect: Sendable, Equatable {
  /// What is wrong with a dialect of one's own.
  public enum Defect: Error, Equatable, CustomStringConvertible {
    /// A text without a place for the nonce.
    case withoutNonce
    /// A text of several lines, of which each would be a mark.
    case severalLines

    /// One clause.
    public var description: String {
      switch self {
      case .withoutNonce: "has no {nonce}: output of a job could look like the end of its reply"
      case .severalLines: "has several lines"
      }
    }
  }

  /// How a job's failure is known.
  enum Verdict: Equatable {
    /// Not by the mark.
    case none
    /// The end mark is `NONCE STATUS MESSAGE NONCE`, and the status of a success is 0.
    case status
    /// The same with the status of a command, and no message.
    case exitStatus
    /// The same with an SQLSTATE, which is 00000 for a success.
    case sqlState
  }

  /// The name of the preset; nil if it is none.
  public let name: String?
  /// What is sent once, before the first job.
  let settings: [UInt8]
  /// What is sent for each job: it has the program print the begin mark, what it makes of the job, and the end mark.
  let message: REPLTemplate
  /// What asks for a mark when there is no job.
  let greeting: REPLTemplate
  /// The program may print a prompt to its stdout, and more behind each mark. It is asked for two marks before the
  /// first job: what comes between them comes behind each.
  let mayPrompt: Bool
  /// What the program prints before the reply: output before that belongs to no job.
  let beginMark: REPLTemplate
  /// What it prints after the reply, up to the status, if there is one.
  let endMark: REPLTemplate
  let verdict: Verdict
  /// What ends the program; empty if the end of its input does.
  let farewell: [UInt8]
  /// A pattern (a POSIX extended regular expression) for lines on stderr which mean that the job has failed; nil if the
  /// mark shows that.
  public let errorPattern: String?
  /// Jobs must be UTF-8.
  let needsText: Bool

  /// A dialect whose `message` prints both marks, and a status in the second one.
  init(
    name: String, settings: String = "", message: REPLTemplate, _ verdict: Verdict, farewell: String = "",
    errorPattern: String? = nil, needsText: Bool = false
  ) {
    self.name = name
    self.settings = Array(settings.utf8)
    self.message = message
    greeting = message
    mayPrompt = false
    (beginMark, endMark) = ("{begin}\n", "{nonce} ")
    self.verdict = verdict
    self.farewell = Array(farewell.utf8)
    self.errorPattern = errorPattern
    self.needsText = needsText
  }

  /// A dialect in which `end` has the program print `mark`, before a job and after it. `jobEnd`: what is sent behind a
  /// job.
  init(
    name: String?, end: REPLTemplate, jobEnd: String = "\n", mark: REPLTemplate, farewell: String = "",
    errorPattern: String? = nil
  ) {
    self.name = name
    settings = []
    message = REPLTemplate(
      pieces: end.asBeginning.pieces + [.placeholder(.job), .literal(Array(jobEnd.utf8))] + end.pieces)
    greeting = end
    mayPrompt = name == nil
    (beginMark, endMark) = (mark.asBeginning, mark)
    verdict = .none
    self.farewell = Array(farewell.utf8)
    self.errorPattern = errorPattern
    needsText = false
  }

  /// A dialect of one's own: before and after each job, behind which stands a newline, the program is sent `end`; then
  /// it prints the line `reply`. In both, `{nonce}` stands for the nonce.
  public init(end: String, reply: String) throws(Defect) {
    self.init(name: nil, end: try Self.template(end), mark: try Self.template(reply))
  }

  /// A template in which only `{nonce}` has a meaning, with a newline at its end.
  private static func template(_ text: String) throws(Defect) -> REPLTemplate {
    let template = REPLTemplate(text + "\n", placeholders: [.nonce])
    guard template.pieces.contains(.placeholder(.nonce)) else { throw .withoutNonce }
    return template
  }

  /// Checks the text of an end command or of its reply: see `init(end:reply:)`.
  public static func check(_ text: String, isReply: Bool) throws(Defect) {
    _ = try template(text)
    if isReply, text.utf8.contains(0x0A) { throw .severalLines }
  }
}
