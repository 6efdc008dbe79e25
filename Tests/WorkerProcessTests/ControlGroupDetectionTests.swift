import LinuxIO
import Testing

@testable import WorkerProcess

/// Where our control group is: every distribution and container mounts the hierarchies somewhere else.
@Suite struct ControlGroupDetectionTests {
  @Test("systemd with cgroup v2: at /sys/fs/cgroup")
  func unified() throws {
    let model = GroupModel(
      membership: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
      folder: "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope")
    let host = try model.host()
    #expect(host.folder == "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope")
    #expect(host.legacyControllers.isEmpty)
  }

  @Test("v1 and v2 side by side: v2 at /sys/fs/cgroup/unified, memory and pids bound to v1")
  func hybrid() throws {
    let model = GroupModel(
      mountinfo: """
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

        """,
      membership: "8:pids:/\n4:memory:/session/a\n1:cpu,cpuacct:/\n0::/\n", folder: "/sys/fs/cgroup/unified",
      isRoot: true
    )
    let host = try model.host()
    #expect(host.folder == "/sys/fs/cgroup/unified")
    #expect(host.legacyControllers.isSuperset(of: ["memory", "pids", "cpu", "cpuacct"]))
  }

  @Test("a container that is shown only its own part of the hierarchy")
  func partOfTheHierarchy() throws {
    let model = GroupModel(
      mountinfo: "31 23 0:26 /docker/ab12 /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
      membership: "0::/docker/ab12/deep\n",
      folder: "/sys/fs/cgroup/deep")
    #expect(try model.host().folder == "/sys/fs/cgroup/deep")
    let top = GroupModel(
      mountinfo: "31 23 0:26 /docker/ab12 /sys/fs/cgroup rw - cgroup2 cgroup rw\n", membership: "0::/docker/ab12\n",
      folder: "/sys/fs/cgroup")
    #expect(try top.host().folder == "/sys/fs/cgroup")
  }

  @Test("a mount point with a space in its name")
  func escapedMountPoint() throws {
    let model = GroupModel(
      mountinfo: #"31 23 0:26 / /run/my\040groups\134x rw shared:4 master:1 - cgroup2 none rw"#,
      folder: #"/run/my groups\x/own"#)
    #expect(try model.host().folder == #"/run/my groups\x/own"#)
  }

  @Test("of two mounts, the one that may be written")
  func writableOfTwo() throws {
    let model = GroupModel(
      mountinfo: """
        31 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw
        99 23 0:26 / /run/groups rw,nosuid - cgroup2 cgroup2 rw

        """, folder: "/run/groups/own")
    #expect(try model.host().folder == "/run/groups/own")
  }

  @Test(
    "what makes groups impossible is said",
    arguments: [
      (GroupModel(mountinfo: "27 1 254:0 / / rw - ext4 /dev/vda rw\n"), "no cgroup v2 hierarchy is mounted"),
      (GroupModel(membership: "4:memory:/a\n"), "we are in no group of the cgroup v2 hierarchy"),
      (
        GroupModel(mountinfo: "31 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n"),
        "/sys/fs/cgroup/own is mounted read-only, as is usual in containers"
      ),
      (
        GroupModel(mountinfo: "31 23 0:26 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        "our group /own is outside of what is mounted at /sys/fs/cgroup"
      ),
      (
        GroupModel(membership: "0::/../elsewhere\n"),
        "our group /../elsewhere is outside of what is mounted at /sys/fs/cgroup"
      ),
      (
        GroupModel(membership: "0::/own (deleted)\n"),
        "our group /own (deleted) is outside of what is mounted at /sys/fs/cgroup"
      ),
    ])
  func impossible(_ model: GroupModel, _ reason: String) {
    #expect(throws: ControlGroupUnavailable(description: "no control groups: \(reason)")) { try model.host() }
  }

  @Test(
    "a group that is not ours: the advice is one that its reader can follow",
    arguments: [(false, "systemd-run --user --scope"), (true, "systemd-run --scope")],
    ["/sys/fs/cgroup/own", "/sys/fs/cgroup/own/cgroup.procs"])
  func notOurs(_ reader: (isRoot: Bool, advice: String), path: String) throws {
    let model = GroupModel()
    model.foreign = [path]
    #expect(
      throws: ControlGroupUnavailable(
        description: "no control groups: /sys/fs/cgroup/own is not ours to write to; "
          + "try: \(reader.advice) -p Delegate=yes prefork ...")
    ) { try model.host(isRoot: reader.isRoot) }
  }

  @Test("lines that are no mounts, or are cut short, are passed over")
  func nonsense() {
    for text in ["", "\n\n", "31 23 0:26", "31 23 0:26 / / rw -", "31 23 0:26 / / rw - cgroup2", "- - - - - - - - -"] {
      #expect(GroupMounts(mountinfo: text).unified.isEmpty, "\(text)")
    }
    #expect(GroupMembership("0\n0:\n\nx::/a\n") == GroupMembership(""))
  }
}
