import JobCore
import Text
import Time

/// What is reported of a run when it is over: outcomes, run times, workers, and how long those took to start.
public struct RunSummary: Sendable {
  /// Fewer jobs have no 99th percentile other than the longest.
  private static let leastForPercentile: UInt64 = 100
  /// Starts that take less than this are not mentioned.
  private static let shortestStart: Nanoseconds = .milliseconds(10)

  private var outcomes = InlineArray<7, UInt64>(repeating: 0)
  private var ends: [WorkerEnd: UInt64] = [:]
  private var starts: UInt64 = 0
  private var startTimes = RunTimes()

  /// How long jobs ran in their last attempt, from its beginning until it was over.
  public private(set) var runTimes = RunTimes()

  /// Workers broke the protocol so that answers may belong to other jobs: then not all is well, whatever was counted.
  public var isInDoubt = false

  /// Nothing has happened yet.
  public init() {}

  /// Takes what happened.
  public mutating func take(_ event: RunEvent) {
    switch event {
    case .workerStarted: starts += 1
    case .workerReady(_, _, let since, let at): startTimes.add(at - since)
    case .workerEnded(_, _, let end, _, _): ends[end, default: 0] += 1
    case .jobSettled(let job): settled(job.outcome, ran: job.startedAt.map { job.settledAt - $0 })
    case .answerWithdrawn: recount(.ok, as: .failed)
    case .attemptStarted, .attemptEnded, .upkeep, .sample: break
    }
  }

  private mutating func recount(_ outcome: Outcome, as other: Outcome) {
    guard count(of: outcome) > 0 else { return }
    outcomes[Int(outcome.rawValue)] -= 1
    outcomes[Int(other.rawValue)] += 1
  }

  /// Counts a job that ended like this: the same as the event, for a caller that has many of them and needs no event.
  /// `ran`: how long its last attempt took; nil if it had none.
  public mutating func settled(_ outcome: Outcome, ran: Nanoseconds?) {
    outcomes[Int(outcome.rawValue)] += 1
    switch outcome {
    case .ok, .failed, .timeout, .crashed, .quarantined: if let ran { runTimes.add(ran) }
    // Their last attempt, if any, was over long before they were settled.
    case .cancelled, .expired: break
    }
  }

  /// The lines of the summary, without a newline; only those with something to report. `elapsed`: how long the run
  /// took.
  public func lines(elapsed: Nanoseconds) -> [String] {
    [outcomeLine(elapsed), timeLine, workerLine].compactMap { $0 }
  }

  private func count(of outcome: Outcome) -> UInt64 { outcomes[Int(outcome.rawValue)] }

  private func outcomeLine(_ elapsed: Nanoseconds) -> String {
    let counts = Outcome.allCases.map { (outcome: $0, count: count(of: $0)) }.filter { $0.count > 0 }
    let jobs = counts.reduce(0) { $0 + $1.count }
    var line = "\(plural(jobs, "job")) in \(measuredText(elapsed))"
    guard jobs > 0 else { return line }
    if jobs > 1, elapsed > .zero { line += " (\(rateText(perSecond: Double(jobs) / elapsed.seconds)))" }
    let isDoubtful = isInDoubt && count(of: .ok) > 0
    if !isDoubtful, counts.count == 1, let only = counts.first?.outcome {
      return line + (jobs == 1 ? ": \(only)" : ": all \(only)")
    }
    let doubt = isDoubtful ? ", but workers broke the protocol: answers may be wrong" : ""
    return line + ": " + counts.map { "\($0.count) \($0.outcome)" }.joined(separator: ", ") + doubt
  }

  private var timeLine: String? {
    guard let median = runTimes.quantile(0.5), let high = runTimes.quantile(0.99) else { return nil }
    if runTimes.count == 1 { return "run time \(measuredText(runTimes.longest))" }
    let hasPercentile = runTimes.count >= Self.leastForPercentile
    let tail = hasPercentile ? "p99 \(measuredText(high))" : "longest \(measuredText(runTimes.longest))"
    return "run time median \(measuredText(median)), \(tail)"
  }

  private var workerLine: String? {
    guard starts > 0 else { return nil }
    var parts = [plural(starts, "worker start") + startTime]
    if let count = ends[.recycled] { parts.append("\(count) recycled") }
    if let count = ends[.died] { parts.append("\(count) died") }
    if let count = ends[.failedStart] { parts.append("\(count) failed to start") }
    return parts.joined(separator: ", ")
  }

  /// What was measured, and nothing beyond it: what a worker for each job would have cost was not tried.
  private var startTime: String {
    guard startTimes.count > 0, startTimes.total / startTimes.count >= Self.shortestStart else { return "" }
    return " (\(startTimes.count == 1 ? "" : "mean ")\(measuredText(startTimes.total / startTimes.count)))"
  }
}
