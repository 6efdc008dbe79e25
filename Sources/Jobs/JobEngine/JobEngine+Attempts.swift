import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Records
import Text
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProtocols

/// Carries the ledger's actions out, and the pool's events in.
extension JobEngine {
  /// Takes what the pool reports.
  mutating func take(_ event: WorkerPoolEvent, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch event {
    case .offered(let worker): send(to: worker, &loop, &reporter)
    case .replied(let worker): replied(worker, &loop, &reporter)
    case .leaseLost(let worker, let loss, let jobs): lost(jobs, worker, loss, event, &loop, &reporter)
    case .noticed(let worker, let pid, let notice, let job): noticed(notice, job, worker, pid: pid, &reporter)
    case .workerLog(let worker, let pid, let line): reporter.workerLine(worker, pid: pid, line)
    case .closed: outputs.append(.closed)
    case .notEnforced, .remark, .started, .ready, .banner, .checked, .stopping, .stopped, .demandRefused,
      .protocolBroken, .checkFailed, .offended, .foreignNotification, .died, .cannotStart, .notice:
      say(event, loop, &reporter)
      outputs.append(.worker(event))
    }
  }

  // MARK: Leases

  /// A worker is there: it gets the next job.
  private mutating func send(to worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    if jobs.ledger.configuration.batches != nil, !isStopping { return sendBatch(to: worker, &loop, &reporter) }
    guard !isStopping, let next = jobs.ledger.send(into: &jobs.actions) else { return pool.returnLease(worker, &loop) }
    send(next, to: worker, &loop, &reporter)
  }

  /// The worker, which has no other, gets this job.
  mutating func send(
    _ next: Assignment, to worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    send(next, to: worker, &loop)
    guard jobs.ledger.isLeased(next.job) else { return }
    begin(next.job, worker, includesStart: !pool.isProved(worker), loop, &reporter)
    // One that has failed before may have taken a worker along, and runs alone: then it takes no other job along.
    if next.attempt > 1, pool.runsJobsAtOnce { return }
    if pool.givesSeveralJobs { workersWithRoom.append(worker) }
  }

  mutating func send(_ next: Assignment, to worker: WorkerID, _ loop: inout EventLoop) {
    let sent = SentJob(tag: next.job.tag, number: jobs.ledger.sequence(of: next.job))
    bind(next.job, to: worker)
    let isSent =
      if let large = jobs.store.sharedJob(next.job) {
        pool.send(large, sent, to: worker, &loop)
      } else {
        jobs.store.withBytes(of: next.job) { pool.send($0, sent, to: worker, gathered: true, &loop) }
      }
    if isSent { return }
    unbind(next.job)
    jobs.ledger.handle(.returnedUnstarted(next.job), into: &jobs.actions)
  }

  mutating func bind(_ job: JobID, to worker: WorkerID) {
    while workerOfJob.count <= Int(job.index) {
      workerOfJob.append(nil)
      runLimitOfJob.append(.zero)
    }
    workerOfJob[Int(job.index)] = worker
  }

  /// Whether this worker has the job. One that was asked to give it up may still answer it when another has it.
  func has(_ worker: WorkerID, _ job: JobID) -> Bool {
    jobs.ledger.isLeased(job) && workerOfJob[Int(job.index)] == worker
  }

  /// The job is at the head of its worker: its attempt begins.
  mutating func begin(
    _ job: JobID, _ worker: WorkerID, includesStart: Bool = false, _ loop: borrowing EventLoop,
    _ reporter: inout Reporter
  ) {
    watchForSilence(loop)
    jobs.facts.setAttempt(.init(startedAt: loop.now(), includesStart: includesStart), of: job)
    if jobs.facts.keepsDetails {
      jobs.facts[job].leasedAt = loop.now()
      jobs.facts[job].slot = worker.slot.index
      jobs.facts[job].pid = pool.pid(of: worker)
    }
    let attempt = jobs.ledger.attempts(of: job)
    if configuration.tellsAttempts { outputs.append(.attemptStarted(job, attempt, worker)) }
    if attempt > 1 {
      reporter.detail("job \(jobs.ledger.sequence(of: job)): attempt \(attempt), on worker \(worker.slot)")
    }
  }

  private mutating func replied(_ worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard let sent = pool.answeredJob(of: worker) else { return }
    let job = JobID(tag: sent.tag)
    // It was cancelled meanwhile; this worker or another may have it again by now.
    guard has(worker, job), !pool.answersCancelledJob(worker) else { return finishReply(of: worker, &loop, &reporter) }
    let framing = jobs.facts.answer(of: job)
    let (size, defect) = pool.withReply(of: worker) { reply -> (Int, FramingError?) in
      let isFit = framing == nil || framing == jobs.framingOfReplies
      return (reply.count, isFit ? nil : framing?.canCarry(reply.bytes))
    }
    if configuration.pool.metersJobs, jobs.facts.keepsDetails {
      jobs.facts[job].cost = pool.cost(of: worker, at: loop.now())
    }
    let errors = configuration.keepsErrorText ? pool.errorText(of: worker) : []
    keepErrors(errors, of: job)
    unbind(job)
    (jobs.answering, answeringWorker) = (job, worker)
    if let failure = pool.failure(of: worker) {
      return failed(job, on: worker, failure, loop, &reporter)
    }
    if let defect, let framing {
      let evidence = reporter.sayUnfitReply(to: sent.number, framing, defect)
      return fail(job, .failed, cause: "reply unfit for --output", evidence, loop)
    }
    noteEnd(of: job, nil, received: size, loop)
    let attempt = jobs.facts.attempt(of: job)
    let ran = attempt.includesStart ? nil : loop.now() - attempt.startedAt
    if attempt.includesStart { outputs.append(.firstReply(worker)) }
    noteAttemptEnd(job, failure: nil)
    // For dead letters the job is kept beside its answer.
    let kept =
      configuration.keepsFailedAttempts ? jobs.store.size(of: job) + (jobs.facts[job].record?.count ?? 0) : 0
    jobs.ledger.handle(.replied(job, resultBytes: size + kept + errors.count, ran: ran), into: &jobs.actions)
  }

  /// The worker answered that the job has failed.
  private mutating func failed(
    _ job: JobID, on worker: WorkerID, _ failure: ReplyFailure, _ loop: borrowing EventLoop,
    _ reporter: inout Reporter
  ) {
    let pid = pool.pid(of: worker) ?? 0
    let number = jobs.ledger.sequence(of: job)
    let message = failure.message.isEmpty ? "the worker gave no reason" : failure.message
    reporter.repeated(
      .failedJob, cause: "failed, as its worker answered", about: Reporter.Subject(worker, pid: pid, job: number),
      "job \(number) failed on worker \(worker.slot) (pid \(pid)): \(indented(message))")
    fail(
      job, .failed, cause: "failed, as its worker answered",
      Failure(
        message: message, code: failure.code, data: failure.data,
        stderr: Array(pool.errorText(of: worker).prefix(ErrorRule.longestMessage))), loop)
  }

  /// The reply is settled: the worker goes on with the job that is parked behind, if there is one.
  mutating func finishReply(of worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    pool.finishReply(of: worker, &loop)
    guard let next = pool.head(of: worker) else { return }
    if pool.isInBatch(worker) { return stopIfUnwanted(worker, &loop) }
    if pool.runsJobsAtOnce {
      if !workersWithRoom.contains(worker) { workersWithRoom.append(worker) }
      return
    }
    let job = JobID(tag: next.tag)
    if jobs.ledger.isLeased(job) {
      begin(job, worker, loop, &reporter)
      jobs.ledger.handle(.started(job), into: &jobs.actions)
    } else if !pool.hasReply(worker) {
      // It was cancelled while it was parked, and must not run for long. (If it is done, `replied` drops its answer.)
      if pool.cancel(next, at: worker, &loop) { return }
      outputs.append(.workerGivenUp(worker))
      returnUnstarted(pool.interrupt(worker, &loop).all, from: worker, loop)
    }
  }

  /// Jobs that did not run go back to the front of the queue, in the order in which they were.
  private mutating func returnUnstarted(
    _ unstarted: some BidirectionalCollection<SentJob>, from worker: WorkerID, _ loop: borrowing EventLoop
  ) {
    for sent in unstarted.reversed() {
      let job = JobID(tag: sent.tag)
      guard has(worker, job) else { continue }
      if !jobs.ledger.isParked(job) {
        noteEnd(of: job, Failure(message: "workers gave it back unread"), loop)
        noteAttemptEnd(job, failure: "given back unread")
      }
      unbind(job)
      jobs.ledger.handle(.returnedUnstarted(job), into: &jobs.actions)
    }
  }

  /// An attempt of the job has failed.
  private mutating func fail(
    _ job: JobID, _ failure: AttemptFailure, cause: String, _ evidence: Failure, _ loop: borrowing EventLoop
  ) {
    noteEnd(of: job, evidence, cause: cause, loop)
    noteAttemptEnd(job, failure: cause)
    noteFailedAttempt(of: job, failure)
    jobs.ledger.handle(.attemptFailed(job, failure), into: &jobs.actions)
  }

  private mutating func lost(
    _ lostJobs: LostJobs, _ worker: WorkerID, _ loss: LeaseLoss, _ event: WorkerPoolEvent, _ loop: inout EventLoop,
    _ reporter: inout Reporter
  ) {
    switch loss {
    case .neverStarted: break
    case .died(let report): sayDeath(report, &reporter)
    case .violation(let account, let violation): reportBreach(account, violation, .refused, &reporter)
    case .offence(let account, let offence): sayOffence(account, offence, &reporter)
    }
    outputs.append(.worker(event))
    returnUnstarted(lostJobs.unstarted, from: worker, loop)
    returnBatch(lostJobs.begun, from: worker, because: loss.cause, loop, &reporter)
    for sent in lostJobs.begun { lost(JobID(tag: sent.tag), worker, loss, &loop, &reporter) }
  }

  private mutating func lost(
    _ job: JobID, _ worker: WorkerID, _ loss: LeaseLoss, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    guard has(worker, job) else { return }
    if let account = loss.account, jobs.ledger.isParked(job) { beginLost(job, account, loop, &reporter) }
    unbind(job)
    keepErrors(loss.account?.jobErrorText ?? [], of: job)
    switch loss {
    case .neverStarted:
      noteEnd(of: job, Failure(message: "workers gave it back unread"), loop)
      noteAttemptEnd(job, failure: "given back unread")
      jobs.ledger.handle(.returnedUnstarted(job), into: &jobs.actions)
    case .died(let report): fail(job, .crashed, cause: report.cause, Failure(report), loop)
    case .violation(let account, let violation):
      let evidence = Failure(message: "\(account.name) \(violation)", account: account)
      // What is merely too large is the job's fault alone; any other breach costs a worker, like a death.
      fail(job, violation.isOverLimit ? .failed : .crashed, cause: violation.cause, evidence, loop)
    case .offence(let account, let offence):
      let evidence = Failure(message: "\(account.name) \(offence)", account: account)
      fail(job, .crashed, cause: offence.cause, evidence, loop)
    }
  }

  /// The job was parked, came to the head of its worker, and was lost in the same moment.
  private mutating func beginLost(
    _ job: JobID, _ account: WorkerAccount, _ loop: borrowing EventLoop, _ reporter: inout Reporter
  ) {
    begin(job, account.worker, loop, &reporter)
    if jobs.facts.keepsDetails { jobs.facts[job].pid = account.pid }
  }

  mutating func unbind(_ job: JobID) { workerOfJob[Int(job.index)] = nil }

  /// A job of which a loading worker has read nothing does not run: nobody waits for the loading to end.
  package mutating func takeBackUnstarted(_ loop: inout EventLoop) {
    for worker in pool.busyWorkers where !pool.hasBegun(worker) {
      let unstarted = pool.interrupt(worker, &loop).all
      let lost = unstarted.map { JobID(tag: $0.tag) }.filter { has(worker, $0) }
      returnUnstarted(unstarted, from: worker, loop)
      // They never ran, and waited until now.
      if jobs.facts.keepsDetails { for job in lost { jobs.facts[job].forgetWorker() } }
    }
  }

  // MARK: What the ledger decides

  /// Carries out what is for the workers.
  mutating func perform(_ action: JobAction, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch action {
    case .interrupt(let job, let cause): interrupt(job, cause, &loop, &reporter)
    case .interruptBatch(let job): interruptBatch(of: job, &loop, &reporter)
    case .hold(let job):
      jobs.hold(job, sharing: { answeringWorker.flatMap { pool.shareReply(of: $0) } }) { keep in
        if let answeringWorker { pool.withReply(of: answeringWorker, keep) }
      }
    case .arm(let timer, let wait): arm(timer, wait, loop)
    case .disarm(let timer): disarm(timer)
    case .reportInternalError(let text): internalErrorNoticed(text.description, &reporter)
    case .settled, .emit, .withdrawn, .forget, .idle: break  // `JobTable.next` has seen to it.
    }
  }

  private mutating func interrupt(
    _ job: JobID, _ cause: InterruptCause, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    guard let worker = workerOfJob[Int(job.index)] else { return }
    let limit = nameOfRunLimit(of: job)
    let message: String
    switch cause {
    case .runLimit: message = "it ran longer than it may (\(limit))"
    case .cancelled: message = jobs.cancelCause(of: job).message
    }
    if jobs.facts.keepsDetails {
      let account = pool.account(of: worker, loop.now())
      keepErrors(account?.jobErrorText ?? [], of: job)
      noteEnd(of: job, Failure(message: message, account: account), loop)
      noteAttemptEnd(job, failure: message)
      if cause == .runLimit { noteFailedAttempt(of: job, .timeout) }
    }
    unbind(job)
    if pool.isInBatch(worker) { return stopIfUnwanted(worker, &loop) }
    // One that is cancelled while it is parked ends there: see `finishReply`.
    let runs = pool.runsJobsAtOnce || pool.head(of: worker)?.tag == job.tag
    let sent = SentJob(tag: job.tag, number: jobs.ledger.sequence(of: job))
    let isAsked = runs && pool.cancel(sent, at: worker, &loop)
    if cause == .runLimit { reportTimeout(of: job, worker, limit, isAsked: isAsked, loop, &reporter) }
    guard runs, !isAsked else { return }
    if cause == .cancelled { outputs.append(.workerGivenUp(worker)) }
    let lost = pool.interrupt(worker, &loop)
    returnUnstarted(lost.unstarted, from: worker, loop)
    for sent in lost.begun where sent.tag != job.tag {
      let other = JobID(tag: sent.tag)
      guard has(worker, other) else { continue }
      let message = "its worker was stopped because of job \(jobs.ledger.sequence(of: job)), which it ran, too"
      unbind(other)
      fail(
        other, .crashed, cause: "its worker was stopped because of another job",
        Failure(message: message, account: pool.account(of: worker, loop.now())), loop)
    }
  }

  /// The limit may be the record's own, which overrides --timeout.
  func nameOfRunLimit(of job: JobID) -> String {
    jobs.ledger.hasOwnRunLimit(job) ? "\"timeout\" of its record" : "--timeout"
  }

  private mutating func reportTimeout(
    of job: JobID, _ worker: WorkerID, _ limit: String, isAsked: Bool, _ loop: borrowing EventLoop,
    _ reporter: inout Reporter
  ) {
    let pid = pool.pid(of: worker) ?? 0
    let number = jobs.ledger.sequence(of: job)
    let name = "worker \(worker.slot) (pid \(pid))"
    reporter.repeated(
      .failedJob, cause: "ran out of time (\(limit))", about: Reporter.Subject(worker, pid: pid, job: number),
      "job \(number) ran out of time (\(limit)): "
        + (isAsked ? request(to: name) : "stopping \(name)"))
    // One that was asked by a signal does something else by now.
    if !pool.runsJobsAtOnce, !isAsked { hintAtSilence(of: worker, loop, &reporter) }
  }

  private func request(to name: String) -> String {
    guard let signal = configuration.pool.cancelSignal else { return "asking \(name) to give it up (--cancel-grace)" }
    return "asking \(name) by \(signalName(signal)) to give it up (--cancel)"
  }

  // MARK: Evidence

  /// Keeps what its worker wrote to stderr during the job, if the job's files are to show it.
  private mutating func keepErrors(_ text: [UInt8], of job: JobID) {
    guard configuration.keepsErrorText else { return }
    jobs.facts[job].errorText = text
    jobs.ledger.handle(.kept(job, bytes: text.count), into: &jobs.actions)
  }

  mutating func noteAttemptEnd(_ job: JobID, failure: String?) {
    if configuration.tellsAttempts { outputs.append(.attemptEnded(job, failure: failure)) }
  }

  /// The attempt, or the wait, is over: `failure` is why, if it did not go well.
  mutating func noteEnd(
    of job: JobID, _ failure: Failure?, cause: String? = nil, received: Int = 0, _ loop: borrowing EventLoop
  ) {
    guard jobs.facts.keepsDetails else { return }
    jobs.facts[job].endedAt = loop.now()
    jobs.facts[job].received = received
    jobs.facts[job].failure = failure
    jobs.facts[job].cause = cause ?? failure?.message
  }

  /// An attempt that counts has failed like this.
  private mutating func noteFailedAttempt(of job: JobID, _ failure: AttemptFailure) {
    guard configuration.keepsFailedAttempts, let last = jobs.facts[job].failure else { return }
    let details = jobs.facts[job]
    jobs.facts[job].failedAttempts.append(
      DeadLetter.Attempt(
        outcome: failure.outcome.description, failure: last, slot: details.slot, pid: details.pid,
        ran: details.ran))
  }
}
