import JobCore
import JobEngine
import Time
import WorkerPoolDriver

/// What must be true of the pipeline.
extension Pipeline {
  /// At any moment at which nothing is left to be done.
  mutating func check() throws {
    let counts = engine.jobs.ledger.counts
    try require(engine.jobs.ledger.internalErrors == 0, "the ledger has an internal error")
    try require(engine.pool.internalErrors == 0, "the pool has an internal error")
    try require(counts.accepted == model.jobs.count, "\(counts.accepted) jobs came in, not \(model.jobs.count)")
    try require(counts.settled == model.settled, "\(counts.settled) jobs are settled, not \(model.settled)")
    try require(counts.unsettled == model.unsettled, "\(counts.unsettled) jobs live, not \(model.unsettled)")
    try require(engine.jobs.unsettledBytes == model.unsettledBytes, "the bytes of the jobs do not add up")
    try checkHands(leased: counts.leased)
    if engine.jobs.ledger.demand > 0, engine.pool.hasIdleWorker { try checkIdle(engine.jobs.ledger.demand) }
  }

  /// A worker is idle while jobs wait: then others are being probed for them, or none of them may start any more.
  private func checkIdle(_ demand: Int) throws {
    if engine.isStopping || engine.jobs.ledger.isDraining { return }
    let probed = engine.pool.snapshot.slots.count { $0.state == .probing && $0.retiring == nil }
    try require(demand <= probed, "a worker is idle while \(demand) jobs wait\(description)")
  }

  /// The jobs that workers have.
  private mutating func checkHands(leased: Int) throws {
    var total = 0
    let hasBreach = engine.breachesOfStep > breachesBefore
    breachesBefore = engine.breachesOfStep
    for id in engine.pool.busyWorkers {
      let count = engine.pool.jobsInHand(of: id)
      total += count
      guard let head = engine.pool.head(of: id) else { throw Violation("\(id) is busy without a job") }
      // The rest of a batch goes on without a job that is cancelled; so does a worker that was asked to give one up.
      let isLeased = engine.jobs.ledger.isLeased(JobID(tag: head.tag))
      let goesOn = engine.pool.isInBatch(id) || setting.engine.pool.cancelGrace > .zero
      try require(isLeased || goesOn, "\(id) runs job \(head.number), which is not leased")
      let slot = id.slot.index
      while handsBefore.count <= slot { handsBefore.append(0) }
      if count > 1 { try checkParked(id, count, hasBreach) }
      mostInHand = max(mostInHand, count)
      if engine.pool.isInBatch(id), handsBefore[slot] == 0 { batches += 1 }
      parked += max(0, count - max(1, handsBefore[slot]))
      handsBefore[slot] = count
    }
    try require(leased <= total, "\(leased) jobs are leased, and workers have \(total)")
  }

  private func checkParked(_ id: WorkerID, _ count: Int, _ hasBreach: Bool) throws {
    try require(count <= mostSeats, "\(id) has \(count) jobs on \(mostSeats) seats")
    guard let worker = processes.worker(serial: id.serial) else { throw Violation("\(id) was never started") }
    if setting.speech != .framed { return }
    let answered = worker.replies + worker.surplus
    let least = setting.engine.pool.parksInOrderOnly && processes.haveMany(answers: 16, workers: 16) ? 16 : 64
    try require(answered >= least, "\(count) jobs are parked at \(id), which has answered \(answered)")
    if !isReconfigured, setting.engine.pool.parksInOrderOnly {
      try require(worker.habits.isSequential, "\(count) jobs are parked at \(id), which reads ahead")
    }
    if breachesBefore > 0, !hasBreach {
      try require(count <= handsBefore[id.slot.index], "jobs are parked at \(id) after a breach of the protocol")
    }
  }

  /// After timers were fired: no job runs for longer than it may. One that its worker, a fresh one, has not begun to
  /// read has not begun to run, either; that is looked at every 20 ms, or later by what was skipped.
  mutating func checkRunTimes(afterSkipping span: Nanoseconds) throws {
    guard !isReconfigured else { return }
    for id in engine.pool.busyWorkers {
      guard let head = engine.pool.head(of: id) else { continue }
      model[Int(head.number)].longestSkip = max(model[Int(head.number)].longestSkip, span)
      let known = model[Int(head.number)]
      guard let limit = limit(of: Int(head.number)), let since = known.headSince else { continue }
      if !known.headIsProved, !known.readers.contains(Int(id.serial)) { continue }
      let began = known.headIsProved ? since : max(since, known.readAt)
      let slack = known.headIsProved ? .zero : known.longestSkip + .milliseconds(20)
      let ran = loop.now() - began
      try require(ran < limit + slack, "job \(head.number) runs for \(ran.count) ns, limit \(limit.count)")
    }
  }

  /// After timers were fired: a worker with a lease has a job, if it is well.
  func checkLeases() throws {
    for slot in engine.pool.snapshot.slots where slot.state == .leased {
      guard let id = slot.worker, let worker = processes.worker(serial: id.serial) else { continue }
      if !worker.isAlive || worker.isBroken { continue }
      try require(engine.pool.jobsInHand(of: id) > 0, "\(id) is leased, and has no job")
    }
  }

  /// After timers were fired: a worker that closed a pipe and lives on has lost its jobs within a second.
  func checkClosedPipes() throws {
    for id in engine.pool.busyWorkers {
      guard let seenAt = processes.worker(serial: id.serial)?.closedPipeSeenAt else { continue }
      let kept = loop.now() - seenAt
      try require(kept < .seconds(1), "\(id) closed a pipe, and has kept its jobs for \(kept.count) ns")
    }
  }

  /// One worker that is sent the jobs of one source, each once, is sent them in their order, whatever comes back.
  mutating func checkOrder(_ number: Int) throws {
    if setting.hasOneWorker, !isReconfigured, !isResized {
      try require(number >= lastHead, "job \(number) is started after job \(lastHead)")
    }
    lastHead = max(number, lastHead)
  }

  // MARK: Lost jobs

  /// The worker is said not to have touched its job.
  func checkReturned(_ job: SentJob?, _ id: WorkerID) throws {
    guard let job, let worker = processes.worker(serial: id.serial), worker.status != .exited(code: 0) else { return }
    // It may have read the job for an attempt that it answered with a failure.
    if worker.requests.failures[Int(job.number)] != nil { return }
    let hasRead = model[Int(job.number)].readers.contains(worker.serial)
    try require(!hasRead, "\(id) has read job \(job.number), which is given back")
  }

  /// The worker is said to have died on its job.
  func checkLost(_ job: SentJob?, _ id: WorkerID) throws {
    guard let job, let worker = processes.worker(serial: id.serial), !worker.isBroken else { return }
    // Of a batch no answer is used before all of them are there; and a failure may have been that of an attempt before.
    let mayHaveAnswered = setting.speech == .counted || worker.requests.failures[Int(job.number)] != nil
    let hasAnswered = !mayHaveAnswered && worker.answered.contains(Int(job.number))
    try require(!hasAnswered, "\(id) has answered job \(job.number), and is said to have died on it")
    let hasRead = model[Int(job.number)].readers.contains(worker.serial)
    try require(hasRead, "\(id) has not read job \(job.number), and is said to have died on it")
  }

  // MARK: Outcomes

  /// What each outcome says must be true.
  func checkOutcome(_ number: Int, _ outcome: Outcome) throws {
    let known = model[number]
    let attempts = engine.jobs.ledger.attempts(of: known.id)
    try require(attempts <= known.retries + 1, "job \(number): \(attempts) attempts, \(known.retries) retries")
    // What was cancelled while it was parked counts as tried: its worker may have read it.
    let heads = setting.engine.tellsAttempts && outcome != .cancelled ? known.heads : .max
    try require(attempts <= heads, "job \(number) (\(outcome)): \(attempts) attempts, at the head \(known.heads) times")
    if setting.conduct != .wild, outcome != .cancelled, !mayTimeOut(number) {
      try require(
        attempts <= known.readers.count,
        "job \(number): \(attempts) attempts, and \(known.readers.count) workers have read it")
    }
    let isOver = isGivingUp || engine.jobs.ledger.isDraining || known.isCancelled || known.isRejected
    switch outcome {
    case .ok: try require(attempts > 0, "job \(number) is ok without an attempt")
    case .cancelled: try require(isOver, "job \(number) was cancelled by nobody")
    case .quarantined:
      let limit = isReconfigured ? 1 : engine.configuration.ledger.quarantineAfter
      try require(heads >= limit, "job \(number) is quarantined after \(known.heads) attempts")
    case .expired:
      let limit = isReconfigured ? .zero : engine.configuration.ledger.queueLimitTime
      let waited = loop.now() - known.acceptedAt
      let isDue = known.isRejected || limit.map { $0 <= waited } ?? false
      try require(isDue, "job \(number) expired after \(waited.count) ns")
    case .timeout:
      try require(mayTimeOut(number), "job \(number) ran out of time and has no limit")
      try require(isOver || attempts == known.retries + 1, "job \(number) was not repeated: \(known)")
      try checkTimeout(number)
    case .crashed, .failed:
      try require(
        isOver || attempts == known.retries + 1 || setting.isServing && processes.failedStarts > 0,
        "job \(number) is \(outcome) after \(attempts) attempts: \(known)")
      if setting.conduct == .honest {
        let hasFailed = outcome == .failed && processes.all.contains { $0.requests.failures[number] != nil }
        try require(
          known.isRejected || hasFailed || wentWithAnother(number), "job \(number) is \(outcome) with honest workers")
      }
    }
  }

  /// Whether a worker that it shared with other jobs may have been stopped because of one of them.
  private func wentWithAnother(_ number: Int) -> Bool {
    guard engine.configuration.pool.workerProtocol.concurrency ?? 1 > 1 else { return false }
    let readers = Set(model[number].readers)
    return (1...model.jobs.count).contains { other in
      (model[other].isCancelled || mayTimeOut(other)) && !readers.isDisjoint(with: model[other].readers)
    }
  }

  private func mayTimeOut(_ number: Int) -> Bool {
    isReconfigured || model[number].runLimit > .zero || engine.configuration.ledger.runLimit != nil
  }

  /// How long it may run; nil for ever.
  private func limit(of number: Int) -> Nanoseconds? {
    model[number].runLimit > .zero ? model[number].runLimit : engine.configuration.ledger.runLimit
  }

  /// A job must have had all of its time.
  private func checkTimeout(_ number: Int) throws {
    let known = model[number]
    guard !isReconfigured, let limit = limit(of: number), let since = known.headSince else { return }
    let began = known.headIsProved ? since : max(since, known.readAt)
    let ran = loop.now() - began
    try require(ran >= limit, "job \(number) ran out of time after \(ran.count) ns, limit \(limit.count)")
    try require(known.headIsProved || !known.readers.isEmpty, "job \(number) ran out of time before it was read")
  }

  /// An answer that is used is whole, and belongs to its job, as far as that can be known.
  func checkReply(_ number: Int, isNew: Bool) throws {
    let reply = engine.withResult(of: model[number].id) { Payload.readReply($0) }
    guard let reply else {
      // From a worker whose answers belong to others, it may be that to a check.
      let isPossible = processes.all.contains(where: \.isOutOfStep)
      let isOther = engine.withResult(of: model[number].id) { Payload.isNoAnswerToJob($0) }
      return try require(isPossible && isOther, "the answer to job \(number) is not what a worker wrote")
    }
    guard let worker = processes.worker(serial: UInt64(reply.serial)) else {
      throw Violation("the answer to job \(number) comes from worker \(reply.serial), which was never started")
    }
    if reply.job != number {
      try require(worker.isOutOfStep, "job \(number) has the answer to job \(reply.job)")
    }
    guard isNew else { return }
    try require(!worker.isFoundOut, "worker \(reply.serial) was found out of step, and then answered job \(number)")
    // Of its first replies all are looked at.
    guard worker.replies + worker.surplus < 64 else { return }
    try require(!worker.spokeWhileFree, "job \(number) was answered by worker \(reply.serial), which spoke before")
    let hasRead = model[number].readers.contains(reply.serial)
    try require(hasRead, "job \(number) was answered by worker \(reply.serial) before it read it")
  }

  // MARK: The end

  func checkEnd() throws {
    try model.checkAllOut()
    if engine.breachesOfStep > 0 {
      try require(processes.all.contains(where: \.isOutOfStep), "breaches of the protocol, and no worker broke it")
    }
    for worker in processes.all {
      try require(!worker.isFoundOut || engine.breachesOfStep > 0, "a breach of the protocol is not counted")
      try checkEnd(of: worker)
    }
    for outcome in Outcome.allCases {
      let count = engine.jobs.ledger.counts[outcome]
      try require(count == model.outcomes[outcome, default: 0], "\(count) jobs are counted as \(outcome)")
    }
  }

  private func checkEnd(of worker: ScriptedWorker) throws {
    let isCertain =
      worker.hasEndedInOrder && !worker.habits.ignoresTerminate && worker.replies > 0 && !worker.hasSpokenFirst
    if isCertain, worker.surplus > 0, worker.omitted == 0, !worker.isAccused {
      try require(engine.breachesOfStep > 0, "worker \(worker.serial) wrote too many answers, and nobody knows")
    }
    let pool = setting.engine.pool.pool
    guard !isReconfigured, pool.maximumJobs == 1 || pool.maximumJobs > 0 && pool.surge == 0 else { return }
    let isWithin = worker.replies <= pool.maximumJobs
    try require(isWithin, "worker \(worker.serial) did \(worker.replies) jobs of \(pool.maximumJobs)")
  }
}
