import LinuxIO

/// A file that lines are appended to, gathered and written once per turn of the loop. It may be a FIFO with a slow reader.
struct AppendedFile: ~Copyable {
  private let file: FileDescriptor
  private var buffer = ByteQueue()

  /// Opens or creates the file. A FIFO without a reader is refused (ENXIO) instead of waited for.
  init(path: String) throws(SystemError) { file = try FileDescriptor.appending(to: path) }

  /// Opens or creates the file, and forgets what was in it.
  init(creating path: String) throws(SystemError) { file = try FileDescriptor.creating(path) }

  /// Appends to a file that is open.
  init(_ file: consuming FileDescriptor) { self.file = file }

  /// Bytes that are not written yet.
  var count: Int { buffer.count }

  mutating func append(_ bytes: UnsafeRawBufferPointer) { buffer.append(bytes) }

  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { buffer.append($0) } }

  /// Writes what can be written. Nil, or why it cannot be: what was to be written is then lost.
  mutating func flush() -> SystemError? {
    while !buffer.isEmpty {
      switch buffer.drain(to: file.rawValue) {
      case .bytes: continue
      case .wouldBlock: return nil
      case .closed:
        buffer.removeAll()
        return SystemError.brokenPipe
      case .failed(let error):
        buffer.removeAll()
        return error
      }
    }
    return nil
  }
}
