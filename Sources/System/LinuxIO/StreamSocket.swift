import CLinux
import Glibc
import Time

/// A connection: an owned stream socket, close-on-exec and non-blocking.
public struct StreamSocket: ~Copyable, Sendable {
  private let socket: FileDescriptor

  /// Takes ownership of a connected socket that does not block.
  init(owning socket: consuming FileDescriptor) { self.socket = socket }

  /// To be watched.
  public var descriptor: CInt { socket.rawValue }

  /// One read of at most `atMost` bytes to the end of the queue. `endOfFile` means that the other side sends no more;
  /// it may still read. An error that `isDisconnection` means that it is gone: nobody reads what is written any more.
  public func read(into queue: inout ByteQueue, atMost: Int = 65536) -> ReadResult {
    queue.fill(atMost: atMost) { receiveOnce(socket.rawValue, $0) }
  }

  /// One write from the front of the queue; what was written is dropped. Needs no SIGPIPE to be ignored.
  public func write(from queue: inout ByteQueue) -> WriteResult {
    queue.drain(atMost: .max) { sendOnce(socket.rawValue, $0) }
  }

  /// One write of these bytes; perhaps only the first of them are taken.
  public func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult { sendOnce(socket.rawValue, bytes) }

  /// Bytes that were written and that the other side has not got: over TCP, those that it has not acknowledged, the end
  /// of file that `shutdownWrite` sends counting as one; on a unix socket something is reported until it has read all.
  /// 0 if it is unknown.
  public var undeliveredBytes: Int { max(0, Int(prefork_bytes_undelivered(socket.rawValue))) }

  /// Sends no more: the other side reads to the end of file. Harmless when it is gone.
  public func shutdownWrite() { shutdown(socket.rawValue, CInt(SHUT_WR)) }

  /// Connects, and waits at most `timeout` for that. All addresses of a name are tried, in their order.
  public static func connect(
    to address: SocketAddress, timeout: Nanoseconds
  ) throws(SocketError) -> StreamSocket {
    if case .tcp(_, 0) = address { throw .noPort(address) }
    let deadline = monotonicNow() + timeout
    var failure = SocketError.unresolved(address, reason: "no address of a stream")
    for candidate in try ResolvedAddress.all(of: address) {
      do throws(SystemError) {
        let socket = try connect(candidate, deadline)
        if candidate.isUnix == false {
          prefork_send_at_once(socket.rawValue)
          // A machine that vanished sends nothing more: a wait for its answer must not last for ever.
          prefork_keep_alive(socket.rawValue)
        }
        return StreamSocket(owning: socket)
      } catch {
        failure = error.code == ETIMEDOUT ? .timedOut(address, after: timeout) : .connect(address, error)
      }
    }
    throw failure
  }

  private static func connect(_ address: ResolvedAddress, _ deadline: Instant) throws(SystemError) -> FileDescriptor {
    var address = address
    let number = prefork_stream_socket(&address.kernel)
    if number < 0 { throw SystemError("socket") }
    let socket = FileDescriptor(owning: number)
    while prefork_connect(number, &address.kernel) != 0 {
      switch errno {
      case EINTR: continue
      case EISCONN: return socket
      case EINPROGRESS, EALREADY:
        try wait(for: number, until: deadline)
        return socket
      // The queue of a unix socket is full; that there is room cannot be waited for (connect(2)).
      case EAGAIN:
        guard monotonicNow() < deadline else { throw SystemError("connect", ETIMEDOUT) }
        poll(nil, 0, 5)
      case let code: throw SystemError("connect", code)
      }
    }
    return socket
  }

  private static func wait(for number: CInt, until deadline: Instant) throws(SystemError) {
    while true {
      let left = deadline - monotonicNow()
      var entry = pollfd(fd: number, events: CShort(POLLOUT), revents: 0)
      // Rounded up, so that the last wait does not spin; and it is looked once in any case, however late we are.
      let count = poll(&entry, 1, CInt(clamping: left.milliseconds + 1))
      guard count > 0 else {
        if count == 0, monotonicNow() >= deadline { throw SystemError("connect", ETIMEDOUT) }
        continue
      }
      let code = prefork_pending_error(number)
      if code != 0 { throw SystemError("connect", code) }
      return
    }
  }
}

extension SystemError {
  /// The other side of a connection is gone, as opposed to something being wrong with us.
  public var isDisconnection: Bool {
    switch code {
    case ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, ECONNABORTED, ECONNREFUSED: true
    default: false
    }
  }

  /// We may not do this, and it is of no use to try again.
  public var isDenied: Bool { code == EACCES || code == EPERM }
}
