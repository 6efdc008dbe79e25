import Glibc
import LinuxIO

/// Which worker does a process belong to?
extension WorkerProcess {
  /// No process of a worker is this far below it.
  private static let deepest = 64

  /// True when a message from `sender` (a process as the kernel named it, of user `uid`) counts as one from this
  /// worker, which runs as `user`: `sender` is the worker, in its group, below it, or it bears the worker's entries in
  /// its environment. A helper that ended right after it wrote cannot be checked any more, and is trusted: the address
  /// it wrote to was given to this worker alone. Other users are not, but for root and ourselves; nor are processes of
  /// which our pid namespace has no number.
  ///
  /// systemd-notify(1), if it runs as root, names its parent as the sender. If that has ended, it is the process that
  /// adopted it, mostly ourselves: then an orphan of this worker must be among the children of that process.
  public func owns(_ sender: CInt, uid: UInt32, user: UInt32?, cookie: PoolCookie, serial: UInt64) -> Bool {
    guard uid == 0 || uid == getuid() || uid == user, sender > 0 else { return false }
    if sender == pid || isMarked(sender, cookie, serial) { return true }
    if hasAdopted(sender, cookie, serial) { return true }
    if ProcessTable.nameOfLiving(sender) == nil { return true }
    var ancestor = sender
    for _ in 0..<Self.deepest {
      guard let parent = ProcessTable.parent(of: ancestor) else { return true }
      if parent == pid { return true }
      if parent <= 1 || parent == getpid() { return false }
      ancestor = parent
    }
    return false
  }

  /// Whether a child of a process comes from this worker; one that is dead and not reaped yet is known by its group.
  /// Only an ancestor of the worker can have such a child.
  private func hasAdopted(_ process: CInt, _ cookie: PoolCookie, _ serial: UInt64) -> Bool {
    ProcessTable.children(of: process).contains { $0 != pid && isMarked($0, cookie, serial) }
  }

  /// Whether a process is in the worker's group, or was given the worker's entries in its environment.
  private func isMarked(_ process: CInt, _ cookie: PoolCookie, _ serial: UInt64) -> Bool {
    if getpgid(process) == pid { return true }
    guard let environment = ProcessTable.environment(of: process) else { return false }
    return cookie.origin(in: environment) == .pool(worker: serial)
  }
}
