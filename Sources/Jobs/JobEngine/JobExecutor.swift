import EventLoop
import JobCore
import JobSources
import PoolCore
import Time

/// An executor of jobs: our own workers (`LocalWorkers`), or a served pool (`RemotePool`).
///
/// It makes no callbacks. Its owner runs the loop, passes in jobs, events of the loop and time, and after each calls
/// `advance` until the executor has nothing more to report.
package protocol JobExecutor: ~Copyable {
  /// What it reports.
  associatedtype Output

  /// All jobs that came in and have not come out yet.
  var jobs: JobTable { get set }
  /// Whether another job may come in.
  var canAccept: Bool { get }
  /// A job has come in, with its record if it came in one.
  mutating func accepted(_ job: JobID, _ record: RecordedJob?)
  /// Lends the reply of a job that is reported as `emit` with the outcome ok.
  func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R

  mutating func start(_ loop: inout EventLoop, _ reporter: inout Reporter)
  /// When `fireTimers` is wanted, by the clock of the loop; nil for never.
  var nextDeadline: Instant? { get }
  mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Handles an event of the loop; false if the descriptor belongs to something else.
  mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool
  /// Whether `advance` has something to do.
  var hasNews: Bool { get }
  /// Works until there is something to report; nil when nothing is left to do.
  mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> Output?
  /// Reports only what is decided already: it sends no job and reads no reply, so that more jobs can come in first.
  mutating func nextOutput(_ loop: inout EventLoop, _ reporter: inout Reporter) -> Output?
  /// The turn of the loop ends. Results, or messages, may be held back because their readers are slow.
  mutating func endTurn(
    holdingResults: Bool, holdingMessages: Bool, _ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Takes back the jobs that a worker has not really begun.
  mutating func takeBackUnstarted(_ loop: inout EventLoop)
  /// Stops the workers until `resumeWorkers`, as the terminal stops the rest of its job. Does nothing without workers
  /// of our own.
  func suspendWorkers()
  func resumeWorkers()
  /// Whether it is stopping for good.
  var isStopping: Bool { get }
  /// Stops, and reports when it has.
  mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop)
}
