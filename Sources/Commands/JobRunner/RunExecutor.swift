import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobSources
import Time

/// What a run shows of its executor, and how signals control it.
protocol RunExecutor: JobExecutor, ~Copyable {
  /// The signals that it handles, besides those of every run.
  var signals: [CInt] { get }
  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter)
  /// No result has come for a long time, at least since then: reports why. False if there is no need to look again.
  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool
  /// Names the work, for a heading.
  var title: String { get }
  /// The number of jobs after which a worker is replaced; nil for never, or if the workers are not ours.
  var maximumJobs: Int64? { get }
  var capacity: ExecutorCapacity { get }
  /// Advice about memory, if the user of this run can change something.
  func advice(_ advice: MemoryAdvice) -> String?
  /// How the run ended, if something was wrong with the executor itself.
  var verdict: RunEnd? { get }

  /// Handles a report of the executor.
  static func take<Source: JobSource & ~Copyable>(_ output: Output, _ driver: inout RunDriver<Source, Self>)
}

/// How much an executor can do at the moment.
struct ExecutorCapacity {
  /// Workers, or places, that serve.
  var serving: Int
  /// Workers, or places, that are starting.
  var starting: Int
  /// The intended number.
  var slots: Int
  /// Anything unusual.
  var phase: Progress.Phase
}
