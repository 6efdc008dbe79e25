import EventLoop
import JobEngine
import Metrics
import PoolCore
import WorkerPoolDriver
import WorkerProcess

/// What is counted and decided of workers.
extension PoolService {
  mutating func take(_ event: WorkerPoolEvent, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    switch event {
    case .started:
      metrics.workerStarted()
      hasStarted = true
    case .ready: noteReadiness()
    case .cannotStart(let error):
      metrics.startFailed()
      if error.isPermanent, !hasStarted { cannotStart = true }
    case .died(let report):
      if report.neverTookAJob { metrics.startFailed() } else { noteDeath(DeathCause(report)) }
    case .leaseLost(_, .died(let report), _): noteDeath(DeathCause(report))
    case .leaseLost(_, .violation(let account, let violation), _), .protocolBroken(let account, let violation):
      if violation.isUnfitness {
        metrics.startFailed()
        cannotStart = true
      } else {
        noteDeath(.protocolBroken)
      }
      reportDoubtfulAnswer(account, violation)
    case .leaseLost(_, .offence(_, let offence), _), .offended(_, let offence): noteDeath(DeathCause(offence))
    case .checkFailed(let account, _, let failure):
      if account.isReady {
        noteDeath(.checkFailed)
      } else if !failure.isLate {
        // One that is late is counted when it retires.
        metrics.startFailed()
      }
    case .notice(.retiring(_, let reason)):
      metrics.workerRetired(reason)
      if reason == .startTimeout { metrics.startFailed() }
      if reason.isRecycling { recycled += 1 }
    case .notice(.breakerOpened):
      startsFail = true
      owesStartReport = true
    case .notice(.breakerClosed): startsFail = false
    case .demandRefused(let refusal):
      // Those that wait learn at once that workers fail to start, instead of waiting until their time has run out.
      if refusal == .startsFail { engine.giveUpWaiting() }
    case .notice, .leaseLost(_, .neverStarted, _), .checked, .stopping, .stopped, .foreignNotification, .notEnforced,
      .remark, .offered, .banner, .replied, .workerLog, .noticed, .closed:
      break
    }
  }

  /// Reports that workers do not start, unless that has ended the server.
  mutating func reportFailingStarts(_ reporter: inout Reporter) {
    guard owesStartReport else { return }
    owesStartReport = false
    engine.sayWorkersDoNotStart(&reporter)
  }

  private mutating func noteDeath(_ cause: DeathCause) {
    deaths += 1
    metrics.workerDied(cause)
  }
}

extension DeathCause {
  init(_ report: DeathReport) {
    switch report.status {
    case .exited: self = .exited
    case .killed: self = report.outOfMemory != nil ? .outOfMemory : .signalled
    case .unknown: self = .exited
    }
  }

  init(_ offence: Offence) {
    switch offence {
    case .watchdog: self = .watchdog
    case .ignoredCancel: self = .jobTimeout
    case .memory: self = .memoryLimit
    }
  }
}
