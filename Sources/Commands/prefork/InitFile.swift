import CommandLineKit
import LinuxIO
import Text
import WorkerPoolDriver
import WorkerProtocols

/// Why workers cannot be sent the file of `--init-file`.
struct InitFileDefect: Error, CustomStringConvertible {
  /// `--init-file init.txt cannot be read: No such file or directory`
  let description: String
}

/// The largest file, in bytes.
private let mostBytes = 64 << 20

/// What each worker is sent at its start: the messages in the file of `--init-file`, as it is now. None without the
/// option. All of them can be sent.
func initialMessages(from arguments: ParsedArguments) throws(InitFileDefect) -> [InitialMessage] {
  guard let path = arguments[ProtocolOptions.initFile] else { return [] }
  let workerProtocol = ProtocolOptions.workerProtocol(from: arguments)
  let messages = messages(in: try bytes(of: path), for: workerProtocol)
  for message in messages {
    guard case .unusable(let reason) = message.bytes.withUnsafeBytes({ workerProtocol.form(ofInitial: $0.bytes) })
    else { continue }
    let place = message.line == 0 ? "" : "line \(message.line) of "
    throw InitFileDefect(description: "\(place)--init-file \(wordText(path)): \(reason)")
  }
  return messages
}

/// Reports it, and returns the exit status.
func refuse(_ defect: InitFileDefect) -> Int32 {
  printError("prefork: \(defect)\n")
  return ExitCode.usage.rawValue
}

private func bytes(of path: String) throws(InitFileDefect) -> [UInt8] {
  let bytes: [UInt8]?
  do throws(SystemError) { bytes = try contents(ofRegularFile: path, atMost: mostBytes + 1) } catch {
    throw InitFileDefect(description: "--init-file \(wordText(path)) cannot be read: \(error.reason)")
  }
  guard let bytes else { throw InitFileDefect(description: "--init-file \(wordText(path)) is no regular file") }
  if bytes.count <= mostBytes { return bytes }
  throw InitFileDefect(description: "--init-file \(wordText(path)) is larger than \(sizeText(mostBytes))")
}

/// An empty line is no message.
private func messages(in bytes: [UInt8], for workerProtocol: any WorkerProtocol) -> [InitialMessage] {
  // A program at a prompt reads definitions of several lines.
  if workerProtocol.marksReplies { return bytes.isEmpty ? [] : [InitialMessage(bytes: bytes, line: 0)] }
  let end: UInt8 = workerProtocol.framing == .nul ? 0 : 0x0A
  var messages: [InitialMessage] = []
  for (index, line) in bytes.split(separator: end, omittingEmptySubsequences: false).enumerated() where !line.isEmpty {
    messages.append(InitialMessage(bytes: Array(line), line: index + 1))
  }
  return messages
}
