import CLinux
import Glibc

/// An owned file descriptor: closed exactly once, when its owner ends.
public struct FileDescriptor: ~Copyable, Sendable {
  /// The number, valid while the owner lives.
  public let rawValue: CInt

  /// Takes ownership.
  public init(owning rawValue: CInt) { self.rawValue = rawValue }

  deinit { close(rawValue) }

  /// Gives ownership away without closing.
  public consuming func release() -> CInt {
    let number = rawValue
    discard self
    return number
  }

  /// Opens a file to append to it, which is created if need be. Writes do not block; nor does this: a FIFO that nobody
  /// reads is an error (ENXIO).
  public static func appending(to path: String) throws(SystemError) -> FileDescriptor {
    try open(path, flags: O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK)
  }

  /// Opens a file to write it anew, which is created if need be. Writes do not block.
  public static func creating(_ path: String) throws(SystemError) -> FileDescriptor {
    try open(path, flags: O_WRONLY | O_TRUNC | O_CREAT | O_NONBLOCK)
  }

  /// Opens a file; always close-on-exec. One that is created (O_CREAT) may be read and written by all that the umask
  /// allows.
  public static func open(_ path: String, flags: CInt) throws(SystemError) -> FileDescriptor {
    if let fault = injectedFault(.open) { throw SystemError("open \(path)", fault) }
    let number = prefork_open(path, flags)
    if number < 0 { throw SystemError("open \(path)") }
    return FileDescriptor(owning: number)
  }
}

/// The number of a descriptor that may have been given away or closed: -1 then.
public func number(of descriptor: borrowing FileDescriptor?) -> CInt {
  switch descriptor {
  case .some(let open): open.rawValue
  case .none: -1
  }
}

/// Both ends of a pipe, close-on-exec, until they are moved out.
public struct Pipe: ~Copyable, Sendable {
  /// An end of it.
  public enum End: CInt, Sendable {
    /// Where bytes come out.
    case readEnd = 0
    /// Where bytes go in.
    case writeEnd = 1
  }

  private var reading: FileDescriptor?
  private var writing: FileDescriptor?

  /// Makes a pipe. Reads and writes block, but not at the end that is named.
  public init(nonBlocking end: End? = nil) throws(SystemError) {
    var ends: (CInt, CInt) = (-1, -1)
    if let fault = injectedFault(.pipe) { throw SystemError("pipe", fault) }
    let result = withUnsafeMutableBytes(of: &ends) {
      prefork_make_pipe($0.baseAddress!.assumingMemoryBound(to: CInt.self), end?.rawValue ?? -1)
    }
    if result < 0 { throw SystemError("pipe") }
    reading = FileDescriptor(owning: ends.0)
    writing = FileDescriptor(owning: ends.1)
  }

  /// Where bytes come out; -1 once taken.
  public var readEnd: CInt { number(of: reading) }
  /// Where bytes go in; -1 once taken.
  public var writeEnd: CInt { number(of: writing) }

  /// Hands the reading end to a new owner, once.
  public mutating func takeReadEnd() -> FileDescriptor { reading.take()! }
  /// Hands the writing end to a new owner, once.
  public mutating func takeWriteEnd() -> FileDescriptor { writing.take()! }
}

/// Which of stdin, stdout and stderr were closed when we were started.
public struct ClosedDescriptors: Sendable, Equatable {
  /// Descriptor 0.
  public var stdin = false
  /// Descriptor 1.
  public var stdout = false
  /// Descriptor 2.
  public var stderr = false

  /// None.
  public init() {}
}

/// Opens each standard descriptor that is closed on /dev/null, so that no pipe of ours can land on its number and be
/// taken for it. To be called before anything else is opened.
public func openClosedStandardDescriptors() -> ClosedDescriptors {
  var closed = ClosedDescriptors()
  // The lowest free number is given out, and all below are taken by then.
  func open(_ number: CInt) -> Bool {
    guard prefork_descriptor_is_open(number) == 0 else { return false }
    _ = prefork_open("/dev/null", O_RDWR)
    return true
  }
  closed.stdin = open(0)
  closed.stdout = open(1)
  closed.stderr = open(2)
  return closed
}
