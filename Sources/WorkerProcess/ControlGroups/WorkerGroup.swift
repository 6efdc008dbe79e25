import Glibc
import LinuxIO

/// The control group of one worker: the worker, and all that descends from it.
public struct WorkerGroup: Sendable {
  private let files: any FileTree
  /// Its folder.
  public let folder: String

  /// Whether what is in it is limited: then a worker must be in it before it uses anything.
  public let hasLimits: Bool
  /// Kept open by a group without limits, which serves one worker after the other; nil: opened when it is needed.
  private let entrance: Entrance?

  private final class Entrance: Sendable {
    let procs: FileDescriptor

    init?(_ path: String, in files: any FileTree) {
      guard let procs = try? files.openForWriting(path) else { return nil }
      self.procs = procs
    }
  }

  init(files: any FileTree, folder: String, hasLimits: Bool) {
    self.files = files
    self.folder = folder
    self.hasLimits = hasLimits
    entrance = hasLimits ? nil : Entrance("\(folder)/cgroup.procs", in: files)
  }

  /// The way in: a process that writes `0` to this descriptor is in the group from then on, with all that it starts. To be
  /// written to between fork and exec; the rights are checked here, not there, so that it may have changed its user before.
  public func openEntrance() throws(SystemError) -> FileDescriptor {
    try files.openForWriting("\(folder)/cgroup.procs")
  }

  /// Moves a child of ours in that was just started, with the children that it may have by now. (It is fast that has
  /// some: a program needs longer to begin.) Not those that have lost their parent already; the pool's cookie finds
  /// these.
  func admit(_ pid: CInt) throws(SpawnFailure) {
    do throws(SystemError) {
      try move(pid)
    } catch {
      // It is dead already.
      if error.code == ESRCH { return }
      throw SpawnFailure(step: .cgroup, code: error.code)
    }
    // If no process has been started since, anywhere, it has no children.
    if ProcessTable.newest == pid { return }
    for child in ProcessTable.childrenOfFirstThread(of: pid) { try admit(child) }
  }

  private func move(_ pid: CInt) throws(SystemError) {
    var text = "\(pid)"
    guard let entrance else { return try files.write(text, to: "\(folder)/cgroup.procs") }
    let result = text.withUTF8 { writeOnce(entrance.procs.rawValue, UnsafeRawBufferPointer($0)) }
    if case .failed(let error) = result { throw error }
  }

  /// Whether it is as it was made: another worker can have it. `isEmpty`: no process is in it, as is known already.
  public func isVacant(isEmpty: Bool = false) -> Bool {
    (isEmpty || holdsNobody) && !files.holdsFolders(folder)
  }

  private var holdsNobody: Bool {
    (try? files.text(of: "\(folder)/cgroup.events"))?.hasPrefix("populated 0\n") == true
  }

  /// Whether a living process is in it.
  public func isPopulated() -> Bool { files.isPopulated(folder) }

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
