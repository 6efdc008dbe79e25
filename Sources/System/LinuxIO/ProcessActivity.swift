import CLinux
import Glibc

/// What a process is doing at one moment, as far as /proc shows (proc(5)).
public enum ProcessActivity: Sendable, Equatable {
  /// A signal has stopped it. `byTerminal`: it has a terminal, and is in the background of it, where reading stops a
  /// process (SIGTTIN).
  case stopped(byTerminal: Bool)
  /// A debugger has stopped it.
  case traced
  /// Its control group is frozen, or the machine is being suspended.
  case frozen
  /// It waits for a device or a file system, and cannot be interrupted.
  case uninterruptible
  /// One of its threads runs, or waits for a processor.
  case running
  /// It sleeps in a read of this file: `pipe:[123]`, `/dev/pts/1`.
  case reading(String)
  /// It sleeps until one of several files is ready: it may wait for input, or for anything else.
  case waitingForEvents
  /// It sleeps until a child ends.
  case waitingForChild
  /// It sleeps for some other reason.
  case sleeping
  /// It is gone, or only waits to be reaped.
  case ended
}

extension ProcessTable {
  /// More threads of a process than these are not looked at.
  static let mostThreads = 64

  /// What the process is doing now.
  public static func activity(of pid: pid_t) -> ProcessActivity {
    guard let status = status(of: pid) else { return .ended }
    switch status.fields[0] {
    case "T": return .stopped(byTerminal: isInBackground(status.fields))
    case "t": return .traced
    case "Z", "X": return .ended
    case "R": return .running
    default: break
    }
    let waitsIn = try? contents(of: "/proc/\(pid)/wchan", atMost: 64)
    let place = String(decoding: waitsIn ?? [], as: UTF8.self)
    if place == "do_freezer_trap" || place == "__refrigerator" { return .frozen }
    if status.fields[0] == "D" { return .uninterruptible }
    return activityOfThreads(of: pid)
  }

  /// Fields from the state on: state, parent, group, session, terminal, group in its foreground.
  private static func isInBackground(_ fields: [Substring]) -> Bool {
    fields.count > 5 && fields[4] != "0" && fields[5] != fields[2]
  }

  /// All threads sleep, or one that does not makes the process run.
  private static func activityOfThreads(of pid: pid_t) -> ProcessActivity {
    var found = ProcessActivity.sleeping
    for thread in threads(of: pid).prefix(mostThreads) {
      switch wait(of: thread, in: pid) {
      case .runs: return .running
      case .reads(let file): found = .reading(file)
      case .polls where found == .sleeping: found = .waitingForEvents
      case .awaitsChild where found == .sleeping: found = .waitingForChild
      case .polls, .awaitsChild, .awaitsMessage, .awaitsThread, .sleeps, .other, .hidden, nil: break
      }
    }
    return found
  }

  /// How often the first thread of the process has waited for anything (`voluntary_ctxt_switches` in proc(5)); nil if
  /// that cannot be read.
  public static func sleeps(of pid: pid_t) -> UInt64? {
    guard let status = try? contents(of: "/proc/\(pid)/status", atMost: 4096) else { return nil }
    // A line feed in the name of the process is escaped.
    let label = Array("\nvoluntary_ctxt_switches:\t".utf8)
    for place in status.indices where status[place] == label[0] && status[place...].starts(with: label) {
      let digits = status[(place + label.count)...].prefix { $0 != UInt8(ascii: "\n") }
      return UInt64(String(decoding: digits, as: UTF8.self))
    }
    return nil
  }

  /// How /proc names the pipe that one of our descriptors belongs to: `pipe:[123]`; nil if it is closed.
  public static func nameOfPipe(_ descriptor: CInt) -> String? {
    descriptor < 0 ? nil : file(of: ownPid, UInt64(descriptor))
  }
}
