import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerPoolDriver
import WorkerProcess

/// What the pool reports, and all the ways in which a check ends before its time.
extension CheckDriver {
  /// A worker that reads on does so within this time, also on a busy machine.
  private static let readingTime: Nanoseconds = .seconds(1)
  /// How often it is looked at meanwhile.
  private static let lookInterval: Nanoseconds = .milliseconds(20)

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
    case .notEnforced(let text): errorOutput.write("prefork: \(text)\n")
    case .remark, .ready, .checked, .stopping: break
    case .banner(_, let shown):
      seen.banner = shown
      output.write(report.banner(shown))
    case .started(let id, let pid):
      worker = id
      self.pid = pid
    case .stopped(_, _, let status): stopped(status)
    case .offered(let id): granted(id)
    case .demandRefused: break  // the reason was reported before
    case .replied(let id): replied(id)
    case .leaseLost(_, let loss, _): lost(loss)
    case .protocolBroken(let account, let violation): protocolBroken(account, violation)
    case .checkFailed(let account, let check, let failure): checkFailed(account, check, failure)
    case .offended(let account, let offence): fail(.offence("\(offence)"), account)
    case .foreignNotification(let account, let sender):
      errorOutput.write(
        "prefork: process \(sender) is not \(account.name), but wrote to its notification socket: ignored\n")
    case .died(let report): died(report)
    case .cannotStart(let error): fail(.cannotStart(words: "\(error)", hint: error.hint))
    case .workerLog(let id, _, let line): errorOutput.writeLine("worker \(id.slot): ", line)
    case .noticed(let id, _, .log(let level, let text), _):
      errorOutput.writeLine("worker \(id.slot): \(level): ", Array(text.utf8))
    case .noticed(_, _, .tools(let tools), _): listed(tools)
    case .noticed: break
    case .notice(let notice): take(notice)
    case .closed: poolIsClosed = true
    }
  }

  private mutating func take(_ notice: PoolNotice) {
    switch notice {
    case .retiring(let id, .startTimeout):
      let limit = configuration.pool.pool.startLimit
      fail(.notReady(limit: limit, nil), pool.account(of: id, loop.now()))
    case .retiring(_, .own):
      asksToGo = true
      // Its reply to what it has in hand is still to come.
      if case .asking = stage { break }
      fail(.asksToGo)
    case .stuck: errorOutput.write("prefork: the worker (pid \(pid)) does not die of SIGKILL: still waiting for it\n")
    case .internalError(let event): errorOutput.write("prefork: internal error: \(event); please report it\n")
    case .retiring, .startFailed, .breakerOpened, .breakerClosed, .leaseOverdue, .recyclingAborted: break
    }
  }

  private mutating func lost(_ loss: LeaseLoss) {
    switch loss {
    case .neverStarted: break  // what happened to the worker is reported as well
    case .died(let report): died(report)
    case .violation(let account, let violation):
      sayUnanswered("it \(violation.cause)")
      fail(.violation(.message(currentMessage), violation), account)
    case .offence(let account, let offence): fail(.offence("\(offence)"), account)
    }
  }

  private mutating func protocolBroken(_ account: WorkerAccount, _ violation: ProtocolViolation) {
    let failure = Failure.violation(idleMoment, violation)
    guard case .stopping = stage, violation.isSurplus, seen.failure == nil, signal == nil else {
      return fail(failure, account)
    }
    // It is being stopped already, and had more to write.
    seen.failure = failure
    seen.lastErrorLines = account.lastErrorLines
  }

  private var currentMessage: Message {
    if case .asking(let message) = stage { return message }
    return firstMessage
  }

  /// When something happens without a message in hand.
  private var idleMoment: Failure.Moment { seen.start == nil ? .starting : .idle(last: seen.lastReply) }

  private mutating func died(_ report: DeathReport) {
    if case .hearing(let inquiry) = stage {
      return conclude(inquiry, after: report.unfinishedReply, end: report.status, report.account)
    }
    seen.outOfMemory = report.outOfMemory
    let moment: Failure.Moment =
      report.account.currentJob != nil
      ? .message(currentMessage) : seen.lastReply == nil ? .starting : .idle(last: seen.lastReply)
    if case .message = moment {
      // It has read it, and nobody had looked yet.
      if seen.start == nil { started(after: loop.now() - startedAt) }
      sayUnanswered("it \(report.status)")
    }
    fail(.ended(moment, report.status, unfinished: report.unfinishedReply), report.account)
  }

  private mutating func checkFailed(_ account: WorkerAccount, _ check: Check, _ failure: CheckFailure) {
    if case .initial = check {
      return fail(.cannotStart(words: "it failed at \(check): \(failure)", hint: nil), account)
    }
    switch failure {
    case .wrong(let shown, let expected):
      fail(.wrongAnswer(self.message(of: check), text: shown, expected: expected), account)
    case .failed(let text): fail(.failedAnswer(message(of: check), text), account)
    case .late(let limit): fail(.notReady(limit: limit, nil), account)
    case .unusable, .surplus: break  // Only of an initial message.
    }
  }

  private func message(of check: Check) -> Message { check == .probe ? .probe : .reset }

  /// A worker that has answered and leaves with status 0 while it is idle is replaced by a pool without a word.
  mutating func noticeThatItIsGone() {
    switch stage {
    case .starting, .hearing, .stopping: return
    case .sending, .asking, .answered, .resting: break
    }
    guard let worker, pool.pid(of: worker) == nil else { return }
    fail(.ended(.idle(last: seen.lastReply), .exited(code: 0), unfinished: ""))
  }

  private mutating func sayUnanswered(_ words: String) {
    guard case .asking(let message) = stage, seen.failure == nil else { return }
    output.write(report.unanswered(message, sent: text(of: message), words))
  }

  // MARK: Silence

  /// It was not ready in time, or did not begin to read. Where the proof of readiness comes on its stdout, it may be
  /// stuck in a buffer.
  mutating func startOverdue() {
    guard seen.start == nil, let worker else { return }
    let limit = configuration.pool.pool.startLimit
    guard case .asking(let message) = stage else { return hearOut(worker, about: nil, limit: limit) }
    sayUnanswered("unread after \(durationText(limit))")
    fail(.neverRead(message, limit: limit), pool.account(of: worker, loop.now()))
  }

  mutating func replyOverdue() {
    guard case .asking(let message) = stage, let worker else { return }
    let limit = limit(for: message)
    sayUnanswered("no reply within \(durationText(limit))")
    hearOut(worker, about: message, limit: limit)
  }

  /// Silence has several causes: the worker is sent the message once more, and a moment later the end of its input.
  private mutating func hearOut(_ worker: WorkerID, about message: Message?, limit: Nanoseconds) {
    var inquiry = Inquiry(
      message: message, limit: limit, isUnread: pool.unreadInput(of: worker) > 0,
      before: pool.unfinishedReply(of: worker), since: loop.now())
    noteDescendants()
    pool.hearOut(worker)
    if let message, inquiry.before.isEmpty, !inquiry.isUnread {
      inquiry.sentMore = payload(of: message).withUnsafeBytes { pool.sendMore($0, to: worker, &loop) }
      timers.arm(.reading, at: loop.now() + Self.lookInterval)
      stage = .hearing(inquiry)
    } else {
      // Its half reply, or the message that it left unread, shows as much; and one that is not ready need not be
      // reading.
      inquiry.wasReading = true
      closeInput(inquiry)
    }
  }

  /// Closes its input once it has read on, or has had time to. Anything that it wrote before it read on is read first,
  /// by another look.
  mutating func lookWhetherItReads() {
    guard case .hearing(var inquiry) = stage, let worker else { return }
    if inquiry.wasReading || loop.now() - inquiry.since >= Self.readingTime { return closeInput(inquiry) }
    inquiry.wasReading = pool.unreadInput(of: worker) < inquiry.sentMore
    stage = .hearing(inquiry)
    timers.arm(.reading, at: loop.now() + Self.lookInterval)
  }

  private mutating func closeInput(_ inquiry: Inquiry) {
    guard let worker else { return }
    var inquiry = inquiry
    inquiry.endedAt = loop.now()
    stage = .hearing(inquiry)
    pool.endInput(of: worker)
    timers.arm(.hearing, at: loop.now() + configuration.ladder[0])
  }

  /// Looks whether the worker that gets a last chance has sent anything.
  mutating func listen() {
    guard case .hearing(let inquiry) = stage, let worker, let account = pool.account(of: worker, loop.now()) else {
      return
    }
    let text = pool.unfinishedReply(of: worker)
    if text != inquiry.before { conclude(inquiry, after: text, end: nil, account) }
  }

  /// It has sent nothing.
  mutating func endHearing() {
    guard case .hearing(let inquiry) = stage, let worker else { return }
    conclude(inquiry, after: pool.unfinishedReply(of: worker), end: nil, pool.account(of: worker, loop.now()))
  }

  private mutating func conclude(_ inquiry: Inquiry, after: String, end: ExitStatus?, _ account: WorkerAccount?) {
    let now = loop.now()
    let hearing = Failure.Hearing(
      before: inquiry.before, after: after, wasReading: inquiry.wasReading, wait: inquiry.endedAt.map { now - $0 },
      late: now - inquiry.since, end: end)
    guard let message = inquiry.message else { return fail(.notReady(limit: inquiry.limit, hearing), account) }
    fail(.silent(message, limit: inquiry.limit, isUnread: inquiry.isUnread, hearing), account)
  }

  // MARK: The stop

  /// Notes what ended the check, if nothing else did before, and stops the worker.
  mutating func fail(_ failure: Failure, _ account: WorkerAccount? = nil) {
    guard seen.failure == nil, signal == nil else { return }
    if case .stopping = stage { return }
    seen.failure = failure
    seen.age = account?.age
    seen.lastErrorLines = account?.lastErrorLines ?? []
    seen.statusText = account?.statusText ?? ""
    stop(.prompt)
  }

  /// Puts the worker on the stop ladder.
  mutating func stop(_ urgency: StopUrgency) {
    if case .stopping = stage { return }
    noteDescendants()
    stage = .stopping(since: loop.now(), urgency)
    reportWarmJobs()
    for timer in [Timer.look, .start, .patience, .reply, .rest, .reading, .hearing] { timers.disarm(timer) }
    pool.stop(urgency, &loop)
  }

  private mutating func reportWarmJobs() {
    output.write(report.warmJobs(seen.warmJobs))
    if let reset = seen.reset { output.write(report.resets(reset, seen.resets)) }
    output.write(report.memory(seen.memory))
  }

  /// Those below it, and those that left it to us (orphans).
  private mutating func noteDescendants() {
    guard descendants.isEmpty, let worker, let pid = pool.pid(of: worker) else { return }
    let orphans = ProcessTable.children(of: ProcessTable.ownPid).filter { $0 != pid && !otherChildren.contains($0) }
    descendants = (ProcessTable.descendants(of: pid, limit: 100) + orphans).compactMap { NamedProcess(pid: $0) }
  }

  /// Keeps the descendants that are still alive. To be called before the pool learns that the worker has ended: then
  /// the pool kills them.
  mutating func lookForDescendants() {
    guard !descendants.isEmpty, case .stopping = stage else { return }
    descendants.removeAll { !$0.isAlive }
  }

  private mutating func stopped(_ status: ExitStatus) {
    guard case .stopping(let since, let urgency) = stage else { return }
    let stop = Observations.Stop(urgency: urgency, elapsed: loop.now() - since, status: status)
    seen.stop = stop
    guard seen.failure == nil, signal == nil else { return }
    seen.leftBehind = descendants.map(\.name)
    output.write(report.stop(stop, leftBehind: seen.leftBehind))
  }
}

/// A process that was seen to live.
struct NamedProcess {
  let pid: CInt
  let name: String

  /// Nil when there is no such process.
  init?(pid: CInt) {
    guard let name = ProcessTable.nameOfLiving(pid) else { return nil }
    self.pid = pid
    self.name = name
  }

  var isAlive: Bool { ProcessTable.nameOfLiving(pid) == name }
}
