import LinuxIO
import PoolCore

/// The file that takes the workers' stderr, if they have one of their own: whole lines under the worker's name, appended.
struct WorkerLog: ~Copyable {
  private let file: FileDescriptor
  private var buffer = ByteQueue()

  /// Opens or creates the file. A FIFO without a reader is refused (ENXIO) instead of waited for.
  init(path: String) throws(SystemError) {
    file = try FileDescriptor.appending(to: path)
  }

  /// Bytes that a slow reader (of a FIFO) has not taken yet.
  var count: Int { buffer.count }

  mutating func append(_ name: String, _ line: [UInt8]) {
    var name = name
    name.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
    line.withUnsafeBytes { buffer.append($0) }
    buffer.append(UInt8(ascii: "\n"))
  }

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
