import Glibc
import LinuxIO

/// Whose process is that?
extension WorkerProcess {
  /// No process of a worker is this far below it.
  private static let deepest = 64

  /// True when what `sender` (a process as the kernel named it, of user `uid`) says counts as said by this worker, who runs
  /// as `user`: it is the worker, in its group, below it, or it bears the worker's entries in its environment. A helper that
  /// ended right after it spoke cannot be asked any more, and is believed: the address it wrote to was given to this worker
  /// alone. Other users are not, but for root and ourselves.
  public func owns(_ sender: CInt, uid: UInt32, user: UInt32?, cookie: PoolCookie, serial: UInt64) -> Bool {
    guard uid == 0 || uid == getuid() || uid == user else { return false }
    if sender == pid || getpgid(sender) == pid { return true }
    // A zombie has no environment any more.
    guard let environment = ProcessTable.environment(of: sender), !environment.isEmpty else { return true }
    if cookie.origin(in: environment) == .pool(worker: serial) { return true }
    var ancestor = sender
    for _ in 0..<Self.deepest {
      guard let parent = ProcessTable.parent(of: ancestor) else { return true }
      if parent == pid { return true }
      if parent <= 1 || parent == getpid() { return false }
      ancestor = parent
    }
    return false
  }
}
