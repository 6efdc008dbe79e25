import LinuxIO
import PoolCore
import Slabs
import Time
import WorkerProtocols
import WorkerProcess

/// One worker process with its channel: the job in hand, bytes on their way in and out, and what is known of its end.
struct Worker: ~Copyable {
  let id: WorkerID
  var process: WorkerProcess
  let startedAt: Instant
  /// What it was started with: other values of the pool are for workers started later.
  let terms: WorkerTerms
  /// For the random numbers of its codec.
  let seed: UInt64

  /// What the worker is there for at this moment; it decides what the bytes on its stdout mean.
  enum Duty: Equatable {
    /// To become ready. Its output is a sign of that, if that is how it proves it; else the output comes out of turn.
    case starting
    /// Nothing.
    case none
    /// To answer a probe or a reset.
    case checking(Check)
    /// Leased, no job sent yet.
    case granted
    /// It has jobs in hand.
    case running
    /// The reply to the head of its jobs was handed over, and stands at the front of `inbound`.
    case replied(consumed: Int)
    /// To say whatever it has to say to the end of its input: see `WorkerPoolDriver.hearOut`.
    case heardOut
    /// To be stopped in a moment, when the owner has settled the job that it has lost. What it writes is dropped.
    case condemned
  }

  var duty = Duty.starting
  /// Jobs sent so far, those in hand included.
  var jobs = 0
  /// The jobs that it has not answered.
  var hand = JobsInHand()
  /// When the first of them came to the head.
  var headSince: Instant = .origin
  /// How many it may have at once.
  var seats = SeatEstimate()
  /// Its CPU time, once that is to be known.
  var clock: ProcessClock?
  /// How many it was sent since it had none.
  var batch = 0
  /// It was sent them in one message: it begins and loses all of them together.
  var isInBatch = false
  /// It is sent how many jobs follow, and has to answer all of them before any answer is used; these are its answers.
  let collectsReplies: Bool
  var collected = CollectedReplies()
  /// The most jobs in one message to it; nil if each carries one.
  let mostInMessage: Int?
  /// With fewer jobs than these it may wait for more input, and still answer. So may always one whose answers name
  /// their jobs, unless it has them in one message.
  var leastToStall: Int { mostInMessage != nil ? 1 : speaksInMessages ? .max : 2 }
  /// Whether it does one after the other, and how often that was looked at.
  var order = ReadingOrder.unknown
  var orderLooks = OrderLooks()
  /// Jobs that it has done in this lease and that the core has not counted.
  var uncountedJobs = 0
  /// The number of the last job that it answered; nil if it has answered none.
  var lastJob: UInt64?
  /// Where the check that it has not answered begins among all bytes that it was sent; nil without one.
  private var checkStart: Int?
  /// The worker was seen to have read of the message that it is to answer next.
  private var hasReadMessage = false
  /// Its last reply was looked at: see `isToBeLookedAt`.
  private var isLookedAt = false
  /// Which replies are sampled once there are many: see `isToBeLookedAt`.
  private var sample: UInt32
  /// It has proved that it is ready, or answered at least once.
  var isProved = false
  /// The core knows that it can take a job.
  var isReady = false
  /// Watches whether it waits for its first job; nil unless it must do so before it is ready.
  var startWatch: StartWatch?
  /// Anything that it writes before it has read anything is a banner.
  var mayGreet = false
  /// How many bytes of a banner were dropped after it was ready.
  var bannerSize = 0
  /// When it proved that it is ready; 0 if it has not.
  var readyAt: Instant = .origin
  /// Longest silence after it was ready, before it is taken to hang; nil for no limit.
  var watchdogLimit: Nanoseconds?
  /// It cannot do what it was started for.
  var isUnfit = false
  /// It is on the stop ladder: what it still writes is no reply.
  var isStopping = false
  /// What becomes of bytes that it writes while it is stopping.
  var lastOutput = LastOutput.ignored

  var inbound = ByteQueue()
  var codec: any WorkerCodec
  /// Its answers name their jobs, and other messages can come between them.
  let speaksInMessages: Bool
  /// Each of its replies ends with a mark.
  let marksReplies: Bool
  /// Which of its jobs the reply is to, by its place among them.
  var answered = 0
  /// The reply, if it does not stand in `inbound` as it is.
  var decodedReply: [UInt8]?
  /// It has answered all its jobs, and its lease ends when what it wrote behind its last answer is read.
  var owesEndOfLease = false
  /// The reply's place in `inbound` while the duty is `.replied`.
  var reply = 0..<0
  /// Its reply is that the job has failed.
  var failure: ReplyFailure?
  /// What it has written to its stderr during its job, if that matters.
  var jobErrors = JobErrors()
  /// What did not fit into its pipe yet.
  var outbound = Outbound()
  var errorLines = StderrLines()
  /// A timer runs, at the end of which the state of its progress bar is passed on.
  var awaitsProgressBar = false
  /// Where it reports its state; nil unless it was given an address.
  var notifications: NotificationSocket?
  /// Its last status (STATUS= of sd_notify); empty for none.
  var statusText = ""
  /// The control group that it and its descendants are in.
  var group: WorkerGroup?
  /// How many of its initial messages it was sent.
  var initialMessagesSent = 0
  /// When the check that is under way began.
  var checkedSince: Instant = .origin
  /// Measures what its jobs cost, if anybody wants to know.
  var meter: JobMeter?
  /// Reads how much memory it holds, if there is a limit to that.
  var memory: MemoryReader?
  /// Its own limit, in bytes, over which it is recycled after its job.
  var memoryLimit = Int.max
  /// When its memory was last read.
  var measuredAt: Instant = .origin

  /// Its pipes hold more than those of others: see `enlargePipes`.
  var hasLargePipes = false
  /// The loop reports when its stdin can be written to.
  var wantsInput = false
  var outputEnded = false
  /// It was not read to the end of what it wrote, because `hasFullInbound`.
  var leftOutput = false
  var inputBroken = false
  var exitStatus: ExitStatus?

  init(
    id: WorkerID, process: consuming WorkerProcess, _ workerProtocol: any WorkerProtocol, terms: WorkerTerms,
    startedAt: Instant, seed: UInt64
  ) {
    self.id = id
    self.process = process
    self.seed = seed
    codec = workerProtocol.makeCodec(maximumReplySize: terms.maximumReplySize, seed: seed)
    speaksInMessages = workerProtocol.concurrency != nil
    marksReplies = workerProtocol.marksReplies
    mostInMessage = workerProtocol.batch
    collectsReplies = workerProtocol.batch != nil && workerProtocol.concurrency == nil
    self.terms = terms
    self.startedAt = startedAt
    sample = UInt32(truncatingIfNeeded: id.serial) &* Self.sampleStep
  }

  /// The name of the next job in messages. No two jobs of a worker have the same, not even two attempts of one.
  var nextMessage: UInt64 { UInt64(jobs) + 1 }

  /// How many of its jobs it may have begun.
  var begunJobs: Int {
    // Of several that are parked only the head runs.
    speaksInMessages || isInBatch ? hand.begun(read: bytesRead) : min(1, hand.count)
  }

  /// A check was sent to it that begins there; nil if the check is over.
  mutating func setCheck(start: Int?) {
    checkStart = start
    hasReadMessage = false
  }

  /// Its jobs begin, or the head of them was answered.
  mutating func beginHead(at now: Instant) {
    headSince = now
    hasReadMessage = false
    if jobErrors.isUsed { jobErrors = JobErrors() }
  }

  /// Nothing unread has come from it, both its pipes are open, and it lives, as far as is known.
  var isInOrder: Bool { inbound.isEmpty && isConnected }

  /// Both its pipes are open, and it lives, as far as is known.
  var isConnected: Bool { exitStatus == nil && !inputBroken && !outputEnded }

  /// It is not read on before some of its output is handed over. All replies to one message have room, and what a
  /// large pipe holds.
  var hasFullInbound: Bool {
    let (replies, overflow) = terms.maximumReplySize.multipliedReportingOverflow(by: mostInMessage ?? 1)
    return !overflow && inbound.count - WorkerPoolDriver.largePipe > replies
  }

  /// What it writes to its stderr belongs to what it is doing.
  var collectsErrors: Bool {
    switch duty {
    case .running, .checking(.initial): true
    case .starting, .none, .checking, .granted, .replied, .heardOut, .condemned: false
    }
  }

  /// True once the worker has read at least one byte of the job in hand. A job of which it has read nothing is
  /// *provably not started*: all its bytes are still countable in the pipe or here.
  var hasBegunJob: Bool { duty == .running && hasBegunMessage }

  /// The same for a job or a check.
  var hasBegunMessage: Bool { bytesRead > (hand.isEmpty ? checkStart ?? .max : hand[0].start) }

  /// Bytes from the beginning of the head of its jobs to the end of the last.
  var bytesInHand: Int { hand.isEmpty ? 0 : outbound.total - hand[0].start }

  /// How many of all bytes that it was sent it has read.
  private var bytesRead: Int { outbound.total - outbound.count - process.unreadInput() }

  func account(at now: Instant) -> WorkerAccount {
    var current: (number: UInt64, elapsed: Nanoseconds)?
    if duty == .running, let head = hand.head {
      current = (head.number, now - (speaksInMessages ? hand[0].sentAt : headSince))
    }
    return WorkerAccount(
      worker: id, pid: process.pid, jobs: jobs, age: now - startedAt, isReady: isReady, currentJob: current,
      lastJob: lastJob, statusText: statusText, lastErrorLines: errorLines.tail, jobErrorText: jobErrors.text)
  }
}

/// Bytes that come while nothing of the message in hand was read are no reply to it.
extension Worker {
  /// The first replies of a worker are all looked at.
  private static let lookedAtFirst = 64
  /// So is every reply to a job that took this long: there the look costs nothing. Where several
  /// replies come in one turn of the loop they have waited for each other, and it is as much for each of them.
  private static let lookedAtFrom: Nanoseconds = .microseconds(20)
  /// The golden ratio of 2^32: added again and again, it spreads the samples evenly and in step with nothing.
  private static let sampleStep: UInt32 = 0x9E37_79B9

  /// Whether to look if the worker has read of its message, now that this has come from it. Of the replies to very
  /// short jobs one in sixteen is looked at; the beginning of a reply always, but only once. `together`: replies that
  /// come in one turn of the loop, at least 1.
  mutating func isToBeLookedAt(_ message: WorkerMessage, at now: Instant, together: UInt64) -> Bool {
    isLookedAt = true
    if hasReadMessage { return false }
    switch message {
    case .reply, .failure:
      guard jobs - hand.count >= Self.lookedAtFirst, duty == .running, now - headSince < Self.lookedAtFrom * together
      else {
        return true
      }
      sample &+= Self.sampleStep
      isLookedAt = sample < 1 << 28
    case .answer, .notice, .response, .needMore, .oversize, .violation, .unfit: break
    }
    return isLookedAt
  }

  /// Whether something has come behind its last reply since that was read. It is looked at before the next job is
  /// sent if that reply was looked at: once the job is sent, the worker may have read it before what it wrote is
  /// seen.
  var hasMoreOutput: Bool { isLookedAt && process.unreadOutput() > 0 }

  /// Whether it has read of its message, which is remembered until the next one.
  mutating func looksRead() -> Bool {
    hasReadMessage = hasReadMessage || hasBegunMessage
    return hasReadMessage
  }
}

/// How many replies come in one turn of the loop.
struct ReplyPace {
  private var turn = Instant.origin
  private var replies: UInt64 = 0
  private var repliesBefore: UInt64 = 1

  /// Counts one more in the turn that began then; returns how many there were in the turn before that had any, at
  /// least 1.
  mutating func count(at now: Instant) -> UInt64 {
    if now != turn {
      repliesBefore = max(1, replies)
      (turn, replies) = (now, 0)
    }
    replies += 1
    return repliesBefore
  }
}

/// What becomes of bytes that a worker writes while it is stopping.
enum LastOutput {
  /// Nothing: it did not stop in order, or never had a job.
  case ignored
  /// They break the protocol: it has answered all its jobs. With `owesAnswer` it was being probed or reset, and may
  /// still answer that.
  case watched(owesAnswer: Bool)
}

/// How a worker proves itself, what it is asked and how its replies are judged, from its start to its end.
struct WorkerTerms {
  let readiness: Readiness
  let probe: Exchange?
  let reset: Exchange?
  let initialMessages: [InitialMessage]
  /// A reply that begins with it reports a failure; empty: none does.
  let failPrefix: [UInt8]
  /// Longest reply in bytes.
  let maximumReplySize: Int
  /// The user that it runs as; nil: ours.
  let uid: UInt32?

  init(_ configuration: WorkerPoolConfiguration) {
    readiness = configuration.readiness
    probe = configuration.probe
    reset = configuration.reset
    initialMessages = configuration.initialMessages
    failPrefix = configuration.failPrefix
    maximumReplySize = configuration.maximumReplySize
    uid = configuration.surroundings.user?.credentials.uid
  }

  func exchange(for check: Check) -> Exchange? {
    switch check {
    case .probe: probe
    case .reset: reset
    case .initial: nil
    }
  }
}

/// The workers by slot.
extension Slab<Worker> {
  /// True when the slot holds the worker with this serial (its lower 32 bits).
  func holds(_ slot: Int, serial: UInt32) -> Bool {
    holds(slot) && UInt32(truncatingIfNeeded: self[slot].id.serial) == serial
  }

  /// True when this very worker is there.
  func holds(_ worker: WorkerID) -> Bool { holds(worker.slot.index) && self[worker.slot.index].id == worker }

  /// Puts a worker into its empty slot.
  mutating func insert(_ worker: consuming Worker) {
    let slot = worker.id.slot.index
    insert(worker, at: slot)
  }
}
