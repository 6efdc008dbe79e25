import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Records
import WireFormats
import WorkerPool

/// Carries the ledger's actions out, and the pool's events in.
extension RunDriver {
  /// A fresh worker is asked this often whether it has begun its first job, in nanoseconds.
  private static let beginInterval: UInt64 = 20_000_000

  /// Takes what the pool has to tell, until it has nothing more.
  mutating func settleEvents() {
    var next = 0
    while next < pool.events.count {
      take(pool.events[next])
      next += 1
    }
    pool.events.removeAll(keepingCapacity: true)
  }

  private mutating func take(_ event: WorkerPoolEvent) {
    switch event {
    case .notEnforced(let text): reporter.note(text)
    case .remark(let text): reporter.detail(text)
    case .started(let worker, let pid):
      noteStarted(worker, pid)
      reporter.detail("worker \(worker.slot) (pid \(pid)) started")
    case .ready(let worker): noteReady(worker)
    case .checked(let worker, let check, let since, let passed): noteCheck(worker, check, since: since, passed: passed)
    case .stopping(let worker): noteStopping(worker)
    case .stopped(let worker, let pid, let status):
      noteEnded(worker, status, nil)
      reporter.detail("worker \(worker.slot) (pid \(pid)) \(status)")
    case .leaseGranted(let worker): offer(worker)
    case .leaseRefused(let refusal): refused(refusal)
    case .replied(let worker): replied(worker)
    case .leaseLost(let worker, let loss): lost(worker, loss)
    case .protocolBroken(let account, let violation): broken(account, violation)
    case .checkFailed(let account, let check, let failure): checkFailed(account, check, failure)
    case .offended(let account, let offence): offended(account, offence)
    case .foreignNotification(let account, let sender):
      reporter.detail("process \(sender) is not \(account.name), but wrote to its notification socket: ignored")
    case .died(let report): died(report)
    case .cannotStart(let error): cannotStart(error)
    case .workerLog(let worker, let line): reporter.workerLine(worker, line)
    case .notice(let notice): say(notice)
    case .closed: poolIsClosed = true
    }
  }

  // MARK: Leases

  private mutating func offer(_ worker: WorkerID) {
    offeredWorker = worker
    ledger.handle(.leaseGranted, into: &jobActions)
    performJobActions()
  }

  private mutating func replied(_ worker: WorkerID) {
    guard pool.hasReply(worker), let job = jobOfSlot[worker.slot.index] else { return }
    let (size, defect) = pool.withReply(of: worker) { reply -> (Int, FramingError?) in
      (reply.count, unfitness(of: reply))
    }
    if configuration.pool.metersJobs { facts[job].cost = pool.cost(of: worker) }
    unbind(job, worker)
    replying = (job, worker)
    if let defect {
      sayUnfit(job, defect)
      fail(job, .failed, cause: "reply unfit for --output", Failure(message: "its reply cannot be written: \(defect)"))
    } else {
      noteEnd(of: job, nil, received: size)
      let attempt = facts.attempt(of: job)
      let ran = attempt.includesStart ? nil : loop.now() &- attempt.startedAt
      if attempt.includesStart { noteFirstReply(worker) }
      noteAttemptEnd(job, failure: nil)
      ledger.handle(.replied(job, resultBytes: size, ran: ran), into: &jobActions)
      performJobActions()
    }
    replying = nil
    pool.finishReply(of: worker, &loop)
  }

  private func unfitness(of reply: UnsafeRawBufferPointer) -> FramingError? {
    switch configuration.output {
    case .framed(let framing): framing == configuration.pool.framing ? nil : framing.canCarry(reply.bytes)
    case .records: nil
    }
  }

  /// An attempt of the job has failed.
  private mutating func fail(_ job: JobID, _ failure: AttemptFailure, cause: String, _ evidence: Failure) {
    noteEnd(of: job, evidence, cause: cause)
    noteAttemptEnd(job, failure: cause)
    noteFailedAttempt(of: job, failure)
    ledger.handle(.attemptFailed(job, failure), into: &jobActions)
    performJobActions()
  }

  private mutating func lost(_ worker: WorkerID, _ loss: LeaseLoss) {
    switch loss {
    case .neverStarted: break
    case .died(let report):
      noteEnded(worker, report.status, report)
      sayDeath(report)
    case .violation(let account, let violation): tell(account, violation)
    case .offence(let account, let offence): offended(account, offence)
    }
    let slot = worker.slot.index
    guard slot < jobOfSlot.count, let job = jobOfSlot[slot], workerOfJob[Int(job.index)] == worker else { return }
    unbind(job, worker)
    switch loss {
    case .neverStarted:
      noteEnd(of: job, Failure(message: "workers gave it back unread"))
      noteAttemptEnd(job, failure: "given back unread")
      ledger.handle(.returnedUnstarted(job), into: &jobActions)
      performJobActions()
    case .died(let report): fail(job, .crashed, cause: report.cause, Failure(report))
    case .violation(let account, let violation):
      let evidence = Failure(message: "\(account.name) \(violation)", account: account)
      fail(job, .failed, cause: violation.cause, evidence)
    case .offence(let account, let offence):
      let evidence = Failure(message: "\(account.name) \(offence)", account: account)
      fail(job, .crashed, cause: offence.cause, evidence)
    }
  }

  private mutating func bind(_ job: JobID, _ worker: WorkerID) {
    while jobOfSlot.count <= worker.slot.index { jobOfSlot.append(nil) }
    while workerOfJob.count <= Int(job.index) {
      workerOfJob.append(nil)
      runLimitOfJob.append(0)
    }
    jobOfSlot[worker.slot.index] = job
    workerOfJob[Int(job.index)] = worker
  }

  mutating func unbind(_ job: JobID, _ worker: WorkerID) {
    jobOfSlot[worker.slot.index] = nil
    workerOfJob[Int(job.index)] = nil
  }

  // MARK: What the ledger decides

  mutating func performJobActions() {
    var next = 0
    while next < jobActions.count {
      perform(jobActions[next])
      next += 1
    }
    jobActions.removeAll(keepingCapacity: true)
  }

  private mutating func perform(_ action: JobAction) {
    switch action {
    case .requestLease: pool.requestLease(&loop)
    case .withdrawLease: pool.withdrawLease(&loop)
    case .send(let job, let attempt): send(job, attempt)
    case .declineLease:
      if let worker = offeredWorker { pool.returnLease(worker, &loop) }
    case .interrupt(let job): interrupt(job)
    case .settled(let job, let outcome): settled(job, outcome)
    case .emit(let job, let outcome): emit(job, outcome)
    case .hold(let job): hold(job)
    case .forget(let job): store.forget(job)
    case .arm(let timer, let wait): arm(timer, wait)
    case .disarm(let timer): disarm(timer)
    case .idle: allIsDone()
    case .reportInternalError(let text): internalErrorNoticed(text.description)
    }
  }

  private mutating func send(_ job: JobID, _ attempt: Int) {
    guard let worker = offeredWorker else { return }
    bind(job, worker)
    let number = ledger.sequence(of: job)
    facts.setAttempt(.init(startedAt: loop.now(), includesStart: !pool.hasBegun(worker)), of: job)
    if facts.keepsDetails {
      facts[job].leasedAt = loop.now()
      facts[job].slot = worker.slot.index
      facts[job].pid = pool.pid(of: worker)
    }
    noteAttempt(job, attempt, worker)
    if attempt > 1 { reporter.detail("job \(number): attempt \(attempt), on worker \(worker.slot)") }
    store.withBytes(of: job) { pool.send($0, job: number, to: worker, &loop) }
  }

  private mutating func interrupt(_ job: JobID) {
    guard let worker = workerOfJob[Int(job.index)] else { return }
    if facts.keepsDetails {
      let message = isAbandoning ? "the run ended before it did" : "it ran longer than it may (--timeout)"
      noteEnd(of: job, Failure(message: message, account: pool.account(of: worker, loop.now())))
      noteAttemptEnd(job, failure: message)
      if !isAbandoning { noteFailedAttempt(of: job, .timeout) }
    }
    if !isAbandoning {
      let pid = pool.pid(of: worker) ?? 0
      let text = "job \(ledger.sequence(of: job)) ran out of time (--timeout)"
      reporter.repeated(
        .failedJob, cause: "ran out of time (--timeout)", "\(text): stopping worker \(worker.slot) (pid \(pid))")
      hintAtBuffering()
    }
    unbind(job, worker)
    pool.interrupt(worker, &loop)
  }

  // MARK: Timers

  /// The run clock starts with the first byte written; but a worker that is still loading has not begun, as its unread
  /// pipe proves. For its first job the clock starts when it begins to read (workerpool #508).
  private mutating func arm(_ timer: JobTimer, _ wait: UInt64) {
    if case .run(let job) = timer, let worker = workerOfJob[Int(job.index)], !pool.hasBegun(worker) {
      runLimitOfJob[Int(job.index)] = wait
      timers.arm(.begin(job, worker), at: loop.now() &+ min(wait, Self.beginInterval))
      return
    }
    timers.arm(.job(timer), at: loop.now() &+ wait)
  }

  private mutating func disarm(_ timer: JobTimer) {
    timers.disarm(.job(timer))
    if case .run(let job) = timer, let worker = workerOfJob[Int(job.index)] { timers.disarm(.begin(job, worker)) }
  }

  mutating func fireTimers() {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .job(let timer):
        ledger.handle(.timerFired(timer), into: &jobActions)
        performJobActions()
      case .begin(let job, let worker):
        guard workerOfJob[Int(job.index)] == worker else { continue }
        let limit = runLimitOfJob[Int(job.index)]
        if pool.hasBegun(worker) {
          timers.arm(.job(.run(job)), at: loop.now() &+ limit)
        } else {
          timers.arm(.begin(job, worker), at: loop.now() &+ min(limit, Self.beginInterval))
        }
      case .silence: saySilence()
      case .progress: drawProgress()
      case .sample: takeSample()
      }
    }
  }
}
