import EventLoop
import JobSources
import LinuxIO
import Records
import Text
import WireFormats

/// One connection to a server: bytes out and lines in, neither ever waiting for the other.
struct Connection: ~Copyable {
  /// No job is added while this many bytes wait to be written.
  private static let mostUnsent = 256 * 1024
  /// Bytes read in one turn of the loop.
  private static let mostPerTurn = 4 * 65536

  /// What stands next in what was read.
  enum Next {
    /// A line, to be looked at with `withLine` and then to be consumed.
    case line
    /// No whole line yet.
    case notYet
    /// Nothing more will come.
    case lost(Loss)
  }

  private let socket: StreamSocket
  private var buffer = FrameBuffer(.lines, maximumSize: RecordsGreeting.longestAnswer, capacity: 4096)
  private var unsent = ByteQueue()
  /// Why nothing more will be read.
  private var end: Loss?
  /// The server reads no more; what it has answered is still to be read.
  private var isDeaf = false
  /// Something was read that nobody has looked at.
  private(set) var hasNews = false
  private var isWatched = false
  private var isWatchedForRoom = false

  /// Begins with asking for records.
  init(_ socket: consuming StreamSocket) {
    self.socket = socket
    RecordsGreeting.request.withUnsafeBytes { unsent.append($0) }
  }

  /// Whether another job may be added to what is to be written.
  var hasRoom: Bool { unsent.count < Self.mostUnsent && end == nil && !isDeaf }

  /// From here on answers come, of at most `size` bytes.
  mutating func expectAnswers(atMost size: Int) { buffer.goOn(as: .lines, maximumSize: size) }

  mutating func append(_ line: [UInt8]) { line.withUnsafeBytes { unsent.append($0) } }

  /// Reads part of what is there: other descriptors want a turn.
  mutating func read() {
    var left = Self.mostPerTurn
    while left > 0, end == nil {
      switch socket.read(into: &buffer.bytes) {
      case .bytes(let count):
        left -= count
        hasNews = true
      case .wouldBlock: return
      case .endOfFile: end(.closed)
      case .failed(let error): end(.broken(error))
      }
    }
  }

  private mutating func end(_ loss: Loss) {
    end = loss
    hasNews = true
  }

  /// Writes as much as the server takes.
  mutating func write() {
    while !unsent.isEmpty, !isDeaf {
      switch socket.write(from: &unsent) {
      case .bytes: continue
      case .wouldBlock: return
      // It may have answered before it closed: reading will show how it ended.
      case .closed, .failed: isDeaf = true
      }
    }
    if isDeaf { unsent.removeAll() }
  }

  /// Nothing more will be asked.
  func shutdownWrite() { socket.shutdownWrite() }

  /// Finds the next line.
  mutating func next() -> Next {
    switch buffer.next(isOver: false) {
    case .frame: return .line
    case .oversize: return .lost(tooLong)
    case .violation(let error): return .lost(.nonsense("\(error)"))
    case .needMore, .end:
      if buffer.isSkipping { return .lost(tooLong) }
    }
    hasNews = false
    // A peer that does not even begin like a server is detected at once, not after a line that may never end.
    let first = buffer.bytes.withUnsafeBytes(\.first)
    if let first, first != UInt8(ascii: "{") { return .lost(.nonsense(beginning)) }
    guard let end else { return .notYet }
    return .lost(buffer.bytes.isEmpty || end != .closed ? end : .cut)
  }

  private var tooLong: Loss { .nonsense("a line of more than \(buffer.maximumSize) bytes") }

  /// What it sent, for people.
  private var beginning: String {
    buffer.bytes.withUnsafeBytes { "it sent " + quoted($0) }
  }

  /// Lends the line that was found.
  func withLine<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { buffer.withFrame(body) }

  mutating func consume() { buffer.consume() }

  /// Has the loop watch what is of use now. A connection that is not to be read is not watched at all: its hangup would
  /// wake us again and again.
  mutating func watch(_ loop: inout EventLoop, token: UInt64, reading: Bool) throws(SystemError) {
    let isWanted = reading && end == nil
    let needsRoom = isWanted && !unsent.isEmpty
    guard (isWanted, needsRoom) != (isWatched, isWatchedForRoom) else { return }
    if !isWanted {
      loop.remove(socket.descriptor)
    } else if isWatched {
      try loop.modify(socket.descriptor, token: token, readable: true, writable: needsRoom)
    } else {
      try loop.add(socket.descriptor, token: token, readable: true, writable: needsRoom)
    }
    (isWatched, isWatchedForRoom) = (isWanted, needsRoom)
  }

  /// It is about to be closed.
  mutating func unwatch(_ loop: inout EventLoop) { if isWatched { loop.remove(socket.descriptor) } }
}

/// Whether something was read that nobody has looked at.
func hasUnlookedLines(in connection: borrowing Connection?) -> Bool {
  switch connection {
  case .some(let open): open.hasNews
  case .none: false
  }
}

/// Whether there is a connection, and another job may be added to what is to be written.
func hasRoom(in connection: borrowing Connection?) -> Bool {
  switch connection {
  case .some(let open): open.hasRoom
  case .none: false
  }
}
