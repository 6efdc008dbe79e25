import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProtocols
import WorkerProcess

/// The channel to a worker: jobs out, replies and log lines in, and what a breach of the protocol leads to.
extension WorkerPoolDriver {
  /// Takes an event of the loop; false when it is not the pool's.
  /// `hangup`: the other side has closed.
  public mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool {
    guard let token = PoolToken(token), token.pool == configuration.number else { return false }
    guard workers.holds(token.slot, serial: token.serial) else { return true }
    switch token.kind {
    case .output: outputReady(token.slot, hangup: hangup, &loop)
    case .input: hangup ? inputBroke(token.slot, &loop) : inputReady(token.slot, &loop)
    case .errorOutput:
      readErrorOutput(token.slot, untilEmpty: false, &loop)
      if workers[token.slot].jobErrors.heldReply != nil, workers[token.slot].jobErrors.hasMatch {
        advance(token.slot, &loop)
      }
    case .notification: notified(token.slot, &loop)
    case .exit: exited(token.slot, &loop)
    }
    return true
  }

  /// A worker whose pipe was too small for a job gets larger ones, where the system allows it: fewer turns of the loop
  /// for each of its jobs.
  mutating func enlargePipes(_ slot: Int) {
    guard !workers[slot].hasLargePipes else { return }
    workers[slot].hasLargePipes = true
    enlargePipe(workers[slot].process.input, to: Self.largePipe)
    enlargePipe(workers[slot].process.output, to: Self.largePipe)
  }

  /// In bytes. The pipes of a user without privileges may hold 64 MiB together, and are small from there on
  /// (`pipe-user-pages-soft` in pipe(7)).
  static let largePipe = 256 * 1024
  /// The most that is read at once in the middle of a large reply, in bytes.
  private static let largeRead = 256 * 1024

  /// Writes the bytes that wait for the worker, as far as its pipe has room.
  mutating func inputReady(_ slot: Int, _ loop: inout EventLoop) {
    workers[slot].seats.wrote()
    switch workers[slot].outbound.drain(to: workers[slot].process.input) {
    case .bytes: setWantsInput(slot, !workers[slot].outbound.isEmpty, &loop)
    case .wouldBlock: setWantsInput(slot, true, &loop)
    case .closed, .failed: inputBroke(slot, &loop)
    }
  }

  private mutating func setWantsInput(_ slot: Int, _ wants: Bool, _ loop: inout EventLoop) {
    guard workers[slot].wantsInput != wants else { return }
    workers[slot].wantsInput = wants
    let token = PoolToken(.input, workers[slot].id, pool: configuration.number).rawValue
    try? loop.modify(workers[slot].process.input, token: token, readable: false, writable: wants)
  }

  /// Nobody reads the worker's stdin any more. Most likely it is dying; only if it still lives in a moment is it to
  /// blame. What could not be written stays in `outbound`: it counts as unread.
  private mutating func inputBroke(_ slot: Int, _ loop: inout EventLoop) {
    guard !workers[slot].inputBroken else { return }
    workers[slot].inputBroken = true
    loop.remove(workers[slot].process.input)
    guard !workers[slot].isStopping else { return }
    timers.arm(.verdict(workers[slot].id), at: loop.now() + Self.verdictWait)
  }

  // MARK: Replies

  enum ReadStep { case more, enough }

  mutating func outputReady(_ slot: Int, hangup: Bool = false, _ loop: inout EventLoop) {
    if workers[slot].outputEnded { return }
    let id = workers[slot].id
    if readOutput(slot) == .more, hangup || workers[slot].inbound.isFilled { lookAtOutputAgain(slot, &loop) }
    if workers[slot].inbound.count > Self.longestEvidence, workers[slot].duty == .heardOut {
      loop.remove(workers[slot].process.output)
    }
    if workers[slot].outputEnded, !workers[slot].isStopping {
      timers.arm(.verdict(id), at: loop.now() + Self.verdictWait)
    }
    advance(slot, &loop)
    if workers.holds(id) { readOn(slot, &loop) }
  }

  /// Goes on reading a worker whose output was left in its pipe, once there is room for it.
  private mutating func readOn(_ slot: Int, _ loop: inout EventLoop) {
    guard workers[slot].leftOutput, !workers[slot].hasFullInbound else { return }
    workers[slot].leftOutput = false
    if !workers[slot].outputEnded { lookAtOutputAgain(slot, &loop) }
  }

  /// Its stdout is watched edge-triggered. When one read may not have emptied it, or its end is still to be read, it is
  /// reported once more.
  private mutating func lookAtOutputAgain(_ slot: Int, _ loop: inout EventLoop) {
    let token = PoolToken(.output, workers[slot].id, pool: configuration.number).rawValue
    try? loop.modify(workers[slot].process.output, token: token, readable: true, writable: false, once: true)
  }

  /// One read of the worker's stdout. A worker on the stop ladder is read, so that it cannot block, whatever it writes.
  mutating func readOutput(_ slot: Int) -> ReadStep {
    guard !workers[slot].outputEnded else { return .enough }
    let size = workers[slot].inbound.count >= 65536 ? Self.largeRead : 65536
    switch workers[slot].inbound.fill(from: workers[slot].process.output, atMost: size) {
    case .bytes:
      if isIgnored(slot) { workers[slot].inbound.removeAll() }
      guard workers[slot].hasFullInbound else { return .more }
      workers[slot].leftOutput = true
      return .enough
    case .wouldBlock: return .enough
    case .endOfFile, .failed:
      workers[slot].outputEnded = true
      return .enough
    }
  }

  /// Goes as far as the bytes at hand allow: hands over a reply, finds a breach, or buries the dead.
  mutating func advance(_ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    if !workers[slot].isStopping {
      switch workers[slot].duty {
      case .running:
        if workers[slot].speaksInMessages ? handOverAnswer(slot, &loop) : handOverReply(slot, &loop) { return }
      case .replied: return
      case .heardOut: break
      case .condemned: workers[slot].inbound.removeAll()
      case .checking(let check): nextAnswer(slot, to: check, &loop)
      case .starting where workers[slot].terms.readiness.isByLine: nextGreeting(slot, &loop)
      case .starting where workers[slot].startWatch != nil: hasGreeted(slot, &loop)
      case .starting, .none, .granted:
        if workers[slot].speaksInMessages || workers[slot].marksReplies && workers[slot].duty == .starting {
          readNotices(slot, &loop)
          guard workers.holds(id) else { return }
        } else if !workers[slot].inbound.isEmpty, !dropBanner(slot, loop) {
          spokeOutOfTurn(slot, &loop)
        }
      }
    } else {
      judgeLastOutput(slot, &loop)
    }
    if let status = workers[slot].exitStatus { bury(slot, status, &loop) }
  }

  /// True when a reply was handed over: what follows it is looked at after `finishReply`.
  private mutating func handOverReply(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    if workers[slot].collectsReplies { return handOverCollected(slot, &loop) }
    guard !workers[slot].inbound.isEmpty, let head = workers[slot].hand.head,
      let reply = workers[slot].jobErrors.heldReply ?? decodeReply(slot, &loop)
    else { return false }
    if reply.consumed < workers[slot].inbound.count, workers[slot].hand.count == 1 {
      answeredTwice(slot, reply, &loop)
      return false
    }
    if waitsForErrors(slot, reply, &loop) { return false }
    workers[slot].seats.replied(at: loop.now())
    handOver(reply, to: head, slot, &loop)
    return true
  }

  private mutating func decodeReply(_ slot: Int, _ loop: inout EventLoop) -> Reply? {
    let message = decodeMessage(slot, &loop)
    return isOutOfTurn(message, slot, &loop) ? nil : reply(message, slot, &loop)
  }

  /// Whether this, which has come while the worker has a job, cannot be about that. It is dropped, or is a breach.
  mutating func isOutOfTurn(_ message: WorkerMessage, _ slot: Int, _ loop: inout EventLoop) -> Bool {
    let together = pace.count(at: loop.now())
    guard workers[slot].isToBeLookedAt(message, at: loop.now(), together: together), !workers[slot].looksRead() else {
      return false
    }
    if !dropBanner(slot, loop) { spokeBeforeReading(slot, &loop) }
    return true
  }

  mutating func handOver(_ reply: Reply, to job: SentJob, _ slot: Int, _ loop: inout EventLoop) {
    workers[slot].lastJob = job.number
    workers[slot].reply = reply.payload
    workers[slot].duty = .replied(consumed: reply.consumed)
    if !workers[slot].isProved {
      workers[slot].isProved = true
      armWatchdog(slot, &loop)
    }
    events.append(.replied(workers[slot].id))
  }

  /// The place of a reply in `inbound`, and the bytes up to its end.
  typealias Reply = (payload: Range<Int>, consumed: Int)

  /// The reply at the front of `inbound`; nil when there is none, or what there is breaks the protocol.
  mutating func nextReply(_ slot: Int, _ loop: inout EventLoop) -> Reply? {
    guard workers[slot].speaksInMessages else { return reply(decodeMessage(slot, &loop), slot, &loop) }
    guard let message = nextAnswer(slot, &loop) else { return nil }
    return reply(message, slot, &loop)
  }

  mutating func reply(_ message: WorkerMessage, _ slot: Int, _ loop: inout EventLoop) -> Reply? {
    switch message {
    case .reply(let payload, let consumed):
      judgePrefix(of: payload, slot)
      return (payload, consumed)
    case .failure(let failure, let consumed):
      workers[slot].failure = failure
      return (0..<consumed, consumed)
    case .needMore(let consumed): workers[slot].inbound.removeFirst(consumed)
    case .answer, .notice, .response, .oversize, .violation, .unfit: refuse(message, slot, &loop)
    }
    return nil
  }

  /// A reply that begins with the prefix for that is a failure.
  mutating func judgePrefix(of payload: Range<Int>, _ slot: Int) {
    if workers[slot].terms.failPrefix.isEmpty { return }
    let prefix = workers[slot].terms.failPrefix
    workers[slot].failure = workers[slot].inbound.withUnsafeBytes { bytes in
      ReplyFailure(UnsafeRawBufferPointer(rebasing: bytes[payload]), prefix: prefix)
    }
  }

  /// A message has come that breaks the protocol, or for which this is not the time.
  mutating func refuse(_ message: WorkerMessage, _ slot: Int, _ loop: inout EventLoop) {
    switch message {
    case .reply, .failure, .answer, .notice, .response: spokeOutOfTurn(slot, &loop)
    case .needMore: break
    case .oversize: breach(slot, .replyTooLarge(limit: workers[slot].terms.maximumReplySize), &loop)
    case .violation(let reason):
      let text = workers[slot].inbound.withUnsafeBytes { quoted($0) }
      breach(slot, .malformed(reason, shown: text), &loop)
    case .unfit(let reason):
      workers[slot].isUnfit = true
      breach(slot, .unfit(reason), &loop)
    }
  }

  /// Bytes that nobody asked for.
  mutating func spokeOutOfTurn(_ slot: Int, _ loop: inout EventLoop) {
    let text = workers[slot].inbound.withUnsafeBytes { quoted($0) }
    breach(slot, .unaskedReply(shown: text), &loop)
  }

  /// A worker that has not read a byte of its job cannot have answered it: this is more of its answer to the job
  /// before, a greeting, or a stray print (bazel #4897). The job in hand is provably not started.
  private mutating func spokeBeforeReading(_ slot: Int, _ loop: inout EventLoop) {
    workers[slot].duty = .granted
    spokeOutOfTurn(slot, &loop)
  }

  /// More came with the reply than the reply.
  private mutating func answeredTwice(_ slot: Int, _ reply: Reply, _ loop: inout EventLoop) {
    let (first, rest) = workers[slot].inbound.withUnsafeBytes { bytes in
      (
        quoted(UnsafeRawBufferPointer(rebasing: bytes[reply.payload])),
        quoted(UnsafeRawBufferPointer(rebasing: bytes[reply.consumed...]))
      )
    }
    breach(slot, .surplusReply(first: first, shown: rest), &loop)
  }

  /// True while the reply that `replied` announced is there to be read.
  public func hasReply(_ id: WorkerID) -> Bool {
    guard workers.holds(id), case .replied = workers[id.slot.index].duty else { return false }
    return true
  }

  /// Why the job that `replied` is about has failed, as the worker answered; nil if it is done.
  public func failure(of id: WorkerID) -> ReplyFailure? {
    hasReply(id) ? workers[id.slot.index].failure : nil
  }

  /// Lends the bytes of the reply that `replied` announced.
  public func withReply<R>(of id: WorkerID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    if let decoded = workers[id.slot.index].decodedReply { return decoded.withUnsafeBytes(body) }
    return workers[id.slot.index].inbound.withUnsafeBytes { bytes in
      body(UnsafeRawBufferPointer(rebasing: bytes[workers[id.slot.index].reply]))
    }
  }

  /// Returns the reply that `replied` announced, to be shared, if it is large; `withReply` does not lend it any more.
  /// Nil, and the reply stays, if it is not large.
  public mutating func shareReply(of id: WorkerID) -> SharedBytes? {
    let slot = id.slot.index
    guard hasReply(id), case .replied(let consumed) = workers[slot].duty else { return nil }
    guard workers[slot].reply.count >= SharedBytes.leastSize else { return nil }
    workers[slot].duty = .replied(consumed: 0)
    return workers[slot].inbound.removeFirst(consumed, sharing: workers[slot].reply)
  }

  /// Ends the lease of a worker that has replied.
  public mutating func finishReply(of id: WorkerID, _ loop: inout EventLoop) {
    let slot = id.slot.index
    guard hasReply(id), case .replied(let consumed) = workers[slot].duty else { return }
    workers[slot].inbound.removeFirst(consumed)
    if workers[slot].leftOutput { readOn(slot, &loop) }
    if workers[slot].failure != nil { workers[slot].failure = nil }
    if workers[slot].speaksInMessages { finishAnswer(slot) } else { workers[slot].hand.removeFirst() }
    guard workers[slot].hand.isEmpty else {
      workers[slot].duty = .running
      workers[slot].beginHead(at: loop.now())
      workers[slot].uncountedJobs += 1
      measureAfterJob(slot, &loop)
      return advance(slot, &loop)
    }
    workers[slot].duty = .none
    if workers[slot].isInOrder { return finishLease(slot, &loop) }
    workers[slot].owesEndOfLease = true
    // It spoke on, or it is dying. It gets no other job before that is settled: the core still counts it as leased.
    advance(slot, &loop)
  }

  /// The worker has answered all its jobs, and nothing is left of what it wrote.
  mutating func finishLease(_ slot: Int, _ loop: inout EventLoop) {
    workers[slot].owesEndOfLease = false
    measureAfterJob(slot, &loop)
    countJobs(slot, &loop)
    endLease(slot, &loop)
  }

  // MARK: Breaches

  /// The worker broke the protocol: its job, if any, is lost, and it is stopped without ceremony. A dead one is only
  /// named. `jobUntouched`: it had one, and nothing of it was read.
  mutating func breach(
    _ slot: Int, _ violation: ProtocolViolation, jobUntouched: Bool = false, _ loop: inout EventLoop
  ) {
    let id = workers[slot].id
    let account = workers[slot].account(at: loop.now())
    let hadJob: Bool
    switch workers[slot].duty {
    case .running:
      hadJob = true
      events.append(.leaseLost(id, .violation(account, violation), workers[slot].loseJobs()))
    case .granted:
      hadJob = true
      events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))
      events.append(.protocolBroken(account, violation))
    case .starting, .none, .checking, .replied, .heardOut, .condemned:
      hadJob = false
      events.append(.protocolBroken(account, violation))
    }
    workers[slot].inbound.removeAll()
    lastFailureWasViolation = !violation.isUnfitness
    stopBroken(slot, hadJob: hadJob, jobUntouched: jobUntouched, &loop)
  }

  /// The worker is to be stopped for what it did. If it had a job, its owner settles that first: that may be the end of
  /// all (`--halt`), and then nobody is to be replaced.
  mutating func stopBroken(_ slot: Int, hadJob: Bool, jobUntouched: Bool, _ loop: inout EventLoop) {
    let id = workers[slot].id
    guard hadJob else {
      workers[slot].duty = .none
      return tell(.workerBroken(id, jobUntouched: jobUntouched), &loop)
    }
    workers[slot].duty = .condemned
    timers.arm(.broken(id, jobUntouched: jobUntouched), at: loop.now())
  }

  /// A pipe was closed a moment ago, and still the worker lives.
  mutating func verdict(_ id: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(id) else { return }
    let slot = id.slot.index
    guard !workers[slot].isStopping else { return }
    switch workers[slot].duty {
    case .replied, .heardOut, .condemned: return
    case .starting, .none, .checking, .granted, .running: break
    }
    guard workers[slot].outputEnded || workers[slot].inputBroken else { return }
    var jobUntouched = false
    if workers[slot].duty == .running, !workers[slot].hasBegunJob {
      workers[slot].duty = .granted
      jobUntouched = true
    }
    guard workers[slot].outputEnded else { return breach(slot, .closedInput, jobUntouched: jobUntouched, &loop) }
    let text = workers[slot].inbound.isEmpty ? "" : workers[slot].inbound.withUnsafeBytes { quoted($0) }
    breach(slot, .closedOutput(unfinished: text), jobUntouched: jobUntouched, &loop)
  }
}
