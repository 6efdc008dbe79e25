import EventLoop
import Glibc
import LinuxIO
import Systemd
import Time

// What is rare, nested in the loop: signals, and systemd's watchdog. A target of its own, so that a program that uses
// WorkerPool as a library, and handles signals in its own way, does not need the headers of libsystemd.

extension EventLoop {
  /// Blocks these signals in this thread and turns them into events. SIGINT, SIGQUIT, SIGHUP and SIGTSTP stay ignored
  /// if they are: a shell starts a background job so, and nohup(1) its command.
  public mutating func watchSignals(_ signals: [CInt]) throws(SystemError) {
    try systemEvents().watchSignals(signals)
  }

  /// Pings systemd's watchdog as long as the loop turns, if the service has one; false if it has none.
  public mutating func enableWatchdog() throws(SystemError) -> Bool { try systemEvents().enableWatchdog() }

  /// Those of this loop, made when they are first needed.
  private mutating func systemEvents() throws(SystemError) -> SystemEvents {
    if let events = nested as? SystemEvents { return events }
    let events = try SystemEvents()
    try nest(events)
    return events
  }
}

/// Signals by a signalfd; the watchdog by sd-event, which is loaded for a service that has one.
private final class SystemEvents: NestedEvents {
  private let epoll: Epoll
  private let signals: SignalDescriptor
  private var watched: Set<CInt> = []
  /// Those that the terminal may send without an effect, as they were ignored when we were started.
  private var ignored: Set<CInt> = []
  private let terminal = ControllingTerminal()
  private var watchdog: Watchdog?
  /// The second signal of timeout(1) that has not come yet, and until when one is taken for it.
  private var expectedRepeat: (signal: CInt, until: Instant)?

  init() throws(SystemError) {
    epoll = try Epoll()
    signals = try SignalDescriptor()
    try epoll.add(signals.rawValue, token: 0, readable: true, writable: false)
  }

  var descriptor: CInt { epoll.rawValue }

  func watchSignals(_ signals: [CInt]) throws(SystemError) {
    if let twice = signals.first(where: watched.contains) {
      throw SystemError("watch \(signalName(twice)), which is watched already", EBUSY)
    }
    let ignored = signals.filter(isIgnored)
    self.ignored.formUnion(ignored)
    watched.formUnion(signals.filter { !ignored.contains($0) || !staysIgnored($0) })
    // A signalfd gets only those that are blocked.
    try block(watched)
    try self.signals.watch(watched)
  }

  func enableWatchdog() throws(SystemError) -> Bool {
    guard getenv("WATCHDOG_USEC") != nil, let watchdog = try Watchdog() else { return false }
    try epoll.add(watchdog.descriptor, token: 1, readable: true, writable: false)
    self.watchdog = watchdog
    return true
  }

  func dispatch(into events: inout [LoopEvent]) throws(SystemError) {
    // One at a time: while others are pending, the descriptor stays readable.
    if let signal = try signals.next() { append(signal, to: &events) }
    try watchdog?.dispatch()
  }

  private func append(_ signal: SignalDescriptor.Received, to events: inout [LoopEvent]) {
    let isTerminals =
      isFromTerminal(signal.number, code: signal.code)
      || signal.number == SIGHUP && terminal.isGone(accordingTo: signal.sender)
    if isTerminals, ignored.contains(signal.number) { return }
    if mayBeSentTwice(signal.number, by: signal.sender), isRepeated(signal) { return }
    events.append(isTerminals ? .terminal(signal.number) : .signal(signal.number))
  }

  /// Whether this is the second signal of timeout(1). If it is the first, the second is waited for, and expected for
  /// some time after that if it does not come: a busy machine may delay it.
  private func isRepeated(_ signal: SignalDescriptor.Received) -> Bool {
    let expected = expectedRepeat
    expectedRepeat = nil
    if let expected, expected.signal == signal.number, monotonicNow() < expected.until { return true }
    if consumePending(signal.number, milliseconds: usualDelay) { return false }
    if ProcessTable.nameOfLiving(signal.sender) == "timeout" {
      expectedRepeat = (signal.number, monotonicNow() + longestDelay)
    }
    return false
  }
}

/// An sd-event loop that does nothing but ping systemd's watchdog.
private final class Watchdog {
  private let library: Systemd
  private let loop: OpaquePointer

  /// Nil if the watchdog is not for this process.
  init?() throws(SystemError) {
    library = try Systemd.load()
    var loop: OpaquePointer?
    let result = library.event_new(&loop)
    guard let loop, result >= 0 else { throw SystemError("sd_event_new", -result) }
    self.loop = loop
    let isEnabled = library.event_set_watchdog(loop, 1)
    if isEnabled < 0 { throw SystemError("sd_event_set_watchdog", -isEnabled) }
    if isEnabled == 0 { return nil }
  }

  deinit { _ = library.event_unref(loop) }

  var descriptor: CInt { library.event_get_fd(loop) }

  func dispatch() throws(SystemError) {
    while true {
      let result = library.event_run(loop, 0)
      if result < 0 { throw SystemError("sd_event_run", -result) }
      if result == 0 { break }
    }
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

/// How long the second signal is waited for, in milliseconds. The two may also have become one, while both were
/// pending.
private let usualDelay = 50
/// How late it may come, at a process whose parent is timeout(1) itself.
private let longestDelay: Nanoseconds = .seconds(1)

/// Whether a signal that was ignored when we were started is left alone. With SIGTTIN and SIGTTOU processes ask for
/// workers.
func staysIgnored(_ signal: CInt) -> Bool { [SIGINT, SIGQUIT, SIGHUP, SIGTSTP].contains(signal) }
