import Chronicle
import Text
import Time
import WorkerPoolDriver

/// What to set, and what the warmth is worth.
extension Judge {
  /// Memory that a worker holds more after each job.
  struct Growth: Equatable {
    /// Bytes from the first job to the last.
    var total: Int
    /// Jobs after the first.
    var jobs: Int
    /// What goes on.
    var leak: LeakEstimate
  }

  /// Nil if it is no leak, or too little is known.
  var growth: Growth? {
    let readings = seen.memory.map { LeakEstimate.Reading(jobs: $0.jobs, bytes: Int64($0.bytes)) }
    guard let first = seen.memory.first, let last = seen.memory.last, let leak = LeakEstimate(readings) else {
      return nil
    }
    return Growth(total: last.bytes - first.bytes, jobs: last.jobs - first.jobs, leak: leak)
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
      ? "; \(durationText(limit)) leaves too little room on a busy machine"
      : "; \(durationText(limit)) is long to wait for one that hangs"
    return "--start-timeout \(wanted.text): 6 x the start seen\(reason)"
  }

  /// For growth that is too slow to be a finding.
  private var maxJobsAdvice: String? {
    guard let growth, growth.leak.suggestedMaxJobs >= 100_000 else { return nil }
    return "--max-jobs \(growth.leak.suggestedMaxJobs): its memory grew by \(sizeText(growth.total)) over "
      + plural(growth.jobs, "job")
  }

  private var lazyLoadingAdvice: String? {
    guard let first = seen.firstJob, !first.isAtMost, let warm = median(of: seen.warmJobs) else { return nil }
    guard first.elapsed >= .milliseconds(100), first.elapsed / 20 >= warm else { return nil }
    return
      "the first job took \(measuredText(first.elapsed)), a warm one \(measuredText(warm)): it loads on its first job, "
      + "at the expense of that job's --timeout; load before reading, or warm it up with --ready probe"
  }

  /// What it is worth to keep the worker warm.
  var gain: String? {
    guard let start = seen.start, let first = seen.firstJob, let warm = median(of: seen.warmJobs) else { return nil }
    let cold = start + first.elapsed
    let figures = "a warm job takes \(measuredText(warm)), a cold one \(measuredText(cold))"
    return cold / 2 >= warm ? figures : "\(figures): to keep this worker warm gains little"
  }

  private func median(of times: [Nanoseconds]) -> Nanoseconds? { percentile(50, of: times.sorted()) }
}
