import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// How many CPUs we may use: every distribution and container shows its limits somewhere else.
@Suite struct UsableProcessorsTests {
  private static let unified = "31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

  private func count(
    mountinfo: String = unified, membership: String, affinity: Int = 64, _ files: [String: String]
  ) -> Int {
    let model = GroupModel(mountinfo: mountinfo, membership: membership)
    for (path, text) in files { model.put(text, at: path) }
    return UsableProcessors.count(in: model, affinity: affinity)
  }

  @Test("without control groups, or without limits in them, it is the affinity", arguments: [1, 8, 1500])
  func affinityAlone(affinity: Int) {
    #expect(UsableProcessors.count(in: NoFiles(), affinity: affinity) == affinity)
    #expect(count(membership: "0::/own\n", affinity: affinity, [:]) == affinity)
    #expect(
      count(membership: "0::/own\n", affinity: affinity, ["/sys/fs/cgroup/own/cpu.max": "max 100000\n"]) == affinity)
  }

  @Test(
    "v2: the quota of our group, rounded up, and never more than the affinity",
    arguments: [
      ("200000 100000\n", 2), ("150000 100000\n", 2), ("100001 100000\n", 2), ("100000 100000\n", 1),
      ("1000 100000\n", 1), ("6400000 100000\n", 64), ("9000000 100000\n", 64), ("25000 5000\n", 5),
    ])
  func quota(text: String, processors: Int) {
    #expect(count(membership: "0::/own\n", ["/sys/fs/cgroup/own/cpu.max": text]) == processors)
  }

  @Test("v2: the lowest quota on the way up to what is mounted counts")
  func nested() {
    let files = [
      "/sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/b/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "700000 100000\n", "/sys/fs/cgroup/other/cpu.max": "100000 100000\n",
    ]
    #expect(count(membership: "0::/a/b/c\n", files) == 3)
    #expect(count(membership: "0::/a\n", files) == 7)
    #expect(count(membership: "0::/\n", files) == 64)
  }

  @Test("a container with a namespace of its own: its group is the root of what it sees, and has the limit")
  func namespace() {
    #expect(count(membership: "0::/\n", ["/sys/fs/cgroup/cpu.max": "250000 100000\n"]) == 3)
  }

  @Test("a container that is shown only its own part of the hierarchy, and by the name that the host has for it")
  func boundRoot() {
    let mount = "31 23 0:26 /docker/ab12 /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
    #expect(
      count(mountinfo: mount, membership: "0::/docker/ab12\n", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 2)
    let below = ["/sys/fs/cgroup/cpu.max": "200000 100000\n", "/sys/fs/cgroup/deep/cpu.max": "max 100000\n"]
    #expect(count(mountinfo: mount, membership: "0::/docker/ab12/deep\n", below) == 2)
    // Not ours: the limit of a container that we are not in.
    #expect(count(mountinfo: mount, membership: "0::/docker/ab123\n", below) == 64)
  }

  @Test("a mount from above our namespace shows limits that hold for us, too; one beside it does not")
  func aboveTheNamespace() {
    let above = "31 23 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    #expect(count(mountinfo: above, membership: "0::/\n", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 2)
    let beside = "31 23 0:26 /../other /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    #expect(count(mountinfo: beside, membership: "0::/\n", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 64)
    #expect(count(membership: "0::/../other\n", ["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 64)
  }

  private static let v1 = """
    33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
    34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory

    """

  @Test("v1: a quota in each period, at our group or above; -1 is none")
  func versionOne() {
    func files(_ inner: String, _ outer: String) -> [String: String] {
      let folder = "/sys/fs/cgroup/cpu,cpuacct"
      return [
        "\(folder)/a/b/cpu.cfs_quota_us": inner, "\(folder)/a/b/cpu.cfs_period_us": "100000\n",
        "\(folder)/a/cpu.cfs_quota_us": outer, "\(folder)/a/cpu.cfs_period_us": "50000\n",
        "\(folder)/cpu.cfs_quota_us": "-1\n", "\(folder)/cpu.cfs_period_us": "100000\n",
      ]
    }
    let membership = "4:memory:/x\n3:cpuset:/\n2:cpu,cpuacct:/a/b\n"
    #expect(count(mountinfo: Self.v1, membership: membership, files("-1\n", "-1\n")) == 64)
    #expect(count(mountinfo: Self.v1, membership: membership, files("150000\n", "-1\n")) == 2)
    #expect(count(mountinfo: Self.v1, membership: membership, files("-1\n", "200000\n")) == 4)
    #expect(count(mountinfo: Self.v1, membership: membership, files("900000\n", "200000\n")) == 4)
    #expect(count(mountinfo: Self.v1, membership: membership, affinity: 3, files("900000\n", "200000\n")) == 3)
  }

  @Test("v1 in a container: bound below its mount point")
  func versionOneInAContainer() {
    let mount = "33 31 0:30 /docker/ab /sys/fs/cgroup/cpu ro,relatime - cgroup cgroup rw,cpu\n"
    let files = ["/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"]
    #expect(count(mountinfo: mount, membership: "1:cpu:/docker/ab\n", files) == 1)
  }

  @Test("v1 and v2 side by side: whichever has the controller")
  func hybrid() {
    let mounts = Self.v1 + "41 31 0:36 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
    let membership = "2:cpu,cpuacct:/a\n0::/b\n"
    let old = [
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n",
      "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
    ]
    #expect(count(mountinfo: mounts, membership: membership, old) == 3)
    #expect(
      count(mountinfo: mounts, membership: membership, ["/sys/fs/cgroup/unified/b/cpu.max": "500000 100000\n"]) == 5)
  }

  @Test(
    "what makes no sense limits nothing",
    arguments: ["", "\n", "max\n", "100000\n", "0 100000\n", "-5 100000\n", "100000 0\n", "x y\n", "1 2 3\n"])
  func nonsense(text: String) {
    #expect(count(membership: "0::/own\n", affinity: 6, ["/sys/fs/cgroup/own/cpu.max": text]) == 6)
  }

  @Test("the largest quota there can be is no trap")
  func largest() {
    #expect(UsableProcessors.processors(inCpuMax: "\(Int.max) 1") == Int.max)
    #expect(UsableProcessors.processors(inCpuMax: "\(Int.max) \(Int.max)") == 1)
    #expect(UsableProcessors.processors(inCpuMax: "9223372036854775808 1") == nil)
  }

  @Test("here and now it is at least one, and no more than the affinity")
  func here() {
    #expect((1...affinityCount()).contains(UsableProcessors.count))
  }
}

/// A machine without /proc.
private struct NoFiles: FileTree {
  func text(of path: String) throws(SystemError) -> String { throw SystemError("open \(path)", 2) }
  func write(_ text: String, to path: String) throws(SystemError) { throw SystemError("open \(path)", 2) }
  func openForWriting(_ path: String) throws(SystemError) -> FileDescriptor { throw SystemError("open \(path)", 2) }
  func makeFolder(_ path: String) throws(SystemError) { throw SystemError("mkdir \(path)", 2) }
  func removeFolder(_ path: String) throws(SystemError) { throw SystemError("rmdir \(path)", 2) }
  func folders(in path: String) -> [String] { [] }
  func holdsFolders(_ path: String) -> Bool { false }
  func isWritable(_ path: String) -> Bool { false }
}
