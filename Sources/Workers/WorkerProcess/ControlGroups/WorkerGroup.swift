import Glibc
import LinuxIO

/// The control group of one worker with limits: the worker, and all that descends from it.
public struct WorkerGroup: Sendable {
  private let files: any FileTree
  /// Its folder.
  public let folder: String

  init(files: any FileTree, folder: String) {
    self.files = files
    self.folder = folder
  }

  /// The way in: a process that writes `0` to this descriptor is in the group from then on, with all that it starts. To
  /// be written to between fork and exec; the rights are checked here, not there, so that it may have changed its user
  /// before.
  public func openEntrance() throws(SystemError) -> FileDescriptor {
    try files.openForWriting("\(folder)/cgroup.procs")
  }

  /// Sends SIGKILL to all that is in it, stopped or not, whatever session or process group it is in.
  public func kill() { files.killGroup(folder) }

  /// What the kernel tells of its shortages of memory; nil without the memory controller. To be read before `remove`.
  public func memoryEvents() -> MemoryEvents? {
    let events = "\(folder)/memory.events"
    guard let kills = files.value(of: "oom_kill", in: events) else { return nil }
    return MemoryEvents(
      limit: files.number(in: "\(folder)/memory.max"), shortages: files.value(of: "oom", in: events) ?? 0, kills: kills)
  }

  /// Removes it. False as long as living processes are in it: try again.
  public func remove() throws(SystemError) -> Bool { try files.removeGroup(folder) }
}

/// What the kernel has counted in a worker's control group (memory.events in cgroup-v2.rst).
public struct MemoryEvents: Equatable, Sendable {
  /// Its limit in bytes (memory.max); nil if it has none.
  public var limit: UInt64?
  /// How often an allocation was about to fail at a limit within the group (`oom`).
  public var shortages: UInt64
  /// How many processes of the group the OOM killer killed, for whatever limit (`oom_kill`).
  public var kills: UInt64
}
