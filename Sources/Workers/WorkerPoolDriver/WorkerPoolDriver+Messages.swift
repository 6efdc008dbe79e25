import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProtocols

/// Workers whose protocol has messages: their answers name the jobs, and may come in any order; between answers come
/// notices. What one that answers in the order of its jobs writes is taken by `handOverReply`.
extension WorkerPoolDriver {
  /// True when an answer was handed over: what follows it is looked at after `finishReply`.
  mutating func handOverAnswer(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    if let reply = workers[slot].jobErrors.heldReply { return handOverHeldAnswer(reply, slot, &loop) }
    guard let message = nextAnswer(slot, &loop) else { return false }
    guard case .answer(let id, let answer, let consumed) = message else {
      refuse(message, slot, &loop)
      return false
    }
    guard let place = place(of: id, slot) else {
      breach(slot, .strayAnswer(id: id, jobs: workers[slot].hand.count, shown: shownMessage(slot, consumed)), &loop)
      return false
    }
    var reply: Reply = (0..<0, consumed)
    switch answer {
    case .done(let payload):
      reply.payload = payload
      judgePrefix(of: payload, slot)
    case .decoded(let bytes):
      workers[slot].decodedReply = bytes
      workers[slot].failure = bytes.withUnsafeBytes { ReplyFailure($0, prefix: workers[slot].terms.failPrefix) }
    case .failed(let failure): workers[slot].failure = failure
    case .cancelled: workers[slot].failure = ReplyFailure(message: "the worker gave it up")
    }
    guard max(reply.payload.count, workers[slot].decodedReply?.count ?? 0) <= workers[slot].terms.maximumReplySize
    else {
      breach(slot, .replyTooLarge(limit: workers[slot].terms.maximumReplySize), &loop)
      return false
    }
    workers[slot].answered = place
    return handOverHeldAnswer(reply, slot, &loop)
  }

  /// Hands over the answer to the job `answered`, unless its worker may still write about it to its stderr.
  private mutating func handOverHeldAnswer(_ reply: Reply, _ slot: Int, _ loop: inout EventLoop) -> Bool {
    if waitsForErrors(slot, reply, &loop) { return false }
    handOver(reply, to: workers[slot].hand[workers[slot].answered].job, slot, &loop)
    return true
  }

  /// The place of the job among those that the worker has. An answer without an id can only be to a single job.
  private func place(of id: UInt64?, _ slot: Int) -> Int? {
    guard let id else { return workers[slot].hand.count == 1 ? 0 : nil }
    return workers[slot].hand.firstIndex { $0.id == id }
  }

  private func shownMessage(_ slot: Int, _ size: Int) -> String {
    workers[slot].inbound.withUnsafeBytes { quoted(UnsafeRawBufferPointer(rebasing: $0[..<size])) }
  }

  /// The job that was answered is done.
  mutating func finishAnswer(_ slot: Int) {
    workers[slot].hand.remove(at: workers[slot].answered)
    workers[slot].answered = 0
    workers[slot].decodedReply = nil
  }

  /// The next message that is an answer, or breaks the protocol, after all notices before it; nil if there is none yet.
  mutating func nextAnswer(_ slot: Int, _ loop: inout EventLoop) -> WorkerMessage? {
    let id = workers[slot].id
    while workers.holds(id), !workers[slot].inbound.isEmpty {
      let message = workers[slot].decode()
      switch message {
      case .notice(let notice, let consumed):
        workers[slot].inbound.removeFirst(consumed)
        let duty = workers[slot].duty
        handle(notice, slot, &loop)
        guard workers.holds(id), workers[slot].duty == duty else { return nil }
      case .response(let bytes, let consumed):
        workers[slot].inbound.removeFirst(consumed)
        workers[slot].respond(bytes)
        inputReady(slot, &loop)
      case .needMore(let consumed):
        workers[slot].inbound.removeFirst(consumed)
        return nil
      case .reply, .failure, .answer, .oversize, .violation, .unfit: return message
      }
    }
    return nil
  }

  /// A worker without a job reports what it likes, but there is nothing that it could answer.
  mutating func readNotices(_ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    if let message = nextAnswer(slot, &loop) { return refuse(message, slot, &loop) }
    // It had gone on to speak after its last answer, and is done now.
    if workers.holds(id), workers[slot].owesEndOfLease, workers[slot].duty == .none, workers[slot].isInOrder {
      finishLease(slot, &loop)
    }
  }

  /// The next message of a worker that answers in order. One that marks its replies may have something to report
  /// before.
  mutating func decodeMessage(_ slot: Int, _ loop: inout EventLoop) -> WorkerMessage {
    while true {
      let message = workers[slot].decode()
      guard case .notice(let notice, let consumed) = message, workers[slot].marksReplies else { return message }
      workers[slot].inbound.removeFirst(consumed)
      handle(notice, slot, &loop)
    }
  }

  /// Reads what a worker reports that is stopping, up to the first answer. Only its log still matters. True if the rest
  /// of a message is still to come.
  mutating func readLastNotices(_ slot: Int) -> Bool {
    while !workers[slot].inbound.isEmpty {
      switch workers[slot].decode() {
      case .notice(let notice, let consumed):
        workers[slot].inbound.removeFirst(consumed)
        if case .log = notice { report(notice, slot) }
      case .response(_, let consumed): workers[slot].inbound.removeFirst(consumed)
      case .needMore(let consumed):
        workers[slot].inbound.removeFirst(consumed)
        return !workers[slot].inbound.isEmpty
      case .reply, .failure, .answer, .oversize, .violation, .unfit: return false
      }
    }
    return false
  }

  private mutating func handle(_ notice: WorkerNotice, _ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    switch notice {
    case .ready:
      guard workers[slot].duty == .starting, workers[slot].terms.readiness == .announced else { return }
      if workers[slot].marksReplies, !workers[slot].inbound.isEmpty { return spokeOutOfTurn(slot, &loop) }
      dropPrompt(slot, &loop)
      becomeReady(slot, &loop)
    case .retire: tell(.retirementRequested(id), &loop)
    case .progress(let job, let progress):
      guard let place = place(of: job, slot) else { return }
      let job = workers[slot].hand[place].job
      workers[slot].statusText = "job \(job.number): \(progress)"
      report(notice, about: job, slot)
    case .log, .tools: report(notice, slot)
    case .ignored: break
    }
  }

  private mutating func report(_ notice: WorkerNotice, about job: SentJob? = nil, _ slot: Int) {
    events.append(.noticed(workers[slot].id, pid: workers[slot].process.pid, notice, job: job))
  }

  // MARK: Cancelling

  /// Asks the worker, in the way of its protocol or by a signal, to give up this job, for which its owner waits no
  /// longer. False if it cannot be asked. One that does not answer the job within the grace is stopped. The answer that
  /// comes within it is still the answer to this job, and not to the next one.
  public mutating func cancel(_ job: SentJob, at id: WorkerID, _ loop: inout EventLoop) -> Bool {
    guard workers.holds(id), let place = workers[id.slot.index].hand.firstIndex(where: { $0.job == job }) else {
      return false
    }
    return cancel(places: place...place, id.slot.index, &loop)
  }

  /// Asks the worker to give up all of its jobs, as `cancel` does for one. False if it cannot be asked: then it was
  /// asked for none.
  public mutating func cancelAll(at id: WorkerID, _ loop: inout EventLoop) -> Bool {
    guard workers.holds(id), !workers[id.slot.index].hand.isEmpty else { return false }
    return cancel(places: 0...workers[id.slot.index].hand.count - 1, id.slot.index, &loop)
  }

  /// Asks the worker to give up the jobs in these places: one by one in the way of its protocol, or by one signal,
  /// which reaches only what it runs.
  private mutating func cancel(places: ClosedRange<Int>, _ slot: Int, _ loop: inout EventLoop) -> Bool {
    let id = workers[slot].id
    guard configuration.cancelGrace > .zero, workers[slot].duty == .running || hasReply(id) else { return false }
    let isFirst = workers[slot].hand.firstCancelledAt == nil
    if let signal = configuration.cancelSignal {
      guard places.lowerBound == 0, hasReply(id) || workers[slot].hasBegunJob else { return false }
      sendCancelSignal(signal, slot, &loop)
      guard workers.holds(id), workers[slot].hand.count > places.upperBound else { return true }
    } else {
      // A protocol knows such a request or does not: it refuses the first or none.
      for place in places {
        guard workers[slot].encode(.cancel(id: workers[slot].hand[place].id)) else { return false }
      }
      inputReady(slot, &loop)
    }
    for place in places { workers[slot].hand[place].cancelledAt = loop.now() }
    if isFirst { timers.arm(.cancel(id), at: loop.now() + configuration.cancelGrace) }
    return true
  }

  /// A worker that has answered by now is not disturbed.
  private mutating func sendCancelSignal(_ signal: CInt, _ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    if !hasReply(id), workers[slot].process.unreadOutput() > 0 { outputReady(slot, &loop) }
    guard workers.holds(id), workers[slot].duty == .running else { return }
    workers[slot].process.signalGroup(signal)
  }

  /// The grace of a job that was to be given up is over; it may be answered by now, and others may have been cancelled
  /// since then.
  mutating func cancelOverdue(_ id: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(id), !workers[id.slot.index].isStopping,
      let since = workers[id.slot.index].hand.firstCancelledAt
    else { return }
    let deadline = since + configuration.cancelGrace
    if loop.now() < deadline { return timers.arm(.cancel(id), at: deadline) }
    stopOffender(id.slot.index, .ignoredCancel(limit: configuration.cancelGrace), &loop)
  }
}

extension Worker {
  /// Takes all its jobs away.
  mutating func loseJobs() -> LostJobs {
    let begun = begunJobs
    // What it was asked to give up has an owner that waits for it no longer, or tries it elsewhere by now.
    let isWanted = (0..<hand.count).map { hand[$0].cancelledAt == nil }
    let all = hand.removeAll()
    collected = CollectedReplies()
    return LostJobs(
      begun: (0..<begun).filter { isWanted[$0] }.map { all[$0] },
      unstarted: (begun..<all.count).filter { isWanted[$0] }.map { all[$0] })
  }
}

extension JobProgress: CustomStringConvertible {
  /// `40 % (loading)`, or `12 (loading)` if the total is not known.
  public var description: String {
    let amount = if let total, total > 0 { "\(Int(min(done / total, 1) * 100)) %" } else { "\(Int(min(done, 1e15)))" }
    return message.isEmpty ? amount : "\(amount) (\(message))"
  }
}
