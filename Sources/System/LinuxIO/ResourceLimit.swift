import Glibc

/// A limit of setrlimit(2) on what a process may use.
public struct ResourceLimit: Equatable, Sendable {
  /// What is limited, by the names of setrlimit(2) in lower case.
  public enum Resource: String, CaseIterable, Sendable {
    /// Address space, in bytes.
    case `as`
    /// Size of a core file, in bytes.
    case core
    /// CPU time, in seconds.
    case cpu
    /// Data segment, in bytes.
    case data
    /// Size of a file that is written, in bytes.
    case fsize
    /// Number of locks.
    case locks
    /// Memory kept from being swapped, in bytes.
    case memlock
    /// POSIX message queues of the user, in bytes.
    case msgqueue
    /// 20 minus the lowest niceness that may be set.
    case nice
    /// The first descriptor number that is not given out.
    case nofile
    /// Processes and threads of the user.
    case nproc
    /// Resident memory, in bytes; Linux ignores it.
    case rss
    /// Highest real-time priority.
    case rtprio
    /// CPU time of a real-time thread between two system calls that wait, in microseconds.
    case rttime
    /// Queued signals of the user.
    case sigpending
    /// Stack, in bytes.
    case stack
  }

  /// No limit (RLIM_INFINITY).
  public static let unlimited = UInt64.max

  /// What is limited.
  public var resource: Resource
  /// What is enforced; the process may raise it up to `hard`.
  public var soft: UInt64
  /// What only root may raise.
  public var hard: UInt64

  /// A limit; `soft` over `hard` is refused by the system (EINVAL).
  public init(_ resource: Resource, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }
}

extension ResourceLimit.Resource {
  /// As setrlimit(2) knows it.
  var number: CInt {
    let resource =
      switch self {
      case .as: RLIMIT_AS
      case .core: RLIMIT_CORE
      case .cpu: RLIMIT_CPU
      case .data: RLIMIT_DATA
      case .fsize: RLIMIT_FSIZE
      case .locks: __RLIMIT_LOCKS
      case .memlock: __RLIMIT_MEMLOCK
      case .msgqueue: __RLIMIT_MSGQUEUE
      case .nice: __RLIMIT_NICE
      case .nofile: RLIMIT_NOFILE
      case .nproc: __RLIMIT_NPROC
      case .rss: __RLIMIT_RSS
      case .rtprio: __RLIMIT_RTPRIO
      case .rttime: __RLIMIT_RTTIME
      case .sigpending: __RLIMIT_SIGPENDING
      case .stack: RLIMIT_STACK
      }
    return CInt(resource.rawValue)
  }
}

/// The most bytes that a file of ours may have (RLIMIT_FSIZE); nil if there is no limit.
func fileSizeLimit() -> UInt64? {
  var limit = rlimit()
  guard getrlimit(ResourceLimit.Resource.fsize.number, &limit) == 0, limit.rlim_cur != .max else { return nil }
  return UInt64(limit.rlim_cur)
}

/// Raises the soft limit on our own open files to the hard one, and returns what it was, so that workers can be given
/// that: select(2) cannot watch descriptors from 1024 on, and some programs close all numbers up to the limit.
public func raiseDescriptorLimit() throws(SystemError) -> ResourceLimit {
  let number = ResourceLimit.Resource.nofile.number
  var limit = rlimit()
  if getrlimit(number, &limit) != 0 { throw SystemError("getrlimit RLIMIT_NOFILE") }
  let before = ResourceLimit(.nofile, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
  limit.rlim_cur = limit.rlim_max
  if setrlimit(number, &limit) != 0 { throw SystemError("setrlimit RLIMIT_NOFILE") }
  return before
}
