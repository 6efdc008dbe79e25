import DaemonThreads
import Glibc
import LinuxIO
import Messages
import Synchronization
import Systemd
import Time

/// Reports our state to the service manager and the journal, in order, and never makes the caller wait: sd_notify(3)
/// and sd_journal_sendv(3) block while nobody reads at the other end, so a thread of their own calls them.
///
/// Without NOTIFY_SOCKET, and with a stderr that is not the journal, there is nobody to tell: everything is a no-op,
/// and there is no thread. The environment must not be changed any more once there is one: libsystemd reads it there.
public final class ServiceMessenger: MessageLog {
  /// How the messages leave; other than libsystemd in tests.
  struct Channels: Sendable {
    var notify: (@Sendable (String) -> Void)?
    var write: (@Sendable (JournalEntry) -> Void)?
  }

  private struct Mailbox {
    var outbox = Outbox()
    var isSending = false
    var isFlushing = false
  }

  private let mailbox = Mutex(Mailbox())
  /// Wakes the thread.
  private let wakeup: Wakeup
  private let channels: Channels
  /// The time between two calls of `alive`: half of what the watchdog allows. Nil without a watchdog.
  public let watchdogInterval: Nanoseconds?

  /// Somebody wants to be notified.
  public var notifies: Bool { channels.notify != nil }
  /// stderr is the journal: messages belong there, with their fields, instead of on stderr.
  public var journals: Bool { channels.write != nil }

  /// Looks at the environment. Fails if there are no descriptors (EMFILE) or no threads (EAGAIN) left, or no libsystemd
  /// (ELIBACC) though it is needed.
  public convenience init() throws(SystemError) {
    var channels = Channels()
    var timeout: UInt64 = 0
    if let socket = getenv("NOTIFY_SOCKET"), socket.pointee != 0 {
      let library = try Systemd.load()
      channels.notify = { _ = library.notify(0, $0) }
      if library.watchdog_enabled(0, &timeout) <= 0 { timeout = 0 }
    }
    if stderrIsJournal() {
      let library = try Systemd.load()
      channels.write = { write($0, to: library) }
    }
    try self.init(channels, watchdogInterval: timeout > 0 ? .microseconds(max(1, timeout / 2)) : nil)
  }

  init(_ channels: Channels, watchdogInterval: Nanoseconds? = nil) throws(SystemError) {
    self.channels = channels
    self.watchdogInterval = watchdogInterval
    wakeup = try Wakeup()
    guard channels.notify != nil || channels.write != nil else { return }
    guard DaemonThread.start({ self.run() }) else { throw SystemError("pthread_create", EAGAIN) }
  }

  // MARK: Messages

  /// The service can be used: its sockets listen, its pools are ready. Also the end of a reload.
  public func ready() { notify { $0.post(.ready) } }

  /// A reload has begun; `ready` ends it.
  public func reloading() {
    let now = monotonicNow()
    notify { $0.post(.reloading(now)) }
  }

  /// The service is about to end. Only statuses and signs of life are sent after that.
  public func stopping() { notify { $0.post(.stopping) } }

  /// One line for `systemctl status`. Sent at most once a second: of those that come faster, the last.
  public func status(_ text: String) { notify { $0.post(status: text) } }

  /// Reports that the loop turns and the pools make progress. To be called each `watchdogInterval`, but only while both
  /// are true.
  public func alive() { notify { $0.postAlive() } }

  /// Starting, reloading or stopping takes longer: by this time, beginning when this is read.
  public func extendTimeout(by time: Nanoseconds) { notify { $0.postExtension(time) } }

  /// A message for the journal; dropped if stderr is not the journal. While the journal does not keep up, messages are
  /// dropped and counted, and the count is sent as soon as it does.
  public func log(_ entry: JournalEntry) {
    if journals { post { $0.post(entry) } }
  }

  /// A line of a worker's stderr, for the journal.
  public func log(line: [UInt8], named name: String, _ entry: JournalEntry) {
    var entry = entry
    entry.message = name + String(decoding: line, as: UTF8.self)
    log(entry)
  }

  /// Waits until all has been sent, at most this long: the last thing before the process ends. False if it was
  /// not enough.
  public func flush(atMost limit: Nanoseconds = .seconds(1)) -> Bool {
    guard notifies || journals else { return true }
    let deadline = monotonicNow() + limit
    mailbox.withLock { $0.isFlushing = true }
    wakeup.ring()
    while true {
      if mailbox.withLock({ $0.outbox.isEmpty && !$0.isSending }) { return true }
      if monotonicNow() >= deadline { return false }
      poll(nil, 0, 1)
    }
  }

  private func notify(_ change: (inout Outbox) -> Void) {
    if notifies { post(change) }
  }

  private func post(_ change: (inout Outbox) -> Void) {
    mailbox.withLock { change(&$0.outbox) }
    wakeup.ring()
  }

  // MARK: The thread

  private func run() {
    while true {
      let step = mailbox.withLock { mailbox in
        let step = mailbox.outbox.next(at: monotonicNow(), flushing: mailbox.isFlushing)
        if case .wait = step { mailbox.isSending = false } else { mailbox.isSending = true }
        return step
      }
      switch step {
      case .notify(let text): channels.notify?(text)
      case .write(let entry): channels.write?(entry)
      case .wait(let deadline):
        wait(until: deadline)
        wakeup.clear()
      }
    }
  }

  private func wait(until deadline: Instant?) {
    var timeout: CInt = -1
    if let deadline {
      timeout = CInt(clamping: (deadline - monotonicNow() + .nanoseconds(999_999)).milliseconds)
    }
    var entry = pollfd(fd: wakeup.descriptor, events: CShort(POLLIN), revents: 0)
    poll(&entry, 1, timeout)
  }
}

/// Whether stderr is the journal, as JOURNAL_STREAM of systemd.exec(5) says.
public func stderrIsJournal() -> Bool {
  var status = stat()
  guard let stream = getenv("JOURNAL_STREAM"), fstat(2, &status) == 0 else { return false }
  return isJournal(String(cString: stream), device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
}

private func write(_ entry: JournalEntry, to library: Systemd) {
  let fields = entry.fields.map { Array($0.utf8) }
  var bytes = Array(fields.joined())
  bytes.withUnsafeMutableBytes { buffer in
    var place = buffer.baseAddress!
    let vectors = fields.map { field in
      defer { place += field.count }
      return iovec(iov_base: place, iov_len: field.count)
    }
    // That there is no journal any more cannot be told apart from success.
    _ = library.journal_sendv(vectors, CInt(vectors.count))
  }
}

/// Whether a file is the stream to the journal that JOURNAL_STREAM (systemd.exec(5)) names: `DEVICE:INODE` in decimal.
func isJournal(_ stream: String?, device: UInt64, inode: UInt64) -> Bool { stream == "\(device):\(inode)" }
