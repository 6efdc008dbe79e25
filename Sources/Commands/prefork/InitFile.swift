import CommandLineKit
import LinuxIO
import WorkerPoolDriver
import WorkerProtocols

/// The file of `--init-file`, as it was when prefork read its options.
struct InitFile: Sendable {
  /// The largest file, in bytes.
  static let mostBytes = 64 << 20

  let bytes: [UInt8]

  /// The messages in it. An empty line is none.
  func messages(for workerProtocol: any WorkerProtocol) -> [InitialMessage] {
    // A program at a prompt reads definitions of several lines.
    if workerProtocol.marksReplies { return bytes.isEmpty ? [] : [InitialMessage(bytes: bytes, line: 0)] }
    let end: UInt8 = workerProtocol.framing == .nul ? 0 : 0x0A
    var messages: [InitialMessage] = []
    for (index, line) in bytes.split(separator: end, omittingEmptySubsequences: false).enumerated() where !line.isEmpty
    {
      messages.append(InitialMessage(bytes: Array(line), line: index + 1))
    }
    return messages
  }
}

extension ValueKind where Value == InitFile {
  /// A file, which is read.
  static var initFile: ValueKind {
    ValueKind(placeholder: "FILE", example: "init.txt") { path throws(ValueError) in
      let wanted = "a file of at most 64 MiB that can be read"
      if path.isEmpty { throw ValueError(problem: "is empty", wanted: wanted, example: "init.txt") }
      let bytes: [UInt8]?
      do throws(SystemError) { bytes = try contents(ofRegularFile: path, atMost: InitFile.mostBytes + 1) } catch {
        throw ValueError(problem: "cannot be read: \(error.reason)", wanted: wanted, example: "init.txt")
      }
      guard let bytes else { throw ValueError(problem: "is no regular file", wanted: wanted, example: "init.txt") }
      if bytes.count <= InitFile.mostBytes { return InitFile(bytes: bytes) }
      throw ValueError(problem: "is too large", wanted: wanted, example: "init.txt")
    }
  }
}
