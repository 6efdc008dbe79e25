/// A message for the journal, with what it is about in fields of its own, by which journalctl(1) can search:
/// `journalctl PREFORK_SLOT=3`.
public struct JournalEntry: Equatable, Sendable {
  /// How bad it is: syslog(3).
  public enum Priority: Int, Sendable {
    /// Something that was to work did not, and needs somebody.
    case error = 3
    /// Something is wrong, and was dealt with.
    case warning = 4
    /// Normal, but significant.
    case notice = 5
    /// Normal.
    case info = 6
    /// For the curious.
    case debug = 7
  }

  /// What kind of message it is, whatever its words: `journalctl MESSAGE_ID=…`. These never change.
  public enum Kind: String, Sendable, CaseIterable {
    /// A worker died that was not told to stop.
    case workerDeath = "b95861d7b1574cb18ac90e66d2099ee6"
    /// A healthy worker was replaced, because of its age, jobs or memory, or on demand.
    case workerRecycled = "15104fef37f543c1acc68aaf69acd008"
    /// Too many starts have failed: the pool starts no worker for a while.
    case breakerOpen = "44a68d3d7f704f1fbc3ff7c2fc0f3245"
  }

  /// How bad it is.
  public var priority: Priority
  /// The message: one line, without a line end.
  public var message: String
  /// What kind of message it is, if it is one that others look for.
  public var kind: Kind?
  /// PREFORK_POOL: the name of the pool.
  public var pool: String?
  /// PREFORK_SLOT.
  public var slot: Int?
  /// PREFORK_WORKER_PID.
  public var workerPID: CInt?
  /// PREFORK_JOB: the job as its client, or its number, names it.
  public var job: String?

  /// A message that is about nothing in particular.
  public init(_ priority: Priority, _ message: String, kind: Kind? = nil) {
    self.priority = priority
    self.message = message
    self.kind = kind
  }

  /// As sd_journal_sendv(3) takes it: `NAME=value`.
  public var fields: [String] {
    var fields = ["MESSAGE=\(message)", "PRIORITY=\(priority.rawValue)", "SYSLOG_IDENTIFIER=prefork"]
    if let kind { fields.append("MESSAGE_ID=\(kind.rawValue)") }
    if let pool { fields.append("PREFORK_POOL=\(pool)") }
    if let slot { fields.append("PREFORK_SLOT=\(slot)") }
    if let workerPID { fields.append("PREFORK_WORKER_PID=\(workerPID)") }
    if let job { fields.append("PREFORK_JOB=\(job)") }
    return fields
  }

  /// About the bytes of memory that it takes.
  public var size: Int { 128 + message.utf8.count + (pool?.utf8.count ?? 0) + (job?.utf8.count ?? 0) }
}
