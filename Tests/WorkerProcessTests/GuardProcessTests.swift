import CTestSupport
import Glibc
import TestSupport
import Testing
import Time
import WorkerProcess

@testable import LinuxIO

/// The guard itself: what it is while nothing happens, and how it goes.
@Suite struct GuardProcessTests {
  @Test("it has a name, a process group and an environment of its own, and cannot be disturbed")
  func itself() async {
    await #expect(processExitsWith: .success) {
      let crashGuard = try CrashGuard()
      let pid = crashGuard.pid
      #expect(status(of: pid, "Name") == "worker-guard")
      #expect(getpgid(pid) == pid)
      #expect(contents(of: "/proc/\(pid)/cmdline").prefix { $0 != "\0" } == "worker-guard")
      // Else the guard of a pool whose worker we are would find the cookie of that pool here.
      #expect(contents(of: "/proc/\(pid)/environ").allSatisfy { $0 == "\0" })
      #expect(!contents(of: "/proc/self/environ").isEmpty)
      // All but SIGKILL and SIGSTOP.
      #expect(status(of: pid, "SigBlk") == "fffffffffffbfeff")
      #expect(eventually { numbers(in: "/proc/\(pid)/fd") == [0, 1] }, "\(numbers(in: "/proc/\(pid)/fd"))")
      for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGSEGV] { kill(pid, signal) }
      usleep(50_000)
      #expect(isAlive(pid))
    }
  }

  @Test("it keeps no descriptor of ours where close_range(2) is missing, or our standard ones are closed")
  func descriptors() async {
    await #expect(processExitsWith: .success) {
      let report = dup(2)
      try #require(forbid_system_call(number_of_close_range(), ENOSYS) == 0)
      for number: CInt in 0...2 { close(number) }
      let crashGuard = try CrashGuard()
      let folder = "/proc/\(crashGuard.pid)/fd"
      let open = eventually { numbers(in: folder).isSubset(of: [0, 1]) }
      dup2(report, 2)
      #expect(open)
    }
  }

  @Test("a normal end leaves nothing: no guard, no zombie, no descriptor")
  func normalEnd() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let before = channels()
      for _ in 0..<20 {
        let crashGuard = try CrashGuard()
        var process = try WorkerProcess.spawn(
          WorkerCommand(["cat"]), environment: [], guarding: crashGuard.processes)
        process.closeInput()
        #expect(end(of: &process) != nil)
        #expect(isAlive(crashGuard.pid))
      }
      #expect(channels() == before && hasNoChild())
    }
  }

  @Test("one that was killed by accident is noticed, and everything else goes on")
  func accident() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      do {
        let crashGuard = try CrashGuard()
        var entry = pollfd(fd: crashGuard.pidfd, events: CShort(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 0)
        kill(crashGuard.pid, SIGKILL)
        #expect(poll(&entry, 1, patience) == 1)
        var process = try WorkerProcess.spawn(WorkerCommand(["true"]), environment: [], guarding: crashGuard.processes)
        #expect(end(of: &process) != nil)
        // Perhaps even reaped by the program that embeds us.
        waitpid(crashGuard.pid, nil, 0)
      }
      #expect(hasNoChild())
    }
  }

  @Test("a worker is in the list from its start until it is reaped, however that comes about")
  func list() throws {
    let crashGuard = try CrashGuard()
    let list = crashGuard.processes
    var process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [], guarding: list)
    do {
      let other = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [], guarding: list)
      #expect(list.leaders == [process.pid, other.pid])
    }
    #expect(list.leaders == [process.pid], "let go")
    process.closeInput()
    var entry = pollfd(fd: process.pidfd, events: CShort(POLLIN), revents: 0)
    #expect(poll(&entry, 1, patience) == 1)
    #expect(list.leaders == [process.pid], "dead")
    #expect(process.reap() != nil)
    #expect(list.leaders == [], "reaped")
    _ = try? WorkerProcess.spawn(WorkerCommand(["/no/such"]), environment: [], guarding: list).pid
    #expect(list.leaders == [], "never started")
  }

  @Test("the list has room for 16384; who comes later is turned away until somebody leaves")
  func fullList() throws {
    let crashGuard = try CrashGuard()
    // 1 is never signalled, should this test crash.
    let entries = (0..<GuardedProcesses.capacity).map { _ in crashGuard.processes.enter(1) }
    #expect(entries.allSatisfy { $0 != nil })
    #expect(crashGuard.processes.enter(1) == nil)
    var process = try WorkerProcess.spawn(WorkerCommand(["true"]), environment: [], guarding: crashGuard.processes)
    #expect(end(of: &process) != nil)
    entries[77]?.strikeOut()
    #expect(crashGuard.processes.enter(1) != nil)
    #expect(crashGuard.processes.enter(1) == nil)
  }

  @Test("an inherited cookie stays until one of our own takes its place")
  func cookie() async {
    await #expect(processExitsWith: .success) {
      setenv("PREFORK_POOL", "outer", 1)
      let script = "env | grep PREFORK_POOL"
      #expect(try answer(script, WorkerSurroundings()) == "PREFORK_POOL=outer\n")
      let crashGuard = try CrashGuard()
      let cookie = crashGuard.processes.cookie
      var process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", script]), environment: [], guarding: crashGuard.processes)
      #expect(output(of: process.output) == "PREFORK_POOL=\(cookie)\n")
      #expect(end(of: &process) != nil)
    }
  }
}

extension GuardedProcesses {
  /// What the guard would kill.
  fileprivate var leaders: [CInt] { (0..<Self.capacity).map { table[$0] }.filter { $0 != 0 } }
}
