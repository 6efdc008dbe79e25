import JobCore
import JobEngine
import PoolCore
import Time
import WorkerPoolDriver

/// What the engine reports, and what its owner does about it.
extension Pipeline {
  mutating func take(_ output: JobEngineOutput) throws {
    try require(!isClosed, "after the end: \(output)")
    switch output {
    case .job(let output): try take(output)
    case .attemptStarted(let job, let attempt, let worker): try attemptStarted(job, attempt, worker)
    case .attemptEnded(let job, _):
      let number = try model.number(of: job)
      let outcome = model[number].outcome
      try require(outcome == nil, "an attempt of job \(number) ends, which is \(outcome!) already")
      model[number].headSince = nil
    case .firstReply, .workerGivenUp: break
    case .worker(let event): try take(event)
    case .closed: try close()
    }
    if var dice = ambush {
      ambush = nil
      swap(&self.dice, &dice)
      try spring()
      swap(&self.dice, &dice)
    }
  }

  private mutating func take(_ output: JobOutput) throws {
    switch output {
    case .settled(let job, let outcome):
      let number = try model.number(of: job)
      try checkOutcome(number, outcome)
      if outcome == .ok { try checkReply(number, isNew: true) }
      try model.settle(number, outcome)
    case .emit(let job, let outcome):
      let number = try model.number(of: job)
      try model.emit(number, outcome, inOrder: engine.configuration.ledger.keepOrder)
      if outcome == .ok { try checkReply(number, isNew: false) }
    case .withdrawn(let job): try model.withdraw(try model.number(of: job))
    case .idle:
      try require(!isIdle, "idle is reported twice")
      try require(model.unsettled == 0, "idle with \(model.unsettled) jobs")
      isIdle = true
      if !engine.isStopping { engine.stopPool(.graceful, &loop) }
    }
  }

  private mutating func attemptStarted(_ job: JobID, _ attempt: Int, _ worker: WorkerID) throws {
    let number = try model.number(of: job)
    let known = model[number]
    try require(known.outcome == nil, "job \(number) is \(known.outcome!), and starts again")
    try require(attempt <= known.retries + 1, "attempt \(attempt) of job \(number), which has \(known.retries) retries")
    try require(known.headSince == nil, "job \(number) runs twice at the same time")
    model[number].heads += 1
    model[number].headSince = loop.now()
    model[number].headIsProved = engine.pool.isProved(worker)
    try checkOrder(number)
  }

  private mutating func take(_ event: WorkerPoolEvent) throws {
    switch event {
    case .protocolBroken(let account, let violation):
      try found(account, violation)
      guard violation.isSurplus, let last = account.lastJob, model[Int(last)].outcome == .ok else { return }
      try require(
        model[Int(last)].isOut || awaitsWithdrawal(Int(last)), "the doubtful answer to job \(last) waits on")
    case .leaseLost(_, .violation(let account, let violation), _): try found(account, violation)
    case .leaseLost(let worker, .neverStarted, let jobs):
      seen["given back", default: 0] += jobs.all.count
      try checkReturned(jobs.all.first, worker)
    case .leaseLost(let worker, .died, let jobs):
      seen["died on it", default: 0] += 1
      seen["lost while parked", default: 0] += jobs.unstarted.count
      if engine.configuration.ledger.batches != nil, jobs.begun.count > 1 { seen["died on a batch", default: 0] += 1 }
      try checkLost(jobs.begun.first, worker)
    case .checkFailed(let account, let check, .wrong):
      try require(
        processes.worker(serial: account.worker.serial)?.isBroken == true, "\(account.name) answered its \(check) well")
    case .demandRefused(.startsFail): try workersDoNotStart()
    case .notice(.breakerOpened):
      guard !setting.isServing, engine.jobs.ledger.counts[.ok] == 0, engine.pool.isEmpty else { return }
      try abandon(.prompt, because: .noWorker)
    case .notice, .leaseLost, .notEnforced, .remark, .offered, .replied, .checkFailed, .offended, .foreignNotification,
      .cannotStart, .workerLog, .noticed, .closed, .started, .ready, .banner, .checked, .stopping, .stopped, .died,
      .demandRefused:
      break
    }
  }

  /// The answer is withdrawn by an output that comes after that of the breach.
  private func awaitsWithdrawal(_ number: Int) -> Bool {
    engine.jobs.actions.contains { if case .withdrawn(model[number].id) = $0 { true } else { false } }
  }

  /// A worker is accused.
  private mutating func found(_ account: WorkerAccount, _ violation: ProtocolViolation) throws {
    guard let worker = processes.worker(serial: account.worker.serial) else {
      throw Violation("\(account.name) was never started")
    }
    try require(worker.isBroken, "\(account.name) keeps to the protocol, but \(violation)")
    seen[violation.cause, default: 0] += 1
    worker.isAccused = true
    guard violation.isOutOfStep else { return }
    try require(worker.isOutOfStep, "\(account.name) is in step, but: \(violation)")
    worker.isFoundOut = true
  }

  private mutating func workersDoNotStart() throws {
    if setting.isServing {
      isGivingUp = true
      engine.giveUpWaiting()
    } else if !engine.isStopping {
      try abandon(.prompt, because: .noWorker)
    }
  }

  /// Everything ends now: the jobs are cancelled, the workers stopped.
  mutating func abandon(_ urgency: StopUrgency, because cause: CancelCause) throws {
    isGivingUp = true
    engine.jobs.abandon(because: cause)
    try settle()
    try endInput()
    if !isClosed { engine.stopPool(urgency, &loop) }
  }

  /// Nothing new is started.
  mutating func drain() throws {
    isGivingUp = true
    engine.jobs.drain(because: .signal(2))
    try settle()
    engine.takeBackUnstarted(&loop)
    try settle()
    try endInput()
  }

  private mutating func close() throws {
    isClosed = true
    let isAsked = isIdle || engine.isStopping || engine.jobs.ledger.isDraining
    try require(isAsked, "the pool closes, and nobody has asked for it")
    try require(processes.living.isEmpty, "the pool is closed, and \(processes.living.count) workers live")
  }
}
