import LinuxIO
import PoolCore

/// The file that takes the workers' stderr, if they have one of their own: whole lines under the worker's name,
/// appended.
package struct WorkerLog: ~Copyable {
  private var file: AppendedFile
  package let path: String

  package init(path: String) throws(SystemError) {
    self.path = path
    file = try AppendedFile(path: path)
  }

  /// Bytes that a slow reader (of a FIFO) has not taken yet.
  package var count: Int { file.count }

  /// The descriptor to wait for when a FIFO is full.
  package var blockedDescriptor: CInt? { file.blockedDescriptor }

  package mutating func append(_ name: String, _ line: [UInt8]) {
    file.append(Array(name.utf8) + line + [UInt8(ascii: "\n")])
  }

  /// Writes what can be written. Nil, or why it cannot be: what was to be written is then lost.
  package mutating func flush() -> SystemError? { file.flush() }

  /// Goes on with the file that has its name now: the old one may have been renamed by logrotate(8).
  package mutating func reopen() throws(SystemError) { try file.reopen(path: path) }
}
