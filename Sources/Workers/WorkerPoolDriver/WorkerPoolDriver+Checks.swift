import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProcess

/// What a worker is asked besides jobs.
public enum Check: Sendable, Equatable, CustomStringConvertible {
  /// Whether it is well.
  case probe
  /// To forget its last job.
  case reset
  /// To do what it is sent at its start (`WorkerPoolConfiguration.initialMessages`): the message in this line of its
  /// file; 0: the whole file.
  case initial(line: Int)

  /// `probe`, `reset` or `line 3 of --init-file`.
  public var description: String {
    switch self {
    case .probe: "probe"
    case .reset: "reset"
    case .initial(0): "--init-file"
    case .initial(let line): "line \(line) of --init-file"
    }
  }

  var isInitial: Bool {
    if case .initial = self { return true }
    return false
  }
}

/// A message to send to a worker, and the reply that is right.
public struct Exchange: Sendable, Equatable {
  /// What is sent, without framing.
  public var request: [UInt8]
  /// The only right reply, without framing; nil if any will do.
  public var reply: [UInt8]?

  /// Sends `request` and wants `reply`; nil for any.
  public init(request: [UInt8], reply: [UInt8]?) {
    self.request = request
    self.reply = reply
  }
}

/// How a check went wrong.
public enum CheckFailure: Sendable, Equatable, CustomStringConvertible {
  /// Another reply than the right one.
  case wrong(shown: String, expected: String)
  /// The worker answered that it has failed, with this message.
  case failed(String)
  /// No reply within this time.
  case late(limit: Nanoseconds)
  /// It was not sent, for this reason.
  case unusable(String)
  /// More than one reply at once: the first, and what came behind it.
  case surplus(first: String, shown: String)

  /// Whether no answer came in time.
  public var isLate: Bool {
    if case .late = self { return true }
    return false
  }

  /// What happened, to be read after the worker's name and the check.
  public var description: String {
    switch self {
    case .wrong(let shown, let expected): "answered \(shown) instead of \(expected)"
    case .failed(let message): "failed: \(message)"
    case .late(let limit): "no answer within \(durationText(limit))"
    case .unusable(let reason): reason
    case .surplus(let first, let shown): "answered \(first), and then \(shown)"
    }
  }
}

/// Probes and resets: sent like jobs, answered like jobs, and judged here. The core sets their time limits.
extension WorkerPoolDriver {
  mutating func ask(_ id: WorkerID, _ check: Check, _ loop: inout EventLoop) {
    guard workers.holds(id) else { return }
    guard let exchange = workers[id.slot.index].terms.exchange(for: check) else {
      // Only workers started later are checked: this one was started when no check was configured.
      return tell(check == .probe ? .probePassed(id) : .resetPassed(id), &loop)
    }
    let slot = id.slot.index
    workers[slot].duty = .checking(check)
    workers[slot].checkedSince = loop.now()
    let start = workers[slot].outbound.total
    if !workers[slot].encode(.check(exchange.request)) {
      _ = exchange.request.withUnsafeBytes { workers[slot].encode($0) }
    }
    workers[slot].setCheck(start: start)
    inputReady(slot, &loop)
  }

  /// The worker wrote something while it was being checked.
  mutating func nextAnswer(_ slot: Int, to check: Check, _ loop: inout EventLoop) {
    if !workers[slot].speaksInMessages, !workers[slot].inbound.isEmpty, !workers[slot].looksRead() {
      return dropBanner(slot, loop) ? () : spokeOutOfTurn(slot, &loop)
    }
    guard let reply = workers[slot].jobErrors.heldReply ?? nextReply(slot, &loop) else { return }
    if check.isInitial {
      if waitsForErrors(slot, reply, &loop) { return }
      workers[slot].jobErrors = JobErrors()
    }
    let expected = workers[slot].terms.exchange(for: check)?.reply
    var failure: CheckFailure? = workers[slot].inbound.withUnsafeBytes { bytes in
      let answer = UnsafeRawBufferPointer(rebasing: bytes[reply.payload])
      guard let expected, !answer.elementsEqual(expected) else { return nil }
      return .wrong(shown: quoted(answer), expected: expected.withUnsafeBytes { quoted($0) })
    }
    // The right reply is right even if it begins with the prefix of failures.
    if let said = workers[slot].failure, expected == nil || failure != nil { failure = .failed(said.message) }
    workers[slot].failure = nil
    if check.isInitial, failure == nil { failure = surplus(behind: reply, slot) }
    workers[slot].inbound.removeFirst(reply.consumed)
    workers[slot].setCheck(start: nil)
    workers[slot].duty = .none
    if let failure {
      events.append(.checkFailed(workers[slot].account(at: loop.now()), check, failure))
      return conclude(check, slot, passed: false, &loop)
    }
    if workers[slot].speaksInMessages { readNotices(slot, &loop) }
    guard workers.holds(slot), workers[slot].duty == .none else { return }
    if !workers[slot].speaksInMessages, !workers[slot].inbound.isEmpty { return spokeOutOfTurn(slot, &loop) }
    // One that is dying has not passed: its end is reported in a moment. Behind its answer, a worker that speaks in
    // messages may have begun one more, which is read when the rest has come.
    if workers[slot].isConnected { conclude(check, slot, passed: true, &loop) }
  }

  /// What the outcome of a check means to the core: for one that is not ready yet it is the proof of that.
  private mutating func conclude(_ check: Check, _ slot: Int, passed: Bool, _ loop: inout EventLoop) {
    let id = workers[slot].id
    if configuration.tellsChecks, workers[slot].isReady {
      events.append(.checked(id, check, since: workers[slot].checkedSince, passed: passed))
    }
    guard workers[slot].isReady else { return passed ? becomeReady(slot, &loop) : tell(.workerBroken(id), &loop) }
    switch check {
    case .probe: tell(passed ? .probePassed(id) : .probeFailed(id), &loop)
    case .reset: tell(passed ? .resetPassed(id) : .resetFailed(id), &loop)
    case .initial: break  // It is not ready before.
    }
  }

  /// The core has given up waiting for an answer.
  mutating func noteLate(_ id: WorkerID, _ check: Check, _ loop: inout EventLoop) {
    guard workers.holds(id), workers[id.slot.index].duty == .checking(check) else { return }
    let limit = check == .probe ? configuration.pool.probeLimit : configuration.pool.resetLimit
    events.append(.checkFailed(workers[id.slot.index].account(at: loop.now()), check, .late(limit: limit)))
  }
}
