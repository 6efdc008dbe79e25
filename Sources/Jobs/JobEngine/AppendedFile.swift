import LinuxIO

/// What to wait for when a FIFO that is being written takes no more at the moment.
package func blockedDescriptor(of file: borrowing AppendedFile?) -> CInt? {
  switch file {
  case .some(let open): open.blockedDescriptor
  case .none: nil
  }
}

/// A file that lines are appended to, gathered and written once per turn of the loop. It may be a FIFO with a slow
/// reader.
package struct AppendedFile: ~Copyable {
  private var file: FileDescriptor
  private var buffer = ByteQueue()
  /// A write failed: what follows would stand behind a torn line.
  private var isBroken = false
  /// The reader of a FIFO is slow: wait until it is writable.
  private var isBlocked = false
  /// Bytes of a last line without its end, which a full disk or a kill has torn; the first line that is appended
  /// begins on a new one.
  package private(set) var unendedBytes = 0
  private var beginsNewLine = false

  /// Opens or creates the file. A FIFO without a reader is refused (ENXIO) instead of waited for.
  package init(path: String) throws(SystemError) {
    file = try FileDescriptor.appending(to: path)
    lookAtLastLine()
  }

  /// Opens or creates the file, and forgets what was in it.
  package init(creating path: String) throws(SystemError) { file = try FileDescriptor.creating(path) }

  /// Appends to a file that is open, and ends with a whole line.
  package init(_ file: consuming FileDescriptor) { self.file = file }

  /// What to wait for when a FIFO takes no more at the moment.
  package var blockedDescriptor: CInt? { isBlocked ? file.rawValue : nil }

  /// Bytes that are not written yet.
  package var count: Int { buffer.count }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if isBroken || bytes.isEmpty { return }
    if beginsNewLine {
      beginsNewLine = false
      buffer.append(UInt8(ascii: "\n"))
    }
    buffer.append(bytes)
  }

  package mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  /// Writes what can be written. Nil, or why it cannot be, once: what was to be written, and what follows, is then
  /// lost.
  package mutating func flush() -> SystemError? {
    isBlocked = false
    while !buffer.isEmpty {
      switch buffer.drain(to: file.rawValue) {
      case .bytes: continue
      case .wouldBlock:
        isBlocked = true
        return nil
      case .closed: return broken(SystemError.brokenPipe)
      case .failed(let error): return broken(error)
      }
    }
    return nil
  }

  /// Goes on with the file that is at `path` now, since the old one may have been renamed: what is not written yet
  /// goes there, and one that could not be written is tried anew. After an error everything is as before.
  package mutating func reopen(path: String) throws(SystemError) {
    let new = try FileDescriptor.appending(to: path)
    _ = flush()
    file = new
    isBroken = false
    isBlocked = false
    lookAtLastLine()
  }

  private mutating func lookAtLastLine() {
    unendedBytes = LinuxIO.unendedBytes(of: file.rawValue, delimiter: UInt8(ascii: "\n")) ?? 0
    beginsNewLine = unendedBytes > 0
  }

  private mutating func broken(_ error: SystemError) -> SystemError {
    isBroken = true
    buffer.removeAll()
    return error
  }
}
