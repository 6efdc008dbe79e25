import JobCore
import JobEngine
import Time
import WorkerPool

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
      try require(engine.jobs.ledger.isLeased(JobID(tag: head.tag)), "\(id) runs job \(head.number), which is not leased")
      let slot = id.slot.index
      while handsBefore.count <= slot { handsBefore.append(0) }
      if count > 1 { try checkParked(id, count, hasBreach) }
      mostInHand = max(mostInHand, count)
      parked += max(0, count - max(1, handsBefore[slot]))
      handsBefore[slot] = count
    }
    try require(leased <= total, "\(leased) jobs are leased, and workers have \(total)")
  }

  private func checkParked(_ id: WorkerID, _ count: Int, _ hasBreach: Bool) throws {
    try require(count <= mostSeats, "\(id) has \(count) jobs on \(mostSeats) seats")
    guard let worker = processes.worker(serial: id.serial) else { throw Violation("\(id) was never started") }
    let answered = worker.replies + worker.surplus
    try require(answered >= 64, "\(count) jobs are parked at \(id), which has answered \(answered)")
    if !isReconfigured, setting.engine.pool.parksInOrderOnly {
      try require(worker.habits.isSequential, "\(count) jobs are parked at \(id), which reads ahead")
    }
    if breachesBefore > 0, !hasBreach {
      try require(count <= handsBefore[id.slot.index], "jobs are parked at \(id) after a breach of the protocol")
    }
  }

  /// After timers were fired: no job runs for longer than it may.
  func checkRunTimes() throws {
    guard !isReconfigured else { return }
    for id in engine.pool.busyWorkers {
      guard let head = engine.pool.head(of: id) else { continue }
      let known = model[Int(head.number)]
      let limit = known.runLimit > .zero ? known.runLimit : engine.configuration.ledger.runLimit
      guard let limit, let since = known.headSince, engine.pool.isProved(id) else { continue }
      let ran = loop.now() - since
      try require(
        ran <= limit + .milliseconds(20) + longestDelay, "job \(head.number) runs for \(ran.count) ns, limit \(limit.count)")
    }
  }

  /// Timers are fired this late at most.
  var longestDelay: Nanoseconds { .milliseconds(50) }

  // MARK: Outcomes

  /// What each outcome says must be true.
  func checkOutcome(_ number: Int, _ outcome: Outcome) throws {
    let known = model[number]
    let attempts = engine.jobs.ledger.attempts(of: known.id)
    try require(attempts <= known.retries + 1, "job \(number): \(attempts) attempts, \(known.retries) retries")
    // What was cancelled while it was parked counts as tried: its worker may have read it.
    let heads = setting.engine.tellsAttempts && outcome != .cancelled ? known.heads : .max
    try require(attempts <= heads, "job \(number): \(attempts) attempts, at the head of a worker \(known.heads) times")
    if setting.conduct != .wild, outcome != .cancelled, !mayTimeOut(number) {
      try require(attempts <= known.readers.count,
        "job \(number): \(attempts) attempts, and \(known.readers.count) workers have read it")
    }
    let isOver = isGivingUp || engine.jobs.ledger.isDraining || known.isCancelled || known.isRejected
    let ran = known.headSince.map { loop.now() - $0 }
    switch outcome {
    case .ok: try require(attempts > 0, "job \(number) is ok without an attempt")
    case .cancelled: try require(isOver, "job \(number) was cancelled by nobody")
    case .quarantined:
      let limit = isReconfigured ? 1 : engine.configuration.ledger.quarantineAfter
      try require(heads >= limit, "job \(number) is quarantined after \(known.heads) attempts")
    case .expired:
      let limit = isReconfigured ? .zero : engine.configuration.ledger.queueLimitTime
      let waited = loop.now() - known.acceptedAt
      try require(known.isRejected || limit.map { $0 <= waited } ?? false, "job \(number) expired after \(waited.count) ns")
    case .timeout:
      try require(mayTimeOut(number), "job \(number) ran out of time and has no limit")
      try require(isOver || attempts == known.retries + 1, "job \(number) was not repeated: \(known)")
      try require(ran.map { $0 >= shortestLimit(number) } ?? true, "job \(number) ran for \(ran!.count) ns only")
    case .crashed, .failed:
      try require(
        isOver || attempts == known.retries + 1 || setting.isServing && processes.failedStarts > 0,
        "job \(number) is \(outcome) after \(attempts) attempts: \(known)")
      if setting.conduct == .honest { try require(known.isRejected, "job \(number) is \(outcome) with honest workers") }
    }
  }

  private func mayTimeOut(_ number: Int) -> Bool {
    isReconfigured || model[number].runLimit > .zero || engine.configuration.ledger.runLimit != nil
  }

  private func shortestLimit(_ number: Int) -> Nanoseconds {
    if model[number].runLimit > .zero { return model[number].runLimit }
    return isReconfigured ? .zero : engine.configuration.ledger.runLimit ?? .zero
  }

  /// An answer that is used is whole, and belongs to its job, as far as that can be known.
  func checkReply(_ number: Int, isNew: Bool) throws {
    let reply = engine.withResult(of: model[number].id) { Payload.readReply($0) }
    guard let reply else { throw Violation("the answer to job \(number) is not what a worker wrote") }
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
    try require(
      model[number].readers.contains(reply.serial), "job \(number) was answered by worker \(reply.serial) before it read it")
  }

  // MARK: The end

  func checkEnd() throws {
    try model.checkAllOut()
    if !processes.all.contains(where: \.isOutOfStep) {
      try require(engine.breachesOfStep == 0, "breaches of the protocol, and no worker broke it")
    }
    for outcome in Outcome.allCases {
      let count = engine.jobs.ledger.counts[outcome]
      try require(count == model.outcomes[outcome, default: 0], "\(count) jobs are counted as \(outcome)")
    }
  }
}
