import Glibc

/// A file that is read once, then appended to, by one process at a time. A device or FIFO holds nothing that could be read again
/// and is nobody's alone: it is only written.
public struct ExclusiveFile: ~Copyable, Sendable {
  private let file: FileDescriptor
  private let path: String
  private let isSpecial: Bool

  /// Opens or creates the file, and locks it until the descriptor is closed. The error of one that somebody else has locked
  /// `isLocked`, that of a FIFO without a reader is ENXIO.
  public init(path: String) throws(SystemError) {
    self.path = path
    isSpecial = isSpecialFile(path)
    if isSpecial {
      file = try FileDescriptor.appending(to: path)
      return
    }
    let opened = try FileDescriptor.open(path, flags: O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK)
    if flock(opened.rawValue, LOCK_EX | LOCK_NB) != 0 { throw SystemError("lock \(path)") }
    file = opened
  }

  /// Reads all that is in it, block by block.
  public func read(_ body: (UnsafeRawBufferPointer) -> Void) throws(SystemError) {
    if isSpecial { return }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { block.deallocate() }
    while true {
      switch readOnce(file.rawValue, block) {
      case .bytes(let count): body(UnsafeRawBufferPointer(rebasing: block[..<count]))
      case .endOfFile, .wouldBlock: return
      case .failed(let error): throw SystemError("read \(path)", error.code)
      }
    }
  }

  /// Cuts off what stands behind the first `size` bytes.
  public func truncate(to size: Int) throws(SystemError) {
    if ftruncate(file.rawValue, size) != 0 { throw SystemError("truncate \(path)") }
  }

  /// The descriptor, to append to. The lock goes with it.
  public consuming func release() -> FileDescriptor { file }
}

extension SystemError {
  /// Somebody else has locked the file.
  public var isLocked: Bool { code == EWOULDBLOCK && operation.hasPrefix("lock ") }
}

/// Whether there is something that is no regular file.
private func isSpecialFile(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
}

/// Writes a file as a whole: who reads it sees the old one or the new one. (A device or FIFO is written as it is.)
public func replaceFile(at path: String, with bytes: [UInt8]) throws(SystemError) {
  let isSpecial = isSpecialFile(path)
  let written = isSpecial ? path : path + ".new"
  // Opened for nothing, a FIFO would be at its end for its reader; and one without a reader must not be waited for.
  if isSpecial, bytes.isEmpty { return }
  let file = try FileDescriptor.open(written, flags: O_WRONLY | O_TRUNC | O_CREAT | (isSpecial ? O_NONBLOCK : 0))
  var rest = bytes[...]
  while !rest.isEmpty {
    let result = rest.withUnsafeBytes { writeOnce(file.rawValue, $0) }
    switch result {
    case .bytes(let count): rest.removeFirst(count)
    case .failed(let error): throw SystemError("write \(written)", error.code)
    case .wouldBlock, .closed: throw SystemError("write \(written)", EPIPE)
    }
  }
  if !isSpecial, rename(written, path) != 0 { throw SystemError("rename \(written) to \(path)") }
}

/// The number of this process.
public func processNumber() -> CInt { getpid() }
