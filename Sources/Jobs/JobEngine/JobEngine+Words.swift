import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Records
import Text
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// The messages for people: what happened, where, with numbers, and what to try.
extension JobEngine {
  /// The message about an event of the pool that is not about a lease.
  mutating func say(_ event: WorkerPoolEvent, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    switch event {
    case .notEnforced(let text): reporter.note(text)
    case .remark(let text): reporter.detail(text)
    case .started(let worker, let pid): reporter.detail("worker \(worker.slot) (pid \(pid)) started")
    case .stopped(let worker, let pid, let status):
      reporter.detail("worker \(worker.slot) (pid \(pid)) \(status.whenStopped)")
    case .banner(let account, let shown): reportBanner(account, shown, &reporter)
    case .protocolBroken(let account, let violation): protocolBroken(account, violation, &reporter)
    case .checkFailed(let account, let check, let failure): sayFailedCheck(account, check, failure, &reporter)
    case .offended(let account, let offence): sayOffence(account, offence, &reporter)
    case .foreignNotification(let account, let sender):
      reporter.detail("process \(sender) is not \(account.name), but wrote to its notification socket: ignored")
    case .died(let report): sayEnd(report, &reporter)
    case .cannotStart(let error): sayCannotStart(error, &reporter)
    case .notice(let notice): say(notice, loop, &reporter)
    case .ready, .checked, .stopping, .offered, .demandRefused, .replied, .leaseLost, .workerLog, .noticed,
      .closed:
      break
    }
  }

  /// What a worker was stopped for.
  func sayOffence(_ account: WorkerAccount, _ offence: Offence, _ reporter: inout Reporter) {
    let text = "\(account.name) \(offence)" + inHand(account) + saidOfItself(account)
    reporter.repeated(
      .offence, cause: offence.cause, about: Reporter.Subject(account), text, evidence: account.lastErrorLines)
  }

  /// All workers of a command greet in the same way: one report is enough.
  private mutating func reportBanner(_ account: WorkerAccount, _ shown: String, _ reporter: inout Reporter) {
    let text = "\(account.name) wrote \(shown) before it read its first job: a banner, which is dropped"
    if hasReportedBanner { return reporter.detail(text) }
    hasReportedBanner = true
    reporter.note("\(text) (so are those of other workers; -v shows each)")
  }

  private mutating func sayFailedCheck(
    _ account: WorkerAccount, _ check: Check, _ failure: CheckFailure, _ reporter: inout Reporter
  ) {
    if case .initial = check { return reportFailedInitialization(account, check, failure, &reporter) }
    let text =
      "\(account.name) failed its \(check): \(failure) (after \(plural(account.jobs, "job")))" + saidOfItself(account)
    reporter.repeated(
      .failedCheck, cause: "\(check): \(failure)", about: Reporter.Subject(account), text,
      evidence: account.lastErrorLines)
  }

  /// A worker that does not begin as it was asked to (`--init-file`) has failed to start.
  private mutating func reportFailedInitialization(
    _ account: WorkerAccount, _ check: Check, _ failure: CheckFailure, _ reporter: inout Reporter
  ) {
    let text = "\(account.name) failed to start at \(check): \(failure)"
    lastStartFailure = Failure(message: text, account: account)
    reporter.repeated(
      .failedStart, cause: "at \(check): \(failure)", about: Reporter.Subject(account), text + saidOfItself(account),
      evidence: account.lastErrorLines)
  }

  private mutating func sayEnd(_ report: DeathReport, _ reporter: inout Reporter) {
    guard report.neverTookAJob else { return sayDeath(report, &reporter) }
    let isTheSame = lastFailedStart?.status == report.status
    lastFailedStart = report
    lastStartFailure = Failure(report)
    // A repetition is only a detail: the breaker will report how many there were.
    if isTheSame { return reporter.detail(report.description) }
    reporter.repeated(
      .failedStart, cause: report.cause, about: Reporter.Subject(report.account), report.description,
      evidence: report.account.lastErrorLines)
  }

  func sayDeath(_ report: DeathReport, _ reporter: inout Reporter) {
    reporter.repeated(
      .death, cause: report.cause, about: Reporter.Subject(report.account), report.description,
      evidence: report.account.lastErrorLines)
  }

  private mutating func sayCannotStart(_ error: SpawnError, _ reporter: inout Reporter) {
    lastStartFailure = Failure(message: "\(error)")
    if lastSpawnError?.description == error.description { return reporter.detail("\(error)") }
    lastSpawnError = error
    reporter.repeated(.failedStart, cause: "\(error)", "\(error)")
    if let hint = error.hint, reporter.verbosity >= .normal { reporter.hint(hint) }
  }

  private mutating func say(_ notice: PoolNotice, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    switch notice {
    case .retiring(let worker, .startTimeout): sayNotReady(worker, loop, &reporter)
    case .retiring(let worker, let reason):
      guard reason.isRecycling else { return reporter.detail("worker \(worker.slot) retires: \(reason)") }
      reporter.recycling(
        "worker \(worker.slot) retires: \(reason)", about: Reporter.Subject(worker, pid: pool.pid(of: worker)))
    case .startFailed(let worker, let failures, let wait):
      reporter.detail("start \(failures) of worker \(worker.slot) failed; next try in \(durationText(wait))")
    case .breakerOpened(let failures, let period, let retry):
      failedStarts = (failures, period)
      let starts = plural(failures, "failed start")
      reporter.detail("\(starts) in \(durationText(period)): breaker open, next try in \(durationText(retry))")
    // A detail, like its opening: each death is reported, and while workers are left neither matters.
    case .breakerClosed: reporter.detail("workers start again: breaker closed")
    case .stuck(let worker):
      let pid = pool.pid(of: worker) ?? 0
      reporter.note("worker \(worker.slot) (pid \(pid)) does not die of SIGKILL: still waiting for it")
    case .leaseOverdue(let worker): reporter.note("worker \(worker.slot) is leased for too long")
    case .recyclingAborted: reporter.note("the first replacement failed: the other workers go on serving")
    case .internalError(let event): internalErrorNoticed("the pool was told of \(event)", &reporter)
    }
  }

  private mutating func sayNotReady(_ worker: WorkerID, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    let limit = durationText(configuration.pool.pool.startLimit)
    let isAssumed = configuration.pool.readiness == .assumed && configuration.pool.initialMessages.isEmpty
    let what = isAssumed ? "did not begin its first job" : "was not ready"
    let cause = "\(what) within \(limit) (--start-timeout)"
    let account = pool.account(of: worker, loop.now())
    let name = account?.name ?? "worker \(worker.slot)"
    lastStartFailure = Failure(message: "\(name) \(cause)", account: account)
    reporter.repeated(
      .failedStart, cause: cause, about: Reporter.Subject(worker, pid: account?.pid),
      "\(name) \(cause)" + (account.map(saidOfItself) ?? ""),
      evidence: account?.lastErrorLines ?? [])
  }

  /// An impossible event is a defect of ours: fatal in debug builds, reported and counted in release builds.
  func internalErrorNoticed(_ text: String, _ reporter: inout Reporter) {
    reporter.fatal("internal error: \(text); please report it")
    reporter.flush()
    assertionFailure(text)
  }

  /// The message about a job that no worker could be given, because none starts.
  package var startFailure: Failure {
    var failure = lastStartFailure ?? Failure(message: Outcome.failed.words)
    if lastStartFailure != nil { failure.message = "no worker could be started: " + failure.message }
    return failure
  }

  /// Why it is useless to start another worker, which was reported as a warning; nil if nothing is known.
  private var finalStartFailure: String? {
    if let unfitness { return unfitness }
    return lastSpawnError.flatMap { $0.isPermanent ? "\($0)" : nil }
  }

  /// Reports why a run ends without workers. A program that cannot be executed, or that cannot do its jobs, has been
  /// named, with a hint: that is enough.
  package func sayWhyNoWorkerStarts(_ reporter: inout Reporter) {
    guard let finalStartFailure, lastFailedStart == nil else { return sayWorkersDoNotStart(&reporter) }
    if reporter.verbosity == .quiet { reporter.fatal(finalStartFailure) }
  }

  package func sayWorkersDoNotStart(_ reporter: inout Reporter) {
    let counts = jobs.ledger.counts
    let idle = max(0, pool.serving - counts.leased)
    reporter.fatal(
      "no \(pool.serving > 0 ? "other worker" : "worker") could be started: "
        + "\(plural(failedStarts.count, "failed start")) in \(durationText(failedStarts.period)) "
        + "(\(idle) idle, \(counts.leased) busy, \(plural(counts.queued, "job")) waiting)", kind: .breakerOpen)
    if reporter.verbosity == .quiet {
      if let lastSpawnError { reporter.fatal("\(lastSpawnError)") }
      if let report = lastFailedStart {
        reporter.fatal(
          report.description, about: Reporter.Subject(report.account), evidence: report.account.lastErrorLines)
      }
    }
    reporter.hint("try it out, to see what is wrong: \(checkCommand)")
  }

  /// The last message of a server whose first worker cannot be executed. The reason was reported as a warning, except
  /// with `-q`.
  package func reportThatFirstStartFailed(_ reporter: inout Reporter) {
    if reporter.verbosity == .quiet, let finalStartFailure { reporter.fatal(finalStartFailure) }
    reporter.fatal("the first worker cannot be started: giving up before anything is served")
  }

  /// The worker's command, as a shell would have to be given it.
  var commandLine: String { configuration.pool.command.arguments.map(shellWord).joined(separator: " ") }

  /// The command that tries the worker out.
  var checkCommand: String {
    let option = configuration.pool.workerProtocol.option
    return "prefork check " + (option == "--protocol lines" ? "" : option + " ") + "-- \(commandLine)"
  }

  /// How such a program is made to write at once: what fits the worker's command, as far as that shows it.
  var bufferingRemedy: String {
    let fitting = OutputBuffering.fitting(configuration.pool.command, configuration.pool.surroundings)
    return fitting.count < OutputBuffering.allCases.count
      ? fitting.map(\.sentence).joined(separator: "; or ")
      : "Try python3 -u, $stdout.sync = true (Ruby), $| = 1 (Perl), fflush(), mawk -W interactive, sed -u, "
        + "grep --line-buffered, jq --unbuffered, or stdbuf -oL; `prefork check` shows more"
  }
}

/// A message of several lines, below its first line.
func indented(_ message: String) -> String {
  message.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n  ")
}

/// `, 0.2 s into job 17`, if it has one.
func inHand(_ account: WorkerAccount) -> String {
  account.currentJob.map { ", \(durationText($0.elapsed)) into job \($0.number)" } ?? ""
}

/// `; its last status: "loading"`, if it ever sent one.
func saidOfItself(_ account: WorkerAccount) -> String {
  account.statusText.isEmpty ? "" : "; its last status: \"\(account.statusText)\""
}

extension RetireReason {
  /// Whether the worker was healthy and is replaced.
  package var isRecycling: Bool {
    switch self {
    case .jobs, .age, .memory, .requested, .own: true
    case .idle, .spare, .surplus, .drained, .stopped, .startTimeout, .probe, .reset, .broken: false
    }
  }
}
