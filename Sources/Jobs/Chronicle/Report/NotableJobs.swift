import JobCore
import Time

/// The jobs that people want to see by name: the slowest, and the first and last of those that did not end well.
struct NotableJobs: Sendable {
  /// The most jobs kept of each kind.
  static let most = 20
  /// The most causes counted separately.
  static let mostCauses = 100
  /// Lines of stderr that are kept of a job, and letters of any text.
  static let mostLines = 10
  static let mostLetters = 300

  /// The slowest first. Jobs that ran into their time limit are not among them: those are all equally slow, and would
  /// leave no room.
  private(set) var slowest: [SettledJob] = []
  /// In the order in which they were settled.
  private(set) var firstFailed: [SettledJob] = []
  private var lastFailed: [SettledJob] = []
  private var oldest = 0
  /// All that did not end `ok`.
  private(set) var failedCount: UInt64 = 0
  /// Whether any job ran into its time limit.
  private(set) var hasTimeouts = false
  private var causes: [Cause: UInt64] = [:]
  /// Jobs that failed of a cause which is not among those counted.
  private(set) var otherCauses: UInt64 = 0

  /// Why jobs failed, in the words of their failure.
  struct Cause: Hashable, Sendable {
    let outcome: Outcome
    let words: String
  }

  mutating func add(_ job: SettledJob) {
    if job.outcome == .timeout { hasTimeouts = true }
    if job.outcome != .timeout, let time = job.runTime,
      slowest.count < Self.most || time > slowest[slowest.count - 1].runTime!
    {
      let place = slowest.firstIndex { $0.runTime! < time } ?? slowest.count
      slowest.insert(Self.short(job), at: place)
      if slowest.count > Self.most { slowest.removeLast() }
    }
    if job.outcome != .ok { addFailed(Self.short(job)) }
  }

  /// The last failed jobs that are not among the first, in the order in which they were settled.
  var lastOfFailed: [SettledJob] { Array(lastFailed[oldest...] + lastFailed[..<oldest]) }

  /// The causes and how often each was met, the most frequent first.
  var frequentCauses: [(cause: Cause, count: UInt64)] {
    causes.map { ($0.key, $0.value) }.sorted { ($0.1, $1.0.words) > ($1.1, $0.0.words) }
  }

  private mutating func addFailed(_ job: SettledJob) {
    failedCount += 1
    let cause = Cause(outcome: job.outcome, words: job.failure ?? "")
    if causes[cause] != nil || causes.count < Self.mostCauses {
      causes[cause, default: 0] += 1
    } else {
      otherCauses += 1
    }
    if firstFailed.count < Self.most {
      firstFailed.append(job)
    } else if lastFailed.count < Self.most {
      lastFailed.append(job)
    } else {
      lastFailed[oldest] = job
      oldest = (oldest + 1) % Self.most
    }
  }

  /// The job without what nobody would read: texts of any length come from outside.
  private static func short(_ job: SettledJob) -> SettledJob {
    var job = job
    job.name = job.name.map(short)
    job.failure = job.failure.map(short)
    job.errorLines = job.errorLines.suffix(mostLines).map(short)
    return job
  }

  private static func short(_ text: String) -> String {
    guard text.utf8.count > mostLetters else { return text }
    return String(text.unicodeScalars.prefix(mostLetters)) + "…"
  }
}

extension SettledJob {
  /// How long the last attempt took; nil if there was none.
  var runTime: Nanoseconds? { startedAt.map { settledAt - $0 } }
}
