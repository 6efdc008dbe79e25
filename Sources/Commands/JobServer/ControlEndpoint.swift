import ControlProtocol
import EventLoop
import JobEngine
import LinuxIO
import Slabs
import Time
import Timers

/// The control socket: the users that may use it, its sessions, and their bytes. What is asked is answered by the
/// server.
struct ControlEndpoint: ~Copyable {
  /// The most sessions at once.
  private static let mostSessions = 64
  /// How long no connection is accepted when descriptors are used up.
  private static let suspension: Nanoseconds = .milliseconds(100)

  /// One client of the control socket.
  struct Session: ~Copyable {
    let socket: StreamSocket
    let uid: UInt32
    let generation: UInt32
    var protocolSession: ControlSession
    var bytes = ByteQueue(capacity: 512)
    var inputIsOver = false
    var hasComplained = false
    /// When the next status is due, for a client that watches.
    var nextState: Instant?
  }

  private(set) var listener: ListeningSocket
  let service: ServiceInfo
  var sessions = Slab<Session>()
  private var generation: UInt32 = 0
  /// Descriptors are used up: until then nobody is let in.
  private var resumesAt: Instant?

  init(_ listener: consuming ListeningSocket, service: ServiceInfo) {
    self.listener = listener
    self.service = service
  }

  mutating func letIn(_ loop: inout EventLoop, owner: UInt32, _ reporter: inout Reporter) {
    guard resumesAt == nil else { return }
    while true {
      switch listener.accept() {
      case .connection(let socket, let peer): letIn(socket, peer, &loop, owner: owner, &reporter)
      case .wouldBlock: return
      case .exhausted(let error): return suspendListening(error, &loop, &reporter)
      case .failed(let error): return suspendListening(error, &loop, &reporter)
      }
    }
  }

  /// The socket would be ready for ever, and the loop turn without rest.
  private mutating func suspendListening(_ error: SystemError, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    reporter.repeated(.refusedClient, cause: "control: \(error)", "cannot take a client of control: \(error)")
    loop.remove(listener.descriptor)
    resumesAt = loop.now() + Self.suspension
  }

  private mutating func letIn(
    _ socket: consuming StreamSocket, _ peer: Peer, _ loop: inout EventLoop, owner: UInt32, _ reporter: inout Reporter
  ) {
    // The file keeps others out; where there is no file, or its mode was changed, this does.
    guard let uid = peer.uid, uid == owner || uid == 0 else {
      return reporter.repeated(
        .refusedClient, cause: "control not allowed", "\(peer) may not use the control socket \(listener.address)")
    }
    guard sessions.count < Self.mostSessions,
      let index = (0...sessions.indices.count).first(where: { !sessions.holds($0) })
    else {
      return reporter.repeated(
        .refusedClient, cause: "control is full",
        "\(peer) is refused at the control socket: \(Self.mostSessions) clients are there")
    }
    generation &+= 1
    let token = token(of: index, generation)
    guard (try? loop.add(socket.descriptor, token: token, readable: true, writable: false)) != nil else { return }
    sessions.insert(
      Session(
        socket: socket, uid: uid, generation: generation & 0xFF_FFFF,
        protocolSession: ControlSession(service: service)),
      at: index)
  }

  /// Tries again to let clients in, when it is time.
  mutating func resumeListening(_ loop: inout EventLoop) {
    guard let due = resumesAt, due <= loop.now() else { return }
    resumesAt = nil
    let token = ServerToken(.controlListener).rawValue
    try? loop.add(listener.descriptor, token: token, readable: true, writable: false)
  }

  /// Listens there from now on, and no longer where it did; sessions go on.
  mutating func move(to new: consuming ListeningSocket, _ loop: inout EventLoop) {
    loop.remove(listener.descriptor)
    resumesAt = nil
    listener = new
  }

  private func token(of index: Int, _ generation: UInt32) -> UInt64 {
    ServerToken(.control, index: index, generation: generation).rawValue
  }

  /// Takes bytes; false when the client is gone.
  mutating func read(_ index: Int) -> Bool {
    for _ in 0..<16 where sessions[index].protocolSession.wantsInput {
      switch sessions[index].readOnce() {
      case .bytes: continue
      case .wouldBlock: return true
      case .endOfFile:
        sessions[index].inputIsOver = true
        sessions[index].protocolSession.endInput()
        return true
      case .failed: return false
      }
    }
    return true
  }

  /// Writes what was answered; false when the client is gone or done.
  mutating func write(_ index: Int, _ loop: inout EventLoop) -> Bool {
    while !sessions[index].protocolSession.output.isEmpty {
      switch sessions[index].writeOnce() {
      case .bytes: continue
      case .wouldBlock:
        watch(index, forOutput: true, &loop)
        return true
      case .closed, .failed: return false
      }
    }
    watch(index, forOutput: false, &loop)
    return !sessions[index].protocolSession.isOver
  }

  private mutating func watch(_ index: Int, forOutput writable: Bool, _ loop: inout EventLoop) {
    // A client that sends no more would be readable for ever.
    let readable = !sessions[index].inputIsOver && sessions[index].protocolSession.wantsInput
    try? loop.modify(
      sessions[index].socket.descriptor, token: token(of: index, sessions[index].generation), readable: readable,
      writable: writable)
  }

  mutating func close(_ index: Int, _ loop: inout EventLoop) {
    loop.remove(sessions[index].socket.descriptor)
    sessions.remove(index)
  }

  /// When the next state is due, or clients may be let in again.
  var nextDeadline: Instant? {
    var deadline = resumesAt
    for index in sessions.indices where sessions.holds(index) {
      deadline = earliest(deadline, sessions[index].nextState)
    }
    return deadline
  }
}

extension ControlEndpoint.Session {
  mutating func readOnce() -> ReadResult {
    let result = socket.read(into: &bytes)
    if case .bytes(let count) = result {
      bytes.withUnsafeBytes { protocolSession.receive($0.bytes) }
      bytes.removeFirst(count)
    }
    return result
  }

  mutating func writeOnce() -> WriteResult {
    let result = protocolSession.output.withUnsafeBytes { socket.write($0) }
    if case .bytes(let count) = result { protocolSession.removeOutput(count) }
    return result
  }
}

extension ServiceInfo {
  /// Us.
  init(_ configuration: ServeConfiguration) {
    self.init(version: configuration.version, url: ServeConfiguration.url)
  }
}
