import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Control groups of the kernel, where this machine lets us make some. One after the other: each start of a pool
/// removes what looks like a dead one's.
@Suite(
  .serialized,
  .enabled(if: (try? ControlGroupHost.detect()) != nil, "needs a cgroup v2 hierarchy in which we may make groups"))
struct ControlGroupTests {
  /// The file operations as on a kernel before 5.14, which has no cgroup.kill.
  struct WithoutKillFile: FileTree {
    let base = RealFileTree()

    func text(of path: String) throws(SystemError) -> String { try base.text(of: path) }
    func write(_ text: String, to path: String) throws(SystemError) {
      if path.hasSuffix("/cgroup.kill") { throw SystemError("open \(path)", ENOENT) }
      try base.write(text, to: path)
    }
    func openForWriting(_ path: String) throws(SystemError) -> FileDescriptor { try base.openForWriting(path) }
    func makeFolder(_ path: String) throws(SystemError) { try base.makeFolder(path) }
    func removeFolder(_ path: String) throws(SystemError) { try base.removeFolder(path) }
    func folders(in path: String) -> [String] { base.folders(in: path) }
    func isWritable(_ path: String) -> Bool { base.isWritable(path) }
  }

  /// A pool's group with the group of one worker; both are gone after `body`, and so is what was in them.
  static func withWorkerGroup(
    in files: any FileTree = RealFileTree(), _ body: (borrowing PoolGroup, borrowing WorkerGroup) throws -> Void
  ) throws {
    let host = try ControlGroupHost.detect(in: files, isRoot: ProcessTable.isRoot)
    var pool = try PoolGroup.make(.random(), limits: GroupLimits(), in: host)
    let worker = try pool.makeWorkerGroup(serial: 1)
    let folders = [pool.folder, worker.folder]
    let result = Result { try body(pool, worker) }
    worker.kill()
    #expect(try eventually { try worker.remove() })
    #expect(try eventually { try pool.remove() })
    for folder in folders { #expect(access(folder, F_OK) != 0) }
    try result.get()
  }

  /// A worker that does all there is to get away: it ignores SIGTERM, has a descendant that lost its parent, is in a
  /// session of its own and is stopped. Its output is the pid of that.
  static let escape = """
    trap '' TERM
    (setsid sh -c 'trap "" TERM; echo $$; kill -STOP $$; sleep 60' &)
    read line; sleep 60
    """

  static func enter(_ group: borrowing WorkerGroup, _ pid: CInt) throws {
    let entrance = try group.openEntrance()
    let text = "\(pid)"
    #expect(write(entrance.rawValue, text, text.utf8.count) == text.utf8.count)
  }

  @Test(
    "whoever ignores SIGTERM, calls setsid, loses its parent and stops itself is killed with the group",
    arguments: [true, false])
  func escapes(hasKillFile: Bool) throws {
    let files: any FileTree = hasKillFile ? RealFileTree() : WithoutKillFile()
    try Self.withWorkerGroup(in: files) { pool, group in
      // It begins with a wait, so that it is in the group before it starts anything.
      var worker = try start("read go; \(Self.escape)")
      try Self.enter(group, worker.pid)
      #expect(write(worker.input, "\n", 1) == 1)
      let escaped = try #require(CInt(output(of: worker.output, until: "\n")?.dropLast() ?? ""))
      #expect(eventually { status(of: escaped, "State")?.first == "T" })
      #expect(contents(of: "/proc/\(escaped)/cgroup").contains("/worker-1\n"))
      #expect(files.isPopulated(group.folder))
      #expect(try group.remove() == false, "not as long as somebody is in it")

      worker.signalGroup(SIGTERM)
      #expect(isAlive(worker.pid) && isAlive(escaped))
      group.kill()
      #expect(end(of: &worker) == .killed(signal: SIGKILL, coreDumped: false))
      #expect(eventually { !isAlive(escaped) })
      let isEmpty = eventually { !files.isPopulated(group.folder) }
      #expect(isEmpty)
    }
  }

  @Test("a group that a worker has made in its own is emptied and removed with it", arguments: [true, false])
  func nested(hasKillFile: Bool) throws {
    let files: any FileTree = hasKillFile ? RealFileTree() : WithoutKillFile()
    try Self.withWorkerGroup(in: files) { _, group in
      try files.makeFolder("\(group.folder)/own")
      var worker = try start("sleep 60")
      let entrance = try FileDescriptor.open("\(group.folder)/own/cgroup.procs", flags: O_WRONLY)
      let text = "\(worker.pid)"
      #expect(write(entrance.rawValue, text, text.utf8.count) == text.utf8.count)
      #expect(files.isPopulated(group.folder))
      group.kill()
      #expect(end(of: &worker) == .killed(signal: SIGKILL, coreDumped: false))
    }
  }

  @Test("the process moves once and its workers are born there; when it leaves, all that is left there is dead")
  func residence() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let home = contents(of: "/proc/self/cgroup")
      let residence = Residence()
      let folder = try residence.join(.random(), from: ControlGroupHost.detect())
      try residence.enter()
      let group = contents(of: "/proc/self/cgroup")
      #expect(group != home)
      var worker = try start("setsid env -i sleep 60 >/dev/null 2>&1 & echo $!; read end")
      let hidden = try #require(CInt(output(of: worker.output, until: "\n")?.dropLast() ?? ""))
      for pid in [worker.pid, hidden] { #expect(contents(of: "/proc/\(pid)/cgroup") == group) }
      // Before that it is in the worker's process group, and dies with it.
      #expect(eventually { getsid(hidden) == hidden })
      worker.closeInput()
      #expect(end(of: &worker) != nil)
      #expect(isAlive(hidden))

      // What is killed may take a moment to die.
      let isGone = eventually { residence.leave() }
      #expect(contents(of: "/proc/self/cgroup") == home)
      #expect(isGone)
      #expect(eventually { !isAlive(hidden) })
      #expect(access(folder, F_OK) != 0)
    }
  }

  @Test(
    "limits are either enforced by the kernel or the reason is said, in a process of its own because it may have to move"
  )
  func limits() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let home = contents(of: "/proc/self/cgroup")
      var pool = try PoolGroup.make(
        .random(), limits: GroupLimits(memory: 64 << 20, processes: 8), in: ControlGroupHost.detect())
      let worker = try pool.makeWorkerGroup(serial: 1)
      for (enforcement, file, value) in [
        (pool.memory, "memory.max", "\(64 << 20)\n"), (pool.processes, "pids.max", "8\n"),
      ] {
        switch enforcement {
        case .enforced: #expect(contents(of: "\(worker.folder)/\(file)") == value)
        case .notEnforced(let reason):
          #expect(reason.contains("control"), "the controller, or other processes in our control group")
          #expect(contents(of: "\(worker.folder)/\(file)") != value)
        case nil: Issue.record("a limit was asked for")
        }
      }
      #expect(try worker.remove() == true)
      #expect(try pool.remove() == true)
      #expect(contents(of: "/proc/self/cgroup") == home, "we are where we were")
    }
  }

  @Test("what a killed run has left is removed at the next start")
  func stale() throws {
    let host = try ControlGroupHost.detect()
    var dead = try start("exit 0")
    #expect(end(of: &dead) != nil)
    // The pid may be somebody else's by now; then the group stays, as it should.
    let folder = "\(host.folder)/prefork-\(dead.pid)-0123456789abcdef"
    try host.files.makeFolder(folder)
    // Somebody else's start may have found it already.
    try? host.files.makeFolder("\(folder)/worker-1")
    var pool = try PoolGroup.make(.random(), limits: GroupLimits(), in: host)
    #expect(access(folder, F_OK) != 0 || ProcessTable.exists(dead.pid))
    _ = try? host.files.removeGroup(folder)
    #expect(try pool.remove() == true)
  }
}
