import Chronicle
import EventLoop
import JobCore
import JobEngine
import PoolCore
import Records
import Time
import WireFormats

/// Where the jobs of a run are done: by workers of our own (`LocalWorkers`), or in a pool that is served elsewhere (`RemotePool`).
///
/// It keeps the jobs from when they are accepted until they have come out, and everything that is known of them.
protocol Workplace: ~Copyable {
  /// What it tells.
  associatedtype Output

  // MARK: Jobs in

  /// Whether another job may come in.
  var canAccept: Bool { get }
  /// Why a job of these bytes, which were framed like this (nil: in a record), cannot be done, to be read after `the job`; nil if it can.
  func defect(of payload: UnsafeRawBufferPointer, from framing: Framing?) -> String?
  /// A job comes in. `complete` adds what is known of it, if anybody wants the details.
  mutating func accept(
    _ payload: UnsafeRawBufferPointer, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void)
  /// A job comes in, in the record in `line`.
  mutating func accept(
    _ payload: UnsafeRawBufferPointer, of record: InputRecord, _ line: RawSpan, answer: Framing?,
    _ loop: borrowing EventLoop, _ complete: (inout JobFacts.Details) -> Void)
  /// A job that cannot be done is an outcome, too.
  mutating func reject(
    _ reason: String, bytes: [UInt8], isAJob: Bool, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID?
  /// What happens to all jobs: the end of the input, for one.
  mutating func tell(_ event: JobEvent)
  /// Starts nothing new: what waits is cancelled for this reason, what runs finishes.
  mutating func drain(because cause: CancelCause)
  /// Whatever is not settled is cancelled.
  mutating func abandon(because cause: CancelCause)

  // MARK: What is known of jobs

  var counts: JobCounts { get }
  var isHalted: Bool { get }
  /// Whether there are details.
  var keepsDetails: Bool { get }
  func sequence(of job: JobID) -> UInt64
  func attempts(of job: JobID) -> Int
  func attempt(of job: JobID) -> JobFacts.Attempt
  func details(of job: JobID) -> JobFacts.Details
  /// The job itself, as long as it has not been replaced by its reply; no more than so many bytes of it.
  func payload(of job: JobID, atMost limit: Int) -> [UInt8]
  /// Lends the reply of a job that is being told as `emit` with the outcome ok.
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
  /// Does what is to be done until there is something to report; nil when nothing is left for now.
  mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> Output?
  /// Likewise, but no job is begun and none ends: more can come in first.
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
  /// Nothing has come back for long, at least since then: says why that may be; false if that need not be looked at again.
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
