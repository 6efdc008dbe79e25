import LinuxIO
import PoolCore
import Text
import WorkerProcess

/// What a worker is doing that has not answered for long.
public struct WorkerActivity: Sendable, Equatable, CustomStringConvertible {
  /// In which way it is busy, or not.
  public enum Kind: Sendable, Equatable {
    /// A signal has stopped it; `byTerminal`: most likely because it wanted to read the terminal.
    case stopped(byTerminal: Bool)
    /// A debugger has stopped it.
    case traced
    /// Its control group is frozen.
    case frozen
    /// It waits for a device or a file system.
    case uninterruptible
    /// It sleeps until something is typed.
    case readsTerminal
    /// It has read all that was sent, and sleeps until more comes.
    case readsInput
    /// It waits for one of several things, its input perhaps.
    case waitsForEvents
    /// It runs.
    case runs
    /// It waits for a child, which is not to be seen.
    case waitsForChild
    /// It sleeps for another reason.
    case sleeps
  }

  /// What it is.
  public var kind: Kind
  /// The process that it is about, if that is not the worker's first.
  public var descendant: (name: String, pid: CInt)?
  /// Bytes of its job that it has not read.
  public var unread: Int

  /// The same kind.
  public static func == (left: WorkerActivity, right: WorkerActivity) -> Bool {
    left.kind == right.kind && left.descendant?.pid == right.descendant?.pid && left.unread == right.unread
  }

  /// The same for all that are in the same way: `sleeps reading its stdin`.
  public var cause: String {
    switch kind {
    case .stopped(byTerminal: true): "is stopped, in the background of a terminal"
    case .stopped(byTerminal: false): "is stopped by a signal"
    case .traced: "is stopped by a debugger"
    case .frozen: "is frozen with its control group"
    case .uninterruptible: "waits for a device or a file system"
    case .readsTerminal: "waits for input from the terminal"
    case .readsInput: "sleeps reading its stdin"
    case .waitsForEvents: "waits for events"
    case .runs: "runs"
    case .waitsForChild: "waits for a child"
    case .sleeps: "sleeps"
    }
  }

  /// To be read after the worker's name: `which runs`, `whose process sleep (pid 900) sleeps; 12 bytes of the job are
  /// unread`.
  public var description: String {
    let text = descendant.map { "whose process \($0.name) (pid \($0.pid)) \(cause)" } ?? "which \(cause)"
    return unread > 0 ? text + "; \(plural(unread, "byte")) of the job \(unread == 1 ? "is" : "are") unread" : text
  }
}

extension WorkerPoolDriver {
  /// More descendants than these are not looked at.
  private static let mostDescendants = 64

  /// What the worker is doing at this moment, all its processes considered; nil when it is gone. Reads some files of
  /// /proc.
  public func activity(of worker: WorkerID) -> WorkerActivity? {
    guard workers.holds(worker) else { return nil }
    let slot = worker.slot.index
    let pid = workers[slot].process.pid
    let input = ProcessTable.nameOfPipe(workers[slot].process.input)
    var found: (kind: WorkerActivity.Kind, pid: CInt)?
    for process in [pid] + ProcessTable.descendants(of: pid, limit: Self.mostDescendants) {
      guard let kind = WorkerActivity.Kind(ProcessTable.activity(of: process), input: input) else { continue }
      if found.map({ kind.weight > $0.kind.weight }) ?? true { found = (kind, process) }
    }
    guard let found else { return nil }
    let descendant = found.pid == pid ? nil : ProcessTable.nameOfLiving(found.pid).map { ($0, found.pid) }
    return WorkerActivity(kind: found.kind, descendant: descendant, unread: unreadInput(of: worker))
  }
}

extension WorkerActivity.Kind {
  /// Nil for a process that has ended. `input`: the name of the pipe that is the worker's stdin.
  fileprivate init?(_ activity: ProcessActivity, input: String?) {
    switch activity {
    case .stopped(let byTerminal): self = .stopped(byTerminal: byTerminal)
    case .traced: self = .traced
    case .frozen: self = .frozen
    case .uninterruptible: self = .uninterruptible
    case .running: self = .runs
    case .reading(let file) where file == input: self = .readsInput
    case .reading(let file) where file.hasPrefix("/dev/pts/") || file.hasPrefix("/dev/tty"): self = .readsTerminal
    case .reading, .sleeping: self = .sleeps
    case .waitingForEvents: self = .waitsForEvents
    case .waitingForChild: self = .waitsForChild
    case .ended: return nil
    }
  }

  /// Of several processes of a worker, the one with the largest weight explains why it does not answer.
  fileprivate var weight: Int {
    switch self {
    case .stopped: 8
    case .traced: 7
    case .frozen: 6
    case .uninterruptible: 5
    case .readsTerminal: 4
    case .runs: 3
    case .readsInput: 2
    case .sleeps, .waitsForEvents: 1
    case .waitsForChild: 0
    }
  }
}
