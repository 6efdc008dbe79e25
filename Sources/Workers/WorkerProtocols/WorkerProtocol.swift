import WireFormats

/// The language between the pool and a worker: how a job is written to the worker's stdin, and what the bytes on its
/// stdout mean. The pool knows no protocol by name.
///
/// A new protocol is a file or a folder here, with two types: one conforms to this protocol, the other to
/// `WorkerCodec`. The option `--protocol` (`Sources/Commands/prefork/RunOptions.swift`) or a `WorkerPoolConfiguration`
/// selects it.
public protocol WorkerProtocol: Sendable {
  /// The name, as `--protocol` takes it and workers find it in `PREFORK_PROTOCOL`. Two protocols with the same name are
  /// the same protocol.
  var name: String { get }

  /// The framing whose messages are plain jobs and replies: a job that came in this framing needs no check before it is
  /// sent, and every reply fits into it. Nil if there is none.
  var framing: Framing? { get }

  /// Why this job cannot be sent, phrased to follow `cannot be sent with --protocol NAME: `; nil if it can.
  func defect(of job: RawSpan) -> String?

  /// Makes the codec for one worker that was just started. `maximumReplySize`: the longest reply that it accepts, in
  /// bytes, 0 or more.
  func makeCodec(maximumReplySize: Int) -> any WorkerCodec

  /// How messages describe the protocol.
  var advice: ProtocolAdvice { get }
}

/// Both directions of the channel to one worker.
public protocol WorkerCodec {
  /// Writes the message that carries this job to the worker, piece by piece. A large job is not copied if one of the
  /// pieces is `job` itself. `number`: identifies the job within the pool; 0 for a probe or a reset.
  mutating func encode(_ job: UnsafeRawBufferPointer, number: UInt64, to write: (UnsafeRawBufferPointer) -> Void)

  /// Decodes the message at the front of `bytes`, which are all bytes from the worker that were not consumed yet. They
  /// grow from call to call. A codec should look at each byte once, however small the pieces of a message are.
  mutating func decode(_ bytes: RawSpan) -> WorkerMessage
}

/// A message from a worker, as far as it has arrived. `consumed`: how many bytes to drop from the front afterwards.
public enum WorkerMessage: Sendable, Equatable {
  /// The reply to the job at the head, or to the probe or reset that was sent. `payload`: its offsets in the bytes.
  case reply(payload: Range<Int>, consumed: Int)
  /// The job at the head has failed, and the worker lives on.
  indirect case failure(ReplyFailure, consumed: Int)
  /// The message is incomplete. `consumed` is more than 0 only for bytes without a meaning.
  case needMore(consumed: Int)
  /// The reply is over the limit. Its end need not have arrived: the pool does not read a reply without end.
  case oversize
  /// The worker broke the protocol, for this reason. Nothing that follows can be trusted.
  indirect case violation(String)
}

/// How a worker describes a job that has failed.
public struct ReplyFailure: Sendable, Equatable {
  /// The reason, in one line or more; may be empty.
  public var message: String
  /// An error code, if the protocol has one.
  public var code: Int?

  /// A failure.
  public init(message: String, code: Int? = nil) {
    self.message = message
    self.code = code
  }
}

/// How messages describe a protocol when something is wrong with a worker.
public struct ProtocolAdvice: Sendable {
  /// The name of a reply: `line`, `reply`.
  public var unit: String
  /// The form of a reply: `a reply ends with a newline (--protocol lines)`.
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
