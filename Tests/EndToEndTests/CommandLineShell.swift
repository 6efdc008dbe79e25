import Glibc
import TestSupport
import Testing

/// What a shell command printed and how it ended.
struct ShellResult: Equatable {
  var output: String
  /// The exit status, or 128 + the signal.
  var status: Int32
  /// What it printed on stderr.
  var errors = ""

  /// stdout by lines, the last one without its newline.
  var lines: [Substring] {
    var lines = output.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

/// Runs a line of sh in the root of the repository, with the built `prefork` in its PATH, and waits for its end.
///
/// `input` is its stdin. After `seconds` everything that it started is killed, and the test fails. So it does if a
/// process of it is alive when it has ended: prefork never leaves an orphan. `sweeping` kills those without a word.
func shell(
  _ line: String, input: String = "", seconds: Double = 240, sweeping: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> ShellResult {
  let session = try Session(line, seconds: seconds, sourceLocation: sourceLocation)
  session.send(input)
  session.closeInput()
  return session.finish(sweeping: sweeping)
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
  let (descriptor, path) = makeTemporaryFile()
  guard descriptor >= 0 else { throw ShellFailure(operation: "mkstemp", code: errno) }
  defer { unlink(path) }
  guard let stream = fdopen(descriptor, "w") else { throw ShellFailure(operation: "fdopen", code: errno) }
  let isWritten = fputs(text, stream) >= 0
  guard fclose(stream) == 0, isWritten else { throw ShellFailure(operation: "write", code: errno) }
  return try body(path)
}

/// A file's whole text.
func contents(of path: String) throws -> String {
  guard let stream = fopen(path, "re") else { throw ShellFailure(operation: "open \(path)", code: errno) }
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 65536)
  while case let count = fread(&block, 1, block.count, stream), count > 0 { bytes += block[..<count] }
  return String(decoding: bytes, as: UTF8.self)
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

/// The root of the repository, seen from this file.
let repositoryPath = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
