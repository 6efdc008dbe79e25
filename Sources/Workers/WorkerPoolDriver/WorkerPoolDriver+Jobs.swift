import EventLoop
import LinuxIO
import PoolCore
import WorkerProcess

/// The jobs of a worker: the one that it runs, and those that are parked behind it in its pipe.
extension WorkerPoolDriver {
  /// Gives the leased worker a job. It runs at once if the worker has no other, and is parked behind the others if it
  /// has (no more of them than `seats` says). It is written at once; or, `gathered`, together with others by
  /// `flushJobs`. False if the lease was lost between its granting and this call, which `leaseLost` reports: then the
  /// job is not sent.
  public mutating func send(
    _ job: UnsafeRawBufferPointer, _ sent: SentJob, to id: WorkerID, gathered: Bool = false, _ loop: inout EventLoop
  ) -> Bool {
    let slot = id.slot.index
    guard workers.holds(id), makeReadyForJob(slot, id, &loop) else { return false }
    let isFirst = workers[slot].outbound.isEmpty
    let id = workers[slot].nextMessage
    assign(sent, id, start: workers[slot].outbound.total, slot, loop)
    _ = workers[slot].encode(job, id: id)
    // A worker may answer a job before it has read all of it: what is left of that one goes first.
    guard isFirst else { return true }
    if gathered { gatheredSlots.append(slot) } else { inputReady(slot, &loop) }
    return true
  }

  /// The same for a large job. It is written at once, and what does not fit into the pipe is not copied.
  public mutating func send(_ job: SharedBytes, _ sent: SentJob, to id: WorkerID, _ loop: inout EventLoop) -> Bool {
    let slot = id.slot.index
    guard workers.holds(id), makeReadyForJob(slot, id, &loop) else { return false }
    let isFirst = workers[slot].outbound.isEmpty
    let id = workers[slot].nextMessage
    assign(sent, id, start: workers[slot].outbound.total, slot, loop)
    workers[slot].encode(sharing: job, id: id)
    guard isFirst else { return true }
    inputReady(slot, &loop)
    if !workers[slot].outbound.isEmpty { enlargePipes(slot) }
    return true
  }

  @inline(__always)
  mutating func assign(_ job: SentJob, _ id: UInt64, start: Int, _ slot: Int, _ loop: borrowing EventLoop) {
    workers[slot].hand.append(job, start: start, id: id, at: loop.now())
    workers[slot].jobs += 1
    workers[slot].batch += 1
    if workers[slot].batch == workers[slot].leastToStall { watchForStalls(loop) }
  }

  /// Whether the worker takes a job. If it has none, whatever it wrote since its last reply is looked at before.
  @inline(__always)
  mutating func makeReadyForJob(_ slot: Int, _ id: WorkerID, _ loop: inout EventLoop) -> Bool {
    switch workers[slot].duty {
    case .running, .replied: return true
    case .starting, .none, .checking, .heardOut, .condemned: return false
    case .granted: break
    }
    if workers[slot].hasMoreOutput {
      outputReady(slot, &loop)
      guard workers.holds(id), workers[slot].duty == .granted else { return false }
    }
    // What it wrote to its stderr before belongs to no job.
    if configuration.errorRule != nil { readErrorOutput(slot, untilEmpty: true, &loop) }
    if configuration.parksInOrderOnly, workers[slot].order == .unknown { lookAtOrder(slot) }
    workers[slot].duty = .running
    workers[slot].batch = 0
    workers[slot].isInBatch = false
    workers[slot].beginHead(at: loop.now())
    if configuration.errorRule != nil, let line = workers[slot].errorLines.unfinishedLine {
      workers[slot].jobErrors = JobErrors(unfinishedBefore: line.count)
    }
    workers[slot].seats.began(at: loop.now())
    return true
  }

  /// Writes the jobs that were sent since the last time, all of one worker at once.
  public mutating func flushJobs(_ loop: inout EventLoop) {
    if gatheredSlots.isEmpty { return }
    for slot in gatheredSlots where workers.holds(slot) && !workers[slot].outbound.isEmpty {
      guard !workers[slot].inputBroken else { continue }
      inputReady(slot, &loop)
      if configuration.parksInOrderOnly, workers[slot].order == .unknown { lookAtOrderWithJob(slot) }
    }
    gatheredSlots.removeAll(keepingCapacity: true)
  }

  /// How many jobs this worker, which has at least one, may have at once: those that wait are parked in its pipe behind
  /// the one that runs. 1...`mostSeats`. To be asked when all replies that have come were taken.
  public mutating func seats(of id: WorkerID, _ loop: inout EventLoop) -> Int {
    let slot = id.slot.index
    guard workers.holds(id), workers[slot].duty == .running else { return 1 }
    if let concurrency {
      countJobs(slot, &loop)
      return max(1, min(concurrency, core.seatsLeft(id)))
    }
    guard mayPark(slot) else { return 1 }
    countJobs(slot, &loop)
    readEffort(slot)
    let room = Self.mostParkedBytes * workers[slot].hand.count / max(1, workers[slot].bytesInHand)
    return max(1, min(workers[slot].seats.seats(atMost: configuration.mostSeats), core.seatsLeft(id), room))
  }

  /// Reads what the jobs cost the worker, where the clock does not show it. Only of one that is known to do its jobs
  /// itself: see `ReadingOrder`.
  private mutating func readEffort(_ slot: Int) {
    guard workers[slot].order == .sequential, !kind.waitsInJobs, workers[slot].process.simulated == nil,
      workers[slot].seats.wantsEffort()
    else { return }
    let pid = workers[slot].process.pid
    if workers[slot].clock == nil { workers[slot].clock = try? ProcessClock(pid: pid) }
    if kind.isAwakeInJobs { workers[slot].seats.trustEffort() }
    guard let cpu = workers[slot].clock?.time else { return }
    guard workers[slot].seats.wantsSleeps else { return workers[slot].seats.record(cpu: cpu) }
    guard let sleeps = ProcessTable.sleeps(of: pid) else { return }
    if let isAwake = workers[slot].seats.record(cpu: cpu, sleeps: sleeps) { kind.looked(isAwakeInJobs: isAwake) }
  }

  private func mayPark(_ slot: Int) -> Bool {
    if hasEndedUnasked { return false }
    return workers[slot].order == .sequential || !configuration.parksInOrderOnly
  }

  /// Bytes that are parked at most: a pipe holds 64 KiB.
  private static let mostParkedBytes = 32768

  /// Whether workers run all jobs that they have, and answer them in any order. Else they run the first of them, and
  /// the others are parked behind it.
  public var runsJobsAtOnce: Bool { concurrency != nil }

  /// Whether a worker is ever given a second job before it has answered the first.
  public var givesSeveralJobs: Bool { (concurrency ?? configuration.mostSeats) > 1 }

  /// How many jobs the worker has.
  public func jobsInHand(of id: WorkerID) -> Int { workers.holds(id) ? workers[id.slot.index].hand.count : 0 }

  /// The job that `replied` is about; nil if there is no reply.
  public func answeredJob(of id: WorkerID) -> SentJob? {
    hasReply(id) ? workers[id.slot.index].hand[workers[id.slot.index].answered].job : nil
  }

  /// Whether the worker was asked to give up the job that `replied` is about: its owner waits for it no longer.
  public func answersCancelledJob(_ id: WorkerID) -> Bool {
    workers[id.slot.index].hand[workers[id.slot.index].answered].cancelledAt != nil
  }

  /// The job that the worker runs; nil if it has none.
  public func head(of id: WorkerID) -> SentJob? {
    workers.holds(id) ? workers[id.slot.index].hand.head : nil
  }

  /// The worker has done the last of its jobs. Mostly it goes on with the next at once.
  mutating func endLease(_ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    guard core.continueLease(id, at: loop.now()) else { return tell(.leaseReleased(id, .healthy), &loop) }
    workers[slot].duty = .granted
    events.append(.offered(id))
  }

  /// Jobs that are done while others wait in the worker's pipe are counted together.
  mutating func countJobs(_ slot: Int, _ loop: inout EventLoop) {
    guard workers[slot].uncountedJobs > 0 else { return }
    let count = workers[slot].uncountedJobs
    workers[slot].uncountedJobs = 0
    tell(.jobsDone(workers[slot].id, count), &loop)
  }
}
