import Glibc
import Synchronization

@testable import PostgresPool

/// Held while a pipe is made and while a program is started: a pipe is born without close-on-exec, and a program that
/// inherits its writing end keeps the reader waiting for ever.
private let descriptors = Mutex(())

/// A program that could not be started, or ended with something else than 0.
struct CommandFailed: Error, CustomStringConvertible {
  let description: String
}

/// Runs a program to its end, on a thread of its own so that no task waits for a processor meanwhile.
/// - Returns: what it wrote to stdout and stderr.
@discardableResult
func run(_ arguments: [String]) async throws -> String {
  try await withCheckedThrowingContinuation { continuation in
    startThread { continuation.resume(with: Result { try runBlocking(arguments) }) }
  }
}

/// Starts a program in a session of its own, out of reach of a terminal's Ctrl-C.
/// - Returns: its process, and the writing end of its stdin.
func startInBackground(_ arguments: [String]) throws -> (pid: pid_t, input: CInt) {
  try descriptors.withLock { _ in
    var input: [CInt] = [-1, -1]
    guard pipe(&input) == 0 else { throw CommandFailed(description: "no pipe: errno \(errno)") }
    _ = fcntl(input[1], F_SETFD, FD_CLOEXEC)
    defer { close(input[0]) }
    return (try spawn(["setsid"] + arguments, stdin: input[0], output: 2), input[1])
  }
}

/// Waits for the end of a process that `start` started.
func waitForEnd(of pid: pid_t) async {
  await withCheckedContinuation { continuation in
    startThread {
      waitpid(pid, nil, 0)
      continuation.resume()
    }
  }
}

private func runBlocking(_ arguments: [String]) throws -> String {
  // A file, not a pipe: a server that is started here keeps its output open, and a pipe would never end.
  var template = Array("/tmp/postgres-pool-output-XXXXXX".utf8CString)
  let output = mkstemp(&template)
  guard output >= 0 else { throw CommandFailed(description: "no file for output: errno \(errno)") }
  defer { close(output) }
  unlink(template)
  let silence = open("/dev/null", O_RDONLY | O_CLOEXEC)
  defer { close(silence) }
  let pid = try descriptors.withLock { _ in try spawn(arguments, stdin: silence, output: output) }
  var status: CInt = 0
  waitpid(pid, &status, 0)
  var bytes = [UInt8](repeating: 0, count: 65536)
  let count = max(0, pread(output, &bytes, bytes.count, 0))
  let text = String(decoding: bytes.prefix(count), as: UTF8.self)
  guard status == 0 else {
    throw CommandFailed(description: "\(arguments.joined(separator: " ")): status \(status)\n\(text)")
  }
  return text
}

private func spawn(_ arguments: [String], stdin: CInt, output: CInt) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, stdin, 0)
  posix_spawn_file_actions_adddup2(&actions, output, 1)
  posix_spawn_file_actions_adddup2(&actions, output, 2)
  let copies = arguments.map { strdup($0) } + [nil]
  defer { for copy in copies { free(copy) } }
  var pid: pid_t = 0
  let error = posix_spawnp(&pid, arguments[0], &actions, nil, copies, environ)
  guard error == 0 else { throw CommandFailed(description: "\(arguments[0]): \(String(cString: strerror(error)))") }
  return pid
}
