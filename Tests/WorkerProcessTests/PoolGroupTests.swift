import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Limits, tried on a model of the kernel's rules.
@Suite struct PoolGroupTests {
  static let own = "/sys/fs/cgroup/own"
  static let cookie = PoolCookie(pid: 812, random: 0x9f)
  static let folder = "\(own)/prefork-812-000000000000009f"
  static let limits = GroupLimits(memory: 100 << 20, processes: 64)

  static func make(_ model: GroupModel, _ limits: GroupLimits = limits) throws -> PoolGroup {
    try PoolGroup.make(cookie, limits: limits, in: model.host())
  }

  @Test("alone in a delegated group: we step aside, the controllers are passed on, every worker gets its limits")
  func delegated() throws {
    let model = GroupModel(controllers: ["memory", "pids", "cpu"])
    var pool = try Self.make(model)
    #expect(pool.memory == .enforced)
    #expect(pool.processes == .enforced)
    #expect(pool.hasLimits == true)
    #expect(model.ourGroup == "\(Self.own)/supervisor")
    let worker = try pool.makeWorkerGroup(serial: 7)
    #expect(worker.folder == "\(Self.folder)/worker-7")
    #expect(try model.text(of: "\(worker.folder)/memory.max") == "\(100 << 20)\n")
    #expect(try model.text(of: "\(worker.folder)/memory.oom.group") == "1\n")
    #expect(try model.text(of: "\(worker.folder)/memory.swap.max") == "0\n")
    #expect(try model.text(of: "\(worker.folder)/pids.max") == "64\n")
    #expect(model.all == [Self.own, "\(Self.own)/supervisor", Self.folder, worker.folder])

    #expect(try worker.remove() == true)
    #expect(try pool.remove() == true)
    #expect(model.all == [Self.own], "nothing is left")
    #expect(model.ourGroup == Self.own)
    #expect(try model.text(of: "\(Self.own)/cgroup.subtree_control") == "\n")
  }

  @Test("other processes in our group: no limit, the reason is said, and everything is as it was")
  func othersInTheWay() throws {
    let model = GroupModel(controllers: ["memory", "pids"], others: [4_194_305])
    let pool = try Self.make(model)
    let reason = """
      other processes, such as pid 4194305, are in our control group /sys/fs/cgroup/own, and the kernel sets limits only below \
      a group that has none; try: systemd-run --user --scope -p Delegate=yes prefork ...
      """
    #expect(pool.memory == .notEnforced(reason))
    #expect(pool.processes == .notEnforced(reason))
    #expect(model.ourGroup == Self.own)
    #expect(model.all == [Self.own, Self.folder], "no supervisor is left")
    #expect(pool.hasLimits == false)
  }

  @Test("the root of the hierarchy may have processes and pass on controllers: nobody moves")
  func rootOfTheHierarchy() throws {
    let model = GroupModel(
      membership: "0::/\n", folder: "/sys/fs/cgroup", controllers: ["memory", "pids"], isRoot: true, others: [1])
    var pool = try Self.make(model)
    #expect(pool.memory == .enforced && pool.processes == .enforced)
    #expect(model.ourGroup == "/sys/fs/cgroup")
    #expect(try pool.remove() == true)
    #expect(try model.text(of: "/sys/fs/cgroup/cgroup.subtree_control") == "\n")
  }

  @Test("controllers that somebody else has passed on already stay so")
  func alreadyPassedOn() throws {
    let model = GroupModel(controllers: ["memory"])
    try model.makeFolder("\(Self.own)/manager")
    try model.write("0", to: "\(Self.own)/manager/cgroup.procs")
    try model.write("+memory", to: "\(Self.own)/cgroup.subtree_control")
    var pool = try Self.make(model, GroupLimits(memory: 1 << 20))
    #expect(pool.memory == .enforced)
    #expect(model.ourGroup == "\(Self.own)/manager")
    #expect(try pool.remove() == true)
    #expect(try model.text(of: "\(Self.own)/cgroup.subtree_control") == "memory\n")
  }

  @Test("controllers that are bound to v1, or are not given to us: each limit for itself")
  func controllersElsewhere() throws {
    let model = GroupModel(
      mountinfo: """
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw

        """)
    let pool = try Self.make(model)
    #expect(pool.memory?.reason == "this machine has bound the memory controller to cgroup v1")
    #expect(
      pool.processes?.reason
        == "the pids controller is not given to our group /sys/fs/cgroup/own; "
        + "try: systemd-run --user --scope -p Delegate=yes prefork ...")
    #expect(model.ourGroup == Self.own, "nobody moves in vain")

    let half = GroupModel(controllers: ["pids"])
    let pids = try Self.make(half)
    #expect(pids.memory?.reason != nil)
    #expect(pids.processes == .enforced)
    let worker = try pids.makeWorkerGroup(serial: 1)
    #expect(try half.text(of: "\(worker.folder)/pids.max") == "64\n")
  }

  @Test("no limit asked for: nothing is passed on, nobody moves, nothing is said")
  func noLimits() throws {
    let model = GroupModel(controllers: ["memory", "pids"])
    let pool = try Self.make(model, GroupLimits())
    #expect(pool.memory == nil && pool.processes == nil)
    #expect(model.ourGroup == Self.own)
    #expect(try model.text(of: "\(Self.own)/cgroup.subtree_control") == "\n")
  }

  @Test("a limit is said to be enforced only after it could be set once")
  func provedByATry() throws {
    let model = GroupModel(controllers: ["memory"])
    model.faults["\(Self.folder)/trial/memory.max"] = EINVAL
    let pool = try Self.make(model, GroupLimits(memory: 1))
    #expect(pool.memory == .notEnforced("write \(Self.folder)/trial/memory.max: Invalid argument (EINVAL)"))
    #expect(!model.all.contains("\(Self.folder)/trial"))
    _ = try pool.makeWorkerGroup(serial: 1)
  }

  @Test("we may not step aside: the reason is said, and everything is as it was")
  func cannotMove() throws {
    let model = GroupModel(controllers: ["memory"])
    model.faults["\(Self.own)/supervisor/cgroup.procs"] = EACCES
    let pool = try Self.make(model, GroupLimits(memory: 1 << 20))
    #expect(
      pool.memory == .notEnforced("write \(Self.own)/supervisor/cgroup.procs: Permission denied (EACCES)"))
    #expect(model.all == [Self.own, Self.folder])
    #expect(model.ourGroup == Self.own)
  }

  @Test("a worker whose limit cannot be set has no group")
  func workerLimitFails() throws {
    let model = GroupModel(controllers: ["memory"])
    let pool = try Self.make(model, GroupLimits(memory: 1 << 20))
    model.faults["\(Self.folder)/worker-3/memory.max"] = ENOMEM
    #expect(throws: SystemError("write \(Self.folder)/worker-3/memory.max", ENOMEM)) {
      _ = try pool.makeWorkerGroup(serial: 3)
    }
    #expect(!model.all.contains("\(Self.folder)/worker-3"))
  }

  @Test("a threaded group has no room for processes")
  func threaded() throws {
    let model = GroupModel()
    model.typeOfNewGroups = "domain invalid"
    #expect(throws: ControlGroupUnavailable(description: "no control groups: /sys/fs/cgroup/own is threaded")) {
      _ = try Self.make(model, GroupLimits())
    }
    #expect(model.all == [Self.own])
  }

  @Test("a group stays until its last process is gone, and takes along what the worker has made in it")
  func removal() throws {
    let model = GroupModel()
    var pool = try Self.make(model, GroupLimits())
    let worker = try pool.makeWorkerGroup(serial: 1)
    try model.populate("\(worker.folder)/nested", with: [4_194_305])
    #expect(model.isPopulated(worker.folder))
    #expect(try worker.remove() == false)
    #expect(try pool.remove() == false)
    worker.kill()
    #expect(!model.isPopulated(worker.folder))
    #expect(try worker.remove() == true)
    #expect(try worker.remove() == true, "once more does no harm")
    #expect(try pool.remove() == true)
    #expect(model.all == [Self.own])
  }

  @Test("groups of killed runs are removed at the next start if they are empty; nothing else is")
  func staleGroups() throws {
    let model = GroupModel()
    // No pid is that high (PID_MAX_LIMIT is 2^22).
    let stale = "\(Self.own)/prefork-4194305-0123456789abcdef"
    let populated = "\(Self.own)/prefork-4194306-0123456789abcdef"
    let live = "\(Self.own)/prefork-\(getpid())-0123456789abcdef"
    let foreign = ["\(Self.own)/prefork-x-0123456789abcdef", "\(Self.own)/prefork-4194305", "\(Self.own)/other"]
    for folder in [stale, "\(stale)/worker-1", populated, live] + foreign { try model.makeFolder(folder) }
    try model.populate("\(populated)/worker-1", with: [4_194_307])
    _ = try Self.make(model, GroupLimits())
    #expect(model.all == Set([Self.own, populated, "\(populated)/worker-1", live, Self.folder] + foreign))
  }

  @Test("what the kernel tells of a worker's memory")
  func memory() throws {
    let model = GroupModel(controllers: ["memory"])
    let pool = try Self.make(model, GroupLimits(memory: 100 << 20))
    let worker = try pool.makeWorkerGroup(serial: 1)
    model.count("low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 1\n", in: "\(worker.folder)/memory.events")
    #expect(worker.memoryEvents() == MemoryEvents(limit: 100 << 20, shortages: 2, kills: 1))
    let without = try Self.make(GroupModel(), GroupLimits()).makeWorkerGroup(serial: 1)
    #expect(without.memoryEvents() == nil)
  }
}
