import LinuxIO
import PoolCore
import Text
import Time
import WorkerProcess
import WorkerProtocols

/// What the pool reports to its user, in order. What is large is indirect: two of these are made and moved for every
/// job.
public enum WorkerPoolEvent {
  /// Something that was asked for, or is promised, cannot be enforced on this machine; reported once, at the start.
  indirect case notEnforced(String)
  /// Something would be better on another machine, such as with control groups; reported once, at the start.
  indirect case remark(String)
  /// A worker runs, as this process.
  indirect case started(WorkerID, pid: CInt)
  /// The worker is ready for jobs: it has proved it, or is assumed to be (`Readiness.assumed`).
  case ready(WorkerID)
  /// The worker wrote something before it read its first job: a banner, which was dropped.
  indirect case banner(WorkerAccount, shown: String)
  /// A probe or a reset that began then is over; only with `tellsChecks`.
  indirect case checked(WorkerID, Check, since: Instant, passed: Bool)
  /// The worker is being stopped from now on.
  case stopping(WorkerID)
  /// A worker that was told to stop has ended so.
  indirect case stopped(WorkerID, pid: CInt, ExitStatus)
  /// A worker is there for one of the jobs that wait, and is leased: `send` it a job, or give it back with
  /// `returnLease`.
  case offered(WorkerID)
  /// No worker will come for the jobs that wait (`setDemand`).
  case demandRefused(LeaseRefusal)
  /// The reply to the job at the head is there: read it with `withReply`, then call `finishReply`.
  case replied(WorkerID)
  /// The lease ended without a reply to these jobs; it must not be released.
  indirect case leaseLost(WorkerID, LeaseLoss, LostJobs)
  /// The worker reports something besides answers, about this job if it is about one.
  indirect case noticed(WorkerID, pid: CInt, WorkerNotice, job: SentJob?)
  /// The worker broke the protocol, with or without a job.
  indirect case protocolBroken(WorkerAccount, ProtocolViolation)
  /// A probe or a reset went wrong: the worker is being stopped.
  indirect case checkFailed(WorkerAccount, Check, CheckFailure)
  /// A worker without a job did what costs it its life.
  indirect case offended(WorkerAccount, Offence)
  /// A process that does not belong to this worker wrote to its notification socket; the message was ignored.
  indirect case foreignNotification(WorkerAccount, sender: CInt)
  /// A worker ended that was not asked to, or not by its own kind exit.
  indirect case died(DeathReport)
  /// A start failed at once: nothing was spawned.
  indirect case cannotStart(SpawnError)
  /// A whole line of the stderr of a worker, which was this process, without its newline.
  indirect case workerLog(WorkerID, pid: CInt, [UInt8])
  /// Something the pool's core reports.
  indirect case notice(PoolNotice)
  /// No worker is left; the pool is finished.
  case closed
}

/// Jobs of a worker that it will not answer, in the order in which they were sent.
public struct LostJobs: Sendable {
  /// Those that it may have begun.
  public var begun: [SentJob] = []
  /// Those that were parked, or of which it has read nothing: it did nothing about them.
  public var unstarted: [SentJob] = []

  /// All of them.
  public var all: [SentJob] { begun + unstarted }
}

/// Why a lease ended without a reply.
public enum LeaseLoss {
  /// The worker never read the job: it can go to another worker at no cost.
  case neverStarted
  /// The worker died on it.
  case died(DeathReport)
  /// The worker broke the protocol on it.
  case violation(WorkerAccount, ProtocolViolation)
  /// The worker is stopped in the middle of it, for this.
  case offence(WorkerAccount, Offence)

  /// Which worker it was, if it did anything about the job.
  public var account: WorkerAccount? {
    switch self {
    case .neverStarted: nil
    case .died(let report): report.account
    case .violation(let account, _), .offence(let account, _): account
    }
  }
}

/// Why a worker is stopped that is neither dead nor out of step.
public enum Offence: Sendable, CustomStringConvertible {
  /// It did not send `WATCHDOG=1` within this time; nil when it reported itself that it is lost (`WATCHDOG=trigger`).
  case watchdog(limit: Nanoseconds?)
  /// It was asked to give a job up, and did not answer that job within this time.
  case ignoredCancel(limit: Nanoseconds)
  /// It held this many bytes of memory, over the limit at which a worker is stopped at once.
  case memory(Int, limit: Int)

  /// What it did, to be read after its name.
  public var description: String {
    switch self {
    case .watchdog(let limit?): "has not sent WATCHDOG=1 for \(durationText(limit)) (--worker-watchdog)"
    case .watchdog(nil): "sent WATCHDOG=trigger"
    case .ignoredCancel(let limit): "did not give up a job within \(durationText(limit)) (--cancel-grace)"
    case .memory(let bytes, let limit): "held \(sizeText(bytes)) of memory, over \(sizeText(limit)) (--kill-rss)"
    }
  }

  /// The same without what differs each time.
  public var cause: String {
    switch self {
    case .watchdog, .ignoredCancel: description
    case .memory(_, let limit): "held more than \(sizeText(limit)) of memory (--kill-rss)"
    }
  }
}

/// What a worker did that its protocol does not allow.
public enum ProtocolViolation: Sendable, CustomStringConvertible {
  /// Bytes on its stdout while it had no job, or had read nothing of the one that it was sent.
  case unaskedReply(shown: String)
  /// More than one reply to the job in hand, at once: the first, and what came behind it.
  case surplusReply(first: String, shown: String)
  /// Bytes on its stdout after it had answered all its jobs and its stdin was closed.
  case surplusAtEnd(shown: String)
  /// It waits for jobs although it owes answers to some that it has read: it has left answers out, to these or to
  /// earlier ones.
  case missingReplies(owed: Int)
  /// It was sent a message with this many jobs, and waits for the next after this many replies: nobody knows to which.
  case shortBatch(replies: Int, jobs: Int)
  /// It answered a message with this many jobs with more replies.
  case longBatch(jobs: Int, shown: String)
  /// A reply over the cap.
  case replyTooLarge(limit: Int)
  /// An answer to a job that it does not have: it names none, or this one, while it has this many.
  case strayAnswer(id: UInt64?, jobs: Int, shown: String)
  /// A reply that is invalid in its protocol, for this reason.
  case malformed(String, shown: String)
  /// It closed its stdout, but lives.
  case closedOutput(unfinished: String)
  /// It closed its stdin, but lives.
  case closedInput
  /// It keeps to its protocol, but cannot do what it was started for, for this reason.
  case unfit(String)

  /// Whether it wrote more than it was asked for: then its replies may belong to other jobs than they seem to.
  public var isSurplus: Bool {
    switch self {
    case .unaskedReply, .surplusReply, .surplusAtEnd: true
    case .strayAnswer, .missingReplies, .shortBatch, .longBatch, .replyTooLarge, .malformed, .closedOutput,
      .closedInput, .unfit:
      false
    }
  }

  /// Whether its replies may belong to other jobs than they seem to.
  public var isOutOfStep: Bool {
    if case .missingReplies = self { return true }
    return isSurplus
  }

  /// Whether all it did was to write a reply over the cap: in every other way it kept to the protocol.
  public var isOverLimit: Bool {
    switch self {
    case .replyTooLarge: true
    case .unaskedReply, .surplusReply, .surplusAtEnd, .strayAnswer, .missingReplies, .shortBatch, .longBatch,
      .malformed, .closedOutput, .closedInput, .unfit:
      false
    }
  }

  /// Whether it keeps to its protocol: no other worker that is started in the same way can do better.
  public var isUnfitness: Bool {
    if case .unfit = self { return true }
    return false
  }

  /// What happened, without the bytes: the same for all that broke the protocol in the same way.
  public var cause: String {
    switch self {
    case .unaskedReply: "wrote to its stdout without a job"
    case .surplusReply: "wrote more than one reply to a job"
    case .surplusAtEnd: "had more on its stdout when it was stopped"
    case .missingReplies: "left out answers"
    case .shortBatch: "answered a batch with too few replies"
    case .longBatch: "answered a batch with too many replies"
    case .replyTooLarge: "wrote too large a reply (--max-reply-size)"
    case .strayAnswer: "answered a job that it did not have"
    case .malformed: "wrote a malformed reply"
    case .closedOutput: "closed its stdout but lives on"
    case .closedInput: "closed its stdin but lives on"
    case .unfit(let reason): reason
    }
  }

  /// What happened, with the bytes.
  public var description: String {
    switch self {
    case .unaskedReply(let shown): "wrote to its stdout without a job: \(shown)"
    case .surplusReply(let first, let shown): "wrote \(first), and then \(shown)"
    case .surplusAtEnd(let shown): "had more on its stdout when it was stopped: \(shown)"
    case .missingReplies(let owed):
      "waits for its next job, but owes \(plural(owed, "answer")): it has left some out, and answers before them may "
        + "belong to other jobs than they were given to"
    case .shortBatch(let replies, let jobs):
      "answered \(plural(jobs, "job")) with \(plural(replies, "reply", "replies")), and waits for more jobs "
        + "(--batch)"
    case .longBatch(let jobs, let shown):
      "answered \(plural(jobs, "job")) with more replies than that (--batch; does it read the count before the jobs?): "
        + shown
    case .replyTooLarge(let limit): "wrote a reply of more than \(plural(limit, "byte")) (--max-reply-size)"
    case .strayAnswer(let id, let jobs, let shown):
      "answered \(id.map { "request \($0), which it did not have" } ?? "without an id") (it had "
        + "\(plural(jobs, "job"))): \(shown)"
    case .malformed(let error, let shown): "wrote a malformed reply: \(error): \(shown)"
    case .closedOutput(let unfinished):
      unfinished.isEmpty
        ? "closed its stdout but lives on" : "closed its stdout in the middle of a reply: \(unfinished)"
    case .closedInput: "closed its stdin but lives on"
    case .unfit(let reason): reason
    }
  }
}

/// Which worker, and what it has done so far.
public struct WorkerAccount: Sendable {
  /// Its slot and serial.
  public var worker: WorkerID
  /// Its process.
  public var pid: CInt
  /// Jobs it was given, the one in hand included.
  public var jobs: Int
  /// Time since its start.
  public var age: Nanoseconds
  /// It has become ready, and not only begun to start.
  public var isReady = false
  /// The number of the job in hand, and for how long.
  public var currentJob: (number: UInt64, elapsed: Nanoseconds)?
  /// The number of the last job that it answered; nil for none.
  public var lastJob: UInt64?
  /// Its last status (STATUS= of sd_notify(3)); empty for none.
  public var statusText: String
  /// The last lines of its stderr.
  public var lastErrorLines: [String]
  /// What it has written to its stderr during the job in hand; empty without an `ErrorRule`.
  public var jobErrorText: [UInt8] = []

  /// `worker 3 (pid 812)`.
  public var name: String { "worker \(worker.slot) (pid \(pid))" }
}

/// A death, with all that is known of its cause (joblib #812: "a worker was terminated", and nobody knew which job).
public struct DeathReport: Sendable, CustomStringConvertible {
  /// The worker that died.
  public var account: WorkerAccount
  /// How.
  public var status: ExitStatus
  /// An unfinished reply, or its output before any job, escaped for display; empty if there is none.
  public var unfinishedReply: String
  /// It had not yet taken any job.
  public var neverTookAJob: Bool
  /// Why the kernel is believed to have killed it for want of memory; nil if nothing indicates it.
  public var outOfMemory: String?
  /// What it was being asked.
  public var check: Check?

  /// The same for all deaths of one kind: `died of SIGSEGV in a job`.
  public var cause: String { "\(status)\(suspicion) \(moment)" + (outOfMemory == nil ? "" : ": out of memory") }

  /// The possible senders of a SIGKILL that neither we nor, as far as it reports, the kernel has sent.
  private var suspicion: String {
    guard case .killed(signal: Signal.kill, _) = status, outOfMemory == nil else { return "" }
    return " (somebody's kill -9?)"
  }

  private var moment: String {
    if account.currentJob != nil { return "in a job" }
    if let check { return check.isInitial ? "at \(check)" : "during its \(check)" }
    return neverTookAJob ? "before it took a job" : "while idle"
  }

  /// `worker 3 (pid 812) died of SIGSEGV 0.2 s into job 17 (its 41st job, age 12 s)`.
  public var description: String {
    var text = "\(account.name) \(status)\(suspicion)"
    let age = "age \(durationText(account.age))"
    if let job = account.currentJob {
      let which = "its \(ordinalText(account.jobs)) job"
      text += " \(durationText(job.elapsed)) into job \(job.number) (\(which), \(age))"
    } else {
      let jobs = neverTookAJob ? "" : "after \(plural(account.jobs, "job")), "
      text += " \(moment) (\(jobs)\(age))"
    }
    if let outOfMemory { text += ": \(outOfMemory)" }
    if !unfinishedReply.isEmpty {
      text += neverTookAJob ? ", after it wrote \(unfinishedReply)" : ", in the middle of a reply: \(unfinishedReply)"
    }
    return text
  }
}
