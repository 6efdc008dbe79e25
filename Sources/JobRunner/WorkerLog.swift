import LinuxIO
import PoolCore

/// The file that takes the workers' stderr, if they have one of their own: whole lines under the worker's name, appended.
struct WorkerLog: ~Copyable {
  private var file: AppendedFile

  init(path: String) throws(SystemError) { file = try AppendedFile(path: path) }

  /// Bytes that a slow reader (of a FIFO) has not taken yet.
  var count: Int { file.count }

  mutating func append(_ name: String, _ line: [UInt8]) { file.append(Array(name.utf8) + line + [UInt8(ascii: "\n")]) }

  /// Writes what can be written. Nil, or why it cannot be: what was to be written is then lost.
  mutating func flush() -> SystemError? { file.flush() }
}
