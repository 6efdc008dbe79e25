import Glibc
import LinuxIO
import Testing

@testable import WorkerProcess

/// The group that our process enters, tried on a model of the kernel's rules.
@Suite struct ResidenceTests {
  static let own = "/sys/fs/cgroup/own"
  static let first = PoolCookie(pid: getpid(), random: 1)
  static let second = PoolCookie(pid: getpid(), random: 2)
  static let folder = "\(own)/\(first.groupName)"

  @Test("we enter it after it was made, and go back when the pool is at its end")
  func oneStay() throws {
    let model = GroupModel()
    let residence = Residence()
    #expect(try residence.join(Self.first, from: model.host()) == Self.folder)
    #expect(model.ourGroup == Self.own, "a guard can be started outside of it")
    try residence.enter()
    #expect(model.ourGroup == Self.folder)
    #expect(residence.host?.folder == Self.own, "other groups are made where we came from")
    #expect(residence.leave())
    #expect(model.ourGroup == Self.own)
    #expect(model.all == [Self.own])
    #expect(residence.host == nil)
  }

  @Test("what is left in it, and in groups below it, is killed; we are not")
  func leftovers() throws {
    let model = GroupModel()
    let residence = Residence()
    _ = try residence.join(Self.first, from: model.host())
    try residence.enter()
    try model.populate("\(Self.folder)/nested", with: [4_194_305])
    #expect(!residence.leave())
    #expect(!model.isPopulated(Self.folder))
    #expect(model.ourGroup == Self.own)
    #expect(residence.leave())
    #expect(model.all == [Self.own])
  }

  @Test("pools share it, and a guard that is born in it is put out; the last one removes it")
  func shared() throws {
    let model = GroupModel()
    let residence = Residence()
    _ = try residence.join(Self.first, from: model.host())
    residence.putOut(4_194_305)
    #expect(try model.text(of: "\(Self.own)/cgroup.procs") == "\(getpid())\n", "the first one is born outside")
    try residence.enter()
    #expect(try residence.join(Self.second, from: model.host()) == Self.folder)
    try model.populate("\(Self.folder)/nested", with: [4_194_305])
    residence.putOut(4_194_305)
    #expect(try model.text(of: "\(Self.own)/cgroup.procs") == "4194305\n")
    try residence.enter()
    try model.write("4194306", to: "\(Self.folder)/nested/cgroup.procs")
    #expect(residence.leave())
    #expect(model.ourGroup == Self.folder)
    #expect(model.isPopulated("\(Self.folder)/nested"), "it may be the other pool's")
    #expect(!residence.leave())
    #expect(residence.leave())
    #expect(model.all == [Self.own])
  }

  @Test("a pool that begins while what the last one left is dying has us come back")
  func nextOneAtTheEnd() throws {
    let model = GroupModel()
    let residence = Residence()
    _ = try residence.join(Self.first, from: model.host())
    try residence.enter()
    try model.populate("\(Self.folder)/nested", with: [4_194_305])
    #expect(!residence.leave())
    _ = try residence.join(Self.second, from: model.host())
    try residence.enter()
    #expect(model.ourGroup == Self.folder)
    #expect(residence.leave(), "the first one")
    #expect(model.ourGroup == Self.folder)
    #expect(residence.leave())
    #expect(model.all == [Self.own])
  }

  @Test("we may not go back: all others are killed, and the group stays for a later start to remove")
  func cannotGoBack() throws {
    let model = GroupModel()
    let residence = Residence()
    let dead = PoolCookie(pid: 4_194_305, random: 1)
    let folder = try residence.join(dead, from: model.host())
    try residence.enter()
    model.faults["\(Self.own)/cgroup.procs"] = EBUSY
    #expect(residence.leave())
    #expect(model.ourGroup == folder)
    #expect(residence.host == nil)

    try model.populate("\(Self.own)/elsewhere", with: [ProcessTable.ownPid])
    _ = try model.write("0", to: "\(Self.own)/elsewhere/cgroup.procs")
    _ = try Residence().join(Self.first, from: model.host())
    #expect(!model.all.contains(folder))
    #expect(model.all.contains(Self.folder))
  }

  @Test("we may not enter: nothing of the group stays")
  func cannotEnter() throws {
    let model = GroupModel()
    let residence = Residence()
    _ = try residence.join(Self.first, from: model.host())
    model.faults["\(Self.folder)/cgroup.procs"] = EACCES
    #expect(throws: SystemError("write \(Self.folder)/cgroup.procs", EACCES)) { try residence.enter() }
    #expect(residence.leave())
    #expect(model.all == [Self.own])
    #expect(model.ourGroup == Self.own)
  }

  @Test("a pool with limits does not fetch us out of it, neither at its beginning nor at its end")
  func withLimits() throws {
    let model = GroupModel(controllers: ["pids"])
    let residence = Residence()
    let limits = GroupLimits(processes: 9)
    var early = try PoolGroup.make(PoolCookie(pid: 1, random: 7), limits: limits, in: model.host(), besides: residence)
    #expect(model.ourGroup == "\(Self.own)/supervisor")
    model.put("0::/own/supervisor\n", at: "/proc/self/cgroup")
    let folder = try residence.join(Self.first, from: model.host())
    try residence.enter()
    #expect(folder == "\(Self.own)/supervisor/\(Self.first.groupName)")
    #expect(try early.remove() == true)
    #expect(model.ourGroup == folder)

    let late = try PoolGroup.make(
      PoolCookie(pid: 1, random: 8), limits: limits, in: #require(residence.host), besides: residence)
    #expect(late.hasLimits == false)
    #expect(late.processes?.reason != nil)
    #expect(model.ourGroup == folder)
  }
}
