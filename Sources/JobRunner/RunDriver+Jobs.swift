import EventLoop
import JobCore
import JobEngine
import PoolCore
import WorkerPool

/// What the engine tells, and the timers of the run.
extension RunDriver {
  /// Takes what the engine has to tell, until it has nothing more.
  mutating func settle(leasing: Bool = true) {
    while let output = engine.advance(&loop, &reporter, leasing: leasing) { take(output) }
  }

  private mutating func take(_ output: JobEngineOutput) {
    switch output {
    case .settled(let job, let outcome): settled(job, outcome)
    case .emit(let job, let outcome): emit(job, outcome)
    case .attemptStarted(let job, let attempt, let worker): noteAttempt(job, attempt, worker)
    case .attemptEnded(let job, let failure): noteAttemptEnd(job, failure: failure)
    case .firstReply(let worker): noteFirstReply(worker)
    case .worker(let event): take(event)
    case .idle: allIsDone()
    case .closed: poolIsClosed = true
    }
  }

  private mutating func take(_ event: WorkerPoolEvent) {
    switch event {
    case .started(let worker, let pid): noteStarted(worker, pid)
    case .ready(let worker): noteReady(worker)
    case .checked(let worker, let check, let since, let passed): noteCheck(worker, check, since: since, passed: passed)
    case .stopping(let worker): noteStopping(worker)
    case .stopped(let worker, _, let status): noteEnded(worker, status, nil)
    case .leaseRefused(let refusal): refused(refusal)
    case .leaseLost(let worker, .died(let report)): noteEnded(worker, report.status, report)
    case .died(let report): noteEnded(report.account.worker, report.status, report)
    case .notice(.retiring(let worker, let reason)): noteRetirement(worker, reason)
    case .notice(.breakerOpened): giveUpIfNobodyEverWorked()
    case .notice, .leaseLost, .notEnforced, .remark, .leaseGranted, .replied, .protocolBroken, .checkFailed, .offended,
      .foreignNotification, .cannotStart, .workerLog, .closed:
      break
    }
  }

  mutating func fireTimers() {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .silence: saySilence()
      case .progress: drawProgress()
      case .sample: takeSample()
      }
    }
  }
}
