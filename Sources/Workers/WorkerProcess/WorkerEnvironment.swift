import Glibc
import LinuxIO

/// Our environment without what concerns only us: a worker must not answer systemd in our place, nor take the sockets
/// that were passed to us.
///
/// A PREFORK_POOL that we have been given stays, as long as no cookie of our own takes its place: it is how the guard
/// of an outer pool, whose worker we are, finds us and ours. Where there is a guard of our own, that one sees to our
/// workers when the outer one kills us.
struct InheritedEnvironment: @unchecked Sendable {
  private static let scrubbed = [
    "NOTIFY_SOCKET=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
    "PREFORK_SLOT=", "PREFORK_WORKER_ID=", "PREFORK_PROTOCOL=", "PREFORK_BATCH=",
  ]

  /// Made once: starting workers must not cost more because the environment is large. Never freed, never changed.
  static let shared = InheritedEnvironment()

  let entries: [UnsafeMutablePointer<CChar>]

  private init() {
    var entries: [UnsafeMutablePointer<CChar>] = []
    var next = environ
    while let entry = next.pointee {
      let isOurs = Self.scrubbed.contains { strncmp(entry, $0, $0.utf8.count) == 0 }
      if !isOurs { entries.append(strdup(entry)) }
      next += 1
    }
    self.entries = entries
  }
}

/// The environment of workers, each name once: one that stands twice means the first to some programs, the last to
/// others.
struct WorkerEnvironment {
  /// `NAME=` of each addition, parallel to `additions`.
  private var prefixes: [[UInt8]] = []
  /// `NAME=VALUE`.
  private var additions: [[UInt8]] = []
  private let inherited: [UnsafeMutablePointer<CChar>]

  /// What the surroundings say, and over it what concerns the pool. In front of it all, in their order, what each
  /// worker has a value of its own for.
  init(each ownNames: [String], _ surroundings: WorkerSurroundings, _ ofPool: [(String, String)]) {
    inherited = surroundings.clearsEnvironment ? [] : InheritedEnvironment.shared.entries
    for name in ownNames { add(EnvironmentVariable(name, "")) }
    for variable in surroundings.user?.environment ?? [] { add(variable) }
    for variable in surroundings.environment { add(variable) }
    for (name, value) in ofPool { add(EnvironmentVariable(name, value)) }
  }

  private mutating func add(_ variable: EnvironmentVariable) {
    let prefix = variable.name + [UInt8(ascii: "=")]
    if let place = prefixes.firstIndex(of: prefix) {
      additions[place] = prefix + variable.value
    } else {
      prefixes.append(prefix)
      additions.append(prefix + variable.value)
    }
  }

  /// As the kernel takes it.
  func list() -> CStringList {
    let kept = inherited.filter { entry in
      !prefixes.contains { prefix in
        guard UInt8(bitPattern: entry.pointee) == prefix[0] else { return false }
        return prefix.withUnsafeBytes {
          strncmp(entry, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) == 0
        }
      }
    }
    return CStringList(additions, borrowed: kept)
  }
}
