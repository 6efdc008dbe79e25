import Time
import WireFormats

/// The language between the pool and a worker: how a job is written to the worker's stdin, and what the bytes on its
/// stdout mean. The pool knows no protocol by name.
///
/// A new protocol is a file or a folder here, with two types: one conforms to this protocol, the other to
/// `WorkerCodec`. The option `--protocol` (`Sources/Commands/prefork/ProtocolOptions.swift`) or a
/// `WorkerPoolConfiguration` selects it.
public protocol WorkerProtocol: Sendable {
  /// The name, as `--protocol` takes it and workers find it in `PREFORK_PROTOCOL`. Two protocols with the same name are
  /// the same protocol.
  var name: String { get }

  /// The framing whose messages are plain jobs: a job that came in this framing needs no check before it is sent. Nil
  /// if there is none.
  var framing: Framing? { get }

  /// The framing into which every reply fits; nil if there is none. The same as `framing`, unless a protocol implements
  /// it.
  var replyFraming: Framing? { get }

  /// The most jobs that a worker has at once, 1 or more, if its answers name their jobs: then they may come in any
  /// order. Nil if it answers in the order of its jobs.
  var concurrency: Int? { get }

  /// The most jobs in one message to a worker, 1 or more, if messages carry several: workers find it in
  /// `PREFORK_BATCH`. Nil if each message carries one job. A worker that is sent several answers all of them before it
  /// is sent more.
  var batch: Int? { get }

  /// Whether a worker is ready only when its codec reports the notice `ready`.
  var announcesReady: Bool { get }

  /// Whether each reply ends with a mark that cannot be foreseen. Then a worker has one job at a time, is ready only
  /// after a first mark (`announcesReady`), and puts no reply in doubt by what it writes when it is stopped.
  var marksReplies: Bool { get }

  /// The option that selects it on a command line.
  var option: String { get }

  /// What is appended to the arguments of a worker, unless it is among them: what makes the program speak the protocol.
  var workerArguments: [String] { get }

  /// Why this job cannot be sent, phrased to follow `cannot be sent with OPTION: `; nil if it can.
  func defect(of job: RawSpan) -> String?

  /// What becomes of a message that each worker is sent at its start, before its first job. The usual: it is sent like
  /// a job, and answered.
  func form(ofInitial message: RawSpan) -> InitialMessageForm

  /// Makes the codec for one worker that was just started. `maximumReplySize`: the longest reply that it accepts, in
  /// bytes, 0 or more.
  func makeCodec(maximumReplySize: Int) -> any WorkerCodec

  /// The same for a codec that draws random numbers: from this seed, which is another one for each worker.
  func makeCodec(maximumReplySize: Int, seed: UInt64) -> any WorkerCodec

  /// How messages describe the protocol.
  var advice: ProtocolAdvice { get }
}

/// The usual: replies come in the order of the jobs, and readiness is not announced.
extension WorkerProtocol {
  /// Answers come in the order of the jobs.
  public var concurrency: Int? { nil }
  /// Each message carries one job.
  public var batch: Int? { nil }
  /// Replies fit into the framing of jobs.
  public var replyFraming: Framing? { framing }
  /// Readiness is not announced.
  public var announcesReady: Bool { false }
  /// Replies have no marks.
  public var marksReplies: Bool { false }
  /// `--protocol NAME`
  public var option: String { "--protocol \(name)" }
  /// Programs need no arguments to speak it.
  public var workerArguments: [String] { [] }

  /// An answered one, if it can be sent as a job.
  public func form(ofInitial message: RawSpan) -> InitialMessageForm {
    defect(of: message).map { .unusable("it cannot be sent with \(option): \($0)") } ?? .answered
  }

  /// A codec that draws no random numbers.
  public func makeCodec(maximumReplySize: Int, seed: UInt64) -> any WorkerCodec {
    makeCodec(maximumReplySize: maximumReplySize)
  }
}

/// What becomes of a message that each worker is sent at its start.
public enum InitialMessageForm: Sendable, Equatable {
  /// The worker answers it once.
  case answered
  /// The worker does not answer it.
  case unanswered
  /// It cannot be sent, for this reason.
  case unusable(String)
}

/// Both directions of the channel to one worker.
public protocol WorkerCodec {
  /// Writes what a fresh worker is sent first, before any job. Nothing, unless the codec implements it.
  mutating func greet(to write: (UnsafeRawBufferPointer) -> Void)

  /// Continues the greeting of a worker that is not ready yet, `age` after its start: writes what it is to be sent by
  /// now. Called once after `greet`, and again after each wait that it returns; nil: there is nothing to wait for, the
  /// usual.
  mutating func continueGreeting(atAge age: Nanoseconds, to write: (UnsafeRawBufferPointer) -> Void) -> Nanoseconds?

  /// Writes the message that carries this job to the worker, piece by piece. A large job is not copied if one of the
  /// pieces is `job` itself. `id`: no other message to this worker has the same; an answer that names its job names it
  /// by this.
  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void)

  /// Begins a message that carries this many jobs, 1 or more: they follow, one `encode` each, and then `endBatch`. Only
  /// of a protocol with a `batch`.
  mutating func beginBatch(of count: Int, to write: (UnsafeRawBufferPointer) -> Void)

  /// Writes what is left of the message that `beginBatch` has begun.
  mutating func endBatch(to write: (UnsafeRawBufferPointer) -> Void)

  /// Writes a message that each worker is sent at its start, if such a message differs from a job. The answer is an
  /// unnamed `reply` or `failure`. False, and nothing is written, if it does not differ: the usual.
  mutating func encode(initial message: UnsafeRawBufferPointer, to write: (UnsafeRawBufferPointer) -> Void) -> Bool

  /// Writes a message that is no job. False, and nothing is written, if the protocol has no such message: the usual.
  mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool

  /// Decodes the message at the front of `bytes`, which are all bytes from the worker that were not consumed yet. They
  /// grow from call to call. A codec should look at each byte once, however small the pieces of a message are.
  mutating func decode(_ bytes: RawSpan) -> WorkerMessage
}

extension WorkerCodec {
  /// Writes nothing.
  public mutating func greet(to write: (UnsafeRawBufferPointer) -> Void) {}
  /// Writes nothing.
  public mutating func continueGreeting(
    atAge age: Nanoseconds, to write: (UnsafeRawBufferPointer) -> Void
  ) -> Nanoseconds? { nil }
  /// Nothing stands before the jobs of a message.
  public mutating func beginBatch(of count: Int, to write: (UnsafeRawBufferPointer) -> Void) {}
  /// Nothing stands behind them.
  public mutating func endBatch(to write: (UnsafeRawBufferPointer) -> Void) {}
  /// It is a job like any other.
  public mutating func encode(
    initial message: UnsafeRawBufferPointer, to write: (UnsafeRawBufferPointer) -> Void
  ) -> Bool { false }
  /// There are no such messages.
  public mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool { false }
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
