import Glibc
import Time

/// A client's end of a unix stream socket. Its calls do not block, but `wait` does.
public struct UnixStream: ~Copyable, Sendable {
  private let socket: FileDescriptor

  /// Between two attempts at a listener whose queue is full, in milliseconds.
  private static let pause: CInt = 10

  /// Connects to the socket at `path`. A listener whose queue is full is tried again until `deadline` of
  /// CLOCK_MONOTONIC; then it is an error (EAGAIN). So is a path of more than 107 bytes (ENAMETOOLONG).
  public init(connectingTo path: String, until deadline: Instant) throws(SystemError) {
    socket = try Self.connected(to: path, until: deadline)
  }

  private static func connected(to path: String, until deadline: Instant) throws(SystemError) -> FileDescriptor {
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let number = Glibc.socket(AF_UNIX, kind, 0)
    if number < 0 { throw SystemError("make a socket") }
    let socket = FileDescriptor(owning: number)
    guard var address = address(of: path) else { throw SystemError("connect to \(path)", ENAMETOOLONG) }
    while true {
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if result == 0 || errno == EISCONN { return socket }
      let code = errno
      if code != EINTR, code != EAGAIN || monotonicNow() >= deadline { throw SystemError("connect to \(path)", code) }
      if code == EAGAIN { poll(nil, 0, pause) }
    }
  }

  /// Readable when bytes or the end have come.
  public var descriptor: CInt { socket.rawValue }

  /// Reads what is there.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult { receiveOnce(socket.rawValue, buffer) }

  /// Writes what there is room for.
  public func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult { sendOnce(socket.rawValue, bytes) }

  /// Waits until it can be read or, if `forWriting`, written; false if that did not happen until `deadline` of
  /// CLOCK_MONOTONIC. Without one it waits for ever.
  public func wait(forWriting: Bool, until deadline: Instant?) -> Bool {
    while true {
      var entry = pollfd(fd: socket.rawValue, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0)
      var milliseconds: CInt = -1
      if let deadline {
        milliseconds = CInt(clamping: (deadline - monotonicNow() + .nanoseconds(999_999)).milliseconds)
      }
      let count = poll(&entry, 1, milliseconds)
      if count > 0 { return true }
      if count == 0, let deadline, monotonicNow() >= deadline { return false }
    }
  }

  private static func address(of path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
      guard bytes.count < room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    return fits ? address : nil
  }
}

/// Whether a socket stands at this path.
public func isSocket(_ path: String) -> Bool {
  var facts = stat()
  return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFSOCK
}
