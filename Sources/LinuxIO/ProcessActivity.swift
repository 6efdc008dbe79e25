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
  private static let mostThreads = 64

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

  /// The name of the file that a descriptor of the process leads to; nil if it has none, or is not ours to be asked.
  private static func file(of pid: pid_t, _ descriptor: UInt64) -> String? {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      let count = readlink("/proc/\(pid)/fd/\(descriptor)", buffer.baseAddress!, buffer.count)
      return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
  }

  /// Fields from the state on: state, parent, group, session, terminal, group in its foreground.
  private static func isInBackground(_ fields: [Substring]) -> Bool {
    fields.count > 5 && fields[4] != "0" && fields[5] != fields[2]
  }

  /// All threads sleep, or one that does not makes the process run.
  private static func activityOfThreads(of pid: pid_t) -> ProcessActivity {
    var found = ProcessActivity.sleeping
    for thread in threads(of: pid).prefix(mostThreads) {
      guard let line = try? contents(of: "/proc/\(pid)/task/\(thread)/syscall", atMost: 256) else { continue }
      let fields = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
      if fields.first == "running" { return .running }
      guard fields.count > 1, let number = Int(fields[0]) else { continue }
      if SleepingCall.reads.contains(number), let descriptor = UInt64(fields[1].dropFirst(2), radix: 16) {
        found = file(of: pid, descriptor).map { .reading($0) } ?? found
      } else if found == .sleeping {
        if SleepingCall.waits.contains(number) { found = .waitingForChild }
        if SleepingCall.polls.contains(number) { found = .waitingForEvents }
      }
    }
    return found
  }

  /// How /proc names the pipe that one of our descriptors belongs to: `pipe:[123]`; nil if it is closed.
  public static func nameOfPipe(_ descriptor: CInt) -> String? {
    descriptor < 0 ? nil : file(of: ownPid, UInt64(descriptor))
  }
}

/// The numbers of the system calls in which a process sleeps that can be told apart; none where they are not known.
private enum SleepingCall {
  #if arch(x86_64)
    static let reads = [0, 17, 19]  // read, pread64, readv
    static let waits = [61, 247]  // wait4, waitid
    // poll, select, epoll_wait, pselect6, ppoll, epoll_pwait, epoll_pwait2
    static let polls = [7, 23, 232, 270, 271, 281, 441]
  #elseif arch(arm64)
    static let reads = [63, 65, 67]  // read, readv, pread64
    static let waits = [95, 260]  // waitid, wait4
    static let polls = [22, 72, 73, 441]  // epoll_pwait, pselect6, ppoll, epoll_pwait2
  #else
    static let reads: [Int] = []
    static let waits: [Int] = []
    static let polls: [Int] = []
  #endif
}
