import CTestSupport
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// Workers that are started by way of the launcher, and the launcher itself.
@Suite struct LauncherTests {
  /// Asks for the launcher, and changes nothing.
  static let launched = WorkerSurroundings.with { $0.limits = [ResourceLimit(.core, soft: 0, hard: 0)] }

  @Test("a worker sees no trace of it: arguments, environment, descriptors, signals, group, parent are as without it")
  func invisible() throws {
    let script = """
      printf '<%s>' "$0" "$@"; env | sort; ls /proc/$$/fd
      grep -E '^Sig(Blk|Ign)' /proc/self/status; cat /proc/$$/comm; cut -d' ' -f4 /proc/$$/stat; cut -d' ' -f5 /proc/$$/stat | grep -cx $$
      """
    let answers = try [WorkerSurroundings(), Self.launched].map { surroundings in
      var process = try WorkerProcess.spawn(
        WorkerCommand(["sh", "-c", script, "", "a b", "é"]), environment: [("ADDED", "x=y")], surroundings: surroundings
      )
      process.closeInput()
      let text = try #require(output(of: process.output))
      #expect(end(of: &process) == .exited(code: 0))
      return text
    }
    #expect(answers[0] == answers[1])
    #expect(answers[1].contains("<a b><é>") && answers[1].contains("ADDED=x=y"), "\(answers[1])")
  }

  @Test("it takes arguments and an environment larger than any socket or pipe holds at once")
  func large() throws {
    let words = (0..<10).map { "\($0)" + String(repeating: "x", count: 100_000) }
    var process = try WorkerProcess.spawn(
      WorkerCommand(["sh", "-c", "echo $# ${#1} ${#HUGE}", "sh"] + words),
      environment: [("HUGE", String(repeating: "y", count: 100_000))], surroundings: Self.launched)
    #expect(output(of: process.output) == "10 100001 100000\n")
    #expect(end(of: &process) == .exited(code: 0))
  }

  @Test("where it cannot run, the error says what it is and what it needs; the plain case works all the same")
  func cannotRun() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var plain = try start("exit 0")
      #expect(end(of: &plain) == .exited(code: 0))
      let before = channels()
      // The launcher ends because it cannot identify the process that asks it.
      try #require(forbid_system_call(number_of_getsockopt(), EPERM) == 0)
      let error = try failure("/bin/true", [], LauncherTests.launched)
      #expect(
        error.description == "cannot start /bin/true: run the launcher, which is this program itself (/proc/self/exe): "
          + "No child processes (ECHILD)")
      #expect(error.hint == "it died before it could start the worker; its stderr is that of the worker")
      #expect(channels() == before && hasNoChild())
    }
  }

  @Test(
    "a start by hand is refused, whatever the request",
    arguments: ["", "garbage", String(repeating: "z", count: 4096)])
  func refusal(request: String) throws {
    let sockets = try socketPair()
    defer { close(sockets.ours) }
    let pid = try startByHand(descriptor: sockets.theirs)
    close(sockets.theirs)
    _ = request.withCString { send(sockets.ours, $0, request.utf8.count, CInt(MSG_NOSIGNAL)) }
    shutdown(sockets.ours, CInt(SHUT_WR))
    #expect(exitStatus(of: pid) == 126)
  }

  @Test("a socket that was not made by its parent is refused, as is a file")
  func strangers() throws {
    let file = try FileDescriptor.open("/dev/null", flags: O_RDWR)
    #expect(exitStatus(of: try startByHand(descriptor: file.rawValue)) == 126)
  }
}

/// Our own executable in the mode of the launcher, with this as descriptor 3.
private func startByHand(descriptor: CInt) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, descriptor, 3)
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  var pid: pid_t = 0
  let arguments: [String] = ["prefork-launcher", "--serve-request-on-descriptor-3"]
  let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { words.forEach { free($0) } }
  try #require(posix_spawn(&pid, "/proc/self/exe", &actions, nil, words, environ) == 0)
  return pid
}

private func exitStatus(of pid: pid_t) -> CInt {
  var word: CInt = 0
  waitpid(pid, &word, 0)
  return word & 0x7f == 0 ? word >> 8 & 0xff : -1
}

private func socketPair() throws -> (ours: CInt, theirs: CInt) {
  var ends: [CInt] = [0, 0]
  try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
  return (ends[0], ends[1])
}
