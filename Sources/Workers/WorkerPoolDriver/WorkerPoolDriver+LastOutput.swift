import EventLoop
import LinuxIO
import PoolCore
import Text
import WorkerProtocols

/// What a worker still writes when it is stopped in order: it has answered all its jobs, so there must be nothing.
///
/// A worker that reads ahead, such as one with a thread for its stdin, cannot be caught while it works: whatever
/// comes looks like the reply to the job in hand. But a reply too many is left over at the end.
extension WorkerPoolDriver {
  /// The worker goes on the stop ladder. Whatever it writes from now until it is dead breaks the protocol, also after
  /// the SIGTERM of the ladder. Not if it is stopped for another reason than that it is not needed any more, or in
  /// the middle of a job; and what one writes that never had a job, or that marks the end of its replies, puts no
  /// answer in doubt.
  mutating func beginLastOutput(_ slot: Int, isGraceful: Bool) {
    guard isGraceful, workers[slot].jobs > 0 else { return }
    if workers[slot].marksReplies { return }
    switch workers[slot].duty {
    case .none, .granted: workers[slot].lastOutput = .watched(owesAnswer: false)
    case .replied(let consumed):
      // Behind this answer stand those to its other jobs.
      if workers[slot].hand.count > 1, workers[slot].speaksInMessages || workers[slot].isInBatch { return }
      workers[slot].inbound.removeFirst(consumed)
      workers[slot].lastOutput = .watched(owesAnswer: false)
    case .checking: workers[slot].lastOutput = .watched(owesAnswer: true)
    case .starting, .running, .heardOut, .condemned: break
    }
  }

  /// Whether what the worker writes is dropped unseen.
  func isIgnored(_ slot: Int) -> Bool {
    guard workers[slot].isStopping else { return false }
    switch workers[slot].lastOutput {
    case .ignored: return true
    case .watched: return false
    }
  }

  /// Looks whether a worker that is stopping has written anything. It is reported once; the stop goes on as it would
  /// have.
  mutating func judgeLastOutput(_ slot: Int, _ loop: inout EventLoop) {
    guard case .watched(let owesAnswer) = workers[slot].lastOutput, !workers[slot].inbound.isEmpty else { return }
    if workers[slot].speaksInMessages, readLastNotices(slot), workers[slot].exitStatus == nil { return }
    if owesAnswer {
      switch workers[slot].decode() {
      case .reply(_, let consumed), .failure(_, let consumed):
        workers[slot].inbound.removeFirst(consumed)
        workers[slot].lastOutput = .watched(owesAnswer: false)
      case .needMore(let consumed): return workers[slot].inbound.removeFirst(consumed)
      case .answer, .notice, .response, .oversize, .violation, .unfit: break
      }
    }
    guard !workers[slot].inbound.isEmpty else { return }
    let text = workers[slot].inbound.withUnsafeBytes { quoted($0) }
    workers[slot].lastOutput = .ignored
    workers[slot].inbound.removeAll()
    events.append(.protocolBroken(workers[slot].account(at: loop.now()), .surplusAtEnd(shown: text)))
  }
}

extension WorkerPoolDriver {
  /// Whether the worker in this slot may be about to write more than its answer to this job, which was its last: it
  /// does something else than to wait for the next, or has written more by now. That is reported as the breach that it
  /// is. False if it is gone or has another job. Reads some files of /proc.
  public mutating func mayWriteMore(after job: UInt64, inSlot slot: Int, _ loop: inout EventLoop) -> Bool {
    guard workers.holds(slot), workers[slot].lastJob == job,
      workers[slot].duty == .none, !workers[slot].isStopping
    else { return false }
    let activity = activity(of: workers[slot].id)
    // Whatever it wrote before it went to sleep is there by now.
    let before = events.count
    outputReady(slot, &loop)
    if events.count > before { return true }
    switch activity?.kind {
    case .readsInput, .waitsForEvents, nil: return false
    // To be stopped may last for ever.
    case .stopped, .traced, .frozen: return false
    case .uninterruptible, .readsTerminal, .runs, .waitsForChild, .sleeps: return true
    }
  }
}
