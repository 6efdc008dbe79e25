import EventLoop
import JobCore
import LinuxIO
import JobLog
import PoolCore
import WireFormats
import WorkerPool
import WorkerProcess

/// What people are told: what happened, where, with numbers, and what to try.
extension RunDriver {
  /// No reply at all for so long, in nanoseconds, is worth a word.
  static let silenceLimit: UInt64 = 10_000_000_000

  mutating func settled(_ job: JobID, _ outcome: Outcome) {
    // Who never had a worker has waited until now.
    if facts.keepsDetails, facts[job].leasedAt == nil { facts[job].endedAt = loop.now() }
    noteSettled(job, outcome)
    switch outcome {
    case .ok, .cancelled: break
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let attempts = ledger.attempts(of: job)
      reporter.detail("job \(ledger.sequence(of: job)): \(outcome) after \(attempts) attempts")
      bury(job, outcome)
    }
  }

  mutating func sayUnfit(_ job: JobID, _ defect: FramingError) {
    let format = configuration.output.framing
    let text = "the reply to job \(ledger.sequence(of: job)) cannot be written with --output \(format)"
    let advice = format == .lines ? "; try --output nul" : ""
    reporter.repeated(.failedJob, cause: "reply unfit for --output", "\(text): \(defect)\(advice)")
  }

  mutating func sayWhatIsResumed() {
    guard configuration.resumes, let path = configuration.jobLog else { return }
    if resume.remaining > 0 { reporter.note("\(path) has \(resume.remaining) jobs that were ok: they are skipped") }
    for line in resume.damage { reporter.note("\(path), line \(line.number) is ignored: \(line.damage)") }
    if resume.damagedLines > resume.damage.count {
      reporter.note("\(path): \(resume.damagedLines) lines are ignored in all; their jobs run again")
    }
  }

  /// A breach of the protocol. An answer nobody asked for means that all answers of that worker are in doubt.
  mutating func tell(_ account: WorkerAccount, _ violation: ProtocolViolation) {
    if case .unaskedReply = violation { unaskedReplies += 1 }
    reporter.repeated(
      .breach, cause: violation.cause, "\(account.name) \(violation)" + inHand(account),
      evidence: account.lastErrorLines)
  }

  mutating func broken(_ account: WorkerAccount, _ violation: ProtocolViolation) { tell(account, violation) }

  /// What a worker was stopped for.
  mutating func offended(_ account: WorkerAccount, _ offence: Offence) {
    let text = "\(account.name) \(offence)" + inHand(account) + saidOfItself(account)
    reporter.repeated(.offence, cause: offence.cause, text, evidence: account.lastErrorLines)
  }

  mutating func checkFailed(_ account: WorkerAccount, _ check: Check, _ failure: CheckFailure) {
    let text = "\(account.name) failed its \(check): \(failure) (after \(account.jobs) jobs)" + saidOfItself(account)
    reporter.repeated(.failedCheck, cause: "\(check): \(failure)", text, evidence: account.lastErrorLines)
  }

  mutating func died(_ report: DeathReport) {
    noteEnded(report.account.worker, report.status, report)
    guard report.neverTookAJob else { return sayDeath(report) }
    let isTheSame = lastFailedStart?.status == report.status
    lastFailedStart = report
    // The same again is only for the curious: the breaker will tell how many there were.
    if isTheSame { return reporter.detail(report.description) }
    reporter.repeated(
      .failedStart, cause: report.cause, report.description, evidence: report.account.lastErrorLines)
  }

  mutating func sayDeath(_ report: DeathReport) {
    reporter.repeated(.death, cause: report.cause, report.description, evidence: report.account.lastErrorLines)
  }

  mutating func cannotStart(_ error: SpawnError) {
    if lastSpawnError == error.description { return reporter.detail("\(error)") }
    lastSpawnError = error.description
    reporter.repeated(.failedStart, cause: "\(error)", "\(error)")
    if let hint = error.hint, configuration.verbosity >= .normal { reporter.hint(hint) }
  }

  mutating func say(_ notice: PoolNotice) {
    switch notice {
    case .retiring(let worker, .startTimeout):
      noteRetirement(worker, .startTimeout)
      sayNotReady(worker)
    case .retiring(let worker, let reason):
      noteRetirement(worker, reason)
      reporter.detail("worker \(worker.slot) retires: \(reason)")
    case .startFailed(let worker, let failures, let wait):
      reporter.detail("start \(failures) of worker \(worker.slot) failed; next try in \(seconds(wait))")
    case .breakerOpened(let failures, let period, let retry):
      failedStarts = (failures, period)
      reporter.detail("\(failures) failed starts in \(seconds(period)): breaker open, next try in \(seconds(retry))")
      giveUpIfNobodyEverWorked()
    // Its opening is a detail: whoever has workers left is told of each death, and needs no word of either.
    case .breakerClosed: reporter.detail("workers start again: breaker closed")
    case .stuck(let worker):
      let pid = pool.pid(of: worker) ?? 0
      reporter.note("worker \(worker.slot) (pid \(pid)) does not die of SIGKILL: still waiting for it")
    case .leaseOverdue(let worker): reporter.note("worker \(worker.slot) is leased for too long")
    case .recyclingAborted: reporter.note("the first replacement failed: the other workers go on serving")
    case .internalError(let event): internalErrorNoticed("the pool was told of \(event)")
    }
  }

  private mutating func sayNotReady(_ worker: WorkerID) {
    let limit = seconds(configuration.pool.pool.startLimit)
    let what = configuration.pool.readiness == .assumed ? "did not begin its first job" : "was not ready"
    let cause = "\(what) within \(limit) (--start-timeout)"
    let account = pool.account(of: worker, loop.now())
    let name = account?.name ?? "worker \(worker.slot)"
    reporter.repeated(
      .failedStart, cause: cause, "\(name) \(cause)" + (account.map(saidOfItself) ?? ""),
      evidence: account?.lastErrorLines ?? [])
  }

  /// An impossible event is a defect of ours: fatal where it can be debugged, told and counted where people work.
  mutating func internalErrorNoticed(_ text: String) {
    reporter.fatal("internal error: \(text); please report it")
    reporter.flush()
    assertionFailure(text)
  }

  mutating func sayWorkersDoNotStart() {
    let counts = ledger.counts
    reporter.fatal(
      "no worker could be started: \(failedStarts.count) failed starts in \(seconds(failedStarts.period)) "
        + "(idle=0 leased=\(counts.leased) waiting=\(counts.queued))")
    if configuration.verbosity == .quiet {
      if let lastSpawnError { reporter.fatal(lastSpawnError) }
      if let report = lastFailedStart {
        reporter.fatal(report.description)
        for line in report.account.lastErrorLines { reporter.fatal("  last stderr: \"\(line)\"") }
      }
    }
    let words = configuration.pool.command.arguments.map(shellWord).joined(separator: " ")
    reporter.hint("try it out, to see what is wrong: prefork check -- \(words)")
  }

  /// Jobs went out and nothing came back: by far the most common cause is a buffered stdout.
  mutating func saySilence() {
    if ledger.counts[.ok] > 0 { return }
    let running = workerOfJob.compactMap { $0 }
    guard running.contains(where: { pool.hasBegun($0) }) else {
      // Who has not begun to read is still loading: that may take its time, but not without a word.
      if !running.isEmpty, !hasSaidLoading {
        hasSaidLoading = true
        let limit = seconds(configuration.pool.pool.startLimit)
        reporter.note("no worker has begun to read its first job yet; each is given \(limit) (--start-timeout)")
      }
      return timers.arm(.silence, at: loop.now() &+ Self.silenceLimit)
    }
    reporter.note("no worker has answered its first job for \(seconds(loop.now() &- startedAt))")
    hintAtBuffering()
  }

  /// Said once, while no worker has ever answered. (mawk reads in blocks, too: fflush() alone does not help there.)
  mutating func hintAtBuffering() {
    guard !hasHintedAtBuffering, ledger.counts[.ok] == 0, configuration.verbosity >= .normal else { return }
    hasHintedAtBuffering = true
    reporter.hint(
      "a worker must answer each job at once: does it buffer its output? Try python3 -u, sed -u, grep --line-buffered, "
        + "awk with fflush(), mawk -W interactive, or stdbuf -oL")
  }

  /// The last words, and the verdict.
  mutating func sayHowItEnded() -> RunEnd {
    let counts = ledger.counts
    let notOK = counts.settled - counts[.ok]
    reporter.sayWhatWasCounted()
    if notOK > 0 || reporter.isVerbose || display != nil, !endedQuietly {
      for line in chronicle.summary.lines(elapsed: loop.now() &- startedAt) { reporter.note(line) }
      let limit = configuration.pool.pool.maximumJobs
      if let advice = chronicle.advice.advice(maxJobs: limit > 0 ? Int64(limit) : nil) { reporter.hint(advice) }
    }
    if ledger.isHalted { reporter.note("given up because of --halt: \(counts.bad) jobs did not end well") }
    if configuration.resumes, counts.skipped > 0 { reporter.note("\(counts.skipped) jobs were skipped") }
    if let earlyEnd { return earlyEnd }
    if ledger.isHalted { return .halted }
    if unaskedReplies > 0 { return .protocolBroken }
    if ledger.internalErrors > 0 || pool.internalErrors > 0 { return .internalError }
    if hasBadInput { return .badInput }
    return notOK > 0 ? .someNotOK : .allOK
  }

  private var endedQuietly: Bool { earlyEnd == .allOK }
}

/// `, 0.2 s into job 17`, if it has one.
private func inHand(_ account: WorkerAccount) -> String {
  account.currentJob.map { ", \(seconds($0.elapsed)) into job \($0.number)" } ?? ""
}

/// `; its last status: "loading"`, if it ever told one.
func saidOfItself(_ account: WorkerAccount) -> String {
  account.statusText.isEmpty ? "" : "; its last status: \"\(account.statusText)\""
}

/// A word as a shell would have to be given it.
private func shellWord(_ word: String) -> String {
  let isPlain =
    !word.isEmpty
    && word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "="): true
      default: false
      }
    }
  if isPlain { return word }
  return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
