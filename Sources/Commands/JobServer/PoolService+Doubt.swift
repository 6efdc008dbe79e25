import EventLoop
import Time

/// The end of a client that can be informed of an answer in doubt (`prefork submit`) waits, for a moment, for the
/// workers that have answered it last: one that does anything but wait for its next job may be about to write more.
extension PoolService {
  /// The end waits no longer.
  private static let awaitLimit: Nanoseconds = .milliseconds(100)
  /// How often the workers are looked at meanwhile.
  private static let lookInterval: Nanoseconds = .milliseconds(5)
  /// More workers are not looked at: to do that takes some files of /proc each.
  private static let mostLookedAt = 32

  /// Whether the connection is not to be closed yet.
  mutating func awaitsWorkers(_ index: Int, _ loop: inout EventLoop) -> Bool {
    guard connections[index].isSubmitter, connections[index].settledOK > 0 else { return false }
    let until = connections[index].workersAreAwaitedUntil ?? loop.now() + Self.awaitLimit
    connections[index].workersAreAwaitedUntil = until
    guard loop.now() < until, mayGetMore(index, &loop) else { return false }
    if !isLookingAtWorkers { timers.arm(.workers, at: loop.now() + Self.lookInterval) }
    isLookingAtWorkers = true
    return true
  }

  /// Whether a worker that has answered it last may write more, or has done so just now.
  private mutating func mayGetMore(_ index: Int, _ loop: inout EventLoop) -> Bool {
    var left = Self.mostLookedAt
    var mayGetMore = false
    for slot in lastAnswers.indices where left > 0 && lastAnswers[slot].origin.client == connections[index].id {
      left -= 1
      if engine.pool.mayWriteMore(after: lastAnswers[slot].job, inSlot: slot, &loop) { mayGetMore = true }
    }
    return mayGetMore
  }

  /// Closes what need not wait any more.
  mutating func lookAtWorkers(_ loop: inout EventLoop) {
    isLookingAtWorkers = false
    for index in connections.indices where connections.holds(index) {
      if connections[index].workersAreAwaitedUntil != nil { finishIfAnswered(index, &loop) }
    }
  }
}
