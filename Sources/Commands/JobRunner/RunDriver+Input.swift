import JobCore
import JobEngine
import JobSources

/// Jobs in: from the source to the ledger.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// Takes jobs from the source as long as the ledger wants them and the readers of stdout and of our files keep up.
  mutating func takeJobs() {
    while !inputIsOver, !isFarAhead(), executor.canAccept, !sink.isFull, watchedFiles.isEmpty {
      switch source.next() {
      case .job: takeJob()
      case .oversize(let limit): taken(executor.jobs.takeOversize(limit: limit, intakeRules, at: loop.now()))
      case .notYet: return waitForInput()
      case .inBackground:
        wantsForeground = true
        return
      case .nextTurn:
        inputWantsTurn = true
        return
      case .notice(let text): reporter.note(text)
      case .end: endInput()
      case .failed(let reason): inputFailed(reason)
      }
    }
  }

  @inline(__always)
  private mutating func isFarAhead() -> Bool {
    runAhead.mustWait(held: executor.jobs.ledger.counts.held, at: loop.now())
  }

  private mutating func takeJob() {
    let shared = source.shareJob()
    var intake = Intake.nothing
    source.withJob { bytes in
      intake = executor.jobs.take(
        bytes, sharing: shared, as: source.form, intakeRules, at: loop.now(), position: source.position
      ) { resume.take($0) }
    }
    if case .rejected(_, _, isMalformed: true) = intake { hasBadInput = true }
    taken(intake)
  }

  private mutating func taken(_ intake: Intake) {
    // Before anything follows from it: the source must know the name of a job whose outcome it is to learn.
    source.consume(as: intake.job)
    switch intake {
    case .accepted(let job?, let record): executor.accepted(job, record)
    case .rejected(let job?, let reason, _):
      reporter.repeated(.rejectedJob, cause: reason, "job \(executor.jobs.ledger.sequence(of: job)) \(reason)")
    case .accepted, .rejected, .refused, .skipped, .nothing: break
    }
    settleActions()
  }

  private mutating func waitForInput() {
    if let failure = source.resume(&loop, token: RunToken.input.rawValue) { inputFailed(failure) }
  }

  private mutating func inputFailed(_ reason: String) {
    reporter.fatal(reason)
    if earlyEnd == nil { earlyEnd = .inputUnreadable }
    endInput()
  }

  mutating func endInput() {
    guard !inputIsOver else { return }
    inputIsOver = true
    source.end(&loop, token: RunToken.input.rawValue)
    executor.jobs.handle(.inputEnded)
    settleActions()
  }
}
