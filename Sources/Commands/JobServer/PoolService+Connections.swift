import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Metrics
import Text
import Time

/// Clients come and go.
extension PoolService {
  /// How many are let in before others get their turn.
  private static let mostAtOnce = 64
  /// How long listening is suspended when descriptors are used up.
  private static let suspension: Nanoseconds = .milliseconds(100)

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

  /// Accepts the clients that wait at this socket.
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
      let reason = refusal("busy: \(open)", code: JobTable.busyCode)
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
    engine.jobs.handle(.clientJoined(id))
    // A client that connects usually sends something at once, so it is read without waiting for epoll. But when there
    // is no room, only clients that have sent something stand in line.
    if mayTakeJobs { standInLine(Int(id.index)) }
  }

  private func refusal(_ reason: String, code: Int) -> [UInt8] {
    Greeting.refusal(reason, code: code, version: version)
  }

  private mutating func suspendListening(_ loop: inout EventLoop) {
    guard !listenersAreSuspended else { return }
    listenersAreSuspended = true
    for index in listeners.indices where listeners.holds(index) { loop.remove(listeners[index].descriptor) }
    timers.arm(.listen, at: loop.now() + Self.suspension)
  }

  mutating func resumeListening(_ loop: inout EventLoop) {
    guard listenersAreSuspended else { return }
    listenersAreSuspended = false
    try? watchListeners(&loop)
  }

  func token(of id: ClientID) -> UInt64 {
    ServerToken(.connection, pool: number, index: Int(id.index), generation: id.generation).rawValue
  }

  // MARK: They are there

  /// The loop has seen something of a connection.
  mutating func handle(
    _ token: ServerToken, readable: Bool, writable: Bool, hangup: Bool, _ loop: inout EventLoop
  ) {
    let index = token.index
    guard connections.holds(index), token.isAbout(connections[index].id) else { return }
    if discardsInput(index) {
      return handleEnding(index, readable: readable, writable: writable, hangup: hangup, &loop)
    }
    if hangup { return close(index, .gone, &loop) }
    if writable {
      send(index, &loop)
      guard connections.holds(index) else { return }
      release(index)
      finishIfAnswered(index, &loop)
      guard connections.holds(index) else { return }
    }
    guard readable, !connections[index].inputIsOver else { return }
    if connections[index].isInLine, !mayTakeJobs {
      // It is heard when there is room, without being asked again whether it is readable.
      pause(index, &loop)
    } else {
      standInLine(index)
    }
  }

  // MARK: They go

  /// Those on which nothing moves, and which wait neither for an answer nor for us to read them, are closed.
  mutating func closeIdle(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard let limit = configuration.connectionIdleLimit else { return }
    for index in connections.indices where connections.holds(index) {
      let waits = connections[index].jobs != UInt64(connections[index].settled) || connections[index].isInLine
      guard !waits, !discardsInput(index), loop.now() - connections[index].movedAt >= limit else { continue }
      reporter.detail("\(connections[index].name) is closed: nothing moved on it (--idle-connection-timeout)")
      end(index, for: .idle, &loop)
      finishIfAnswered(index, &loop)
    }
    lookForIdle(loop)
  }

  /// The connection ends. Its queued jobs are cancelled; an answer that still comes is dropped.
  mutating func close(_ index: Int, _ end: ConnectionEnd, _ loop: inout EventLoop) {
    let id = connections[index].id
    let isAnswered = connections[index].jobs == UInt64(connections[index].settled) && connections[index].unsent.isEmpty
    // One that we have ended was counted then.
    if connections[index].endedFor == nil {
      metrics.connectionClosed(end == .gone && isAnswered && connections[index].unreadBytes == 0 ? .finished : end)
    }
    noteConsumed(connections[index].unreadBytes)
    loop.remove(connections[index].socket.descriptor)
    connections.remove(index)
    engine.jobs.handle(.clientLeft(id))
    if configuration.cancelsOnDisconnect, end == .gone { cancelJobs(of: id) }
    departed.insert(id)
    forgetIfDone(id)
    if listenersAreSuspended { resumeListening(&loop) }
  }

  /// Nobody waits any more for the jobs of this client that run.
  private mutating func cancelJobs(of client: ClientID) {
    // The usual end of a client: no need to look for its jobs among those of all others.
    guard engine.jobs.ledger.counts(of: client).leased > 0 else { return }
    var running: [JobID] = []
    engine.jobs.ledger.forEachUnsettled { if $0.client == client { running.append($0.id) } }
    for job in running { engine.jobs.cancel(job, because: .clientGone) }
  }

  /// The index of a client that has gone can be used again when the ledger knows no job of it any more.
  mutating func forgetIfDone(_ id: ClientID) {
    guard !engine.jobs.ledger.knows(id), departed.remove(id) != nil else { return }
    connections.reuse(id)
  }
}
