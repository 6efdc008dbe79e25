import Glibc
import LinuxIO

/// Reads how much memory a worker and all its descendants hold.
///
/// What is read is the resident set of each process (/proc/PID/statm, proc(5)). Pages that several of them share, such
/// as libraries or what a worker's children have from its fork, are counted once per process: the sum is an upper
/// bound, and for a worker that forks helpers from a large image it can be far above what would be won by stopping it.
/// Descendants that lost their parent (a daemon) are not found: only a control group keeps hold of those.
public struct MemoryReader: ~Copyable, Sendable {
  /// More descendants than these are not counted; then the sum is too low.
  public static let mostDescendants = 1024

  /// Whether descendants are counted on this kernel; if not, the reading is that of the worker's first process alone.
  public static var descendants: Enforcement {
    ProcessTable.tellsChildren
      ? .enforced
      : .notEnforced(
        "only the worker's first process is measured: this kernel does not list the children of a process "
          + "(no /proc/PID/task/TID/children, CONFIG_PROC_CHILDREN)")
  }

  private let pid: CInt
  private let root: FileDescriptor

  /// Begins with a process that is alive or not yet reaped. Its file is kept open: it belongs to this process, not to
  /// this number, and another process that is given the number later is never taken for it.
  public init(pid: CInt) throws(SystemError) {
    self.pid = pid
    root = try FileDescriptor.open("/proc/\(pid)/statm", flags: O_RDONLY)
  }

  /// Bytes of memory that the process and its descendants hold now; nil when the process is dead.
  ///
  /// To be called on the thread that reaps the process: a reap between two lines of this would let the descendants of
  /// a stranger be counted.
  public func residentBytes() -> Int? {
    guard let own = ownResidentBytes() else { return nil }
    let others = ProcessTable.descendants(of: pid, limit: Self.mostDescendants).reduce(0) { sum, descendant in
      guard let file = try? FileDescriptor.open("/proc/\(descendant)/statm", flags: O_RDONLY) else { return sum }
      return sum + (Self.residentPages(file.rawValue) ?? 0)
    }
    return own + others * Self.pageSize
  }

  /// Bytes that the process itself holds now; nil when it is dead.
  public func ownResidentBytes() -> Int? {
    guard let pages = Self.residentPages(root.rawValue), pages > 0 else { return nil }
    return pages * Self.pageSize
  }

  private static let pageSize = Int(sysconf(CInt(_SC_PAGESIZE)))

  /// The second number of a statm file; 0 for a zombie, nil (ESRCH) once it is reaped.
  private static func residentPages(_ file: CInt) -> Int? {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let count = pread(file, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return nil }
      let second = buffer[..<count].drop { $0 != UInt8(ascii: " ") }.dropFirst().prefix { $0 != UInt8(ascii: " ") }
      return second.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
    }
  }
}
