import Chronicle
import LinuxIO
import Messages
import PoolCore
import Text
import Time
import WorkerPoolDriver
import WorkerProcess

/// Everything for people: whole lines on stderr, never interleaved, never in the way of the work.
package struct Reporter: ~Copyable {
  /// The number of messages of one cause that are shown; the rest is counted. (`-v` shows all.)
  private static let mostOfACause = 3
  /// The number of causes that are counted separately; later ones are shown and counted by their kind alone.
  private static let mostCauses = 200
  /// A worker's line is still in sight while no more lines than these were written after it.
  private static let linesInSight = 20
  /// While more than this waits for a slow reader of stderr, the workers' stderr is not read.
  private static let highWater = 256 * 1024
  /// A reader that does not catch up within this time holds no worker any longer: its lines are dropped.
  private static let patience: Nanoseconds = .seconds(1)
  /// While more than this waits, messages of our own are dropped, too, but for errors.
  private static let mostWaiting = 1 << 20

  /// How the reader of stderr, or of the workers' log, keeps up.
  private enum Pace: Equatable {
    case keepsUp
    /// Too much waits for it: until this time the workers wait, too.
    case behind(until: Instant)
    /// It has not caught up by then.
    case stuck
  }

  /// What can repeat without end.
  package enum Kind: Hashable {
    case death, failedStart, failedCheck, failedJob, silentJob, breach, offence
    case lostBatch, rejectedJob, refusedClient, lostConnection

    var plural: String {
      switch self {
      case .death: "worker deaths"
      case .failedStart: "failed starts"
      case .failedCheck: "failed checks"
      case .failedJob: "failed jobs"
      case .silentJob: "silent jobs"
      case .breach: "breaches of the protocol"
      case .offence: "workers stopped"
      case .lostBatch: "lost batches"
      case .rejectedJob: "rejected jobs"
      case .refusedClient: "refused clients"
      case .lostConnection: "lost connections"
      }
    }

    /// What the journal knows it as.
    fileprivate var entryKind: JournalEntry.Kind? {
      switch self {
      case .death, .failedCheck, .breach, .offence: .workerDeath
      case .failedStart, .failedJob, .silentJob, .lostBatch, .rejectedJob, .refusedClient, .lostConnection: nil
      }
    }
  }

  /// What a message is about, for the fields of the journal.
  package struct Subject {
    var slot: Int?
    var pid: CInt?
    var job: UInt64?

    /// A worker, and the job that it has in hand.
    package init(_ account: WorkerAccount) {
      self.init(account.worker, pid: account.pid, job: account.currentJob?.number)
    }

    /// A worker, and perhaps a job.
    init(_ worker: WorkerID, pid: CInt?, job: UInt64? = nil) {
      slot = worker.slot.index
      self.pid = pid
      self.job = job
    }

    /// A job.
    package init(job: UInt64) { self.job = job }
  }

  /// Messages with the same cause are the same, but for names and numbers.
  struct Cause: Hashable {
    let kind: Kind
    let words: String
    /// Where there are several, those of one pool must not hide another's.
    let pool: String?
  }

  private var output: InheritedOutput
  private var buffer = ByteQueue()
  /// What stands below the messages.
  private var status = StatusLine()
  /// Where the workers' stderr goes instead; nil for ours.
  private var log: WorkerLog?
  /// ` (--stderr FILE)`.
  private let logName: String
  /// Some of the workers' stderr could not be written to its file, and is lost.
  package private(set) var hasLostLog = false
  private var logHasFailed = false
  /// Where messages go instead of on stderr.
  private let journal: (any MessageLog)?
  package var verbosity: Verbosity
  private(set) var said: [Cause: Int] = [:]
  /// Lines written so far; and for each name which worker wrote the last line under it, and how many lines there were
  /// then.
  private var linesWritten = 0
  private var lastWorkerLines: [String: (pid: CInt, line: Int)] = [:]
  package private(set) var isBlocked = false
  private var pace = Pace.keepsUp {
    didSet { if case .behind(let until) = pace { nextDeadline = until } else { nextDeadline = nil } }
  }
  /// When `holdsWorkers` may give another answer; nil if only the reader can change it.
  package private(set) var nextDeadline: Instant?
  /// What was dropped since that was last reported: lines of workers, and messages.
  private var dropped = (lines: 0, messages: 0)

  package init(
    _ output: consuming InheritedOutput, log: consuming WorkerLog?, verbosity: Verbosity,
    journal: (any MessageLog)? = nil
  ) {
    self.journal = journal
    self.output = output
    logName = optionOfLog(log)
    self.log = log
    self.verbosity = verbosity
  }

  package var descriptor: CInt { output.descriptor }
  /// The descriptor that people look at.
  package var number: CInt { 2 }
  package var isAlwaysReady: Bool { output.isAlwaysReady }
  private var isFull: Bool { waitingBytes > Self.highWater }
  /// Bytes that its reader, or that of the workers' log, has not read yet.
  package var waitingBytes: Int { buffer.count + waiting(in: log) }
  /// The workers' log, when it is a FIFO that is full at the moment.
  package var blockedLog: CInt? { blockedDescriptor(of: log) }
  package var isVerbose: Bool { verbosity == .verbose }

  /// Messages on stderr show their severity: for the log of a service, where nobody reads every line.
  package var showsLevels = false
  /// The pool that messages are about, where there are several.
  package var pool: String?
  private var name: String { pool.map { "prefork[\($0)]" } ?? "prefork" }

  /// Reports, also with --quiet, why the run cannot go on.
  package mutating func fatal(_ text: String, kind: JournalEntry.Kind? = nil) { say(.error, text, kind: kind) }

  /// Shows, also with --quiet, what somebody has asked for.
  package mutating func answer(_ text: String) { say(.info, text) }

  /// Shows what to try.
  package mutating func hint(_ text: String) {
    if let journal { journal.log(entry(.notice, "hint: \(text)")) } else { line("hint: \(text)") }
  }

  /// Shows what people should know.
  package mutating func note(_ text: String) { if verbosity >= .normal { say(.notice, text) } }

  /// Shows a detail, which needs --verbose.
  package mutating func detail(_ text: @autoclosure () -> String) { if isVerbose { say(.info, text()) } }

  /// Reports that a healthy worker is replaced: as a detail, and to the journal, where it is found by its kind.
  package mutating func recycling(_ text: @autoclosure () -> String, about subject: Subject) {
    if isVerbose || (journal != nil && verbosity >= .normal) {
      say(.info, text(), kind: .workerRecycled, about: subject)
    }
  }

  /// Shows a message that may repeat: the first few of each cause, then they are only counted, and the count is shown
  /// when it gains a digit. `cause` is the text without what differs each time. The journal gets every lost worker: a
  /// search for those of a slot needs all, and journald has its own rate limit.
  package mutating func repeated(
    _ kind: Kind, cause: String, about subject: Subject? = nil, _ text: @autoclosure () -> String,
    evidence: [String] = []
  ) {
    let isNew = said.count < Self.mostCauses
    var key = Cause(kind: kind, words: cause, pool: pool)
    if !isNew, said[key] == nil { key = Cause(kind: kind, words: "", pool: pool) }
    let count = said[key, default: 0] + 1
    said[key] = count
    guard verbosity >= .normal else { return }
    if isVerbose || count <= Self.mostOfACause || (journal != nil && kind.entryKind != nil) {
      say(.warning, text(), kind: kind.entryKind, about: subject)
      if !isInSight(subject) { for line in evidence { say(.warning, "  last stderr: \"\(line)\"", about: subject) } }
    } else if isPowerOfTen(count) {
      say(.warning, "\(count) \(kind.plural) of that cause so far (-v shows each); the last: \(text())", about: subject)
    }
  }

  /// Reports, also with --quiet, why no worker starts, as the last one showed it.
  package mutating func fatal(_ text: String, about subject: Subject, evidence: [String]) {
    let isInSight = isInSight(subject)
    say(.error, text, about: subject)
    if !isInSight { for line in evidence { say(.error, "  last stderr: \"\(line)\"", about: subject) } }
  }

  /// The last stderr of the worker stands under its name a few lines above, and need not be repeated.
  private func isInSight(_ subject: Subject?) -> Bool {
    guard let slot = subject?.slot, let last = lastWorkerLines[workerName(slot)], last.pid == subject?.pid else {
      return false
    }
    return linesWritten - last.line <= Self.linesInSight
  }

  /// What was counted but not shown, the most frequent first.
  package mutating func sayWhatWasCounted() {
    guard verbosity == .normal else { return }
    let counted = said.filter { $0.value > Self.mostOfACause }
    for (cause, count) in counted.sorted(by: { ($0.value, $1.key.words) > ($1.value, $0.key.words) }) {
      pool = cause.pool
      say(.warning, "\(count) \(cause.kind.plural) in all" + (cause.words.isEmpty ? "" : ": \(cause.words)"))
    }
    pool = nil
  }

  /// A line of a worker's stderr under the worker's name.
  package mutating func workerLine(_ worker: WorkerID, pid: CInt, _ text: [UInt8]) {
    let name = workerName(worker.slot.index)
    if pace == .stuck, isFull, journal == nil || log != nil { return dropped.lines += 1 }
    if log != nil { return log!.append(name, text) }
    if let journal {
      return journal.log(line: text, named: name, entry(.info, "", about: Subject(worker, pid: pid)))
    }
    linesWritten += 1
    lastWorkerLines[name] = (pid, linesWritten)
    append(status.beforeMessage())
    append(name)
    text.withUnsafeBytes { buffer.append($0) }
    append("\n")
  }

  private func workerName(_ slot: Int) -> String { (pool.map { "\($0) " } ?? "") + "worker \(slot): " }

  // MARK: The status line

  /// From the next flush on this stands below all messages. When the reader is too slow for it, it is left out, and
  /// what is the status by then comes when there is room.
  package mutating func setStatus(_ text: String) { status.set(text) }

  /// There is no status any more: it is erased with the next flush.
  package mutating func clearStatus() { append(status.clear()) }

  /// The terminal is in other hands (we are in the background): what stands there is left alone.
  package mutating func forgetStatus() { status.forget() }

  /// The window has another size: the next status is drawn anew, whatever became of the last.
  package mutating func windowChanged() { status.windowChanged() }

  // MARK: A reader that is slow

  /// To be called after each `flush`: whether the workers' stderr should be left unread for now. It is, for a moment,
  /// when the reader falls behind; but a log that nobody reads must not keep the workers from answering.
  package mutating func holdsWorkers(at now: Instant) -> Bool {
    guard isFull else {
      if pace != .keepsUp { pace = .keepsUp }
      reportWhatWasDropped()
      return false
    }
    switch pace {
    case .keepsUp: pace = .behind(until: now + Self.patience)
    case .behind(let until): if now >= until { pace = .stuck }
    case .stuck: break
    }
    return pace != .stuck
  }

  private mutating func reportWhatWasDropped() {
    let (lines, messages) = dropped
    guard lines + messages > 0 else { return }
    dropped = (0, 0)
    if lines > 0 {
      let reader = log == nil ? "stderr is not read" : "the file of --stderr is not read"
      let what = "\(plural(lines, "line")) of workers' logs \(counted(lines, "was", "were"))"
      say(.warning, "\(what) dropped because \(reader)")
    }
    if messages > 0 {
      let what = "\(plural(messages, "message")) \(counted(messages, "was", "were"))"
      say(.warning, "\(what) dropped because stderr is not read")
    }
    flush()
  }

  // MARK: Bytes out

  private mutating func say(
    _ priority: JournalEntry.Priority, _ text: String, kind: JournalEntry.Kind? = nil, about subject: Subject? = nil
  ) {
    guard let journal else {
      if priority != .error, buffer.count > Self.mostWaiting { return dropped.messages += 1 }
      return line("\(name): \(showsLevels ? level(of: priority, text) : "")\(text)")
    }
    journal.log(entry(priority, text, kind: kind, about: subject))
  }

  /// As compilers write it; what is normal has none, and evidence belongs to the message before it.
  private func level(of priority: JournalEntry.Priority, _ text: String) -> String {
    if text.hasPrefix("  ") { return "" }
    switch priority {
    case .error: return "error: "
    case .warning: return "warning: "
    case .notice, .info, .debug: return ""
    }
  }

  /// journalctl(1) shows the name of the program; the name of the pool stands before the text.
  private func entry(
    _ priority: JournalEntry.Priority, _ text: String, kind: JournalEntry.Kind? = nil, about subject: Subject? = nil
  ) -> JournalEntry {
    var entry = JournalEntry(priority, pool.map { "\($0): \(text)" } ?? text, kind: kind)
    entry.pool = pool
    entry.slot = subject?.slot
    entry.workerPID = subject?.pid
    entry.job = subject?.job.map { "\($0)" }
    return entry
  }

  private mutating func line(_ text: String) {
    linesWritten += 1
    append(status.beforeMessage())
    append(text + "\n")
  }

  private mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
  }

  /// The file of the workers' stderr is opened again: it may have been renamed, to begin a new one.
  package mutating func reopenLog() {
    guard log != nil else { return }
    let option = logName
    flushLog()
    do throws(SystemError) {
      try log!.reopen()
      logHasFailed = false
      detail("the workers' stderr goes on in a file opened anew\(option)")
    } catch {
      fatal("cannot open the file of the workers' stderr again\(option): \(error.reason); the old one is used on")
    }
  }

  private mutating func flushLog() {
    guard log != nil, let error = log!.flush(), !logHasFailed else { return }
    logHasFailed = true
    hasLostLog = true
    fatal("cannot write the workers' stderr to its file\(logName): \(error.reason); it is lost from here on")
  }

  /// Writes as much as the reader takes. A stderr that cannot be written is nobody's fault and stops nothing.
  package mutating func flush() {
    flushLog()
    if !isBlocked { append(status.atEnd()) }
    while !buffer.isEmpty {
      switch output.write(from: &buffer) {
      case .bytes: isBlocked = false
      case .wouldBlock:
        isBlocked = true
        return
      case .closed, .failed:
        buffer.removeAll()
        isBlocked = false
      }
    }
  }
}

private func blockedDescriptor(of log: borrowing WorkerLog?) -> CInt? {
  switch log {
  case .some(let log): log.blockedDescriptor
  case .none: nil
  }
}

private func optionOfLog(_ log: borrowing WorkerLog?) -> String {
  switch log {
  case .some(let log): " (--stderr \(log.path))"
  case .none: ""
  }
}

private func waiting(in log: borrowing WorkerLog?) -> Int {
  switch log {
  case .some(let log): log.count
  case .none: 0
  }
}

private func isPowerOfTen(_ number: Int) -> Bool {
  var rest = number
  while rest >= 10, rest % 10 == 0 { rest /= 10 }
  return rest == 1
}
