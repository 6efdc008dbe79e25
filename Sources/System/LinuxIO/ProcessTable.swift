import CLinux
import Glibc

/// What /proc shows of processes, and the calls on those that we did not start ourselves.
///
/// All of it is a look at something that moves: a process may fork or end while it is looked at. A caller that needs
/// all of them must look again until it finds nothing new.
public enum ProcessTable {
  /// Whether the kernel lists the children of a process: it has /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN;
  /// proc(5)) and /proc is mounted.
  public static let tellsChildren = access("/proc/thread-self/children", R_OK) == 0

  /// Our own number.
  public static var ownPid: pid_t { getpid() }

  /// The user that this process acts as.
  public static var ownUser: UInt32 { geteuid() }

  /// The group that this process acts as.
  public static var ownGroup: UInt32 { getegid() }

  /// Whether we have the rights of root.
  public static var isRoot: Bool { geteuid() == 0 }

  /// The children of a process, zombies included, whichever of its threads has them; none if it is gone, or if the
  /// kernel does not list them.
  public static func children(of pid: pid_t) -> [pid_t] {
    var found: [pid_t] = []
    for thread in threads(of: pid) { appendNumbers(in: "/proc/\(pid)/task/\(thread)/children", to: &found) }
    return found
  }

  /// Our own children, as `children(of:)` has them. Looked at after every death of one, so the files stay open.
  public static func ownChildren() -> [pid_t] {
    guard ownFiles.areOpen, hasOneThread(ownFiles.tasks) else { return children(of: ownPid) }
    var found: [pid_t] = []
    appendNumbers(in: ownFiles.children, to: &found)
    return found
  }

  /// The folder of our threads, and the children of the first of them.
  private struct OwnFiles: ~Copyable, Sendable {
    let tasks = prefork_open("/proc/self/task", O_RDONLY | O_DIRECTORY)
    let children = prefork_open("/proc/self/task/\(ownPid)/children", O_RDONLY)
    var areOpen: Bool { tasks >= 0 && children >= 0 }
  }

  private static let ownFiles = OwnFiles()

  private static func appendNumbers(in path: String, to found: inout [pid_t]) {
    guard let file = try? FileDescriptor.open(path, flags: O_RDONLY) else { return }
    appendNumbers(in: file.rawValue, to: &found)
  }

  /// The numbers in a file, each ended by a space: without a copy of it, because this is done for every process of a
  /// tree.
  private static func appendNumbers(in file: CInt, to found: inout [pid_t]) {
    var number: pid_t = 0
    var offset = 0
    var count = 0
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      repeat {
        count = max(0, pread(file, buffer.baseAddress, buffer.count, offset))
        offset += count
        for byte in buffer[..<count] {
          if byte == UInt8(ascii: " ") {
            found.append(number)
            number = 0
          } else {
            number = number &* 10 &+ pid_t(byte &- UInt8(ascii: "0"))
          }
        }
        // There is more only if another number would not have fitted.
      } while count > buffer.count - 16
    }
  }

  /// The descendants of a process, nearest first, at most `limit`: a fork bomb must not keep us here. Those that lost
  /// their parent are not among them; they belong to init or to a subreaper now.
  public static func descendants(of pid: pid_t, limit: Int) -> [pid_t] {
    var found = children(of: pid)
    var next = 0
    while next < found.count, found.count < limit {
      found += children(of: found[next])
      next += 1
    }
    return Array(found.prefix(limit))
  }

  /// The threads of a process. Most have one: then the number of links of the folder shows it, and the folder, which
  /// takes three times as long, need not be read.
  static func threads(of pid: pid_t) -> [pid_t] {
    var information = stat()
    guard stat("/proc/\(pid)/task", &information) == 0 else { return [] }
    return hasOneThread(information) ? [pid] : numbers(in: "/proc/\(pid)/task")
  }

  /// Whether a process that lives has one thread.
  public static func isSingleThreaded(_ pid: pid_t) -> Bool { threads(of: pid).count == 1 }

  /// Like every folder, it has two links of its own and one for each folder in it.
  private static func hasOneThread(_ folder: stat) -> Bool { folder.st_nlink == 3 }

  private static func hasOneThread(_ folder: CInt) -> Bool {
    var information = stat()
    return fstat(folder, &information) == 0 && hasOneThread(information)
  }

  /// Every process that we can see.
  public static func all() -> [pid_t] { numbers(in: "/proc") }

  private static func numbers(in folder: String) -> [pid_t] {
    var found: [pid_t] = []
    forEachName(in: folder) { name, _ in
      if let number = pid_t(name) { found.append(number) }
    }
    return found
  }

  /// The most bytes of an environment that are read.
  public static let longestEnvironment = 1 << 18

  /// The environment that a process was given by its last exec, as it lies in its memory now: entries, each ended by a
  /// NUL, at most `longestEnvironment` bytes. Empty for a zombie, and for a moment in the middle of an exec. nil if it
  /// is gone, or not ours to read (another user's, or one that is not dumpable).
  public static func environment(of pid: pid_t) -> [UInt8]? {
    var last: [UInt8]?
    // An exec between two reads of the file ends it early. So most are read by one read, and what does not end as an
    // environment does is read again, a few times: the process may also have written a title over it.
    for _ in 0..<8 {
      last = try? contents(of: "/proc/\(pid)/environ", atMost: longestEnvironment, firstRead: 1 << 15)
      guard let last, let end = last.last, end != 0, last.count < longestEnvironment else { break }
    }
    return last
  }

  /// What a living process calls itself, such as `python3`; nil if it is gone, a zombie, or about to become one.
  public static func nameOfLiving(_ pid: pid_t) -> String? {
    guard let status = status(of: pid), !isEnding(status.fields) else { return nil }
    return status.name
  }

  /// Whether a process is dead, or in exit(2): then it has given up its memory, and its environment reads as empty.
  private static func isEnding(_ fields: [Substring]) -> Bool {
    // Field 9 of proc(5), the kernel's flags; PF_EXITING is 4.
    let flags = fields.count > 6 ? UInt32(fields[6]) ?? 0 : 0
    return fields[0] == "Z" || fields[0] == "X" || flags & 4 != 0
  }

  /// The parent of a process, a zombie's as well; nil if it is gone.
  public static func parent(of pid: pid_t) -> pid_t? { status(of: pid).flatMap { pid_t($0.fields[1]) } }

  /// The name of a process, and what follows it in its stat file: state, parent, group. At least two fields; nil if it
  /// is gone.
  static func status(of pid: pid_t) -> (name: String, fields: [Substring])? {
    // 812 (python3) S 1 ...; the name may hold parentheses itself (proc(5)).
    guard let stat = try? contents(of: "/proc/\(pid)/stat", atMost: 4096),
      let begin = stat.firstIndex(of: UInt8(ascii: "(")),
      let end = stat.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: stat[(end + 1)...], as: UTF8.self).split(separator: " ")
    return fields.count < 2 ? nil : (String(decoding: stat[(begin + 1)..<end], as: UTF8.self), fields)
  }

  /// From now on orphans below us become our children, and must be reaped by us. It is for the whole process and for
  /// good.
  public static func becomeSubreaper() throws(SystemError) {
    if prefork_become_subreaper() < 0 { throw SystemError("prctl PR_SET_CHILD_SUBREAPER") }
  }

  /// Signals a process that is no child of ours, if `isMeant` still holds for its number once that cannot be given to
  /// another any more. False if it was not meant, is gone, or may not be signalled by us.
  public static func signal(_ pid: pid_t, _ signal: CInt, if isMeant: (pid_t) -> Bool) -> Bool {
    switch try? ChildProcess.pidfd(of: pid) {
    case .some(let pidfd): isMeant(pid) && prefork_signal_process(pidfd.rawValue, pid, signal) == 0
    // Gone, or pidfd_open(2) is denied.
    case .none: isMeant(pid) && Glibc.kill(pid, signal) == 0
    }
  }

  /// Sends SIGKILL to a child of ours that is not reaped yet, or to a process that was just seen.
  public static func kill(_ pid: pid_t) {
    // 0 and below would be groups; a process of another pid namespace shows as 0.
    if pid > 0 { _ = Glibc.kill(pid, SIGKILL) }
  }

  /// Whether a process has this number; a zombie counts.
  public static func exists(_ pid: pid_t) -> Bool { Glibc.kill(pid, 0) == 0 || errno != ESRCH }
}
