import CSystemd
import EventLoop
import Glibc
import LinuxIO

// sd-event nested in the loop, for what is rare: signals and systemd's watchdog. A target of its own, so that a program
// that uses WorkerPool as a library, and handles signals in its own way, does not need libsystemd.

extension EventLoop {
  /// Blocks these signals in this thread and turns them into events. SIGINT, SIGQUIT, SIGHUP and SIGTSTP stay ignored
  /// if they are: a shell starts a background job so, and nohup(1) its command.
  public mutating func watchSignals(_ signals: [CInt]) throws(SystemError) {
    try systemEvents().watchSignals(signals)
  }

  /// Pings systemd's watchdog as long as the loop turns, if the service has one; false if it has none.
  public mutating func enableWatchdog() throws(SystemError) -> Bool { try systemEvents().enableWatchdog() }

  /// The sd-event of this loop, made when it is first needed.
  private mutating func systemEvents() throws(SystemError) -> SystemEvents {
    if let events = nested as? SystemEvents { return events }
    let events = try SystemEvents()
    try nest(events)
    return events
  }
}

/// An sd-event loop. Its callbacks only note what happened in an inbox.
private final class SystemEvents: NestedEvents {
  /// What the callbacks have noted. On the heap, because C holds its address.
  private struct Inbox {
    var signals: [LoopEvent] = []
    /// Those that the terminal may send without an effect, as they were ignored when we were started.
    var ignored: Set<CInt> = []
    let terminal = ControllingTerminal()
  }

  private let loop: OpaquePointer
  private let inbox: UnsafeMutablePointer<Inbox>

  init() throws(SystemError) {
    var loop: OpaquePointer?
    let result = sd_event_new(&loop)
    if result < 0 { throw SystemError("sd_event_new", -result) }
    inbox = .allocate(capacity: 1)
    inbox.initialize(to: Inbox())
    self.loop = loop!
  }

  deinit {
    sd_event_unref(loop)
    inbox.deinitialize(count: 1)
    inbox.deallocate()
  }

  var descriptor: CInt { sd_event_get_fd(loop) }

  func watchSignals(_ signals: [CInt]) throws(SystemError) {
    let ignored = signals.filter(isIgnored)
    inbox.pointee.ignored.formUnion(ignored)
    let signals = signals.filter { !ignored.contains($0) || !staysIgnored($0) }
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    // sd-event reads signals from a signalfd, which gets only those that are blocked.
    if sigprocmask(SIG_BLOCK, &set, nil) < 0 { throw SystemError("sigprocmask") }
    for signal in signals {
      let result = sd_event_add_signal(loop, nil, signal, Self.signalCame, inbox)
      if result < 0 { throw SystemError("sd_event_add_signal \(signalName(signal))", -result) }
    }
  }

  func enableWatchdog() throws(SystemError) -> Bool {
    let result = sd_event_set_watchdog(loop, 1)
    if result < 0 { throw SystemError("sd_event_set_watchdog", -result) }
    return result > 0
  }

  func dispatch(into events: inout [LoopEvent]) throws(SystemError) {
    while true {
      let result = sd_event_run(loop, 0)
      if result < 0 { throw SystemError("sd_event_run", -result) }
      if result == 0 { break }
    }
    events += inbox.pointee.signals
    inbox.pointee.signals.removeAll(keepingCapacity: true)
  }

  private static let signalCame: sd_event_signal_handler_t = { _, info, inbox in
    if let info, let inbox { note(info.pointee, in: inbox.assumingMemoryBound(to: Inbox.self)) }
    return 0
  }

  private static func note(_ info: signalfd_siginfo, in inbox: UnsafeMutablePointer<Inbox>) {
    let signal = CInt(bitPattern: info.ssi_signo)
    let isTerminals =
      isFromTerminal(signal, code: info.ssi_code)
      || signal == SIGHUP && inbox.pointee.terminal.isGone(accordingTo: CInt(bitPattern: info.ssi_pid))
    if isTerminals, inbox.pointee.ignored.contains(signal) { return }
    if mayBeSentTwice(signal, by: CInt(bitPattern: info.ssi_pid)) {
      _ = consumePending(signal, milliseconds: repeatLimit)
    }
    inbox.pointee.signals.append(isTerminals ? .terminal(signal) : .signal(signal))
  }
}

/// Whether the kernel has sent this signal in the name of a terminal. What processes send has a code of 0 or less
/// (sigaction(2)). A key for SIGINT means the same as the signal of a process.
func isFromTerminal(_ signal: CInt, code: CInt) -> Bool {
  code > 0 && [SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP].contains(signal)
}

/// timeout(1) sends its signal twice: to its child, which we are, and to the process group of both. The second one is
/// no second request. It follows at once, but on a busy machine that can take some milliseconds. Process 1 runs no
/// timeout(1) and is not waited for.
func mayBeSentTwice(_ signal: CInt, by sender: CInt) -> Bool {
  [SIGINT, SIGTERM].contains(signal) && sender == getppid() && sender > 1
}

/// How long the second one is waited for, in milliseconds.
private let repeatLimit = 50

/// Whether a signal that was ignored when we were started is left alone. With SIGTTIN and SIGTTOU processes ask for
/// workers.
func staysIgnored(_ signal: CInt) -> Bool { [SIGINT, SIGQUIT, SIGHUP, SIGTSTP].contains(signal) }
