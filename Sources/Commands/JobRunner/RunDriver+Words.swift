import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobLog
import Text
import Time

/// Messages about the run as a whole: what happened, where, with numbers, and what to try.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// A run without any reply for this time gets a hint.
  static var silenceLimit: Nanoseconds { .seconds(10) }

  mutating func settled(_ job: JobID, _ outcome: Outcome) {
    noteSettled(job, outcome)
    switch outcome {
    case .ok, .cancelled: break
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let attempts = executor.jobs.ledger.attempts(of: job)
      reporter.detail("job \(executor.jobs.ledger.sequence(of: job)): \(outcome) after \(plural(attempts, "attempt"))")
      bury(job, outcome)
    }
  }

  /// The answer of a job that was counted as `ok`, and waited for its turn, cannot be trusted.
  mutating func withdrawn(_ job: JobID) {
    chronicle.tell(.answerWithdrawn(job: executor.jobs.ledger.sequence(of: job), at: now))
    reporter.detail("job \(executor.jobs.ledger.sequence(of: job)): failed, its answer is withdrawn")
    bury(job, .failed)
  }

  mutating func sayWhatIsResumed() {
    guard configuration.resumes, let path = configuration.jobLog else { return }
    if resume.remaining > 0 { reporter.note("\(path) has \(plural(resume.remaining, "job")) that ended ok: skipped") }
    for line in resume.damage { reporter.note("\(path), line \(line.number) is ignored: \(line.damage)") }
    if resume.damagedLines > resume.damage.count {
      reporter.note("\(path): \(resume.damagedLines) lines are ignored in all; their jobs run again")
    }
  }

  /// Ends the last line of each file that is appended to, if a full disk or a kill has torn it, so that nothing is
  /// glued to it.
  mutating func endTornLines() {
    // In other formats than records a program may have put something before the first result on purpose.
    if configuration.resumes || configuration.output == .records {
      let torn = sink.beginOnFreshLine()
      if torn > 0 { reportTornLine("stdout ends in the middle of a result", torn) }
    }
    if let path = configuration.deadLetters, let torn = unendedBytes(of: deadLetters), torn > 0 {
      reportTornLine("\(path) ends in the middle of a line", torn)
    }
    if let path = configuration.jobLog, let torn = tornBytes(of: jobLog), torn > 0 {
      let bytes = "\(plural(torn, "byte")) \(counted(torn, "was", "were"))"
      reporter.note("\(path) ended in the middle of a line: \(bytes) cut off")
    }
  }

  private mutating func reportTornLine(_ place: String, _ torn: Int) {
    reporter.note("\(place) (\(plural(torn, "byte")) without end): new ones begin behind it")
  }

  /// Jobs went out and nothing came back.
  mutating func saySilence() {
    guard executor.saySilence(since: startedAt, loop, &reporter) else { return }
    timers.arm(.silence, at: loop.now() + Self.silenceLimit)
  }

  /// The last words, and the verdict.
  mutating func sayHowItEnded() -> RunEnd {
    let counts = executor.jobs.ledger.counts
    let notOK = counts.settled - counts[.ok]
    reporter.sayWhatWasCounted()
    let isBroken = executor.verdict == .protocolBroken
    chronicle.summary.isInDoubt = isBroken
    if notOK > 0 || isBroken || reporter.isVerbose || display != nil, !endedQuietly {
      for line in chronicle.summary.lines(elapsed: loop.now() - startedAt) { reporter.note(line) }
      if let advice = executor.advice(chronicle.advice) { reporter.hint(advice) }
    }
    if executor.jobs.ledger.isHalted {
      reporter.note("given up because of --halt: \(plural(counts.bad, "job")) did not end well")
    }
    if configuration.resumes, counts.skipped > 0 { reporter.note("\(plural(counts.skipped, "job")) skipped") }
    if let earlyEnd { return earlyEnd }
    if executor.jobs.ledger.isHalted { return .halted }
    if let verdict = executor.verdict { return verdict }
    if reporter.hasLostLog { return .outputFailed }
    if hasBadInput { return .badInput }
    return notOK > 0 ? .someNotOK : .allOK
  }

  private var endedQuietly: Bool { earlyEnd == .allOK }
}

// What may be there or not, and cannot be copied, can be looked at only like this.

private func unendedBytes(of file: borrowing AppendedFile?) -> Int? {
  switch file {
  case .some(let file): file.unendedBytes
  case .none: nil
  }
}

private func tornBytes(of log: borrowing JobLogFile?) -> Int? {
  switch log {
  case .some(let log): log.tornBytes
  case .none: nil
  }
}
