import Glibc

/// What a shell command printed on stdout and how it ended.
struct ShellResult: Equatable {
  var output: String
  /// The exit status, or 128 + the signal.
  var status: Int32
}

/// Runs a line of sh. stderr is that of the test unless the line redirects it.
func shell(_ line: String) throws -> ShellResult {
  guard let stream = popen(line, "re") else { throw ShellFailure(operation: "popen", code: errno) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 4096)
  while case let count = fread(&block, 1, block.count, stream), count > 0 { bytes += block[..<count] }
  let status = pclose(stream)
  let signal = status & 0x7F
  return ShellResult(
    output: String(decoding: bytes, as: UTF8.self), status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal)
}

/// True if there is such a program: a test that needs it is skipped, and says so, where it is missing.
func isInstalled(_ program: String) -> Bool {
  (try? shell("command -v \(program) >/dev/null"))?.status == 0
}

/// `text` as one word of sh.
func shellWord(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// A file that is gone after `body`.
func withFile<Result>(_ text: String, _ body: (_ path: String) throws -> Result) throws -> Result {
  var template = Array("/tmp/prefork-test-XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else { throw ShellFailure(operation: "mkstemp", code: errno) }
  let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  defer { unlink(path) }
  guard let stream = fdopen(descriptor, "w") else { throw ShellFailure(operation: "fdopen", code: errno) }
  let isWritten = fputs(text, stream) >= 0
  guard fclose(stream) == 0, isWritten else { throw ShellFailure(operation: "write", code: errno) }
  return try body(path)
}

struct ShellFailure: Error {
  var operation: String
  var code: Int32
}

/// The program that was built beside the tests.
let preforkPath: String = {
  var path = [CChar](repeating: 0, count: 4096)
  let count = readlink("/proc/self/exe", &path, path.count)
  let own = String(decoding: path.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/prefork"
}()
