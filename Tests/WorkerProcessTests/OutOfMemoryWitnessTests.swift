import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Was it the kernel's OOM killer?
@Suite struct OutOfMemoryWitnessTests {
  static let second: Nanoseconds = 1_000_000_000

  /// A machine whose only counter is that of /proc/vmstat.
  static func machine(_ count: Int) -> GroupModel {
    let model = GroupModel()
    model.put("pgfault 12\noom_kill \(count)\n", at: "/proc/vmstat")
    return model
  }

  @Test("a worker that ran into its own limit (lesson 13, joblib #812)")
  func ownLimit() {
    var witness = OutOfMemoryWitness(now: 0, in: Self.machine(0))
    #expect(
      witness.verdict(events: MemoryEvents(limit: 100 << 20, shortages: 1, kills: 3), now: 0)
        == "out of memory: the kernel's OOM killer (memory.max 100M of its cgroup)")
    #expect(
      witness.verdict(events: MemoryEvents(limit: 100 << 20, shortages: 0, kills: 1), now: 0)
        == "out of memory: the kernel's OOM killer (for a limit above the worker's own cgroup, or for the whole machine)"
    )
    #expect(
      witness.verdict(events: MemoryEvents(limit: nil, shortages: 0, kills: 1), now: 0)?.hasPrefix("out of memory")
        == true)
  }

  @Test("a worker whose own counter is at zero was not its victim, whatever happened elsewhere")
  func notTheVictim() {
    let model = Self.machine(3)
    var witness = OutOfMemoryWitness(now: 0, in: model)
    model.put("oom_kill 4\n", at: "/proc/vmstat")
    #expect(witness.verdict(events: MemoryEvents(limit: 1, shortages: 9, kills: 0), now: 1) == nil)
  }

  @Test("a counter of the whole machine makes it probable, once for each rise")
  func machineCounter() {
    let model = Self.machine(3)
    var witness = OutOfMemoryWitness(now: 0, in: model)
    #expect(witness.verdict(events: nil, now: 1) == nil)
    model.put("oom_kill 4\n", at: "/proc/vmstat")
    #expect(
      witness.verdict(events: nil, now: 2)
        == "probably out of memory: the kernel's OOM killer struck on this machine (oom_kill in /proc/vmstat rose from 3 to 4)"
    )
    #expect(witness.verdict(events: nil, now: 3) == nil)
    model.put("oom_kill 6\n", at: "/proc/vmstat")
    #expect(witness.verdict(events: nil, now: 4) != nil)
    #expect(witness.verdict(events: nil, now: 4) != nil)
    #expect(witness.verdict(events: nil, now: 4) == nil)
  }

  @Test("an old rise does not explain a kill -9 of today")
  func oldRise() {
    let model = Self.machine(3)
    var witness = OutOfMemoryWitness(now: 0, in: model)
    model.put("oom_kill 4\n", at: "/proc/vmstat")
    var late = witness
    witness.look(now: .origin + 6 * Self.second)
    var soon = witness
    #expect(
      soon.verdict(events: nil, now: .origin + 7 * Self.second) != nil,
      "the death may be known a little later than the kill")
    witness.look(now: .origin + 12 * Self.second)
    #expect(witness.verdict(events: nil, now: .origin + 13 * Self.second) == nil)
    #expect(
      late.verdict(events: nil, now: .origin + 600 * Self.second) != nil,
      "as long as nobody looked, it may be this one's")
  }

  @Test("the counter nearest to us is asked: our own group of v2, else of v1, else the machine's")
  func nearest() {
    let model = GroupModel(
      mountinfo: """
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

        """, membership: "4:memory:/session/a\n0::/own\n", folder: "/sys/fs/cgroup/unified/own")
    #expect(KillCounter.nearest(in: model) == .machine)
    let legacy = "/sys/fs/cgroup/memory/session/a/memory.oom_control"
    model.put("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", at: legacy)
    #expect(KillCounter.nearest(in: model) == .legacy(path: legacy))
    var witness = OutOfMemoryWitness(now: 0, in: model)
    model.put("oom_kill_disable 0\nunder_oom 0\noom_kill 8\n", at: legacy)
    #expect(
      witness.verdict(events: nil, now: 1)
        == "out of memory: the kernel's OOM killer struck in our cgroup (oom_kill in \(legacy) rose from 7 to 8)")
    let unified = "/sys/fs/cgroup/unified/own/memory.events"
    model.count("oom 0\noom_kill 0\n", in: unified)
    #expect(KillCounter.nearest(in: model) == .unified(path: unified))
  }

  @Test("a machine that tells nothing makes no verdict")
  func silence() {
    var witness = OutOfMemoryWitness(now: 0, in: GroupModel(mountinfo: "", membership: ""))
    witness.look(now: .origin + 10 * Self.second)
    #expect(witness.verdict(events: nil, now: .origin + 10 * Self.second) == nil)
  }

  /// Our own memory group of version 1, if we may make groups in it.
  static var legacyGroup: String? {
    guard case .legacy(let path) = KillCounter.nearest(in: RealFileTree()) else { return nil }
    let folder = String(path.dropLast("/memory.oom_control".utf8.count))
    return access(folder, W_OK) == 0 ? folder : nil
  }

  /// Removes what the process of a test has left there, however it ended.
  static func removeTestGroups(in home: String) {
    let files = RealFileTree()
    for name in files.folders(in: home) where name.hasPrefix("prefork-test-") {
      guard let pid = CInt(name.dropFirst("prefork-test-".count)), !ProcessTable.exists(pid) else { continue }
      #expect(eventually { (try? files.removeGroup("\(home)/\(name)")) == true })
    }
  }

  @Test(
    "the kernel's own OOM killer is recognised, and a kill -9 is not taken for it",
    .enabled(if: legacyGroup != nil, "needs a memory control group of version 1 in which we may make groups"))
  func realKill() async throws {
    let home = try #require(Self.legacyGroup)
    defer { Self.removeTestGroups(in: home) }
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let files = RealFileTree()
      let home = try #require(Self.legacyGroup)
      // Within our own group, so that whatever limits that are set for us hold here, too.
      let group = "\(home)/prefork-test-\(getpid())"
      try files.makeFolder(group)
      try files.write("\(64 << 20)", to: "\(group)/memory.limit_in_bytes")
      // Else it would be swapped out.
      try? files.write("0", to: "\(group)/memory.swappiness")
      try files.write("0", to: "\(group)/cgroup.procs")
      var witness = OutOfMemoryWitness(now: monotonicNow())

      var killed = try start("kill -9 $$")
      #expect(end(of: &killed) == .killed(signal: SIGKILL, coreDumped: false))
      #expect(witness.verdict(events: nil, now: monotonicNow()) == nil)

      // The victim is to be the worker, not this process, which is larger.
      var hungry = try start("echo 1000 >/proc/self/oom_score_adj; exec python3 -c 'b\"x\" * 200_000_000'")
      #expect(end(of: &hungry) == .killed(signal: SIGKILL, coreDumped: false))
      #expect(
        witness.verdict(events: nil, now: monotonicNow())
          == "out of memory: the kernel's OOM killer struck in our cgroup (oom_kill in \(group)/memory.oom_control rose from 0 to 1)"
      )
      #expect(witness.verdict(events: nil, now: monotonicNow()) == nil)
    }
  }
}
