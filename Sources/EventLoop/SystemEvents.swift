import CSystemd
import Glibc
import LinuxIO

/// sd-event, for what is rare: signals, one alarm, the watchdog. Its callbacks only note what happened in an inbox.
struct SystemEvents: ~Copyable {
  /// What the callbacks have noted and nobody has been told yet. On the heap, because C holds its address.
  private struct Inbox {
    var signals: [LoopEvent] = []
    /// Those that the terminal may send without an effect, as they were ignored when we were started.
    var ignored: Set<CInt> = []
    let terminal = ControllingTerminal()
    var alarmRang = false
  }

  private let loop: OpaquePointer
  private let inbox: UnsafeMutablePointer<Inbox>
  private let timer: OpaquePointer?

  init() throws(SystemError) {
    var loop: OpaquePointer?
    let result = sd_event_new(&loop)
    if result < 0 { throw SystemError("sd_event_new", -result) }
    let inbox = UnsafeMutablePointer<Inbox>.allocate(capacity: 1)
    inbox.initialize(to: Inbox())
    var timer: OpaquePointer?
    let added = sd_event_add_time(loop, &timer, CLOCK_MONOTONIC, .max, 0, alarmRang, inbox)
    if added < 0 {
      sd_event_unref(loop)
      inbox.deinitialize(count: 1)
      inbox.deallocate()
      throw SystemError("sd_event_add_time", -added)
    }
    sd_event_source_set_enabled(timer, CInt(SD_EVENT_OFF))
    self.loop = loop!
    self.inbox = inbox
    self.timer = timer
  }

  deinit {
    sd_event_source_unref(timer)
    sd_event_unref(loop)
    inbox.deinitialize(count: 1)
    inbox.deallocate()
  }

  /// To be watched for reading: ready when there is something to dispatch.
  var descriptor: CInt { sd_event_get_fd(loop) }

  /// True when something was noted that the descriptor tells nothing of any more: `dispatch` hands it over.
  var hasNews: Bool { inbox.pointee.alarmRang || !inbox.pointee.signals.isEmpty }

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
      let result = sd_event_add_signal(loop, nil, signal, signalCame, inbox)
      if result < 0 { throw SystemError("sd_event_add_signal \(signalName(signal))", -result) }
    }
    try arm()
  }

  /// `deadline` and `accuracy` in microseconds of CLOCK_MONOTONIC. An alarm that rang for an earlier deadline, but was
  /// not told yet, is forgotten.
  func setAlarm(at deadline: UInt64?, accuracy: UInt64) throws(SystemError) {
    var result: CInt = 0
    if let deadline {
      result = sd_event_source_set_time(timer, deadline)
      if result >= 0 { result = sd_event_source_set_time_accuracy(timer, accuracy) }
      if result >= 0 { result = sd_event_source_set_enabled(timer, CInt(SD_EVENT_ONESHOT)) }
    } else {
      result = sd_event_source_set_enabled(timer, CInt(SD_EVENT_OFF))
    }
    if result < 0 { throw SystemError("set the alarm", -result) }
    inbox.pointee.alarmRang = false
    try arm()
  }

  func enableWatchdog() throws(SystemError) -> Bool {
    let result = sd_event_set_watchdog(loop, 1)
    if result < 0 { throw SystemError("sd_event_set_watchdog", -result) }
    try arm()
    return result > 0
  }

  /// Runs the callbacks of all that is pending, and hands over what they noted; true if the alarm is among it.
  func dispatch(into events: inout [LoopEvent]) throws(SystemError) -> Bool {
    while true {
      let result = sd_event_run(loop, 0)
      if result < 0 { throw SystemError("sd_event_run", -result) }
      if result == 0 { break }
    }
    try arm()
    events += inbox.pointee.signals
    inbox.pointee.signals.removeAll(keepingCapacity: true)
    guard inbox.pointee.alarmRang else { return false }
    inbox.pointee.alarmRang = false
    events.append(.alarm)
    return true
  }

  /// sd-event programs its timerfd only in prepare: without this, a change would be noticed at the next dispatch, which
  /// would never come. Prepare must be followed by wait, and what that finds (an alarm in the past, a signal that came
  /// meanwhile) by dispatch: it is noted, and no longer shown by the descriptor. See `hasNews`.
  private func arm() throws(SystemError) {
    while true {
      var result = sd_event_prepare(loop)
      if result == 0 { result = sd_event_wait(loop, 0) }
      if result < 0 { throw SystemError("sd_event_prepare", -result) }
      if result == 0 { return }
      result = sd_event_dispatch(loop)
      if result < 0 { throw SystemError("sd_event_dispatch", -result) }
    }
  }

  private static func noteSignal(_ inbox: UnsafeMutableRawPointer?, _ info: signalfd_siginfo) {
    guard let inbox = inbox?.assumingMemoryBound(to: Inbox.self) else { return }
    let signal = CInt(bitPattern: info.ssi_signo)
    let isTerminals =
      isFromTerminal(signal, code: info.ssi_code)
      || signal == SIGHUP && inbox.pointee.terminal.isGone(accordingTo: CInt(bitPattern: info.ssi_pid))
    if isTerminals, inbox.pointee.ignored.contains(signal) { return }
    inbox.pointee.signals.append(isTerminals ? .terminal(signal) : .signal(signal))
  }

  private static func noteAlarm(_ inbox: UnsafeMutableRawPointer?) {
    inbox?.assumingMemoryBound(to: Inbox.self).pointee.alarmRang = true
  }

  fileprivate static let signalCallback: sd_event_signal_handler_t = { _, info, inbox in
    if let info { noteSignal(inbox, info.pointee) }
    return 0
  }

  fileprivate static let alarmCallback: sd_event_time_handler_t = { _, _, inbox in
    noteAlarm(inbox)
    return 0
  }
}

private let signalCame = SystemEvents.signalCallback
private let alarmRang = SystemEvents.alarmCallback

/// Whether the kernel has sent this signal in the name of a terminal. What processes send has a code of 0 or less
/// (sigaction(2)). A key for SIGINT means the same as the signal of a process.
func isFromTerminal(_ signal: CInt, code: CInt) -> Bool {
  code > 0 && [SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP].contains(signal)
}

/// Whether a signal that was ignored when we were started is left alone. With SIGTTIN and SIGTTOU processes ask for
/// workers.
func staysIgnored(_ signal: CInt) -> Bool { [SIGINT, SIGQUIT, SIGHUP, SIGTSTP].contains(signal) }
