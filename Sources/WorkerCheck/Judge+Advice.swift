import Text
import Time
import WorkerPool

/// What to set, and what the warmth is worth.
extension Judge {
  /// Memory that a worker holds more after each job.
  struct Growth: Equatable {
    /// Bytes from the first job to the last.
    var total: Int
    /// Jobs after the first.
    var jobs: Int
    /// Bytes per job, without the first quarter: what is allocated while it warms up is no leak.
    var perJob: Int
    /// Jobs until it has grown by as much as can be tolerated; at least 1.
    var jobsToTolerable: Int { max(1, Judge.tolerableGrowth / max(1, perJob)) }
  }

  /// Nil if it is not more than noise: at least 1 MB in all, and some in each quarter.
  var growth: Growth? {
    let last = seen.memory.count - 1
    guard last >= 4 else { return nil }
    let quarters = (0...4).map { seen.memory[last * $0 / 4] }
    guard zip(quarters, quarters.dropFirst()).allSatisfy({ $0.bytes < $1.bytes }) else { return nil }
    let total = quarters[4].bytes - quarters[0].bytes
    guard total >= Self.noise else { return nil }
    let perJob = (quarters[4].bytes - quarters[1].bytes) / (quarters[4].jobs - quarters[1].jobs)
    return Growth(total: total, jobs: quarters[4].jobs - quarters[0].jobs, perJob: perJob)
  }

  var advice: [String] {
    [startTimeoutAdvice, maxJobsAdvice, lazyLoadingAdvice].compactMap { $0 }
  }

  /// Several times what was seen leaves room for a loaded machine; a limit that is far longer only delays the news of a
  /// worker that hangs, which is worth a word for one that is expensive to start.
  private var startTimeoutAdvice: String? {
    guard let start = seen.start else { return nil }
    let limit = configuration.pool.pool.startLimit
    let wanted = niceDuration(atLeast: 6 * start)
    let isTooShort = limit < 6 * start
    let isFarTooLong = start >= .milliseconds(100) && limit / 10 >= wanted.length
    guard isTooShort || isFarTooLong else { return nil }
    let reason =
      isTooShort
      ? "; \(seconds(limit)) leaves too little room on a busy machine"
      : "; \(seconds(limit)) is long to wait for one that hangs"
    return "--start-timeout \(wanted.text): 6 x the start seen\(reason)"
  }

  /// For growth that is too slow to be a finding.
  private var maxJobsAdvice: String? {
    guard let growth, growth.jobsToTolerable >= 100_000 else { return nil }
    return "--max-jobs \(niceCount(atMost: growth.jobsToTolerable)): its memory grew by \(size(growth.total)) over "
      + plural(growth.jobs, "job")
  }

  private var lazyLoadingAdvice: String? {
    guard let first = seen.firstJob, !first.isAtMost, let warm = median(of: seen.warmJobs) else { return nil }
    guard first.elapsed >= .milliseconds(100), first.elapsed / 20 >= warm else { return nil }
    return
      "the first job took \(durationText(first.elapsed)), a warm one \(durationText(warm)): it loads on its first job, at "
      + "the expense of that job's --timeout; load before reading, or warm it up with --ready probe"
  }

  /// What it is worth to keep the worker warm.
  var gain: String? {
    guard let start = seen.start, let first = seen.firstJob, let warm = median(of: seen.warmJobs) else { return nil }
    let cold = start + first.elapsed
    let figures = "a warm job takes \(durationText(warm)), a cold one \(durationText(cold))"
    return cold / 2 >= warm ? figures : "\(figures): to keep this worker warm gains little"
  }

  private func median(of times: [Nanoseconds]) -> Nanoseconds? { percentile(50, of: times.sorted()) }
}
