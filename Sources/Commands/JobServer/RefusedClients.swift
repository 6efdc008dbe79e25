import EventLoop
import LinuxIO
import Slabs
import Time

/// Clients that are refused, kept until the reason is sent to those that ask for records; the format of the others has
/// no room for a reason. Few at a time, and not for long: a refused client must cost less than an accepted one.
struct RefusedClients: ~Copyable {
  /// More are closed at once.
  private static let most = 8
  /// A client that has not asked within this time is closed.
  private static let patience: Nanoseconds = .seconds(1)

  /// One of them.
  struct Client: ~Copyable {
    let socket: StreamSocket
    let generation: UInt32
    let reason: [UInt8]
    let until: Instant
    var unread = ByteQueue(capacity: 64)

    /// The line is short, and the first: the socket has room for it.
    func tellReason() { _ = reason.withUnsafeBytes { socket.write($0) } }

    mutating func read() -> ReadResult { socket.read(into: &unread, atMost: Greeting.wanted.count - unread.count) }
  }

  var clients = Slab<Client>()
  private var generation: UInt32 = 0

  /// When the next of them is to be closed.
  private(set) var nextDeadline: Instant?

  /// A client is refused; `reason` is the line that it gets if it asks for records.
  mutating func add(_ socket: consuming StreamSocket, reason: [UInt8], pool: Int, _ loop: inout EventLoop) {
    guard clients.count < Self.most else { return }
    generation = (generation &+ 1) & 0xFF_FFFF
    let index = clients.firstEmpty
    let token = ServerToken(.refused, pool: pool, index: index, generation: generation).rawValue
    guard (try? loop.add(socket.descriptor, token: token, readable: true, writable: false)) != nil else { return }
    let until = loop.now() + Self.patience
    clients.insert(Client(socket: socket, generation: generation, reason: reason, until: until), at: index)
    if nextDeadline == nil { nextDeadline = until }
  }

  /// One of them has sent something, or has gone.
  mutating func handle(_ token: ServerToken, _ loop: inout EventLoop) {
    let index = token.index
    guard clients.holds(index), clients[index].generation == token.generation else { return }
    var isOver = false
    switch clients[index].read() {
    case .bytes: break
    case .wouldBlock: return
    case .endOfFile, .failed: isOver = true
    }
    switch Greeting.look(at: clients[index].unread, isOver: isOver, isTCP: false) {
    case .incomplete: return
    case .plain, .control, .foreign: break
    case .records: clients[index].tellReason()
    }
    close(index, &loop)
  }

  /// Closes the clients that have not asked in time.
  mutating func closeOverdue(_ loop: inout EventLoop) {
    guard let due = nextDeadline, due <= loop.now() else { return }
    nextDeadline = nil
    for index in clients.indices where clients.holds(index) {
      let until = clients[index].until
      if until <= loop.now() {
        close(index, &loop)
      } else {
        nextDeadline = min(nextDeadline ?? until, until)
      }
    }
  }

  private mutating func close(_ index: Int, _ loop: inout EventLoop) {
    loop.remove(clients[index].socket.descriptor)
    clients.remove(index)
  }
}
