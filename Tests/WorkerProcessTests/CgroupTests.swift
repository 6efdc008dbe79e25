import Glibc
import LinuxIO
import Testing
import WorkerProcess

/// Workers in a cgroup, where we may make one.
@Suite(.enabled(if: ScratchCgroup.isPossible, "no cgroup v2 that we may write to")) struct CgroupTests {
  @Test("it is in its cgroup from its first instruction on, as another user, too")
  func entered() throws {
    let cgroup = try ScratchCgroup()
    let procs = try cgroup.openProcs()
    let nobody = isRoot ? try UserIdentity.lookup("nobody") : nil
    for surroundings in [WorkerSurroundings(), .with { $0.user = nobody }] {
      var process = try WorkerProcess.spawn(
        WorkerCommand(["cat", "/proc/self/cgroup"]), environment: [], surroundings: surroundings,
        cgroupProcs: procs.rawValue)
      let text = try #require(output(of: process.output))
      #expect(text.split(separator: "\n").contains { $0.hasPrefix("0::") && $0.hasSuffix("/\(cgroup.name)") })
      #expect(end(of: &process) == .exited(code: 0))
    }
  }

  @Test("one that was removed meanwhile is an error that may pass")
  func removed() throws {
    let procs: FileDescriptor
    do {
      let cgroup = try ScratchCgroup()
      procs = try cgroup.openProcs()
    }
    let error = try failure("/bin/true", cgroupProcs: procs.rawValue)
    #expect(error.description == "cannot start /bin/true: enter its cgroup: No such device (ENODEV)")
    #expect(!error.isPermanent)
  }
}
