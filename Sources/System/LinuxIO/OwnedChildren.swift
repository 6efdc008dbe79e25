import Synchronization

/// The children of this process that somebody here has started and looks after: they are reaped by their owner and by
/// nobody else, so that several pools can share a process. (An orphan that was adopted is not among them.)
public enum OwnedChildren {
  private static let pids = Mutex<Set<CInt>>([])

  static func enter(_ pid: CInt) { pids.withLock { _ = $0.insert(pid) } }
  static func leave(_ pid: CInt) { pids.withLock { _ = $0.remove(pid) } }

  /// Whether all these are among them.
  public static func include(_ children: [CInt]) -> Bool {
    pids.withLock { pids in children.allSatisfy(pids.contains) }
  }

  /// Those that are not reaped yet.
  public static var all: Set<CInt> { pids.withLock { $0 } }
}
