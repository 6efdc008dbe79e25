import EventLoop
import LinuxIO
import PoolCore
import Time
import WorkerProtocols

/// Whether what workers write to their stderr decides about their jobs. Without a rule it is a log and nothing else.
public struct ErrorRule: Sendable {
  /// A line that matches fails the job during which it was written; nil: none does, and lines are only kept with a
  /// failure that the worker has answered.
  public var pattern: RegularExpression?
  /// How long a reply is held back at most, in which the worker may still write about its job. 0: what is there when
  /// the reply has come is all.
  public var grace: Nanoseconds
  /// The most that is kept of what a worker writes during a job, in bytes.
  public var longestText: Int

  /// A rule.
  public init(pattern: RegularExpression?, grace: Nanoseconds, longestText: Int = ErrorRule.longestMessage) {
    self.pattern = pattern
    self.grace = grace
    self.longestText = longestText
  }

  /// The most of it that is the message of a failure, in bytes.
  public static let longestMessage = 8192
}

/// What a worker has written to its stderr during its job.
struct JobErrors {
  /// Anything was changed.
  private(set) var isUsed = false
  /// A line has matched.
  private(set) var hasMatch = false
  private(set) var text: [UInt8] = []
  /// The reply, while it is held back.
  var heldReply: WorkerPoolDriver.Reply? { didSet { isUsed = true } }
  /// It was held back for as long as it may be.
  var graceIsOver = false
  /// How many bytes of the first line were written before the job.
  private var foreignBytes = 0

  init() {}

  /// A job begins, while the worker has written so much of a line.
  init(unfinishedBefore count: Int) {
    foreignBytes = count
    isUsed = count > 0
  }

  mutating func append(_ line: [UInt8], _ rule: ErrorRule) {
    isUsed = true
    let line = Array(line.dropFirst(foreignBytes))
    foreignBytes = 0
    if line.isEmpty { return }
    if let pattern = rule.pattern, !hasMatch { hasMatch = pattern.matches(line) }
    let room = rule.longestText - text.count
    if text.isEmpty { return text += line.prefix(max(0, room)) }
    guard room > 1 else { return }
    text.append(UInt8(ascii: "\n"))
    text += line.prefix(room - 1)
  }
}

/// The stderr of workers: a log, line by line; and, with an `ErrorRule`, what it means for their jobs.
extension WorkerPoolDriver {
  /// Reads the worker's stderr and passes whole lines on.
  mutating func readErrorOutput(_ slot: Int, untilEmpty: Bool, _ loop: inout EventLoop) {
    guard workers[slot].process.errorOutput >= 0 else { return }
    var buffer = ByteQueue(capacity: 65536)
    // A pipe holds 64 KiB, so this empties it; a grandchild that goes on writing is not read for ever.
    var rounds = untilEmpty ? 2 : 1
    while rounds > 0 {
      rounds -= 1
      switch buffer.fill(from: workers[slot].process.errorOutput) {
      case .bytes:
        let (id, pid) = (workers[slot].id, workers[slot].process.pid)
        let lines = buffer.withUnsafeBytes { workers[slot].errorLines.append($0) }
        if let rule = configuration.errorRule, workers[slot].collectsErrors {
          for line in lines { workers[slot].jobErrors.append(line, rule) }
        }
        for line in lines { events.append(.workerLog(id, pid: pid, line)) }
        awaitProgressBar(slot, loop)
        buffer.removeAll()
      case .wouldBlock: return
      case .endOfFile, .failed:
        // By that it leaves the epoll, too.
        workers[slot].process.closeErrorOutput()
        return
      }
    }
  }

  /// A line that is drawn over again and again is passed on now and then, and when it pauses.
  private mutating func awaitProgressBar(_ slot: Int, _ loop: borrowing EventLoop) {
    guard workers[slot].errorLines.holdsState, !workers[slot].awaitsProgressBar else { return }
    workers[slot].awaitsProgressBar = true
    timers.arm(.progressBar(workers[slot].id), at: loop.now() + Self.progressBarInterval)
  }

  mutating func passOnProgressBar(_ id: WorkerID) {
    guard workers.holds(id) else { return }
    workers[id.slot.index].awaitsProgressBar = false
    guard let state = workers[id.slot.index].errorLines.takeState() else { return }
    events.append(.workerLog(id, pid: workers[id.slot.index].process.pid, state))
  }

  /// Stops or goes on reading the workers' stderr: backpressure from the reader of ours.
  public mutating func setReadsErrorOutput(_ reads: Bool, _ loop: inout EventLoop) {
    guard reads != readsErrorOutput else { return }
    readsErrorOutput = reads
    for slot in workers.indices where workers.holds(slot) {
      let descriptor = workers[slot].process.errorOutput
      guard descriptor >= 0 else { continue }
      if reads {
        watch(descriptor, PoolToken(.errorOutput, workers[slot].id, pool: configuration.number), &loop)
      } else {
        loop.remove(descriptor)
      }
    }
  }

  // MARK: Jobs

  /// Whether the reply is held back for a moment, in which its worker may still write to its stderr about the job. If
  /// not, what it has written so far is judged.
  mutating func waitsForErrors(_ slot: Int, _ reply: Reply, _ loop: inout EventLoop) -> Bool {
    guard let rule = configuration.errorRule else { return false }
    readErrorOutput(slot, untilEmpty: true, &loop)
    let mayWrite = workers[slot].exitStatus == nil && workers[slot].process.errorOutput >= 0
    if rule.grace > .zero, mayWrite, !workers[slot].jobErrors.hasMatch, !workers[slot].jobErrors.graceIsOver {
      if workers[slot].jobErrors.heldReply == nil {
        workers[slot].jobErrors.heldReply = reply
        timers.arm(.errors(workers[slot].id), at: loop.now() + rule.grace)
      }
      return true
    }
    if let rest = workers[slot].errorLines.unfinishedLine { workers[slot].jobErrors.append(rest, rule) }
    if workers[slot].jobErrors.hasMatch, workers[slot].failure == nil {
      workers[slot].failure = ReplyFailure(
        message: String(
          decoding: workers[slot].jobErrors.text.prefix(ErrorRule.longestMessage), as: UTF8.self))
    }
    return false
  }

  /// A reply was held back for as long as it may be.
  mutating func errorGraceIsOver(_ id: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(id), workers[id.slot.index].jobErrors.heldReply != nil else { return }
    workers[id.slot.index].jobErrors.graceIsOver = true
    advance(id.slot.index, &loop)
  }

  /// What the worker wrote to its stderr during the job whose reply is there, without the last newline, at most
  /// `ErrorRule.longestText`; empty without a rule.
  public func errorText(of id: WorkerID) -> [UInt8] {
    hasReply(id) ? workers[id.slot.index].jobErrors.text : []
  }

  /// A prompt may stand on the stderr of a worker that is ready by its first mark: it is no line.
  mutating func dropPrompt(_ slot: Int, _ loop: inout EventLoop) {
    guard workers[slot].marksReplies else { return }
    readErrorOutput(slot, untilEmpty: true, &loop)
    workers[slot].errorLines.dropUnfinishedLine()
  }
}
