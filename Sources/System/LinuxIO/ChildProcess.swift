import CLinux
import Glibc

/// The bare system calls on children.
public enum ChildProcess {
  /// How a child ended.
  public enum End: Equatable, Sendable {
    /// It called exit with this status.
    case exited(CInt)
    /// This signal ended it.
    case killed(CInt, coreDumped: Bool)
    /// It is no child of ours any more: somebody else has reaped it (ECHILD), and its number may be anybody's.
    case unknown
  }

  /// A descriptor that becomes readable when the child dies; works on a zombie, too.
  public static func pidfd(of pid: pid_t) throws(SystemError) -> FileDescriptor {
    if let fault = injectedFault(.pidfd) { throw SystemError("pidfd_open \(pid)", fault) }
    let number = prefork_pidfd_open(pid)
    if number < 0 { throw SystemError("pidfd_open \(pid)") }
    return FileDescriptor(owning: number)
  }

  /// How the child ended, or nil while it lives. `peek` leaves it a zombie, so that its pid stays taken.
  public static func end(of pid: pid_t, peek: Bool, block: Bool = false) -> End? {
    var code: CInt = 0
    var status: CInt = 0
    let result = prefork_wait_child(pid, peek ? 1 : 0, block ? 1 : 0, &code, &status)
    if result == 0 { return nil }
    if !peek { OwnedChildren.leave(pid) }
    if result < 0 { return .unknown }
    return code == CLD_EXITED ? .exited(status) : .killed(status, coreDumped: code == CLD_DUMPED)
  }

  /// Sends a signal to a child that is not reaped yet and to all processes in the group that it was started in. An
  /// empty group is no error.
  public static func signalGroup(_ leader: pid_t, _ signal: CInt) {
    _ = kill(-leader, signal)
    // It may have moved to another group by setpgid(2); without this nothing would ever reach it.
    if getpgid(leader) != leader { _ = kill(leader, signal) }
  }
}
