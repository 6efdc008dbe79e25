import Chronicle
import EventLoop
import JobCore
import JobEngine
import PoolCore
import Time
import WorkerPoolDriver
import WorkerProcess

/// What our own workers report, and what it means to the run.
extension RunDriver where Source: ~Copyable, Executor == LocalWorkers {
  mutating func take(_ output: JobEngineOutput) {
    switch output {
    case .job(let output): take(output)
    case .attemptStarted(let job, let attempt, let worker): noteAttempt(job, attempt, worker)
    case .attemptEnded(let job, let failure): noteAttemptEnd(job, failure: failure)
    case .firstReply(let worker): noteFirstReply(worker)
    case .workerGivenUp(let worker): executor.stories[worker.slot.index].isGivenUp = true
    case .worker(let event): take(event)
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
    case .demandRefused(let refusal): refused(refusal)
    case .leaseLost(let worker, .died(let report), _): noteEnded(worker, report.status, report)
    case .died(let report): noteEnded(report.account.worker, report.status, report)
    case .notice(.retiring(let worker, let reason)): noteRetirement(worker, reason)
    case .notice(.breakerOpened): giveUpIfNobodyEverWorked()
    case .notice, .leaseLost, .notEnforced, .remark, .offered, .banner, .replied, .protocolBroken, .checkFailed,
      .offended, .foreignNotification, .cannotStart, .workerLog, .noticed, .closed:
      break
    }
  }

  // MARK: Workers that do not start

  /// No worker will serve this request.
  private mutating func refused(_ refusal: LeaseRefusal) {
    switch refusal {
    case .startsFail: giveUp()
    case .closed, .timedOut, .exhausted: break
    }
  }

  /// The breaker is open, no worker lives and none ever answered: there is nobody to wait for, even if no job has come
  /// yet. (At a terminal, nobody should have to type a job to learn that the program does not exist.)
  private mutating func giveUpIfNobodyEverWorked() {
    if executor.engine.jobs.ledger.counts[.ok] == 0, executor.engine.pool.isEmpty { giveUp() }
  }

  private mutating func giveUp() {
    guard !executor.engine.isStopping, earlyEnd == nil else { return }
    earlyEnd = executor.engine.pool.lastFailureWasViolation ? .protocolBroken : .workersDoNotStart
    executor.engine.sayWhyNoWorkerStarts(&reporter)
    abandonJobs(.prompt, because: .noWorker)
  }

  // MARK: Workers

  private mutating func noteStarted(_ worker: WorkerID, _ pid: CInt) {
    while executor.stories.count <= worker.slot.index { executor.stories.append(LocalWorkers.Story()) }
    executor.stories[worker.slot.index] = LocalWorkers.Story(pid: pid, startedAt: loop.now())
    chronicle.tell(.workerStarted(slot: worker.slot.index, pid: pid, at: now))
  }

  private mutating func noteReady(_ worker: WorkerID) {
    let story = executor.stories[worker.slot.index]
    let event = RunEvent.workerReady(slot: worker.slot.index, pid: story.pid, since: elapsed(story.startedAt), at: now)
    // One that is merely taken to be ready does not show how long a start takes.
    if executor.engine.configuration.pool.readiness == .assumed { return }
    executor.stories[worker.slot.index].readyAt = loop.now()
    chronicle.tell(event)
  }

  /// The first answer of a worker that was merely taken to be ready: its start took about as long as this was more than
  /// usual.
  private mutating func noteFirstReply(_ worker: WorkerID) {
    let story = executor.stories[worker.slot.index]
    guard story.readyAt == nil else { return }
    let took = loop.now() - story.startedAt
    let ready = loop.now() - min(took, executor.engine.jobs.ledger.runTimes.quantile(0.5) ?? .zero)
    executor.stories[worker.slot.index].readyAt = ready
    chronicle.tell(
      .workerReady(slot: worker.slot.index, pid: story.pid, since: elapsed(story.startedAt), at: elapsed(ready)))
  }

  private mutating func noteRetirement(_ worker: WorkerID, _ reason: RetireReason) {
    guard worker.slot.index < executor.stories.count else { return }
    executor.stories[worker.slot.index].reason = reason
  }

  private mutating func noteStopping(_ worker: WorkerID) {
    executor.stories[worker.slot.index].stoppingSince = loop.now()
  }

  private mutating func noteCheck(_ worker: WorkerID, _ check: Check, since: Instant, passed: Bool) {
    let kind: Upkeep = check == .probe ? .probe : .reset
    chronicle.tell(.upkeep(kind, slot: worker.slot.index, since: elapsed(since), at: now, wentWell: passed))
  }

  private mutating func noteEnded(_ worker: WorkerID, _ status: ExitStatus, _ death: DeathReport?) {
    guard worker.slot.index < executor.stories.count else { return }
    let story = executor.stories[worker.slot.index]
    if let since = story.stoppingSince {
      chronicle.tell(.upkeep(.stop, slot: worker.slot.index, since: elapsed(since), at: now, wentWell: true))
    }
    let end: WorkerEnd
    if let death {
      end = death.neverTookAJob ? .failedStart : .died
    } else {
      switch story.reason {
      case .jobs, .age, .memory, .requested, .own: end = .recycled
      case .startTimeout: end = .failedStart
      case .broken where story.isGivenUp: end = .stopped
      case .probe, .reset, .broken: end = .died
      case .idle, .spare, .surplus, .drained, .stopped, nil: end = .stopped
      }
    }
    let cause = death == nil ? status.whenStopped : "\(status)"
    chronicle.tell(.workerEnded(slot: worker.slot.index, pid: story.pid, end, cause: cause, at: now))
  }

  // MARK: Attempts

  private mutating func noteAttempt(_ job: JobID, _ attempt: Int, _ worker: WorkerID) {
    guard chronicle.isDetailed else { return }
    chronicle.tellDetail(
      .attemptStarted(
        job: executor.engine.jobs.ledger.sequence(of: job), attempt: attempt, slot: worker.slot.index, at: now))
  }

  private mutating func noteAttemptEnd(_ job: JobID, failure: String?) {
    guard chronicle.isDetailed, let slot = executor.engine.jobs.facts[job].slot else { return }
    let attempt = executor.engine.jobs.facts.attempt(of: job)
    let began = attempt.includesStart ? executor.stories[slot].readyAt ?? attempt.startedAt : attempt.startedAt
    chronicle.tellDetail(
      .attemptEnded(
        job: executor.engine.jobs.ledger.sequence(of: job), attempt: executor.engine.jobs.ledger.attempts(of: job),
        slot: slot,
        failure: failure,
        since: elapsed(began), at: now))
  }
}
