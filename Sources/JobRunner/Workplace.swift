import Chronicle
import EventLoop
import JobCore
import JobEngine
import PoolCore
import Records
import Time
import WireFormats

/// Where the jobs of a run are done: by workers of our own (`LocalWorkers`), or in a pool that is served elsewhere
/// (`RemotePool`).
///
/// It keeps the jobs from when they are accepted until they have come out, and everything that is known of them.
protocol Workplace: ~Copyable {
  /// What it reports.
  associatedtype Output

  /// The jobs, from when they come in until they have come out.
  var jobs: JobTable { get set }

  // MARK: Jobs in

  /// Whether another job may come in.
  var canAccept: Bool { get }
  /// Why a job of these bytes, which were framed like this (nil: in a record), cannot be done, to be read after `the
  /// job`; nil if it can.
  func defect(of payload: UnsafeRawBufferPointer, from framing: Framing?) -> String?
  /// A job comes in. `complete` adds what is known of it, if anybody wants the details.
  mutating func accept(
    _ payload: UnsafeRawBufferPointer, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void)
  /// A job comes in, in the record in `line`.
  mutating func accept(
    _ payload: UnsafeRawBufferPointer, of record: InputRecord, _ line: RawSpan, answer: Framing?,
    _ loop: borrowing EventLoop, _ complete: (inout JobFacts.Details) -> Void)
  /// Lends the reply of a job that is reported as `emit` with the outcome ok.
  func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R

  // MARK: Going on

  mutating func start(_ loop: inout EventLoop, _ reporter: inout Reporter)
  /// When `fireTimers` is wanted, by the clock of the loop; nil for never.
  var nextDeadline: Instant? { get }
  mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Takes an event of the loop; false if the descriptor is not its own.
  mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool
  /// Whether `advance` has something to do.
  var hasNews: Bool { get }
  /// Works until there is something to report; nil when nothing is left to do.
  mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> Output?
  /// The same for what was decided already: no job is sent and no reply is read, so that more jobs can come in first.
  mutating func nextOutput(_ loop: inout EventLoop, _ reporter: inout Reporter) -> Output?
  /// At the end of each turn: whether results, or messages, are held back because their readers are slow.
  mutating func endTurn(
    holdingResults: Bool, holdingMessages: Bool, _ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Jobs that are begun only in name are taken back.
  mutating func takeBackUnstarted(_ loop: inout EventLoop)
  /// It is being stopped for good.
  var isStopping: Bool { get }
  /// Stops, and tells when it has.
  mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop)

  // MARK: Signals, and what people are told

  /// The signals that mean something to it, besides those of every run.
  var signals: [CInt] { get }
  /// Stops the workers until `resumeWorkers`, as the terminal stops the rest of the job; does nothing without workers
  /// of our own.
  func suspendWorkers()
  func resumeWorkers()
  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Nothing has come back for long, at least since then: says why that may be; false if that need not be looked at
  /// again.
  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool
  /// What is done there, for a heading.
  var title: String { get }
  /// After so many jobs a worker is replaced; nil for never, or if that is not our affair.
  var maximumJobs: Int64? { get }
  var crowd: Crowd { get }
  /// What to advise about memory, if it is for us to change something.
  func advice(_ advice: MemoryAdvice) -> String?
  /// What the run ended as, if something was wrong with the workplace itself.
  var verdict: RunEnd? { get }

  /// Takes what the workplace has told.
  static func take(_ output: Output, _ driver: inout RunDriver<Self>)
}

/// Who is there to do jobs.
struct Crowd {
  /// Workers, or places, that serve.
  var serving: Int
  /// Those that start.
  var starting: Int
  /// How many there shall be.
  var slots: Int
  /// What is out of the ordinary.
  var phase: Progress.Phase
}
