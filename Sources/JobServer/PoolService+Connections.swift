import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Metrics
import Text

/// Clients come and go.
extension PoolService {
  /// So many are let in before others get their turn.
  private static let mostAtOnce = 64
  /// So long listening is suspended when descriptors are used up, in nanoseconds.
  private static let suspension: UInt64 = 100_000_000
  /// So long we wait for a client to close when everything is sent, in nanoseconds.
  private static let lingerLimit: UInt64 = 2_000_000_000

  // MARK: They come

  mutating func watchListeners(_ loop: inout EventLoop) throws(SystemError) {
    for index in listeners.indices where listeners.holds(index) { try watchListener(index, &loop) }
  }

  func watchListener(_ index: Int, _ loop: inout EventLoop) throws(SystemError) {
    let token = ServerToken(.jobListener, pool: number, index: index).rawValue
    try loop.add(listeners[index].descriptor, token: token, readable: true, writable: false)
  }

  /// Takes over a socket that was passed to us, beside those of the configuration.
  mutating func addPassed(_ listener: consuming ListeningSocket) {
    listeners.insert(listener, at: listeners.firstEmpty)
  }

  /// Lets in who waits at this socket.
  mutating func letIn(at listener: Int, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard listeners.holds(listener), !isDraining else { return }
    for _ in 0..<Self.mostAtOnce {
      switch listeners[listener].accept() {
      case .connection(let socket, let peer):
        letIn(socket, peer, at: listener, &loop, &reporter)
      case .wouldBlock: return
      case .exhausted(let error):
        reporter.repeated(
          .refusedClient, cause: "descriptors", "cannot take a connection: \(error); \(connections.count) are open")
        return suspendListening(&loop)
      case .failed(let error):
        reporter.repeated(.refusedClient, cause: "\(error)", "cannot take a connection: \(error)")
        return suspendListening(&loop)
      }
    }
  }

  private mutating func letIn(
    _ socket: consuming StreamSocket, _ peer: Peer, at listener: Int, _ loop: inout EventLoop,
    _ reporter: inout Reporter
  ) {
    let (address, isInherited) = (listeners[listener].address, listeners[listener].isInherited)
    guard configuration.admits(peer, over: address, isInherited: isInherited, owner: owner) else {
      metrics.connectionRefused(.user)
      refused.add(socket, reason: refusal("\(peer) may not use this pool", code: 77), pool: number, &loop)
      return reporter.repeated(
        .refusedClient, cause: "not allowed", "\(peer) may not use \(address) (--allow-user)")
    }
    guard connections.count < configuration.maximumConnections else {
      metrics.connectionRefused(.limit)
      let limit = configuration.maximumConnections
      let open = "\(plural(limit, "connection")) open already (--max-connections)"
      let reason = refusal("busy: \(open)", code: JobEngine.busyCode)
      refused.add(socket, reason: reason, pool: number, &loop)
      return reporter.repeated(
        .refusedClient, cause: "too many", "\(peer) is refused: \(open)")
    }
    let id = connections.makeID()
    let descriptor = socket.descriptor
    do throws(SystemError) {
      try loop.add(descriptor, token: token(of: id), readable: true, writable: false)
    } catch {
      connections.reuse(id)
      return reporter.repeated(.refusedClient, cause: "\(error)", "cannot watch a connection: \(error)")
    }
    metrics.connectionOpened()
    connections.insert(
      Connection(id, number: connections.accepted, socket, peer, of: configuration, at: loop.now()))
    engine.tell(.clientJoined(id))
    // Who connects has something to say, as a rule: it need not be asked for. But when there is no room, only those wait who have.
    if mayTakeJobs { standInLine(Int(id.index)) }
  }

  private func refusal(_ reason: String, code: Int) -> [UInt8] {
    Greeting.refusal(reason, code: code, version: version)
  }

  private mutating func suspendListening(_ loop: inout EventLoop) {
    guard !listenersAreSuspended else { return }
    listenersAreSuspended = true
    for index in listeners.indices where listeners.holds(index) { loop.remove(listeners[index].descriptor) }
    timers.arm(.listen, at: loop.now() &+ Self.suspension)
  }

  mutating func resumeListening(_ loop: inout EventLoop) {
    guard listenersAreSuspended else { return }
    listenersAreSuspended = false
    try? watchListeners(&loop)
  }

  private func token(of id: ClientID) -> UInt64 {
    ServerToken(.connection, pool: number, index: Int(id.index), generation: id.generation).rawValue
  }

  // MARK: They are there

  /// The loop has seen something of a connection.
  mutating func handle(
    _ token: ServerToken, readable: Bool, writable: Bool, hangup: Bool, _ loop: inout EventLoop
  ) {
    let index = token.index
    guard connections.holds(index), token.isAbout(connections[index].id) else { return }
    if connections[index].lingersUntil != nil { return readAway(index, hangup: hangup, &loop) }
    if hangup { return close(index, .gone, &loop) }
    if writable {
      send(index, &loop)
      guard connections.holds(index) else { return }
      release(index)
      finishIfAnswered(index, &loop)
      guard connections.holds(index) else { return }
    }
    // Told in the same breath as the order to drain, it would stand in a line that nobody serves.
    guard readable, !connections[index].inputIsOver, !isDraining else { return }
    if connections[index].isInLine, !mayTakeJobs {
      // It is heard when there is room, without being asked again whether it is readable.
      watchInput(index, false, &loop)
    } else {
      standInLine(index)
    }
  }

  mutating func watch(_ index: Int, _ loop: inout EventLoop) {
    try? loop.modify(
      connections[index].socket.descriptor, token: token(of: connections[index].id),
      readable: connections[index].isWatchedForInput, writable: connections[index].isWatchedForOutput)
  }

  // MARK: They go

  /// Everything it sent was answered, and the answers are sent: we say so, and wait for it to close.
  mutating func finishIfAnswered(_ index: Int, _ loop: inout EventLoop) {
    guard connections[index].inputIsOver || isDraining, connections[index].unsent.isEmpty,
      connections[index].jobs == UInt64(connections[index].settled), !connections[index].isInLine,
      connections[index].lingersUntil == nil
    else { return }
    if connections[index].inputIsOver { return close(index, .finished, &loop) }
    // With bytes of it unread, closing would be a reset, and might take answers from it that it has not read.
    connections[index].socket.shutdownWrite()
    connections[index].lingersUntil = loop.now() &+ Self.lingerLimit
    watchInput(index, true, &loop)
    timers.arm(.linger, at: loop.now() &+ Self.lingerLimit)
  }

  /// What comes from a client that was told that nothing is taken any more.
  private mutating func readAway(_ index: Int, hangup: Bool, _ loop: inout EventLoop) {
    if hangup { return close(index, .stopped, &loop) }
    for _ in 0..<16 {
      switch connections[index].readAway() {
      case .bytes: continue
      case .wouldBlock: return
      case .endOfFile, .failed: return close(index, .stopped, &loop)
      }
    }
  }

  mutating func closeLingering(_ loop: inout EventLoop) {
    for index in connections.indices where connections.holds(index) {
      guard let until = connections[index].lingersUntil else { continue }
      if until <= loop.now() { close(index, .stopped, &loop) } else { timers.arm(.linger, at: until) }
    }
  }

  /// Those on which nothing moves, and which wait neither for an answer nor for us to read them, are closed.
  mutating func closeIdle(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard let limit = configuration.connectionIdleLimit else { return }
    for index in connections.indices where connections.holds(index) {
      let waits = connections[index].jobs != UInt64(connections[index].settled) || connections[index].isInLine
      guard !waits, loop.now() &- connections[index].movedAt >= limit else { continue }
      reporter.detail("\(connections[index].name) is closed: nothing moved on it (--idle-connection-timeout)")
      close(index, .idle, &loop)
    }
    lookForIdle(loop)
  }

  /// The connection ends. Its queued jobs are cancelled; an answer that still comes is dropped.
  mutating func close(_ index: Int, _ end: ConnectionEnd, _ loop: inout EventLoop) {
    let id = connections[index].id
    let isAnswered = connections[index].jobs == UInt64(connections[index].settled) && connections[index].unsent.isEmpty
    metrics.connectionClosed(end == .gone && isAnswered && connections[index].unread.isEmpty ? .finished : end)
    noteConsumed(connections[index].unread.count)
    loop.remove(connections[index].socket.descriptor)
    connections.remove(index)
    engine.tell(.clientLeft(id))
    departed.insert(id)
    forgetIfDone(id)
    if listenersAreSuspended { resumeListening(&loop) }
  }

  /// The index of a client that has gone can be used again when the ledger knows no job of it any more.
  mutating func forgetIfDone(_ id: ClientID) {
    guard !engine.ledger.knows(id), departed.remove(id) != nil else { return }
    connections.reuse(id)
  }

  // MARK: The end

  /// Nobody is let in and nothing is read any more; what was accepted is finished.
  mutating func drain(_ loop: inout EventLoop) {
    guard !isDraining else { return }
    isDraining = true
    timers.disarm(.listen)
    for index in listeners.indices where listeners.holds(index) {
      loop.remove(listeners[index].descriptor)
      listeners.remove(index)
    }
    listens.removeAll()
    engine.tell(.inputEnded)
    for index in connections.indices where connections.holds(index) {
      connections[index].isInLine = false
      watchInput(index, false, &loop)
      finishIfAnswered(index, &loop)
    }
  }

  /// Closes whatever is open: the pool is over.
  mutating func closeAll(_ loop: inout EventLoop) {
    for index in connections.indices where connections.holds(index) { close(index, .stopped, &loop) }
  }

  /// Connections that have answers to read.
  var deafConnections: Int {
    connections.indices.count { connections.holds($0) && !connections[$0].unsent.isEmpty }
  }

  /// Whether everything that was accepted is answered and every client has its answers.
  var isDrained: Bool { isDraining && connections.count == 0 && engine.ledger.counts.unsettled == 0 }
}
