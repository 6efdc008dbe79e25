import CLinux
import Glibc
import Time

/// The result of one read.
public enum ReadResult: Equatable, Sendable {
  /// The number of bytes read, at least 1.
  case bytes(Int)
  /// The other side has closed.
  case endOfFile
  /// Nothing there yet.
  case wouldBlock
  /// The call failed.
  case failed(SystemError)
}

/// The result of one write.
public enum WriteResult: Equatable, Sendable {
  /// The number of bytes written, perhaps fewer than were offered.
  case bytes(Int)
  /// No room yet.
  case wouldBlock
  /// Nobody reads any more (EPIPE, on a socket also ECONNRESET).
  case closed
  /// The call failed.
  case failed(SystemError)
}

/// The calls that tests can make fail.
enum SystemCall: Sendable {
  case read, write, open, pipe, epoll, spawn, pidfd, accept
}

#if DEBUG
  /// Faults for tests: while this is the `current` plan of a task, its calls of one kind fail with these errno values,
  /// one after the other; 0 lets a call through.
  final class FaultPlan: @unchecked Sendable {
    @TaskLocal static var current: FaultPlan?

    private let call: SystemCall
    private var codes: ArraySlice<CInt>

    init(_ call: SystemCall, _ codes: [CInt]) {
      self.call = call
      self.codes = codes[...]
    }

    /// True once all of them have struck.
    var isSpent: Bool { codes.isEmpty }

    func fault(in call: SystemCall) -> CInt? {
      guard call == self.call, let code = codes.popFirst(), code != 0 else { return nil }
      return code
    }
  }
#endif

/// The one seam through which bytes go to and from the kernel: the errno to fail with, if a test wants this call to
/// fail. Compiled away in release builds.
@inline(__always)
func injectedFault(_ call: SystemCall) -> CInt? {
  #if DEBUG
    return FaultPlan.current?.fault(in: call)
  #else
    return nil
  #endif
}

/// One read(2), repeated when a signal interrupts it.
func readOnce(_ fd: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
  resultOfReading("read") { read(fd, buffer.baseAddress, buffer.count) }
}

/// One recv(2) that does not wait, whatever the flags of the socket are: others may have read what epoll has seen.
func receiveOnce(_ fd: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
  resultOfReading("recv") { recv(fd, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT)) }
}

/// One write(2), repeated when a signal interrupts it. SIGPIPE must be ignored.
public func writeOnce(_ fd: CInt, _ bytes: UnsafeRawBufferPointer) -> WriteResult {
  resultOfWriting("write") { write(fd, bytes.baseAddress, bytes.count) }
}

/// The same for bytes that lie in three places: one writev(2).
public func writeOnce(
  _ fd: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
) -> WriteResult {
  withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { parts in
    func place(_ part: UnsafeRawBufferPointer) -> iovec {
      iovec(iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count)
    }
    (parts[0], parts[1], parts[2]) = (place(first), place(second), place(third))
    return resultOfWriting("writev") { writev(fd, parts.baseAddress, 3) }
  }
}

/// One send(2) that does not wait, whatever the flags of the socket are.
func sendOnce(_ fd: CInt, _ bytes: UnsafeRawBufferPointer) -> WriteResult {
  resultOfWriting("send") { send(fd, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)) }
}

@inline(__always)
private func resultOfReading(_ operation: StaticString, _ call: () -> Int) -> ReadResult {
  while true {
    let (count, code) = attempt(.read, call)
    if count > 0 { return .bytes(count) }
    if count == 0 { return .endOfFile }
    switch code {
    case EINTR: continue
    case EAGAIN: return .wouldBlock
    default: return .failed(SystemError("\(operation)", code))
    }
  }
}

@inline(__always)
private func resultOfWriting(_ operation: StaticString, _ call: () -> Int) -> WriteResult {
  while true {
    let (count, code) = attempt(.write, call)
    if count >= 0 { return .bytes(count) }
    switch code {
    case EINTR: continue
    case EAGAIN: return .wouldBlock
    case EPIPE, ECONNRESET: return .closed
    default: return .failed(SystemError("\(operation)", code))
    }
  }
}

/// Makes the call, or the fault that a test wants instead; `code` is errno if `count` is -1.
@inline(__always)
private func attempt(_ kind: SystemCall, _ call: () -> Int) -> (count: Int, code: CInt) {
  if let fault = injectedFault(kind) { return (-1, fault) }
  let count = call()
  return (count, count < 0 ? errno : 0)
}

/// Now, by CLOCK_MONOTONIC.
public func monotonicNow() -> Instant {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return instant(time)
}

/// The origin for a time before the beginning of its clock, as a wall clock can show.
func instant(_ time: timespec) -> Instant {
  Instant(nanoseconds: UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec))
}

/// Bytes in a pipe that its reader has not read, seen from either end; 0 if that is unknown.
public func unreadBytes(ofPipe fd: CInt) -> Int { max(0, Int(prefork_bytes_readable(fd))) }

/// Makes a pipe hold this many bytes, if the system allows it (F_SETPIPE_SZ); each of its ends will do.
public func enlargePipe(_ fd: CInt, to size: Int) { prefork_enlarge_pipe(fd, CInt(clamping: size)) }

/// Makes a descriptor of our own non-blocking. Never for an inherited one: the flag is shared with the shell.
public func makeNonBlocking(_ fd: CInt) throws(SystemError) {
  if prefork_set_nonblocking(fd) < 0 { throw SystemError("fcntl O_NONBLOCK") }
}

/// Ignores SIGPIPE and SIGXFSZ, so that a reader that goes away and a file that reaches its limit (`ulimit -f`) are
/// errors of write(2), and sees that children are not reaped behind our back (SIGCHLD ignored would make pidfd_open
/// fail with ESRCH). Workers start with default actions.
public func prepareSignals() {
  signal(SIGPIPE, SIG_IGN)
  signal(SIGXFSZ, SIG_IGN)
  signal(SIGCHLD, SIG_DFL)
}

/// Ignores SIGPIPE if it has its default action: a program that handles it in its own way goes on doing so, and its
/// write(2) fails all the same.
public func ignoreBrokenPipes() {
  var action = sigaction()
  sigaction(SIGPIPE, nil, &action)
  if action.__sigaction_handler.sa_handler == nil { signal(SIGPIPE, SIG_IGN) }
}

/// The kernel reaps our children itself (SIGCHLD is ignored, or SA_NOCLDWAIT is set), and how they ended cannot be
/// known.
public var exitStatusesAreLost: Bool {
  var action = sigaction()
  sigaction(SIGCHLD, nil, &action)
  let ignored = unsafeBitCast(SIG_IGN, to: Int.self)
  return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == ignored
    || action.sa_flags & CInt(SA_NOCLDWAIT) != 0
}

/// Ends this process by the signal's default action, so that the shell sees what happened.
public func raiseWithDefaultAction(_ number: CInt) -> Never {
  signal(number, SIG_DFL)
  var set = sigset_t()
  sigemptyset(&set)
  sigaddset(&set, number)
  raise(number)
  sigprocmask(SIG_UNBLOCK, &set, nil)
  exit(128 + number)
}

/// Does what a stop signal (SIGTSTP, SIGTTIN, SIGTTOU) does that is not handled, and returns when the process goes on.
/// The signal is blocked. False if the process was not stopped: its group is orphaned, and nobody could continue it.
public func stopByDefaultAction(_ number: CInt) -> Bool {
  signal(number, SIG_DFL)
  // That it was stopped is seen by the signal that continues it, which must wait for that.
  var before = sigset_t()
  var proceed = signalSet([SIGCONT])
  sigprocmask(SIG_BLOCK, &proceed, &before)
  defer { sigprocmask(SIG_SETMASK, &before, nil) }
  while consumePending(SIGCONT, milliseconds: 0) {}
  var set = signalSet([number])
  raise(number)
  sigprocmask(SIG_UNBLOCK, &set, nil)
  sigprocmask(SIG_BLOCK, &set, nil)
  return consumePending(SIGCONT, milliseconds: 0)
}

/// Takes a blocked signal that is pending, or comes within `milliseconds`; true if there was one.
public func consumePending(_ number: CInt, milliseconds: Int) -> Bool {
  var set = signalSet([number])
  var limit = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
  return sigtimedwait(&set, nil, &limit) == number
}

/// Whether this signal is ignored, which a program inherits from the one that starts it.
public func isIgnored(_ number: CInt) -> Bool {
  var action = sigaction()
  guard sigaction(number, nil, &action) == 0 else { return false }
  return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
}

/// The signals that we handle.
public enum Signal {
  /// SIGHUP.
  public static let hangup = SIGHUP
  /// SIGINT.
  public static let interrupt = SIGINT
  /// SIGTERM.
  public static let terminate = SIGTERM
  /// SIGKILL.
  public static let kill = SIGKILL
  /// SIGQUIT.
  public static let quit = SIGQUIT
  /// SIGTSTP: Ctrl-Z.
  public static let stop = SIGTSTP
  /// SIGCONT.
  public static let proceed = SIGCONT
  /// SIGUSR1.
  public static let user1 = SIGUSR1
  /// SIGCHLD.
  public static let child = SIGCHLD
  /// SIGWINCH.
  public static let windowChanged = SIGWINCH
  /// SIGTTIN, by custom of prefork servers: one worker more.
  public static let oneMore = SIGTTIN
  /// SIGTTOU, likewise: one worker fewer.
  public static let oneFewer = SIGTTOU
}

/// The time of day: its clock began with 1970 (UTC).
public func timeOfDay() -> Instant {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return instant(time)
}

/// Sleeps for this time, less than a second.
public func sleep(for time: Nanoseconds) {
  var left = timespec(tv_sec: 0, tv_nsec: Int(min(time, .milliseconds(999)).count))
  nanosleep(&left, nil)
}
