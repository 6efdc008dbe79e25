import CLinux
import Glibc

/// What stands behind a descriptor that the shell gave us.
public enum StreamKind: Sendable, Equatable {
  /// A pipe or FIFO.
  case pipe
  /// A terminal.
  case terminal
  /// A regular file.
  case file
  /// A directory.
  case directory
  /// A socket.
  case socket
  /// /dev/null and its like.
  case device
  /// It was closed.
  case closed

  init(of fd: CInt) {
    switch UInt8(truncatingIfNeeded: prefork_descriptor_kind(fd)) {
    case UInt8(ascii: "p"): self = .pipe
    case UInt8(ascii: "t"): self = .terminal
    case UInt8(ascii: "f"): self = .file
    case UInt8(ascii: "d"): self = .directory
    case UInt8(ascii: "s"): self = .socket
    case 0: self = .closed
    default: self = .device
    }
  }

  /// epoll refuses it with EPERM, because it never makes anyone wait.
  var isAlwaysReady: Bool {
    switch self {
    case .file, .directory, .device, .closed: true
    case .pipe, .terminal, .socket: false
    }
  }
}

/// A descriptor that others share, and how it can be used without blocking. O_NONBLOCK belongs to the open file
/// description, which the shell and every program after us share: it is never set on that. A pipe or a terminal is
/// opened once more; a socket has MSG_DONTWAIT; and where reopening is refused, the inherited one is used only after
/// epoll reported so.
private struct InheritedStream: ~Copyable {
  let kind: StreamKind
  let number: CInt
  private let reopened: FileDescriptor?

  init(_ fd: CInt, wasClosed: Bool, flags: CInt) {
    number = fd
    kind = wasClosed ? .closed : StreamKind(of: fd)
    switch kind {
    case .pipe, .terminal: reopened = try? FileDescriptor.open("/proc/self/fd/\(fd)", flags: flags | O_NONBLOCK)
    case .file, .directory, .socket, .device, .closed: reopened = nil
    }
  }

  /// Our own description of the same thing, which does not block; nil where there is none.
  var own: CInt? {
    let descriptor = LinuxIO.number(of: reopened)
    return descriptor < 0 ? nil : descriptor
  }
}

/// stdin, whatever it is.
public struct InheritedInput: ~Copyable {
  private let stream: InheritedStream
  /// It is a terminal that others have, and the last read has stopped them as a read in the background does. This
  /// process was not stopped: that is for the caller, which can handle signals first.
  public private(set) var isInBackground = false

  /// Looks at the descriptor `fd`; `wasClosed` when it only stands on /dev/null because it was closed.
  public init(_ fd: CInt, wasClosed: Bool = false) {
    stream = InheritedStream(fd, wasClosed: wasClosed, flags: O_RDONLY)
  }

  /// What it is.
  public var kind: StreamKind { stream.kind }
  /// The descriptor to watch.
  public var descriptor: CInt { stream.own ?? stream.number }
  /// True when it cannot and need not be watched.
  public var isAlwaysReady: Bool { kind.isAlwaysReady }

  /// Bytes between where it stands now and its end, if that is known: of a regular file. Others may have read its
  /// beginning.
  public var remainingBytes: UInt64? {
    var status = stat()
    guard kind == .file, fstat(stream.number, &status) == 0 else { return nil }
    return UInt64(max(0, status.st_size - max(0, lseek(stream.number, 0, SEEK_CUR))))
  }

  /// One read that does not block (a regular file may take its time, but never for ever).
  public mutating func read(into queue: inout ByteQueue, atMost: Int) -> ReadResult {
    if kind == .closed { return .endOfFile }
    if kind == .terminal { return readTerminal(into: &queue, atMost: atMost) }
    if let own = stream.own { return queue.fill(from: own, atMost: atMost) }
    switch kind {
    case .socket:
      let fd = stream.number
      return queue.fill(atMost: atMost) { receiveOnce(fd, $0) }
    case .pipe:
      guard isReady(stream.number, POLLIN) else { return .wouldBlock }
      return queue.fill(from: stream.number, atMost: atMost)
    case .terminal, .file, .directory, .device, .closed: return queue.fill(from: stream.number, atMost: atMost)
    }
  }
}

extension InheritedInput {
  private mutating func readTerminal(into queue: inout ByteQueue, atMost: Int) -> ReadResult {
    isInBackground = false
    // Without a description of our own a read would wait, but not in the background, where nothing is ever there for
    // us.
    if stream.own == nil, isInForeground(of: stream.number), !isReady(stream.number, POLLIN) { return .wouldBlock }
    let fd = descriptor
    let result = queue.fill(atMost: atMost) { buffer in
      let count = prefork_terminal_read(fd, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .endOfFile }
      return errno == EINTR || errno == EAGAIN ? .wouldBlock : .failed(SystemError("read"))
    }
    if result == .wouldBlock { isInBackground = !isInForeground(of: fd) }
    return result
  }
}

/// stdout or stderr, whatever it is.
public struct InheritedOutput: ~Copyable {
  private let stream: InheritedStream

  /// Looks at the descriptor `fd`; `wasClosed` when it only stands on /dev/null because it was closed.
  public init(_ fd: CInt, wasClosed: Bool = false) {
    stream = InheritedStream(fd, wasClosed: wasClosed, flags: O_WRONLY)
  }

  /// What it is.
  public var kind: StreamKind { stream.kind }
  /// The descriptor to watch.
  public var descriptor: CInt { stream.own ?? stream.number }
  /// True when it cannot and need not be watched.
  public var isAlwaysReady: Bool { kind.isAlwaysReady }

  /// One write from the front of the queue that does not block.
  public mutating func write(from queue: inout ByteQueue) -> WriteResult { queue.drain(atMost: .max) { write($0) } }

  /// One write of these bytes that does not block; perhaps only the first of them are taken.
  public func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
    if let own = stream.own { return writeOnce(own, bytes) }
    switch kind {
    case .closed: return .failed(SystemError("write", EBADF))
    case .socket: return sendOnce(stream.number, bytes)
    case .pipe, .terminal:
      // A pipe that is writable takes at least PIPE_BUF bytes without blocking (pipe(7)).
      guard isReady(stream.number, POLLOUT) else { return .wouldBlock }
      return writeOnce(stream.number, UnsafeRawBufferPointer(rebasing: bytes.prefix(4096)))
    case .file, .directory, .device: return writeOnce(stream.number, bytes)
    }
  }
}

private func isReady(_ fd: CInt, _ events: CInt) -> Bool {
  var entry = pollfd(fd: fd, events: CShort(events), revents: 0)
  return poll(&entry, 1, 0) > 0
}
