import LinuxIO
import Text
import Time

/// Finds out whether a SIGKILL that nobody here sent came from the kernel's OOM killer, by what the kernel counts. The
/// counters rise before the victim dies, so that they can be asked when its death is known.
public struct OutOfMemoryWitness: Sendable {
  /// How long a rise is evidence: a death is known soon after the kill, and an old rise, of which no worker
  /// was the victim, must not explain a kill -9 of later.
  static let evidenceLasts: Nanoseconds = .seconds(5)

  private let counter: KillCounter
  private let files: any FileTree
  /// Rises up to here are explained or too old.
  private var explained: UInt64
  private var last: (count: UInt64, time: Instant)

  /// Begins to watch at `now` of CLOCK_MONOTONIC.
  public init(now: Instant) { self.init(now: now, in: RealFileTree()) }

  init(now: Instant, in files: any FileTree) {
    self.files = files
    counter = KillCounter.nearest(in: files)
    explained = counter.read(files) ?? 0
    last = (explained, now)
  }

  /// Lets old rises be forgotten. To be called now and then, such as whenever a worker is started: without it a rise
  /// counts as evidence from the last verdict on. Costs nothing more often than every five seconds, and then 25 µs at
  /// most.
  public mutating func look(now: Instant) {
    guard now >= last.time + Self.evidenceLasts, let count = counter.read(files) else { return }
    explained = max(explained, last.count)
    last = (count, now)
  }

  /// Why a worker died of a SIGKILL that we did not send, or nil if nothing points to the OOM killer. `events` are
  /// those of its own control group; if it has them, nothing else need be asked. One rise of a counter that it shares
  /// with others explains one death.
  public mutating func verdict(events: MemoryEvents?, now: Instant) -> String? {
    if let events { return Self.verdict(of: events) }
    look(now: now)
    guard let count = counter.read(files), count > explained else { return nil }
    let before = explained
    explained += 1
    return "\(counter.claim) (oom_kill in \(counter.path) rose from \(before) to \(count))"
  }

  private static func verdict(of events: MemoryEvents) -> String? {
    guard events.kills > 0 else { return nil }
    guard events.shortages > 0, let limit = events.limit else {
      return
        "out of memory: the kernel's OOM killer (for a limit above the worker's own cgroup, or for the whole machine)"
    }
    return "out of memory: the kernel's OOM killer (memory.max \(optionSizeText(limit)) of its cgroup)"
  }
}

/// The counter of OOM kills that is nearest to us.
enum KillCounter: Equatable, Sendable {
  /// memory.events of our own group of cgroup v2, which counts the groups below it, too.
  case unified(path: String)
  /// memory.oom_control of our own group of cgroup v1, in which our workers are unless they left it.
  case legacy(path: String)
  /// /proc/vmstat: the whole machine, whatever container.
  case machine

  static func nearest(in files: any FileTree) -> KillCounter {
    let mounts = GroupMounts(mountinfo: (try? files.text(of: "/proc/self/mountinfo")) ?? "")
    let membership = GroupMembership((try? files.text(of: "/proc/self/cgroup")) ?? "")
    let unified = membership.unified.map { group in mounts.unified.compactMap { $0.folder(of: group) } } ?? []
    let legacy =
      membership.legacy["memory"].map { group in
        mounts.legacy.filter { $0.controllers.contains("memory") }.compactMap { $0.mount.folder(of: group) }
      } ?? []
    let candidates =
      unified.map { KillCounter.unified(path: "\($0)/memory.events") }
      + legacy.map { KillCounter.legacy(path: "\($0)/memory.oom_control") }
    return candidates.first { $0.read(files) != nil } ?? .machine
  }

  var path: String {
    switch self {
    case .unified(let path), .legacy(let path): path
    case .machine: "/proc/vmstat"
    }
  }

  var claim: String {
    switch self {
    case .unified, .legacy: "out of memory: the kernel's OOM killer struck in our cgroup"
    case .machine: "probably out of memory: the kernel's OOM killer struck on this machine"
    }
  }

  func read(_ files: any FileTree) -> UInt64? { files.value(of: "oom_kill", in: path) }
}
