import Messages
import Text
import Time

/// What to send to the service manager, and when: pure, so that its order and pace can be tested.
///
/// Its memory is bounded however long nobody listens: of a state, a status, a sign of life and an extension only the
/// last counts, and messages for the journal are kept up to `mostBytes`.
struct Outbox {
  /// What becomes of the service.
  enum State: Equatable {
    case ready
    /// When the reload began, by CLOCK_MONOTONIC.
    case reloading(Instant)
    case stopping
  }

  /// What the sender is to do next.
  enum Step: Equatable {
    case notify(String)
    case write(JournalEntry)
    /// Nothing; look again when something is added, or at this time.
    case wait(until: Instant?)
  }

  /// A status is sent at most once in this time.
  static let statusInterval: Nanoseconds = .seconds(1)
  /// Beyond this number of bytes, messages for the journal are counted instead of kept.
  static let mostBytes = 256 * 1024

  private var states: [State] = []
  private var status: String?
  private var toldStatus: String?
  private var nextStatus = Instant.origin
  private var isAlive = false
  private var moreTime: Nanoseconds?
  private var entries: [JournalEntry] = []
  private var firstEntry = 0
  private var bytes = 0
  private var dropped = 0
  private var isStopping = false

  /// Whether all has been handed out.
  var isEmpty: Bool {
    states.isEmpty && status == nil && !isAlive && moreTime == nil && entries.count == firstEntry && dropped == 0
  }

  /// After stopping, nothing else becomes of the service. A reload that nobody has heard of yet is overtaken by the
  /// next.
  mutating func post(_ state: State) {
    if isStopping { return }
    switch state {
    case .ready: if states.last != .ready { states.append(.ready) }
    case .reloading:
      if states.last == .ready, states.count > 1 { states.removeLast() }
      if case .reloading = states.last { states.removeLast() }
      states.append(state)
    case .stopping:
      isStopping = true
      states.append(.stopping)
    }
  }

  /// One line for people; the last one counts.
  mutating func post(status text: String) { status = text == toldStatus ? nil : text }

  /// For the watchdog.
  mutating func postAlive() { isAlive = true }

  /// Asks for this much more time, from when it is read.
  mutating func postExtension(_ time: Nanoseconds) { moreTime = time }

  /// A message for the journal.
  mutating func post(_ entry: JournalEntry) {
    // Once something has been dropped, that is reported before anything else is: else the gap would be at the wrong
    // place.
    guard dropped == 0, bytes + entry.size <= Self.mostBytes else {
      dropped += 1
      return
    }
    bytes += entry.size
    entries.append(entry)
  }

  /// What to do at `now` (of any monotonic clock); `flushing`, nothing waits for its time.
  mutating func next(at now: Instant, flushing: Bool) -> Step {
    if let text = notification(at: now, flushing) { return .notify(text) }
    if let entry = nextEntry() { return .write(entry) }
    return .wait(until: status == nil ? nil : nextStatus)
  }

  private mutating func notification(at now: Instant, _ flushing: Bool) -> String? {
    var lines: [String] = []
    if !states.isEmpty {
      switch states.removeFirst() {
      case .ready: lines.append("READY=1")
      case .reloading(let began): lines += ["RELOADING=1", "MONOTONIC_USEC=\(began.sinceOrigin.microseconds)"]
      case .stopping: lines.append("STOPPING=1")
      }
    }
    if let moreTime { lines.append("EXTEND_TIMEOUT_USEC=\(moreTime.microseconds)") }
    if isAlive { lines.append("WATCHDOG=1") }
    (moreTime, isAlive) = (nil, false)
    if let text = status, flushing || now >= nextStatus {
      lines.append("STATUS=\(String(text.map { $0.isNewline ? " " : $0 }))")
      (status, toldStatus) = (nil, text)
      nextStatus = now + Self.statusInterval
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  private mutating func nextEntry() -> JournalEntry? {
    guard firstEntry < entries.count else {
      guard dropped > 0 else { return nil }
      defer { dropped = 0 }
      return JournalEntry(.warning, "\(plural(dropped, "message")) lost: the journal did not keep up")
    }
    let entry = entries[firstEntry]
    firstEntry += 1
    bytes -= entry.size
    if firstEntry == entries.count {
      entries.removeAll()
      firstEntry = 0
    }
    return entry
  }
}
