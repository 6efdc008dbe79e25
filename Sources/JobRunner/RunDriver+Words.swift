import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobLog
import Text

/// What people are told of the run as a whole: what happened, where, with numbers, and what to try.
extension RunDriver where Work: ~Copyable {
  /// No reply at all for so long, in nanoseconds, is worth a word.
  static var silenceLimit: UInt64 { 10_000_000_000 }

  mutating func settled(_ job: JobID, _ outcome: Outcome) {
    noteSettled(job, outcome)
    switch outcome {
    case .ok, .cancelled: break
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let attempts = workplace.attempts(of: job)
      reporter.detail("job \(workplace.sequence(of: job)): \(outcome) after \(plural(attempts, "attempt"))")
      bury(job, outcome)
    }
  }

  mutating func sayWhatIsResumed() {
    guard configuration.resumes, let path = configuration.jobLog else { return }
    if resume.remaining > 0 { reporter.note("\(path) has \(plural(resume.remaining, "job")) that ended ok: skipped") }
    for line in resume.damage { reporter.note("\(path), line \(line.number) is ignored: \(line.damage)") }
    if resume.damagedLines > resume.damage.count {
      reporter.note("\(path): \(resume.damagedLines) lines are ignored in all; their jobs run again")
    }
  }

  /// Jobs went out and nothing came back.
  mutating func saySilence() {
    guard workplace.saySilence(since: startedAt, loop, &reporter) else { return }
    timers.arm(.silence, at: loop.now() &+ Self.silenceLimit)
  }

  /// The last words, and the verdict.
  mutating func sayHowItEnded() -> RunEnd {
    let counts = workplace.counts
    let notOK = counts.settled - counts[.ok]
    reporter.sayWhatWasCounted()
    if notOK > 0 || reporter.isVerbose || display != nil, !endedQuietly {
      for line in chronicle.summary.lines(elapsed: loop.now() &- startedAt) { reporter.note(line) }
      if let advice = workplace.advice(chronicle.advice) { reporter.hint(advice) }
    }
    if workplace.isHalted { reporter.note("given up because of --halt: \(plural(counts.bad, "job")) did not end well") }
    if configuration.resumes, counts.skipped > 0 { reporter.note("\(plural(counts.skipped, "job")) skipped") }
    if let earlyEnd { return earlyEnd }
    if workplace.isHalted { return .halted }
    if let verdict = workplace.verdict { return verdict }
    if hasBadInput { return .badInput }
    return notOK > 0 ? .someNotOK : .allOK
  }

  private var endedQuietly: Bool { earlyEnd == .allOK }
}
