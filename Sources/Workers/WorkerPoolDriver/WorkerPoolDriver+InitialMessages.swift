import EventLoop
import PoolCore
import Text
import Time
import WorkerProtocols

/// What each worker is sent at its start, before it is ready.
public struct InitialMessage: Sendable, Equatable {
  /// What is sent, without framing.
  public var bytes: [UInt8]
  /// The line of the file that holds it, from 1; 0 if it is the whole file.
  public var line: Int

  /// A message from this line.
  public init(bytes: [UInt8], line: Int) {
    self.bytes = bytes
    self.line = line
  }
}

/// Initial messages are sent one after the other: the next one when the last one is answered.
extension WorkerPoolDriver {
  /// Whether the worker has initial messages to answer before it is ready. The next one is sent, if none is on its way.
  mutating func initializes(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    if case .checking(.initial) = workers[slot].duty { return true }
    while workers[slot].initialMessagesSent < workers[slot].terms.initialMessages.count {
      let message = workers[slot].terms.initialMessages[workers[slot].initialMessagesSent]
      workers[slot].initialMessagesSent += 1
      switch message.bytes.withUnsafeBytes({ configuration.workerProtocol.form(ofInitial: $0.bytes) }) {
      case .unanswered:
        workers[slot].encode(initial: message.bytes)
        inputReady(slot, &loop)
      case .answered:
        sendInitial(message, slot, &loop)
        return true
      case .unusable(let reason):
        let account = workers[slot].account(at: loop.now())
        events.append(.checkFailed(account, .initial(line: message.line), .unusable(reason)))
        workers[slot].duty = .none
        tell(.workerBroken(workers[slot].id), &loop)
        return true
      }
    }
    return false
  }

  private mutating func sendInitial(_ message: InitialMessage, _ slot: Int, _ loop: inout EventLoop) {
    // What it wrote to its stderr before belongs to no message.
    if configuration.errorRule != nil { readErrorOutput(slot, untilEmpty: true, &loop) }
    workers[slot].duty = .checking(.initial(line: message.line))
    workers[slot].checkedSince = loop.now()
    workers[slot].jobErrors = JobErrors(unfinishedBefore: workers[slot].errorLines.unfinishedLine?.count ?? 0)
    let start = workers[slot].outbound.total
    workers[slot].encode(initial: message.bytes)
    workers[slot].setCheck(start: start)
    inputReady(slot, &loop)
  }

  /// What came with the answer to an initial message; nil if nothing did, or if it may be a notice.
  func surplus(behind reply: Reply, _ slot: Int) -> CheckFailure? {
    guard !workers[slot].speaksInMessages, reply.consumed < workers[slot].inbound.count else { return nil }
    return workers[slot].inbound.withUnsafeBytes { bytes in
      .surplus(
        first: quoted(UnsafeRawBufferPointer(rebasing: bytes[reply.payload])),
        shown: quoted(UnsafeRawBufferPointer(rebasing: bytes[reply.consumed...])))
    }
  }

  /// The core has given up waiting for the worker to become ready.
  mutating func noteLateInitialization(_ id: WorkerID, _ loop: borrowing EventLoop) {
    guard workers.holds(id), case .checking(let check) = workers[id.slot.index].duty, check.isInitial else { return }
    let account = workers[id.slot.index].account(at: loop.now())
    events.append(.checkFailed(account, check, .late(limit: loop.now() - workers[id.slot.index].checkedSince)))
  }
}

extension ReplyFailure {
  /// The failure that a reply with this prefix reports; nil if the prefix is empty or the reply does not begin with it.
  init?(_ reply: UnsafeRawBufferPointer, prefix: [UInt8]) {
    guard !prefix.isEmpty, reply.starts(with: prefix) else { return nil }
    let message = String(decoding: reply.dropFirst(prefix.count), as: UTF8.self).drop(while: \.isWhitespace)
    self.init(message: String(message))
  }
}
