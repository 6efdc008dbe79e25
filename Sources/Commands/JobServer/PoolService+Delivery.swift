import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Metrics
import Text
import Time
import WorkerPoolDriver

/// How a connection ends: its last answers are delivered before it is closed.
///
/// To close a connection from which not everything was read is to reset it, and a reset destroys answers that are on
/// their way. So after the last answer our sending side is shut down, what the client still sends is read and
/// discarded, and we close when the system has delivered everything and the client has closed, too, or has had time for
/// that.
extension PoolService {
  /// How long a client may take to close when everything is delivered; and one that is turned away, for all of it.
  private static let lingerLimit: Nanoseconds = .seconds(2)
  /// How often deliveries are looked at: nothing reports their end.
  private static let deliveryInterval: Nanoseconds = .milliseconds(20)
  /// More connections that lost answers are not named one by one.
  private static let mostNamed = 10

  /// Whether no job is taken from it any more: whatever it sends is discarded.
  func discardsInput(_ index: Int) -> Bool { isDraining || connections[index].endedFor != nil }

  /// Takes nothing more from a connection that goes on until its answers are delivered.
  mutating func end(_ index: Int, for reason: ConnectionEnd, _ loop: inout EventLoop) {
    connections[index].endedFor = reason
    metrics.connectionClosed(reason)
    discardRest(of: index, &loop)
  }

  /// A client that speaks another protocol gets an answer in that protocol.
  mutating func turnAway(
    _ index: Int, _ other: ForeignProtocol, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    reporter.repeated(
      .refusedClient, cause: other.name,
      "\(connections[index].name) speaks \(other.name) to a job socket: nothing of it is run (\(other.advice))")
    end(index, for: .malformed, &loop)
    other.answer.withUnsafeBytes { connections[index].unsent.append($0) }
    touch(index)
  }

  private mutating func discardRest(of index: Int, _ loop: inout EventLoop) {
    connections[index].isInLine = false
    connections[index].isHeldBack = false
    noteConsumed(connections[index].unreadBytes)
    connections[index].end(&loop, token: token(of: connections[index].id))
  }

  /// Everything that was taken from it is answered, and nothing more will be: its last answers are delivered.
  mutating func finishIfAnswered(_ index: Int, _ loop: inout EventLoop) {
    guard connections[index].inputIsOver || discardsInput(index),
      connections[index].jobs == UInt64(connections[index].settled), !connections[index].isInLine
    else { return }
    guard discardsInput(index) else {
      // It sends no more: nothing of it is unread, and the system delivers what we leave to it.
      if connections[index].unsent.isEmpty, !awaitsWorkers(index, &loop) { close(index, .finished, &loop) }
      return
    }
    if connections[index].delivery == nil {
      let limit = isDraining ? deliveryLimit : Self.lingerLimit
      connections[index].delivery = Delivery(until: loop.now() + limit)
      armLook(loop)
    }
    guard connections[index].unsent.isEmpty else { return }
    if connections[index].delivery?.isShut == false {
      connections[index].delivery?.isShut = true
      connections[index].socket.shutdownWrite()
      // With both sides over it would be reported for ever.
      if connections[index].inputIsOver { loop.remove(connections[index].socket.descriptor) }
    }
    closeIfDelivered(index, &loop)
  }

  private mutating func closeIfDelivered(_ index: Int, _ loop: inout EventLoop) {
    guard let delivery = connections[index].delivery, delivery.isShut, delivery.closesAt == nil,
      connections[index].socket.undeliveredBytes == 0
    else { return }
    if connections[index].inputIsOver || hurries {
      close(index, connections[index].endedFor ?? .stopped, &loop)
    } else {
      connections[index].delivery?.closesAt = loop.now() + Self.lingerLimit
    }
  }

  /// The loop has seen something of a connection whose input is discarded.
  mutating func handleEnding(
    _ index: Int, readable: Bool, writable: Bool, hangup: Bool, _ loop: inout EventLoop
  ) {
    let id = connections[index].id
    // Once both sides are shut down, that is reported as a hangup, too, and the client may still read.
    if hangup, connections[index].delivery?.isShut != true { return close(index, .gone, &loop) }
    if writable {
      send(index, &loop)
      guard connections.holds(id) else { return }
      release(index)
      finishIfAnswered(index, &loop)
      guard connections.holds(id) else { return }
    }
    if readable || hangup { discardInput(index, &loop) }
  }

  private mutating func discardInput(_ index: Int, _ loop: inout EventLoop) {
    for _ in 0..<16 where !connections[index].inputIsOver {
      switch connections[index].discardInput() {
      case .bytes: continue
      case .wouldBlock: return
      case .failed: return close(index, .gone, &loop)
      case .endOfFile:
        connections[index].inputIsOver = true
        pause(index, &loop)
        if connections[index].delivery?.isShut == true { loop.remove(connections[index].socket.descriptor) }
        connections[index].delivery?.closesAt = nil
        return finishIfAnswered(index, &loop)
      }
    }
  }

  // MARK: Deliveries

  private mutating func armLook(_ loop: borrowing EventLoop) {
    if !isLookingAtDeliveries { timers.arm(.delivery, at: loop.now() + Self.deliveryInterval) }
    isLookingAtDeliveries = true
  }

  /// Closes what is delivered, and what has had its time.
  mutating func lookAtDeliveries(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    isLookingAtDeliveries = false
    for index in connections.indices where connections.holds(index) {
      closeIfDelivered(index, &loop)
      guard connections.holds(index), let delivery = connections[index].delivery else { continue }
      if let closesAt = delivery.closesAt, closesAt <= loop.now() {
        close(index, connections[index].endedFor ?? .stopped, &loop)
      } else if delivery.until <= loop.now() {
        if isDraining, delivery.closesAt == nil { noteUndelivered(index, &reporter) }
        close(index, connections[index].endedFor ?? .stopped, &loop)
      } else {
        armLook(loop)
      }
    }
  }

  /// Answers of jobs that were run are lost with this connection.
  private mutating func noteUndelivered(_ index: Int, _ reporter: inout Reporter) {
    let (answers, bytes) = (connections[index].undeliveredAnswers, connections[index].undeliveredBytes)
    // Only the end of the stream may be missing.
    guard answers > 0 else { return }
    undelivered.connections += 1
    undelivered.answers += answers
    guard undelivered.connections <= Self.mostNamed else { return }
    reporter.note(
      "\(connections[index].name) did not read about \(plural(answers, "answer")) (\(sizeText(bytes))) in time")
  }

  /// Ends draining within `limit`: a connection that has got all its answers is closed at once.
  mutating func hurry(within limit: Nanoseconds, _ loop: borrowing EventLoop) {
    hurries = true
    deliveryLimit = limit
    for index in connections.indices where connections.holds(index) {
      guard let delivery = connections[index].delivery else { continue }
      connections[index].delivery?.until = min(delivery.until, loop.now() + limit)
      connections[index].delivery?.closesAt = nil
    }
    timers.arm(.delivery, at: loop.now())
  }

  // MARK: The end

  /// Nobody is let in and no job is taken any more; what was accepted is finished. A client whose jobs are settled has
  /// `limit` to read its answers.
  mutating func drain(limit: Nanoseconds, _ loop: inout EventLoop) {
    guard !isDraining else { return }
    isDraining = true
    deliveryLimit = limit
    timers.disarm(.listen)
    for index in listeners.indices where listeners.holds(index) {
      loop.remove(listeners[index].descriptor)
      listeners.remove(index)
    }
    listens.removeAll()
    engine.jobs.handle(.inputEnded)
    for index in connections.indices where connections.holds(index) {
      discardRest(of: index, &loop)
      finishIfAnswered(index, &loop)
    }
  }

  /// Whether last answers are on their way.
  var isDelivering: Bool { connections.indices.contains { connections.holds($0) && connections[$0].delivery != nil } }

  /// Closes whatever is open: the pool is over.
  mutating func closeAll(_ loop: inout EventLoop) {
    for index in connections.indices where connections.holds(index) { close(index, .stopped, &loop) }
  }

  /// Whether everything that was accepted is answered and every client has its answers.
  var isDrained: Bool { isDraining && connections.count == 0 && engine.jobs.ledger.counts.unsettled == 0 }
}
