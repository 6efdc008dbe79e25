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

  /// Opens a file; always close-on-exec.
  public static func open(_ path: String, flags: CInt) throws(SystemError) -> FileDescriptor {
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

/// Both ends of a pipe, close-on-exec and blocking, as long as nobody has taken them.
public struct Pipe: ~Copyable, Sendable {
  private var reading: FileDescriptor?
  private var writing: FileDescriptor?

  /// Makes a pipe.
  public init() throws(SystemError) {
    var ends: (CInt, CInt) = (-1, -1)
    if let fault = injectedFault(.pipe) { throw SystemError("pipe", fault) }
    let result = withUnsafeMutableBytes(of: &ends) {
      prefork_pipe2_cloexec($0.baseAddress!.assumingMemoryBound(to: CInt.self))
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

/// Which of stdin, stdout and stderr were closed when we were started. Each is opened on /dev/null at once, so that no
/// pipe of ours can land on its number and be taken for it.
public func openClosedStandardDescriptors() -> (stdin: Bool, stdout: Bool, stderr: Bool) {
  var wasClosed = [false, false, false]
  for number in 0...2 where prefork_descriptor_is_open(CInt(number)) == 0 {
    wasClosed[number] = true
    // The lowest free number is given out, and all below are taken by now.
    _ = prefork_open("/dev/null", O_RDWR)
  }
  return (wasClosed[0], wasClosed[1], wasClosed[2])
}
