import Glibc
import LinuxIO
import Text

/// What distinguishes this pool's processes from all others: an entry in the environment of each worker, which its
/// descendants inherit even when they leave its process group, and the name of the pool's control group.
public struct PoolCookie: Hashable, Sendable {
  /// The variable that holds it.
  public static let variable = GuardedProcesses.cookieName
  /// The variable that holds the serial number of the worker.
  public static let workerVariable = "PREFORK_WORKER_ID"
  /// What the names of pools' control groups begin with.
  static let groupPrefix = "prefork-"

  /// The pid of the process that runs the pool, and a random number: `812-9f86d081884c7d65`.
  public let text: String

  /// One that no other pool has.
  public static func random() -> PoolCookie { PoolCookie(pid: getpid(), random: .random(in: .min ... .max)) }

  init(pid: CInt, random: UInt64) {
    text = "\(pid)-\(zeroPadded(random, to: 16, radix: 16))"
  }

  /// `prefork-812-9f86d081884c7d65`.
  var groupName: String { Self.groupPrefix + text }

  /// The pid in such a name; nil if it is not one.
  static func pid(inGroupName name: String) -> CInt? {
    guard name.hasPrefix(groupPrefix) else { return nil }
    let parts = name.dropFirst(groupPrefix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].utf8.count == 16, let pid = CInt(parts[0]), pid > 0 else { return nil }
    return pid
  }

  /// What an environment, its entries ended by NUL bytes, shows of where a process comes from. Only a whole entry
  /// counts.
  func origin(in environment: [UInt8]) -> Origin {
    let pool = Array("\(Self.variable)=\(text)".utf8)
    let worker = Array("\(Self.workerVariable)=".utf8)
    var isOurs = false
    var serial: UInt64?
    for entry in environment.split(separator: 0) {
      if entry.elementsEqual(pool) { isOurs = true }
      if entry.starts(with: worker) { serial = UInt64(String(decoding: entry.dropFirst(worker.count), as: UTF8.self)) }
    }
    return isOurs ? .pool(worker: serial) : .unknown
  }
}

/// Where a process comes from, as far as its environment shows.
public enum Origin: Equatable, Sendable {
  /// From this pool, from the worker with this serial number (nil: its entry is gone).
  case pool(worker: UInt64?)
  /// Unknown: the process is no descendant of a worker, or its environment was cleared, overwritten (as programs do
  /// that show a title in ps), or is not ours to read.
  case unknown
}
