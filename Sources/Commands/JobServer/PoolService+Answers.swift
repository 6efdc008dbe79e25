import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Records
import Text
import Time
import WireFormats
import WorkerPoolDriver

/// Answers out: from the engine to the connections.
extension PoolService {
  /// How much is gathered before it is written in the middle of a turn, in bytes.
  private static let blockSize = 65536
  /// How long the answers to a client that waits for many may be gathered.
  private static let gatheringTime: Nanoseconds = .milliseconds(1)
  /// And those to a client that waits for far more.
  private static let longGatheringTime: Nanoseconds = .milliseconds(4)

  mutating func settled(
    _ job: JobID, _ outcome: Outcome, _ loop: borrowing EventLoop, _ reporter: inout Reporter
  ) {
    // Field by field: a copy of the details would have to hold on to all that they refer to.
    let (queued, endedAt) = (engine.jobs.facts[job].queued, engine.jobs.facts[job].endedAt)
    let leasedAt = engine.jobs.facts[job].leasedAt
    let attempt = engine.jobs.facts.attempt(of: job)
    if outcome == .ok { rememberAnswer(to: job) }
    // Its answer may wait behind a slow one, but its client may have room for another job.
    let client = origins[Int(job.index)].client
    if connections.holds(client), connections[Int(client.index)].isHeldBack { touch(Int(client.index)) }
    metrics.jobSettled(
      outcome, queued: queued,
      ran: leasedAt != nil && !attempt.includesStart ? endedAt - attempt.startedAt : nil,
      input: engine.jobs.facts[job].sent, output: engine.jobs.facts[job].received)
    switch outcome {
    case .ok, .cancelled: break
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let attempts = engine.jobs.ledger.attempts(of: job)
      reporter.detail("job \(engine.jobs.ledger.sequence(of: job)): \(outcome) after \(plural(attempts, "attempt"))")
    }
  }

  /// The answer of a job finds its connection, if that is still there.
  mutating func answer(_ job: JobID, _ outcome: Outcome, _ loop: inout EventLoop) {
    let origin = origins[Int(job.index)]
    let index = Int(origin.client.index)
    guard connections.holds(origin.client) else {
      if outcome != .cancelled { metrics.answersDropped(1) }
      return forgetIfDone(origin.client)
    }
    connections[index].settled += 1
    if outcome == .ok { connections[index].settledOK += 1 }
    switch connections[index].output {
    case .framed(let framing):
      if outcome == .ok {
        engine.withResult(of: job) { connections[index].answer($0, as: framing) }
      } else {
        connections[index].answer(UnsafeRawBufferPointer(start: nil, count: 0), as: framing)
      }
    case .records:
      let line = engine.jobs.record(
        of: job, outcome, number: origin.number,
        // `prefork submit` turns it into JSON itself, if it is asked to.
        keepingJSON: configuration.keepsJSON && !connections[index].isSubmitter
      ) { engine.withResult(of: job, $0) }
      line.withUnsafeBytes { connections[index].unsent.append($0) }
    }
    connections[index].gathered += 1
    touch(index)
    if connections[index].unsent.count >= Self.blockSize, !connections[index].isWatchedForOutput {
      send(index, &loop)
      guard connections.holds(origin.client) else { return }
    }
    pauseIfFull(index)
  }

  private mutating func rememberAnswer(to job: JobID) {
    guard let slot = engine.jobs.facts[job].slot else { return }
    while lastAnswers.count <= slot { lastAnswers.append(LastAnswer()) }
    lastAnswers[slot] = LastAnswer(
      job: engine.jobs.ledger.sequence(of: job), origin: origins[Int(job.index)], id: engine.jobs.facts[job].id)
  }

  /// A worker wrote more than its last answer, which was ok. If that still waited for its turn, its job has failed, and
  /// the client gets an empty one. One that has asked for records has the answer already, and is informed.
  mutating func reportDoubtfulAnswer(_ account: WorkerAccount, _ violation: ProtocolViolation) {
    let slot = account.worker.slot.index
    guard violation.isSurplus, let job = account.lastJob, slot < lastAnswers.count, lastAnswers[slot].job == job else {
      return
    }
    metrics.answerInDoubt()
    answersInDoubt += 1
    let last = lastAnswers[slot]
    let index = Int(last.origin.client.index)
    guard connections.holds(last.origin.client), connections[index].delivery?.isShut != true else { return }
    guard connections[index].isSubmitter, let id = last.id else { return }
    let line = WithdrawnAnswer.line(id: id, reason: "\(account.name) \(violation)")
    line.withUnsafeBytes { connections[index].unsent.append($0) }
    touch(index)
  }

  /// If a client does not read, its jobs that were accepted before are not started, either: their answers would take
  /// memory without end.
  private mutating func pauseIfFull(_ index: Int) {
    guard !connections[index].isPaused, connections[index].unsent.count >= outputLimit else { return }
    connections[index].isPaused = true
    engine.jobs.handle(.clientPaused(connections[index].id))
  }

  /// What may wait for a slow reader, in bytes: for many of them less each.
  var outputLimit: Int {
    min(Connection.outputLimit, max(Connection.leastOutputLimit, Connection.allOutputLimit / max(1, connections.count)))
  }

  /// Its answers are sent at the end of the turn.
  mutating func touch(_ index: Int) {
    guard !connections[index].isTouched else { return }
    connections[index].isTouched = true
    touched.append(index)
  }

  /// Confirms to a client that has asked for records that it gets them.
  mutating func greet(_ index: Int) {
    connections[index].asksForRecords = false
    let most = configuration.ledger.clientLimit ?? configuration.ledger.queueLimit
    let line = Greeting.answer(
      pool: configuration.name, version: version, maximumJobSize: connections[index].maximumJobSize, mostUnsettled: most
    )
    line.withUnsafeBytes { connections[index].unsent.append($0) }
    touch(index)
  }

  /// Sends what was answered in this turn. What is better sent later stays touched.
  mutating func sendAnswers(_ loop: inout EventLoop) {
    var kept = 0
    for place in touched.indices {
      let index = touched[place]
      guard connections.holds(index), connections[index].isTouched else { continue }
      if gathersAnswers(index, loop.now()) {
        release(index)
        touched[kept] = index
        kept += 1
      } else {
        connections[index].isTouched = false
        if !connections[index].isWatchedForOutput { send(index, &loop) }
        guard connections.holds(index) else { continue }
        release(index)
        finishIfAnswered(index, &loop)
      }
    }
    touched.removeLast(touched.count - kept)
  }

  /// A client that has more jobs in the queue than answers to read loses nothing by waiting for a moment: no worker is
  /// idle for lack of what it would send next. To wake it for each answer would cost more than the job.
  private func gathersAnswers(_ index: Int, _ now: Instant) -> Bool {
    let gathered = connections[index].gathered
    guard gathered > 0, !connections[index].isWatchedForOutput, connections[index].unsent.count < Self.blockSize / 4
    else { return false }
    let since = now - connections[index].sentAt
    guard since < Self.longGatheringTime else { return false }
    let queued = engine.jobs.ledger.counts(of: connections[index].id).queued
    return gathered < queued && (since < Self.gatheringTime || 2 * gathered < queued)
  }

  /// Writes as much as the client takes.
  mutating func send(_ index: Int, _ loop: inout EventLoop) {
    connections[index].gathered = 0
    connections[index].sentAt = loop.now()
    let before = connections[index].unsent.count
    while !connections[index].unsent.isEmpty {
      switch connections[index].writeOnce() {
      case .bytes: continue
      case .wouldBlock:
        noteSent(before - connections[index].unsent.count, index, loop)
        return watchOutput(index, true, &loop)
      case .closed, .failed: return close(index, .gone, &loop)
      }
    }
    noteSent(before, index, loop)
    watchOutput(index, false, &loop)
  }

  private mutating func noteSent(_ count: Int, _ index: Int, _ loop: borrowing EventLoop) {
    guard count > 0 else { return }
    metrics.sent(bytes: count)
    connections[index].movedAt = loop.now()
  }

  private mutating func watchOutput(_ index: Int, _ wanted: Bool, _ loop: inout EventLoop) {
    let (input, token) = (connections[index].isWatchedForInput, token(of: connections[index].id))
    connections[index].watch(input: input, output: wanted, &loop, token: token)
  }
}
