import CLinux
import Glibc

/// Ensures that no worker outlives this process, however it ends: also by SIGKILL, which no handler sees.
///
/// A small process (`worker-guard` in ps) waits for the end of this one. Then it kills, in this order:
/// 1. the process groups in `processes`,
/// 2. all in the cgroup that it was given, which it removes,
/// 3. every process, wherever it went, that was started with the cookie in its environment, until none is found: so it
///    finds those that called setsid(2). It cannot find one that has overwritten its environment (some servers do, to
///    show a title in ps) or executed a program with another: only a cgroup holds those.
///
/// It is made by fork and keeps a copy-on-write image of this process: make it early, while that is small. It has a
/// process group of its own, no signal but SIGKILL and SIGSTOP reaches it, and it holds none of our descriptors.
/// Its name does not hold ours, so that `pkill -9 prefork` does not reach it.
///
/// At the end of its owner, the guard is killed and reaped; a process that is still in the list then stays unharmed.
public struct CrashGuard: ~Copyable {
  /// The processes that it guards, for the code that starts them.
  public let processes: GuardedProcesses
  /// The guard itself, for code that looks through all our children: it is none of the workers.
  public let pid: pid_t
  private let descriptor: FileDescriptor

  /// Starts the guard; it is on its watch when this returns. `cookie` must be a text that no other guard has; `cgroup`
  /// is the absolute path of a cgroup v2 directory in which there are only processes that must not outlive us.
  public init(cookie: String, cgroup: String? = nil) throws(SystemError) {
    let list = try GuardedProcesses(cookie: cookie)
    var child: pid_t = 0
    let number = prefork_guard_start(list.table, "\(GuardedProcesses.cookieName)=\(list.cookie)", cgroup, &child)
    if number < 0 { throw SystemError("start a guard against our own crash") }
    processes = list
    pid = child
    descriptor = FileDescriptor(owning: number)
    OwnedChildren.enter(child)
  }

  deinit {
    prefork_guard_stop(descriptor.rawValue, pid)
    OwnedChildren.leave(pid)
  }

  /// Readable when the guard is dead, which should never be: somebody killed it. Then another can be made; it does not
  /// know of the processes of this one.
  public var pidfd: CInt { descriptor.rawValue }
}

/// The list that a guard works through. Any thread may use it.
public final class GuardedProcesses: @unchecked Sendable {
  /// The most processes that can be in the list at once. Those above it are found by the cookie alone.
  public static let capacity = Int(prefork_guard_capacity)

  /// The name of the variable that holds the cookie.
  public static let cookieName = "PREFORK_POOL"

  /// A text that no other guard has. Every process that was started with it in its environment falls to the guard.
  public let cookie: String
  /// Shared with the guard, which has a mapping of its own.
  let table: UnsafeMutablePointer<Int32>

  init(cookie: String) throws(SystemError) {
    guard let table = prefork_guard_make_table() else { throw SystemError("mmap") }
    self.table = table
    self.cookie = cookie
  }

  deinit { prefork_guard_free_table(table) }

  /// Enters a process group by its leader, which must be a child that is not reaped yet; nil when the list is full.
  public func enter(_ leader: pid_t) -> Entry? {
    let place = prefork_guard_enter(table, leader)
    return place < 0 ? nil : Entry(list: self, place: place)
  }

  /// One process group in the list.
  public struct Entry: Sendable {
    fileprivate let list: GuardedProcesses
    fileprivate let place: CInt

    /// Takes it from the list, once, before its leader is reaped: after that the number can be given to anybody.
    public func strikeOut() { prefork_guard_strike_out(list.table, place) }
  }
}
