import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

/// What becomes of workers when we are killed. The process that is killed is the one of the exit test; it says on its
/// stdout who must not outlive it.
@Suite struct CrashGuardTests {
  @Test(
    "SIGKILL in the middle of a job takes the worker, its group and all who left it, stopped or not"
  )
  func killed() async throws {
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      let crashGuard = try CrashGuard()
      // Without the kernel's own help, which would reach only the first.
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", family]), environment: [],
        guarding: crashGuard.processes)
      let pids = try #require(readPids(6, from: process.output))
      try #require(write(process.input, "job\n", 4) == 4)
      try #require(eventually { pids.allSatisfy(isAlive) && status(of: pids[3], "State")?.first == "T" })
      try #require(
        eventually { contents(of: "/proc/\(pids[0])/environ").isEmpty }, "it can be found by its group alone")
      confess([crashGuard.pid] + pids)
      kill(getpid(), SIGKILL)
    }
    try expectNobodyIsLeft(of: 6, in: result)
  }

  @Test("the end of a program that does not clean up is no better than SIGKILL")
  func exited() async throws {
    let result = await #expect(processExitsWith: .exitCode(3), observing: [\.standardOutputContent]) {
      let crashGuard = try CrashGuard()
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", family]), environment: [], guarding: crashGuard.processes)
      confess([crashGuard.pid] + (try #require(readPids(6, from: process.output))))
      _exit(3)
    }
    try expectNobodyIsLeft(of: 6, in: result)
  }

  @Test("whoever kills our whole process group does not kill the guard with it")
  func groupKilled() async throws {
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      setpgid(0, 0)
      let crashGuard = try CrashGuard()
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", family]), environment: [], guarding: crashGuard.processes)
      confess([crashGuard.pid] + (try #require(readPids(6, from: process.output))))
      kill(0, SIGKILL)
    }
    try expectNobodyIsLeft(of: 6, in: result)
  }

  @Test("a hundred workers with descendants everywhere, too, are gone soon")
  func many() async throws {
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      let crashGuard = try CrashGuard()
      let script = "setsid sleep 100 & echo $!; sleep 100 & echo $!; wait"
      let slab = UnsafeMutablePointer<WorkerProcess>.allocate(capacity: 100)
      for index in 0..<100 {
        (slab + index).initialize(
          to: try WorkerProcess.spawn(
            WorkerCommand(["/bin/sh", "-c", script]), environment: [], guarding: crashGuard.processes))
      }
      confess([crashGuard.pid])
      for index in 0..<100 {
        let pids = try #require(readPids(2, from: slab[index].output))
        try #require(eventually { pids.allSatisfy(Family.isSleeping) })
        confess(pids + [slab[index].pid])
      }
      kill(getpid(), SIGKILL)
    }
    try expectNobodyIsLeft(of: 300, in: result)
  }

  @Test("one who forks without end, always one step ahead, is caught")
  func hopper() async throws {
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      let crashGuard = try CrashGuard()
      let script = """
        use POSIX;
        setsid;
        my $end = time + 20;
        syswrite STDOUT, "up\n";
        while (time < $end) { POSIX::_exit(0) if fork }
        """
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", "perl -e '\(script)' & sleep 100"]), environment: [],
        guarding: crashGuard.processes)
      try #require(output(of: process.output, until: "up\n") != nil)
      confess([crashGuard.pid], crashGuard.processes.cookie)
      kill(getpid(), SIGKILL)
    }
    let words = try words(of: result)
    let crashGuard = try #require(words.first.flatMap { CInt($0) })
    let cookie = try #require(words.last)
    #expect(eventually { !isAlive(crashGuard) })
    // Looked for often: it would be missed now and then.
    #expect((0..<20).allSatisfy { _ in usleep(2000) == 0 && carriers(of: cookie).isEmpty })
  }

  @Test("who was taken from the list, and has no cookie, is none of the guard's business")
  func struckOut() async throws {
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      let crashGuard = try CrashGuard()
      // It must live longer than a loaded machine may take to come back to this test.
      let stranger = try WorkerProcess.spawn(WorkerCommand(["sleep", "1000"]), environment: [])
      let worker = try WorkerProcess.spawn(
        WorkerCommand(["sleep", "100"]), environment: [], guarding: crashGuard.processes)
      let entry = try #require(crashGuard.processes.enter(stranger.pid))
      entry.strikeOut()
      confess([stranger.pid, worker.pid, crashGuard.pid])
      kill(getpid(), SIGKILL)
    }
    let pids = try confession(of: result)
    try #require(pids.count == 3)
    #expect(eventually(within: soon) { !isAlive(pids[1]) && !isAlive(pids[2]) })
    #expect(isAlive(pids[0]))
    kill(pids[0], SIGKILL)
  }

  @Test(
    "all in the cgroup fall, who have neither group nor cookie, and it is removed with those below it",
    .enabled(if: ScratchCgroup.isPossible, "no cgroup v2 that we may write to"))
  func cgroup() async throws {
    let cgroup = try ScratchCgroup()
    let path = cgroup.path
    let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      [path = path as String] in
      try #require(mkdir("\(path)/worker", 0o755) == 0 && mkdir("\(path)/worker/below", 0o755) == 0)
      let procs = try FileDescriptor.open("\(path)/worker/below/cgroup.procs", flags: O_WRONLY)
      let crashGuard = try CrashGuard(cgroup: path)
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", "env -i setsid sleep 100 & echo $!; wait"]), environment: [],
        cgroupProcs: procs.rawValue, guarding: crashGuard.processes)
      confess([crashGuard.pid, process.pid] + (try #require(readPids(1, from: process.output))))
      kill(getpid(), SIGKILL)
    }
    try expectNobodyIsLeft(of: 2, in: result)
    #expect(access(path, F_OK) != 0)
  }

  @Test("a cgroup that is not there is an error, and no guard stays behind")
  func noCgroup() async {
    await #expect(processExitsWith: .success) {
      let before = channels()
      let error = #expect(throws: SystemError.self) { _ = try CrashGuard(cgroup: "/no/such").pid }
      #expect(error?.code == ENOENT)
      #expect(channels() == before && hasNoChild())
    }
  }
}

/// Longer than that nobody may outlive us, in milliseconds: a moment of a busy machine, and not as long as they live.
private let soon: CInt = patience

/// A worker in the middle of a job, who has: one in its group who has no cookie; one who left the group; one who left
/// and has no parent any more; one who stopped itself after leaving; one who cannot be reached by other signals. Should
/// the guard fail, all of them end by themselves.
private let family = """
  env -i sleep 100 & echo $!
  setsid sleep 100 & echo $!
  (setsid sleep 100 & echo $!)
  setsid sh -c '(sleep 100; kill -9 $$) & kill -STOP $$' & echo $!
  setsid sh -c "trap '' TERM HUP INT; sleep 100; :" & echo $!
  echo $$
  read job
  ulimit -t 20
  while :; do :; done
  """

/// So many numbers, a line each.
private func readPids(_ count: Int, from fd: CInt) -> [CInt]? {
  var text = ""
  while text.split(separator: "\n").count < count || !text.hasSuffix("\n") {
    guard let more = output(of: fd, until: "\n"), !more.isEmpty else { return nil }
    text += more
  }
  return text.split(separator: "\n").compactMap { CInt($0) }
}

private func confess(_ pids: [CInt], _ word: String = "") {
  let text = pids.map { "\($0) " }.joined() + word + "\n"
  write(1, text, text.utf8.count)
}

private func words(of result: ExitTest.Result?) throws -> [String] {
  String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
    .split { $0 == " " || $0 == "\n" }.map(String.init)
}

private func confession(of result: ExitTest.Result?) throws -> [CInt] { try words(of: result).compactMap { CInt($0) } }

/// All who were named are gone soon, and the guard, who was named first, when it is sure of that.
private func expectNobodyIsLeft(
  of count: Int, in result: ExitTest.Result?, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let named = try confession(of: result)
  let others = named.dropFirst()
  try #require(others.count == count, sourceLocation: sourceLocation)
  // Once seen dead, it is: on a busy machine its number soon belongs to another process.
  var alive = Array(others)
  let areGone = eventually(within: soon) {
    alive = alive.filter(isAlive)
    return alive.isEmpty
  }
  #expect(areGone, "\(alive) of \(named)", sourceLocation: sourceLocation)
  #expect(eventually { !isAlive(named[0]) }, "the guard", sourceLocation: sourceLocation)
}

/// Who has this cookie.
private func carriers(of cookie: String) -> [CInt] {
  numbers(in: "/proc").filter { isAlive($0) && contents(of: "/proc/\($0)/environ").contains(cookie) }
}
