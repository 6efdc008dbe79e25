import Glibc

/// A file that is read once, then appended to, by one process at a time. A device or FIFO holds nothing that could be
/// read again and is nobody's alone: it is only written.
public struct ExclusiveFile: ~Copyable, Sendable {
  /// How long a lock is tried again, in milliseconds: a run that was killed a moment ago may still be exiting.
  private static let patience = 1000
  private static let pause = 10

  private let file: FileDescriptor
  private let path: String
  private let isSpecial: Bool

  /// Opens or creates the file, and locks it until this process closes any descriptor of it. The error of one that
  /// another process has locked for a second `isLocked`, that of a FIFO without a reader is ENXIO.
  ///
  /// It is a record lock of the whole file (fcntl(2)): no child inherits it, so that what a killed run leaves behind
  /// cannot hold it.
  public init(path: String) throws(SystemError) {
    self.path = path
    isSpecial = isSpecialFile(path)
    if isSpecial {
      file = try FileDescriptor.appending(to: path)
      return
    }
    let opened = try FileDescriptor.open(path, flags: O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK)
    for _ in 0..<Self.patience / Self.pause {
      if setLock(of: opened.rawValue) == 0 { break }
      guard errno == EAGAIN || errno == EACCES else { throw SystemError("lock \(path)") }
      poll(nil, 0, CInt(Self.pause))
    }
    if setLock(of: opened.rawValue) != 0 { throw SystemError("lock \(path)", EAGAIN) }
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

/// The process that has locked the file as `ExclusiveFile` does; nil if none has, or it cannot be seen from here.
public func lockHolder(of path: String) -> CInt? {
  guard let file = try? FileDescriptor.open(path, flags: O_RDWR | O_NONBLOCK) else { return nil }
  var wish = lockOfAll()
  guard fcntl(file.rawValue, F_GETLK, &wish) == 0, wish.l_type != F_UNLCK, wish.l_pid > 0 else { return nil }
  return wish.l_pid
}

private func setLock(of descriptor: CInt) -> CInt {
  var wish = lockOfAll()
  return fcntl(descriptor, F_SETLK, &wish)
}

private func lockOfAll() -> flock {
  var wish = flock()
  wish.l_type = CShort(F_WRLCK)
  wish.l_whence = CShort(SEEK_SET)
  return wish
}

/// Whether there is something that is no regular file.
func isSpecialFile(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
}

/// The number of this process.
public func processNumber() -> CInt { getpid() }
