import PoolCore
import Time
import WorkerPoolDriver
import WorkerProcess

/// What was sent to the worker.
enum Message: Equatable {
  case probe
  /// The job of this number, from 1.
  case job(Int)
  case reset

  /// `the probe`, `the first job`, `job 7`, `the reset`.
  var name: String {
    switch self {
    case .probe: "the probe"
    case .job(1): "the first job"
    case .job(let number): "job \(number)"
    case .reset: "the reset"
    }
  }
}

/// What was seen of one worker, step by step. Sizes are in bytes, texts of the worker as `shown`
/// shows them.
struct Observations {
  /// A message and its reply.
  struct Reply {
    var message: Message
    var sent: String
    var text: String
    var elapsed: Nanoseconds
    /// The worker had answered before anybody saw it read: it took less than `elapsed`.
    var isAtMost = false
  }

  /// Its memory, in `bytes`, after `jobs` jobs.
  struct Memory {
    var jobs: Int
    var bytes: Int
  }

  /// How it was stopped.
  struct Stop {
    var urgency: StopUrgency
    var elapsed: Nanoseconds
    var status: ExitStatus
  }

  /// From its start until it was ready; without a proof of that, until it began to read its first message.
  var start: Nanoseconds?
  /// What it wrote before it read its first message, as `shown` shows it; empty for nothing.
  var banner = ""
  var probe: Reply?
  var firstJob: Reply?
  /// The time of each job after the first.
  var warmJobs: [Nanoseconds] = []
  /// The first reset, and the time of each.
  var reset: Reply?
  var resets: [Nanoseconds] = []
  /// After the first job, and then every few jobs.
  var memory: [Memory] = []
  /// What ended the check before its time.
  var failure: Failure?
  /// The last reply to anything.
  var lastReply: Reply?
  var stop: Stop?
  /// Its first reply is a message that complains.
  var complainsInMessages = false
  /// It ended before it was ready, and another one like it was ready when it was asked in another way.
  var beginsAnotherWay = false
  /// What it seems to be instead.
  var guess: Guess?
  /// The names of its descendants that were still there when it ended; the pool has killed them.
  var leftBehind: [String] = []

  /// Replies to jobs so far.
  var jobs: Int { (firstJob == nil ? 0 : 1) + warmJobs.count }
  /// How old it was when it failed.
  var age: Nanoseconds?
  /// The last lines of its stderr, when it failed.
  var lastErrorLines: [String] = []
  /// What it last reported of itself (STATUS= of sd_notify(3)).
  var statusText = ""
  /// Why the kernel is believed to have killed it for want of memory.
  var outOfMemory: String?
}

/// What ended the check before its time.
enum Failure {
  /// When it happened.
  enum Moment {
    /// Before the worker was ready or had read anything.
    case starting
    /// While it was to answer this.
    case message(Message)
    /// While it had nothing to do; `last` is the last reply, nil if there was none.
    case idle(last: Observations.Reply?)
  }

  /// What a silent worker did when it was sent the message once more, and then the end of its input.
  struct Hearing {
    /// What it had written before that, but no whole message; empty for nothing.
    var before = ""
    /// All that it had written at last; empty for nothing.
    var after = ""
    /// It had read at least some of the second message: it was done with the first, as far as it is concerned.
    var wasReading = false
    /// How long after the end of its input that came, or it ended, or it was given up; nil if that was before.
    var wait: Nanoseconds?
    /// The same, from the end of the time that it had.
    var late: Nanoseconds = .zero
    /// How it ended; nil if it lived on.
    var end: ExitStatus?

    var hasSpoken: Bool { after != before }
    /// Its output had waited for the end of its input: it had read on before, and wrote as soon as the input ended. A
    /// worker that is only slow would have to be done at that very moment.
    var wasBuffered: Bool { hasSpoken && wasReading && (wait.map { $0 <= Self.promptly } ?? false) }

    static let promptly: Nanoseconds = .seconds(1)
  }

  /// Nothing could be spawned.
  case cannotStart(words: String, hint: String?)
  /// It ended by itself. `unfinished`: half a reply.
  case ended(Moment, ExitStatus, unfinished: String)
  /// It was not ready in time. What it wrote at the end of its input is known only where its proof is on its stdout.
  case notReady(limit: Nanoseconds, Hearing?)
  /// It never read its first message. The time is that from its start.
  case neverRead(Message, limit: Nanoseconds)
  /// It did not answer. `isUnread`: it did not even read the message.
  case silent(Message, limit: Nanoseconds, isUnread: Bool, Hearing)
  /// It broke the protocol.
  case violation(Moment, ProtocolViolation)
  /// It answered, but not what is right.
  case wrongAnswer(Message, text: String, expected: String)
  /// It answered that this has failed, with this message.
  case failedAnswer(Message, String)
  /// It did something else that costs it its life.
  case offence(String)
  /// It asked to be replaced.
  case asksToGo
}
