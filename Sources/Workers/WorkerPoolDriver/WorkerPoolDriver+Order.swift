import EventLoop
import LinuxIO
import PoolCore
import Time

/// Whether a worker does one job after the other, so that jobs can be parked behind each other in its pipe.
///
/// One that answers in the order of its jobs only as long as it has one at a time (an event loop with a handler for
/// each line, threads that share the lines) would answer parked jobs in any order, and that could not be seen. So,
/// unless `--prefetch` gives a number, jobs are parked only at workers that are seen to wait for their next job in a
/// read of their stdin, with one thread, and never while they owe an answer.
enum ReadingOrder {
  /// It was not caught waiting yet.
  case unknown
  case sequential
  /// It waits in another way, or has several threads, or cannot be looked at.
  case other
}

/// How often a worker was looked at to find out its `ReadingOrder`.
struct OrderLooks {
  /// It has served the short probation, and counts for its kind.
  var isCounted = false
  /// While it had no job.
  var withoutJob = 0
  /// While it had one that it had read.
  var withJob = 0
  /// While it had one that it had not read yet, which shows nothing.
  var vain = 0
}

extension WorkerPoolDriver {
  /// A worker without a job is looked at this often at most.
  private static let mostLooksAtOrder = 64
  /// One that runs may be on the way to its read: it gets a moment, a few times.
  private static let momentForRead = Nanoseconds.microseconds(20)
  private static let moments = 3
  /// A worker with more processes than these is judged by the first of them.
  private static let mostDescendantsLookedAt = 8
  /// A worker that owes answers, and waits for jobs all this time, has left answers out.
  static let stallLimit = Nanoseconds.milliseconds(100)

  /// Looks how a worker waits that has answered all its jobs, once it has served its probation.
  mutating func lookAtOrder(_ slot: Int) {
    guard hasServedProbation(slot), workers[slot].orderLooks.withJob >= kind.looksWithJobNeeded else { return }
    workers[slot].orderLooks.withoutJob += 1
    for _ in 0..<Self.moments {
      let look = look(at: slot)
      if !look.runs {
        return judgeOrder(slot, look.isSequential ? .sequential : .other)
      }
      sleep(for: Self.momentForRead)
    }
    if workers[slot].orderLooks.withoutJob >= Self.mostLooksAtOrder { workers[slot].order = .other }
  }

  /// Whether the worker has answered enough jobs one at a time: fewer where many others have done so, too.
  private mutating func hasServedProbation(_ slot: Int) -> Bool {
    if workers[slot].seats.hasServedShortProbation, !workers[slot].orderLooks.isCounted {
      workers[slot].orderLooks.isCounted = true
      kind.servedShortProbation()
    }
    if kind.isOrderly { workers[slot].seats.shortenProbation() }
    return workers[slot].seats.hasServedProbation
  }

  /// The worker was seen to do one job after the other, or not.
  private mutating func judgeOrder(_ slot: Int, _ order: ReadingOrder) {
    workers[slot].order = order
    if order == .other { kind.forget() }
  }

  /// Looks at a worker that was just sent a job after its probation. If it has read the job and has not answered, and
  /// has threads or waits for the next job, it does several at a time.
  mutating func lookAtOrderWithJob(_ slot: Int) {
    guard workers[slot].seats.hasServedProbation, workers[slot].orderLooks.withJob < kind.looksWithJobNeeded else {
      return
    }
    if workers[slot].process.unreadInput() > 0 { sleep(for: Self.momentForRead) }
    guard workers[slot].process.unreadInput() == 0 else {
      // On a busy machine it may not have had time to read: this look shows nothing.
      workers[slot].orderLooks.vain += 1
      if workers[slot].orderLooks.vain >= Self.mostLooksAtOrder { workers[slot].order = .other }
      return
    }
    workers[slot].orderLooks.withJob += 1
    let look = look(at: slot)
    let hasAnswered = workers[slot].process.unreadOutput() > 0
    kind.lookedWithJob(itWaited: !hasAnswered && look.waitsForOther)
    if look.isSequential || look.hasThreads, !hasAnswered { judgeOrder(slot, .other) }
  }

  /// What all processes of a worker do at one moment.
  struct Look {
    /// One of them runs.
    var runs = false
    /// One of them has several threads.
    var hasThreads = false
    /// One of them waits in a read of the worker's stdin.
    var reads = false
    /// One of them waits for anything else than that and its children.
    var waitsForOther = false

    /// The worker waits for its next job, and for nothing else.
    var isSequential: Bool { reads && !runs && !hasThreads && !waitsForOther }
  }

  func look(at slot: Int) -> Look {
    if let simulated = workers[slot].process.simulated {
      return Look(reads: simulated.waitsForInput, waitsForOther: !simulated.waitsForInput)
    }
    let pid = workers[slot].process.pid
    let input = ProcessTable.nameOfPipe(workers[slot].process.input)
    var look = Look()
    for process in [pid] + ProcessTable.descendants(of: pid, limit: Self.mostDescendantsLookedAt) {
      switch ProcessTable.activity(of: process) {
      case .running: look.runs = true
      case .reading(let file) where file == input: look.reads = true
      case .waitingForChild: break
      case .ended: continue
      case .reading, .waitingForEvents, .sleeping, .stopped, .traced, .frozen, .uninterruptible:
        look.waitsForOther = true
      }
      if !ProcessTable.isSingleThreaded(process) { look.hasThreads = true }
    }
    return look
  }

  /// Jobs are parked at a worker: from now on the pool looks for workers that leave answers out.
  mutating func watchForStalls(_ loop: borrowing EventLoop) {
    if isWatchingForStalls { return }
    isWatchingForStalls = true
    timers.arm(.stall, at: loop.now() + Self.stallLimit)
  }

  /// A worker that has read all its jobs, owes answers and waits for more jobs has left answers out. With a single job
  /// it may wait for the rest of that, unless messages state how many jobs they carry; with parked ones its answers
  /// since the batch began may belong to other jobs than they seem to.
  mutating func lookForStalls(_ loop: inout EventLoop) {
    isWatchingForStalls = false
    for slot in workers.indices where workers.holds(slot) {
      guard workers[slot].duty == .running, workers[slot].batch >= workers[slot].leastToStall,
        !workers[slot].isStopping
      else { continue }
      watchForStalls(loop)
      // A worker that has closed its stdout gets its own verdict, which waits for its exit status.
      guard loop.now() - workers[slot].headSince >= Self.stallLimit, workers[slot].owesReplies,
        !workers[slot].outputEnded,
        workers[slot].outbound.isEmpty, workers[slot].process.unreadInput() == 0, look(at: slot).isSequential,
        workers[slot].process.unreadOutput() == 0
      else { continue }
      breach(slot, workers[slot].missingReplies, &loop)
    }
  }
}
