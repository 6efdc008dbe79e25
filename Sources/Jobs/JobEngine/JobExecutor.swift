import EventLoop
import JobCore
import JobSources
import PoolCore
import Time

/// What executes jobs: workers of our own (`LocalWorkers`), or a pool that is served elsewhere (`RemotePool`).
///
/// It calls nobody back. Its owner runs the loop, hands in jobs, events of the loop and time, and after each calls
/// `advance` until it has nothing more to report.
package protocol JobExecutor: ~Copyable {
  /// What it reports.
  associatedtype Output

  /// The jobs, from when they come in until they have come out.
  var jobs: JobTable { get set }
  /// Whether another job may come in.
  var canAccept: Bool { get }
  /// A job has come in, if in a record with what that asks for.
  mutating func accepted(_ job: JobID, _ record: RecordedJob?)
  /// Lends the reply of a job that is reported as `emit` with the outcome ok.
  func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R

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
  /// Stops the workers until `resumeWorkers`, as the terminal stops the rest of the job; does nothing without workers
  /// of our own.
  func suspendWorkers()
  func resumeWorkers()
  /// It is being stopped for good.
  var isStopping: Bool { get }
  /// Stops, and reports when it has.
  mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop)
}
