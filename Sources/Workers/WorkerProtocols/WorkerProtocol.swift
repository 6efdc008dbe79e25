import WireFormats

/// What is spoken between the pool and a worker: how a job is written to its stdin, and what the bytes on its stdout
/// mean. The pool knows no protocol by name.
///
/// A new protocol is a file or a folder here: a type with this, and one with `WorkerCodec`. What chooses it is the
/// option `--protocol` (`Sources/Commands/prefork/RunOptions.swift`), or whoever makes a `WorkerPoolConfiguration`.
public protocol WorkerProtocol: Sendable {
  /// Its name after `--protocol`, which workers find in `PREFORK_PROTOCOL`. Two protocols of the same name are the
  /// same.
  var name: String { get }

  /// The framing whose messages are jobs and replies as they are: what came in it can be sent without a look, and every
  /// reply can be written in it. Nil if there is none.
  var framing: Framing? { get }

  /// Why this job cannot be sent, to be read after `cannot be sent with --protocol NAME: `; nil if it can.
  func defect(of job: RawSpan) -> String?

  /// The codec for one worker, from its start. `maximumReplySize`: the longest reply that is let through, in bytes, 0
  /// or more.
  func makeCodec(maximumReplySize: Int) -> any WorkerCodec

  /// What people are told about it.
  var advice: ProtocolAdvice { get }
}

/// Both directions of the channel to one worker.
public protocol WorkerCodec {
  /// Writes the message that gives the worker this job, piece by piece. If one of the pieces is `job` itself, a large
  /// one is not copied. `number`: the number of the job, which no other job of the pool has; 0 for a probe or a reset.
  mutating func encode(_ job: UnsafeRawBufferPointer, number: UInt64, to write: (UnsafeRawBufferPointer) -> Void)

  /// What stands at the front of `bytes`: all that came from the worker and was not consumed, and more each time. A
  /// codec looks at no byte twice, however small the pieces are in which a message comes.
  mutating func decode(_ bytes: RawSpan) -> WorkerMessage
}

/// A message of a worker, as far as it is there. `consumed` are the bytes to drop from the front when it is done with.
public enum WorkerMessage: Sendable, Equatable {
  /// The reply to the job at the head, or to the probe or reset that was sent: `payload` are offsets in the bytes given.
  case reply(payload: Range<Int>, consumed: Int)
  /// The job at the head has failed, and the worker lives on.
  indirect case failure(ReplyFailure, consumed: Int)
  /// The message is not there yet. `consumed` is more than 0 only for bytes that mean nothing.
  case needMore(consumed: Int)
  /// The reply is over the limit. Its end need not be there: a worker that never ends a reply would be read for ever.
  case oversize
  /// The worker does not keep to the protocol, for this reason; nothing that follows can be trusted.
  indirect case violation(String)
}

/// What a worker says of a job that has failed.
public struct ReplyFailure: Sendable, Equatable {
  /// For people, of one line or more; may be empty.
  public var message: String
  /// A number for programs, if the protocol has one.
  public var code: Int?

  /// A failure.
  public init(message: String, code: Int? = nil) {
    self.message = message
    self.code = code
  }
}

/// What people are told about a protocol when something is wrong with a worker.
public struct ProtocolAdvice: Sendable {
  /// What a worker answers a job with: `line`, `reply`.
  public var unit: String
  /// How a reply looks: `a reply ends with a newline (--protocol lines)`.
  public var form: String
  /// What to try for replies of several lines; nil if the protocol has them.
  public var severalLines: String?
  /// A reply ends with a newline: a worker that buffers its output may hold whole replies back.
  public var endsLines: Bool

  /// Advice.
  public init(unit: String, form: String, severalLines: String?, endsLines: Bool) {
    self.unit = unit
    self.form = form
    self.severalLines = severalLines
    self.endsLines = endsLines
  }
}
