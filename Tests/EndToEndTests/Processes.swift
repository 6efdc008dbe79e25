import Glibc

/// Nanoseconds of the monotonic clock.
func monotonicTime() -> UInt64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// A pipe that no other process inherits.
func privatePipe() throws -> (read: CInt, write: CInt) {
  var ends: [CInt] = [0, 0]
  guard pipe(&ends) == 0 else { throw ShellFailure(operation: "pipe", code: errno) }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  // The reader of a command that has failed must not die of it.
  Glibc.signal(SIGPIPE, SIG_IGN)
  return (ends[0], ends[1])
}

/// Starts `sh -c line` in a process group of its own, with these standard streams and all signals at their default.
func spawnShell(_ line: String, _ streams: [CInt], _ cookie: String) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (number, descriptor) in streams.enumerated() {
    posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
  }
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setpgroup(&attributes, 0)
  posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  let words = ["/bin/sh", "-c", "cd \(shellWord(repositoryPath)) || exit 126\n" + line]
  let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
  let environment: [UnsafeMutablePointer<CChar>?] = testEnvironment(cookie).map { strdup($0) } + [nil]
  defer { for copy in arguments + environment { free(copy) } }
  var pid: pid_t = 0
  let code = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environment)
  guard code == 0 else { throw ShellFailure(operation: "posix_spawn", code: code) }
  return pid
}

/// Ours, with the built prefork first in the PATH, and without what hides a worker's missing flush.
private func testEnvironment(_ cookie: String) -> [String] {
  var entries = [cookie, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"]
  var next = environ
  while let entry = next.pointee {
    let text = String(cString: entry)
    let name = text.prefix { $0 != "=" }
    if name == "PATH" {
      entries.append("PATH=" + preforkPath.dropLast("/prefork".count) + ":" + text.dropFirst("PATH=".count))
    } else if !["PYTHONUNBUFFERED", "LC_ALL", "PYTHONDONTWRITEBYTECODE"].contains(name) {
      entries.append(text)
    }
    next += 1
  }
  return entries
}

/// All live processes whose environment has this entry.
func processes(with entry: String) -> [pid_t] {
  allProcesses().filter { pid in
    let environment = (try? contents(of: "/proc/\(pid)/environ")) ?? ""
    return environment.split(separator: "\0").contains { $0 == entry }
  }
}

/// Those of them that run this program.
func processes(with entry: String, named name: String) -> [pid_t] {
  processes(with: entry).filter { (try? contents(of: "/proc/\($0)/comm")) == name + "\n" }
}

/// The processes whose parent is `pid`, zombies included, as (pid, state).
func children(of parent: pid_t) -> [(pid: pid_t, state: Character)] {
  allProcesses().compactMap { pid in
    guard let stat = try? contents(of: "/proc/\(pid)/stat"), let name = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[name...].split(separator: " ")
    guard fields.count > 2, fields[2] == "\(parent)", let state = fields[1].first else { return nil }
    return (pid, state)
  }
}

private func allProcesses() -> [pid_t] {
  guard let directory = opendir("/proc") else { return [] }
  defer { closedir(directory) }
  var found: [pid_t] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if let pid = pid_t(name) { found.append(pid) }
  }
  return found
}

/// Lets `seconds` pass, not counting those for which the machine stalls: then all else stood still, too. True, so that it
/// can stand where a condition is wanted.
func pause(_ seconds: Double) -> Bool {
  var left = seconds
  while left > 0 {
    let (turn, start) = (min(left, 0.02), monotonicTime())
    poll(nil, 0, CInt((turn * 1000).rounded(.up)))
    left -= min(Double(monotonicTime() - start) / 1e9, turn + 0.1)
  }
  return true
}

/// A kind of memory of a process in bytes, as /proc/PID/status names it; 0 if it has ended.
func memory(_ kind: String, of pid: pid_t) -> Int {
  let status = (try? contents(of: "/proc/\(pid)/status")) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("\(kind):") } ?? ""
  return (Int(line.filter(\.isNumber)) ?? 0) * 1024
}
