import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobLog
import PoolCore
import WorkerPool

/// What people are told of the run as a whole: what happened, where, with numbers, and what to try.
extension RunDriver {
  /// No reply at all for so long, in nanoseconds, is worth a word.
  static let silenceLimit: UInt64 = 10_000_000_000

  mutating func settled(_ job: JobID, _ outcome: Outcome) {
    noteSettled(job, outcome)
    switch outcome {
    case .ok, .cancelled: break
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let attempts = engine.ledger.attempts(of: job)
      reporter.detail("job \(engine.ledger.sequence(of: job)): \(outcome) after \(attempts) attempts")
      bury(job, outcome)
    }
  }

  mutating func sayWhatIsResumed() {
    guard configuration.resumes, let path = configuration.jobLog else { return }
    if resume.remaining > 0 { reporter.note("\(path) has \(resume.remaining) jobs that were ok: they are skipped") }
    for line in resume.damage { reporter.note("\(path), line \(line.number) is ignored: \(line.damage)") }
    if resume.damagedLines > resume.damage.count {
      reporter.note("\(path): \(resume.damagedLines) lines are ignored in all; their jobs run again")
    }
  }

  /// Jobs went out and nothing came back: by far the most common cause is a buffered stdout.
  mutating func saySilence() {
    if engine.ledger.counts[.ok] > 0 { return }
    let running = engine.busyWorkers
    guard running.contains(where: { engine.pool.hasBegun($0) }) else {
      // Who has not begun to read is still loading: that may take its time, but not without a word.
      if !running.isEmpty, !hasSaidLoading {
        hasSaidLoading = true
        let limit = seconds(configuration.pool.pool.startLimit)
        reporter.note("no worker has begun to read its first job yet; each is given \(limit) (--start-timeout)")
      }
      return timers.arm(.silence, at: loop.now() &+ Self.silenceLimit)
    }
    reporter.note("no worker has answered its first job for \(seconds(loop.now() &- startedAt))")
    engine.hintAtBuffering(&reporter)
  }

  /// The last words, and the verdict.
  mutating func sayHowItEnded() -> RunEnd {
    let counts = engine.ledger.counts
    let notOK = counts.settled - counts[.ok]
    reporter.sayWhatWasCounted()
    if notOK > 0 || reporter.isVerbose || display != nil, !endedQuietly {
      for line in chronicle.summary.lines(elapsed: loop.now() &- startedAt) { reporter.note(line) }
      let limit = configuration.pool.pool.maximumJobs
      if let advice = chronicle.advice.advice(maxJobs: limit > 0 ? Int64(limit) : nil) { reporter.hint(advice) }
    }
    if engine.ledger.isHalted { reporter.note("given up because of --halt: \(counts.bad) jobs did not end well") }
    if configuration.resumes, counts.skipped > 0 { reporter.note("\(counts.skipped) jobs were skipped") }
    if let earlyEnd { return earlyEnd }
    if engine.ledger.isHalted { return .halted }
    if engine.unaskedReplies > 0 { return .protocolBroken }
    if engine.ledger.internalErrors > 0 || engine.pool.internalErrors > 0 { return .internalError }
    if hasBadInput { return .badInput }
    return notOK > 0 ? .someNotOK : .allOK
  }

  private var endedQuietly: Bool { earlyEnd == .allOK }
}
