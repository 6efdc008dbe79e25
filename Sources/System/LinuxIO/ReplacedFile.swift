import Glibc

/// A file that is written as a whole: a reader sees the old one or the new one, and a write that fails leaves the old
/// one. (A device or FIFO is written as it is.)
public struct ReplacedFile: Sendable {
  private let path: String
  private let isSpecial: Bool

  /// Finds out whether the file can be written, and leaves everything as it is.
  public init(path: String) throws(SystemError) {
    self.path = path
    isSpecial = isSpecialFile(path)
    if isSpecial {
      // Opened for nothing, a FIFO would be at its end for its reader; only a folder can be refused by now.
      if isFolder(path) { throw SystemError("open \(path)", EISDIR) }
    } else {
      _ = try openNew()
      unlink(newPath)
    }
  }

  /// Beside the file, under a name that no other living process uses.
  private var newPath: String { "\(path).new-\(getpid())" }

  private func openNew() throws(SystemError) -> FileDescriptor {
    // One that had our number and was killed may have left it.
    unlink(newPath)
    do throws(SystemError) {
      return try FileDescriptor.open(newPath, flags: O_WRONLY | O_CREAT | O_EXCL)
    } catch {
      throw SystemError("create \(path)", error.code)
    }
  }

  /// Writes it. After an error nothing of the new one is left.
  public func write(_ bytes: [UInt8]) throws(SystemError) {
    if isSpecial {
      // A FIFO without a reader must not be waited for.
      return try write(bytes, to: FileDescriptor.open(path, flags: O_WRONLY | O_NONBLOCK))
    }
    do throws(SystemError) {
      try write(bytes, to: try openNew())
      if rename(newPath, path) != 0 { throw SystemError("rename \(newPath) to \(path)") }
    } catch {
      unlink(newPath)
      throw error
    }
  }

  private func write(_ bytes: [UInt8], to file: consuming FileDescriptor) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let result = rest.withUnsafeBytes { writeOnce(file.rawValue, $0) }
      switch result {
      case .bytes(let count): rest.removeFirst(count)
      case .failed(let error): throw SystemError("write \(path)", error.code)
      case .wouldBlock, .closed: throw SystemError("write \(path)", EPIPE)
      }
    }
  }
}

private func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
