import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobSources
import Time

/// What a run shows of its executor, and what people can ask of it by signals.
protocol RunExecutor: JobExecutor, ~Copyable {
  /// The signals that mean something to it, besides those of every run.
  var signals: [CInt] { get }
  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter)
  /// Nothing has come back for long, at least since then: says why that may be; false if that need not be looked at
  /// again.
  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool
  /// What is done there, for a heading.
  var title: String { get }
  /// After so many jobs a worker is replaced; nil for never, or if that is not our affair.
  var maximumJobs: Int64? { get }
  var capacity: ExecutorCapacity { get }
  /// What to advise about memory, if it is for us to change something.
  func advice(_ advice: MemoryAdvice) -> String?
  /// What the run ended as, if something was wrong with the executor itself.
  var verdict: RunEnd? { get }

  /// Takes what the executor has reported.
  static func take<Source: JobSource & ~Copyable>(_ output: Output, _ driver: inout RunDriver<Source, Self>)
}

/// How much an executor can do at the moment.
struct ExecutorCapacity {
  /// Workers, or places, that serve.
  var serving: Int
  /// Those that start.
  var starting: Int
  /// How many there shall be.
  var slots: Int
  /// What is out of the ordinary.
  var phase: Progress.Phase
}
