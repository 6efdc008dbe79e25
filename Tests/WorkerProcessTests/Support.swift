import Glibc
import LinuxIO
import TestSupport
import Testing

@testable import WorkerProcess

// Testing has one, too.
import Time
import enum WorkerProcess.ExitStatus

/// A worker that is a line of sh.
func start(
  _ script: String, environment: [(String, String)] = [], _ surroundings: WorkerSurroundings = WorkerSurroundings()
) throws -> WorkerProcess {
  try WorkerProcess.spawn(
    WorkerCommand(["/bin/sh", "-c", script]), environment: environment, surroundings: surroundings)
}

/// All that a line of sh says, in these surroundings.
func answer(_ script: String, environment: [(String, String)] = [], _ surroundings: WorkerSurroundings) throws -> String
{
  var process = try start(script, environment: environment, surroundings)
  process.closeInput()
  let text = try #require(output(of: process.output))
  let end = end(of: &process)
  #expect(end == .exited(code: 0))
  return text
}

/// The error that this program cannot be started with.
func failure(
  _ program: String, _ arguments: [String] = [], _ surroundings: WorkerSurroundings = WorkerSurroundings(),
  cgroupProcs: CInt? = nil
) throws -> SpawnError {
  do throws(SpawnError) {
    let process = try WorkerProcess.spawn(
      WorkerCommand([program] + arguments), environment: [], surroundings: surroundings, cgroupProcs: cgroupProcs)
    throw SpawnError(
      program: "started as \(process.pid)", failure: SpawnFailure(step: .start, code: 0), surroundings: surroundings)
  } catch {
    return error
  }
}

/// What our user may do, which differs between a developer's machine and CI.
let isRoot = geteuid() == 0

/// Gives all rights away for good, in a process of its own. (On a machine where tests run without them, there are
/// none.)
func becomeNobody() throws {
  guard isRoot else { return }
  try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
}

extension WorkerSurroundings {
  /// Ours, but for what `change` does.
  static func with(_ change: (inout WorkerSurroundings) -> Void) -> WorkerSurroundings {
    var surroundings = WorkerSurroundings()
    change(&surroundings)
    return surroundings
  }
}

/// Longer than anything here may take, in milliseconds: a wait that reaches it has failed.
let patience: CInt = 60_000

/// Milliseconds of CLOCK_MONOTONIC.
func now() -> CInt { CInt(truncatingIfNeeded: monotonicNow().sinceOrigin.milliseconds % 1_000_000_000) }

/// True as soon as the condition holds, false if it does not come to hold in time.
func eventually(within limit: CInt = patience, _ condition: () throws -> Bool) rethrows -> Bool {
  let start = now()
  while try !condition() {
    if now() - start > limit { return false }
    usleep(1000)
  }
  return true
}

/// How it ended, or nil if it does not end in time.
func end(of process: inout WorkerProcess, within limit: CInt = patience) -> ExitStatus? {
  var entry = pollfd(fd: process.pidfd, events: CShort(POLLIN), revents: 0)
  guard poll(&entry, 1, limit) == 1 else { return nil }
  return process.reap()
}

/// What comes out until the pattern is complete or the other side closes; nil if neither comes in time.
func output(of fd: CInt, until ending: String? = nil, within limit: CInt = patience) -> String? {
  var text = ""
  let start = now()
  while now() - start <= limit {
    var entry = pollfd(fd: fd, events: CShort(POLLIN), revents: 0)
    guard poll(&entry, 1, 100) == 1 else { continue }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = read(fd, &buffer, buffer.count)
    if count <= 0 { return count == 0 ? text : nil }
    text += String(decoding: buffer.prefix(count), as: UTF8.self)
    if let ending, text.hasSuffix(ending) { return text }
  }
  return nil
}

/// A small file; "" if there is none.
func contents(of path: String) -> String {
  guard let file = fopen(path, "re") else { return "" }
  defer { fclose(file) }
  var buffer = [UInt8](repeating: 0, count: 16384)
  let count = fread(&buffer, 1, buffer.count, file)
  return String(decoding: buffer.prefix(count), as: UTF8.self)
}

/// The value of a line of /proc/PID/status.
func status(of pid: CInt, _ name: String) -> String? { status(of: "\(pid)", name) }

/// The same of `thread-self`, too.
func status(of process: String, _ name: String) -> String? {
  contents(of: "/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("\(name):") }
    .map { String($0.drop { $0 != "\t" }.dropFirst()) }
}

/// True while it runs or is stopped; a zombie, which its new parent may be slow to reap, is dead.
func isAlive(_ pid: CInt) -> Bool {
  guard let state = status(of: pid, "State")?.first else { return false }
  return state != "Z" && state != "X"
}

/// The numbers in a folder like /proc/self/fd.
func numbers(in folder: String) -> Set<CInt> {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var found = Set<CInt>()
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if let number = CInt(name), number != dirfd(directory) { found.insert(number) }
  }
  return found
}

/// A folder that is gone after `body`, with one file in it.
func withFile<Result>(_ text: String, mode: mode_t, _ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = try #require(makeTemporaryFolder())
  let path = "\(folder)/worker"
  defer {
    unlink(path)
    rmdir(folder)
  }
  let file = try #require(fopen(path, "we"))
  fputs(text, file)
  fclose(file)
  try #require(chmod(path, mode) == 0)
  return try body(path)
}

/// A process in which a test waits for ever is ended by SIGALRM, and the test fails.
func endAfterSeconds(_ seconds: CUnsignedInt = 300) { alarm(seconds) }

/// Our pipes and pidfds. Other descriptors come and go with the threads of the test library.
func channels() -> Set<CInt> {
  numbers(in: "/proc/self/fd").filter { fd in
    var buffer = [CChar](repeating: 0, count: 100)
    let count = readlink("/proc/self/fd/\(fd)", &buffer, buffer.count)
    let target = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return target.hasPrefix("pipe:") || target.contains("pidfd")
  }
}

/// True if all our children are dead and reaped.
func hasNoChild() -> Bool {
  let pid = waitpid(-1, nil, WNOHANG)
  return pid == -1 && errno == ECHILD
}

extension CrashGuard {
  /// With a cookie that no other guard has.
  init(cgroup: String? = nil) throws(SystemError) {
    try self.init(cookie: PoolCookie.random().text, cgroup: cgroup)
  }
}
