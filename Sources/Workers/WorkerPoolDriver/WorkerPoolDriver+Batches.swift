import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProtocols

/// Messages with several jobs.
extension WorkerPoolDriver {
  /// How many jobs the next message to this leased worker may carry, 1 or more.
  public func batchRoom(of id: WorkerID) -> Int {
    guard workers.holds(id), let most = workers[id.slot.index].mostInMessage else { return 1 }
    return max(1, min(most, core.seatsLeft(id)))
  }

  /// Gives the leased worker, which has no job, several in one message, and writes it; no more than `batchRoom`.
  /// `lend` lends the bytes of the job at this place in `batch`. False if the lease was lost, as with `send`.
  public mutating func sendBatch(
    _ batch: [SentJob], to id: WorkerID, _ loop: inout EventLoop,
    lend: (_ place: Int, _ use: (UnsafeRawBufferPointer) -> Void) -> Void
  ) -> Bool {
    let slot = id.slot.index
    guard workers.holds(id), makeReadyForJob(slot, id, &loop) else { return false }
    let first = workers[slot].nextMessage
    let start = workers[slot].outbound.total
    for (place, job) in batch.enumerated() { assign(job, first + UInt64(place), start: start, slot, loop) }
    workers[slot].isInBatch = batch.count > 1
    workers[slot].encodeBatch(of: batch.count) { worker in
      for place in batch.indices { lend(place) { _ = worker.encode($0, id: first + UInt64(place)) } }
    }
    inputReady(slot, &loop)
    if !workers[slot].outbound.isEmpty { enlargePipes(slot) }
    return true
  }

  /// The worker's jobs came in one message with others: it begins and loses all of them together.
  public func isInBatch(_ id: WorkerID) -> Bool { workers.holds(id) && workers[id.slot.index].isInBatch }

  /// The jobs that the worker has and has not answered.
  public func jobs(of id: WorkerID) -> [SentJob] {
    guard workers.holds(id) else { return [] }
    return (0..<workers[id.slot.index].hand.count).map { workers[id.slot.index].hand[$0].job }
  }

  /// The worker was asked to give up a job, and has not answered that.
  public func isGivingUp(_ id: WorkerID) -> Bool {
    workers.holds(id) && workers[id.slot.index].hand.firstCancelledAt != nil
  }

  // MARK: Replies in order

  /// How long a worker may take to go to sleep after its first replies: until then it may write more.
  private static let longestProof = Nanoseconds.milliseconds(100)
  private static let proofInterval = Nanoseconds.milliseconds(1)

  /// Hands over the next reply to a message of which all replies are there. Replies have no names: where there are too
  /// few or too many, none of them is known to belong to its job, and none is used.
  mutating func handOverCollected(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    guard let head = workers[slot].hand.head, collectReplies(slot, &loop),
      let reply = workers[slot].collected.next().flatMap({ reply($0, slot, &loop) })
    else { return false }
    handOver(reply, to: head, slot, &loop)
    return true
  }

  /// True when all replies that are still to be handed over are there.
  private mutating func collectReplies(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    if workers[slot].collected.isComplete { return true }
    while workers[slot].collected.count < workers[slot].hand.count {
      guard workers[slot].inbound.count > workers[slot].collected.size else { return false }
      let message = workers[slot].decodeBehindCollected()
      if workers[slot].collected.count == 0, isOutOfTurn(message, slot, &loop) { return false }
      switch message {
      case .reply(_, let consumed), .failure(_, let consumed): workers[slot].collected.append(message, size: consumed)
      case .needMore: return false
      case .answer, .notice, .response, .oversize, .violation, .unfit:
        refuse(message, slot, &loop)
        return false
      }
    }
    if workers[slot].hasNoOtherOutput { return countsJobs(slot, &loop) }
    let size = workers[slot].collected.size
    let rest = workers[slot].inbound.withUnsafeBytes { quoted(UnsafeRawBufferPointer(rebasing: $0[size...])) }
    breach(slot, .longBatch(jobs: workers[slot].hand.count, shown: rest), &loop)
    return false
  }

  /// Whether the worker is known to write no more than these replies. One that takes the count for a job, too, writes
  /// one reply too many: that of its first message is waited for until it sleeps.
  private mutating func countsJobs(_ slot: Int, _ loop: inout EventLoop) -> Bool {
    let isOver = workers[slot].exitStatus != nil || workers[slot].outputEnded
    if !workers[slot].collected.countsJobs, !isOver {
      if workers[slot].collected.since == nil { workers[slot].collected.since = loop.now() }
      let waited = loop.now() - (workers[slot].collected.since ?? loop.now())
      let mayWrite = waited < Self.longestProof && look(at: slot).runs
      if mayWrite || workers[slot].process.unreadOutput() > 0 {
        timers.arm(.replies(workers[slot].id), at: loop.now() + Self.proofInterval)
        return false
      }
    }
    workers[slot].collected.complete()
    return true
  }
}

/// The replies of a worker to the jobs of one message, as they stand at the front of its output.
struct CollectedReplies {
  private var messages: [WorkerMessage] = []
  /// Those that were handed over.
  private var taken = 0
  /// Bytes of all replies that are not handed over, while more are to come.
  private(set) var size = 0
  /// All of them are there.
  private(set) var isComplete = false
  /// It was seen to write one reply for each job, and none for their count.
  private(set) var countsJobs = false
  /// When all replies to its first message were there.
  var since: Instant?

  /// How many there are.
  var count: Int { messages.count - taken }

  mutating func append(_ message: WorkerMessage, size: Int) {
    messages.append(message)
    self.size += size
  }

  mutating func complete() {
    (isComplete, countsJobs, size) = (true, true, 0)
  }

  /// The next one to be handed over.
  mutating func next() -> WorkerMessage? {
    guard taken < messages.count else { return nil }
    taken += 1
    let message = messages[taken - 1]
    if taken == messages.count {
      messages.removeAll(keepingCapacity: true)
      (taken, isComplete) = (0, false)
    }
    return message
  }
}

extension Worker {
  /// Nothing unread has come from it besides replies that are collected.
  var hasNoOtherOutput: Bool { inbound.count == collected.size }

  /// It has written nothing that is not known to be a reply, and too few of these. (When they are complete, it may be
  /// waiting until they are handed over.)
  var owesReplies: Bool { hasNoOtherOutput && !collected.isComplete && collected.count < hand.count }

  /// It waits for its next job, and owes answers.
  var missingReplies: ProtocolViolation {
    guard mostInMessage != nil else { return .missingReplies(owed: hand.count) }
    return .shortBatch(replies: batch - hand.count + collected.count, jobs: batch)
  }
}
