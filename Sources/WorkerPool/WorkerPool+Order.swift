import EventLoop
import LinuxIO
import PoolCore
import Time

/// Whether a worker does one job after the other, so that jobs can be parked behind each other in its pipe.
///
/// One that answers in the order of its jobs only as long as it has one at a time (an event loop with a handler for each line, threads
/// that share the lines) would answer parked jobs in any order, and nobody could see it. So nothing is parked, unless it was asked
/// for by number, but at workers that are seen to wait for their next job in a read of their stdin, with one thread, and not to wait so
/// while they owe an answer.
enum ReadingOrder {
  /// It was not caught waiting yet.
  case unknown
  case sequential
  /// It waits in another way, or has several threads, or cannot be looked at.
  case other
}

extension WorkerPool {
  /// A worker without a job is looked at this often at most.
  private static let mostLooksAtOrder = 64
  /// A worker with a job is looked at this often before.
  private static let looksWithJob = 16
  /// One that runs may be on the way to its read: it gets a moment, a few times.
  private static let momentForRead = Nanoseconds.microseconds(20)
  private static let moments = 3
  /// A worker that owes answers, and waits for jobs all this time, has left answers out.
  static let stallLimit = Nanoseconds.milliseconds(100)

  /// Looks how a worker waits that has answered all its jobs, once it has served its probation.
  mutating func lookAtOrder(_ slot: Int) {
    guard workers[slot].seats.hasServedProbation, workers[slot].looksWithJob >= Self.looksWithJob else { return }
    workers[slot].looksAtOrder += 1
    for _ in 0..<Self.moments {
      if let isSequential = isSequential(slot) {
        workers[slot].order = isSequential ? .sequential : .other
        return
      }
      sleep(for: Self.momentForRead)
    }
    if workers[slot].looksAtOrder >= Self.mostLooksAtOrder { workers[slot].order = .other }
  }

  /// Looks at a worker that was just sent a job after its probation: one that has read it, has not answered, and has another thread or
  /// waits for the next job does several at a time.
  mutating func lookAtOrderWithJob(_ slot: Int) {
    guard workers[slot].seats.hasServedProbation, workers[slot].looksWithJob < Self.looksWithJob else { return }
    workers[slot].looksWithJob += 1
    if workers[slot].process.unreadInput() > 0 { sleep(for: Self.momentForRead) }
    guard workers[slot].process.unreadInput() == 0 else { return }
    let isSequential = isSequential(slot)
    let hasThreads = !ProcessTable.isSingleThreaded(workers[slot].process.pid)
    guard workers[slot].process.unreadOutput() == 0, isSequential == true || hasThreads else { return }
    workers[slot].order = .other
  }

  /// Whether every process of the worker has one thread, and waits in a read of the worker's stdin, or for a child that does. Nil while
  /// one of them runs.
  private func isSequential(_ slot: Int) -> Bool? {
    let pid = workers[slot].process.pid
    let input = ProcessTable.nameOfPipe(workers[slot].process.input)
    var reads = false
    for process in [pid] + ProcessTable.descendants(of: pid, limit: 8) {
      switch ProcessTable.activity(of: process) {
      case .reading(let file) where file == input: reads = true
      case .running: return nil
      case .waitingForChild, .ended: break
      case .reading, .waitingForEvents, .sleeping, .stopped, .traced, .frozen, .uninterruptible: return false
      }
      if !ProcessTable.isSingleThreaded(process) { return false }
    }
    return reads
  }

  /// Jobs are parked at the worker: from now on it is looked for workers that leave answers out.
  mutating func watchForStalls(_ loop: borrowing EventLoop) {
    if isWatchingForStalls { return }
    isWatchingForStalls = true
    timers.arm(.stall, at: loop.now() + Self.stallLimit)
  }

  /// A worker that has read all its jobs, owes answers and waits for more jobs has left answers out. With a single job it may wait for
  /// the rest of that; with parked ones its answers since the batch began may belong to other jobs than they seem to.
  mutating func lookForStalls(_ loop: inout EventLoop) {
    isWatchingForStalls = false
    for slot in workers.isOccupied.indices where workers.isOccupied[slot] {
      guard workers[slot].duty == .running, workers[slot].batch > 1, !workers[slot].isStopping else { continue }
      watchForStalls(loop)
      guard loop.now() - workers[slot].headSince >= Self.stallLimit, workers[slot].inbound.isEmpty,
        workers[slot].outbound.isEmpty, workers[slot].process.unreadInput() == 0, isSequential(slot) == true,
        workers[slot].process.unreadOutput() == 0
      else { continue }
      breach(slot, .missingReplies(owed: workers[slot].hand.count), &loop)
    }
  }
}
