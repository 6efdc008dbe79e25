import Glibc

/// What one thread of a process is doing at one moment, as far as /proc shows (proc(5)).
public enum ThreadWait: Sendable, Equatable {
  /// It runs, or waits for a processor.
  case runs
  /// It sleeps in a read of this file: `pipe:[123]`, `/dev/pts/1`.
  case reads(String)
  /// It sleeps until one of several files is ready.
  case polls
  /// It sleeps until a signal, a message on a socket or the end of an asynchronous operation comes.
  case awaitsMessage
  /// It sleeps until a child ends.
  case awaitsChild
  /// It sleeps until another thread wakes it.
  case awaitsThread
  /// It sleeps for a time.
  case sleeps
  /// It is somewhere else in the kernel, such as in a read of a page.
  case other
  /// We are not allowed to look, or the kernel does not show it.
  case hidden
}

extension ProcessTable {
  /// What a thread of a process is doing now; nil if it is gone.
  public static func wait(of thread: pid_t, in pid: pid_t) -> ThreadWait? {
    let folder = "/proc/\(pid)/task/\(thread)"
    guard SleepingCall.areKnown else { return .hidden }
    guard let line = try? contents(of: folder + "/syscall", atMost: 256) else {
      return access(folder, F_OK) == 0 ? .hidden : nil
    }
    let fields = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
    if fields.first == "running" { return .runs }
    guard fields.count > 1, let number = Int(fields[0]) else { return .other }
    if SleepingCall.reads.contains(number) {
      let descriptor = UInt64(fields[1].dropFirst(2), radix: 16)
      return descriptor.flatMap { file(of: pid, $0) }.map { .reads($0) } ?? .other
    }
    return SleepingCall.kinds.first { $0.calls.contains(number) }?.wait ?? .other
  }

  /// What all threads of a process are doing, the first one first; empty if it is gone.
  public static func waits(of pid: pid_t) -> [ThreadWait] {
    guard let first = wait(of: pid, in: pid) else { return [] }
    let others = threads(of: pid).prefix(mostThreads).filter { $0 != pid }
    return [first] + others.compactMap { wait(of: $0, in: pid) }
  }

  /// The name of the file behind a descriptor of the process; nil if it has none, or we are not allowed to look.
  static func file(of pid: pid_t, _ descriptor: UInt64) -> String? {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      let count = readlink("/proc/\(pid)/fd/\(descriptor)", buffer.baseAddress!, buffer.count)
      return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
  }

  /// How often the first thread of a process was given a processor; nil if it is gone, or if the kernel does not count
  /// (CONFIG_SCHED_INFO).
  public static func timesRun(_ pid: pid_t) -> UInt64? {
    guard let line = try? contents(of: "/proc/\(pid)/schedstat", atMost: 256) else { return nil }
    let fields = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
    return fields.count > 2 ? UInt64(fields[2]) : nil
  }

  /// Whether reads of a descriptor of the process do not wait (O_NONBLOCK).
  public static func isNonBlocking(_ descriptor: CInt, of pid: pid_t) -> Bool {
    guard let text = try? contents(of: "/proc/\(pid)/fdinfo/\(descriptor)", atMost: 1024) else { return false }
    let words = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard let label = words.firstIndex(of: "flags:"), label + 1 < words.count else { return false }
    return (CInt(words[label + 1], radix: 8) ?? 0) & O_NONBLOCK != 0
  }
}

/// The numbers of system calls that show why a process sleeps; empty on machines for which we do not know them.
private enum SleepingCall {
  static let areKnown = !reads.isEmpty

  static let kinds: [(wait: ThreadWait, calls: [Int])] = [
    (.polls, polls), (.awaitsThread, locks), (.awaitsChild, waits), (.sleeps, sleeps), (.awaitsMessage, messages),
  ]

  #if arch(x86_64)
    static let reads = [0, 17, 19, 275]  // read, pread64, readv, splice
    static let waits = [61, 247]  // wait4, waitid
    // poll, select, epoll_wait, pselect6, ppoll, epoll_pwait, epoll_pwait2
    static let polls = [7, 23, 232, 270, 271, 281, 441]
    static let locks = [202, 449, 455]  // futex, futex_waitv, futex_wait
    static let sleeps = [35, 230]  // nanosleep, clock_nanosleep
    // pause, accept, recvfrom, recvmsg, rt_sigtimedwait, rt_sigsuspend, io_getevents, accept4, recvmmsg, io_uring_enter
    static let messages = [34, 43, 45, 47, 128, 130, 208, 288, 299, 426]
  #elseif arch(arm64)
    static let reads = [63, 65, 67, 76]  // read, readv, pread64, splice
    static let waits = [95, 260]  // waitid, wait4
    static let polls = [22, 72, 73, 441]  // epoll_pwait, pselect6, ppoll, epoll_pwait2
    static let locks = [98, 449, 455]  // futex, futex_waitv, futex_wait
    static let sleeps = [101, 115]  // nanosleep, clock_nanosleep
    // io_getevents, rt_sigsuspend, rt_sigtimedwait, accept, recvfrom, recvmsg, accept4, recvmmsg, io_uring_enter
    static let messages = [4, 133, 137, 202, 207, 212, 242, 243, 426]
  #else
    static let reads: [Int] = []
    static let waits: [Int] = []
    static let polls: [Int] = []
    static let locks: [Int] = []
    static let sleeps: [Int] = []
    static let messages: [Int] = []
  #endif
}
