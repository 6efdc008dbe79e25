import LinuxIO

/// What each worker may use, together with all its descendants.
public struct GroupLimits: Equatable, Sendable {
  /// Bytes of memory (memory.max), at least one page; over it the kernel kills all that is in the group. nil: no limit.
  public var memory: Int?
  /// Processes and threads (pids.max), at least 1; over it fork(2) fails with EAGAIN. nil: no limit.
  public var processes: Int?

  /// No limits, unless given.
  public init(memory: Int? = nil, processes: Int? = nil) {
    self.memory = memory
    self.processes = processes
  }
}

/// The control group of a pool with limits, which holds one group for each worker:
///
///     <our own group>/prefork-812-9f86d081884c7d65/worker-7/
///
/// No process leaves it by forking, setsid or losing its parent, so that what is killed by group is killed.
public struct PoolGroup: ~Copyable, Sendable {
  private let files: any FileTree
  /// Its folder.
  public let folder: String
  /// Whether the limit of memory is enforced; nil if none was asked for.
  public let memory: Enforcement?
  /// Whether the limit of processes is enforced; nil if none was asked for.
  public let processes: Enforcement?
  private let limits: GroupLimits
  private var delegation: Delegation

  /// Makes the group. Must come before any child is started, which would stand in the way of limits; limits that cannot
  /// be enforced here are reported by `memory` and `processes`.
  ///
  /// For a limit our own process may have to move to a group `supervisor` beside the pool's, so that a process should
  /// have one pool with limits at a time. Empty groups of earlier pools whose process is dead are removed.
  public static func make(
    _ cookie: PoolCookie, limits: GroupLimits, in host: ControlGroupHost
  ) throws(ControlGroupUnavailable) -> PoolGroup {
    try make(cookie, limits: limits, in: host, besides: .ofProcess)
  }

  static func make(
    _ cookie: PoolCookie, limits: GroupLimits, in host: ControlGroupHost, besides residence: Residence
  ) throws(ControlGroupUnavailable) -> PoolGroup {
    let folder = try host.makePoolFolder(cookie)
    var delegation = Delegation(host, besides: residence)
    let memory = limits.memory.map { most in
      delegation.enforce("memory", GroupLimits(memory: most), in: folder)
    }
    let processes = limits.processes.map { most in
      delegation.enforce("pids", GroupLimits(processes: most), in: folder)
    }
    let enforced = GroupLimits(
      memory: memory == .enforced ? limits.memory : nil, processes: processes == .enforced ? limits.processes : nil)
    return PoolGroup(
      files: host.files, folder: folder, memory: memory, processes: processes, limits: enforced, delegation: delegation)
  }

  /// Whether a limit is enforced; without one the group is of no use.
  public var hasLimits: Bool { limits != GroupLimits() }

  /// Makes the group of one worker, with its limits, for a worker that is about to be started.
  public func makeWorkerGroup(serial: UInt64) throws(SystemError) -> WorkerGroup {
    let group = "\(folder)/worker-\(serial)"
    try files.makeFolder(group)
    do throws(SystemError) {
      try limits.apply(to: group, files)
    } catch {
      try? files.removeFolder(group)
      throw error
    }
    return WorkerGroup(files: files, folder: group)
  }

  /// Removes it with all that is empty in it, and gives back what was set up for it. False as long as processes are in
  /// it, which is for some milliseconds after they were killed: try again.
  public mutating func remove() throws(SystemError) -> Bool {
    guard try files.removeGroup(folder) else { return false }
    delegation.undo()
    return true
  }
}

extension GroupLimits {
  /// Sets them for a group whose parent passes the controllers on.
  func apply(to group: String, _ files: any FileTree) throws(SystemError) {
    if let memory {
      try files.write("\(memory)", to: "\(group)/memory.max")
      // A worker that has lost one of its processes is of no use: all of them go, and it is replaced (since Linux
      // 4.19).
      try? files.write("1", to: "\(group)/memory.oom.group")
      // Else it would be swapped out instead of being stopped; not there where the kernel does not account for swap.
      try? files.write("0", to: "\(group)/memory.swap.max")
    }
    if let processes { try files.write("\(processes)", to: "\(group)/pids.max") }
  }
}

extension Delegation {
  /// Has a controller passed on to the pool's group and on to its workers', and proves by a try that the limit can be
  /// set.
  fileprivate mutating func enforce(_ controller: String, _ limit: GroupLimits, in folder: String) -> Enforcement {
    let answer = passOn(controller)
    guard answer == .enforced else { return answer }
    let trial = "\(folder)/trial"
    defer { try? files.removeFolder(trial) }
    do throws(SystemError) {
      try files.write("+\(controller)", to: "\(folder)/cgroup.subtree_control")
      try files.makeFolder(trial)
      try limit.apply(to: trial, files)
      return .enforced
    } catch {
      return .notEnforced("\(error)")
    }
  }
}
