import EventLoop
import LinuxIO
import PoolCore
import Time
import WorkerProcess

/// What workers leave behind when they are gone: looked for, killed, reaped.
extension WorkerPoolDriver {
  /// The wait between two rounds over all processes of the machine, or for what was killed to be dead.
  private static let sweepInterval: Nanoseconds = .milliseconds(20)
  /// The most rounds in a row that find only processes of unknown origin.
  private static let mostUnknownRounds = 3
  /// How long the end of the pool waits for processes that do not die: they hang in the kernel.
  private static let endLimit: Nanoseconds = .seconds(5)

  /// A child of this process has ended, or an orphan has become one: to be called after each SIGCHLD, with
  /// `adoptsOrphans`.
  public mutating func childrenChanged(_ loop: inout EventLoop) {
    if let text = containment.noteDeathOfGuard() { events.append(.notEnforced(text)) }
    sweepSoon(loop)
  }

  /// One round at the end of this turn of the loop is enough for all that has ended in it.
  mutating func sweepSoon(_ loop: borrowing EventLoop) { timers.arm(.cleanUp, at: loop.now()) }

  /// What starting workers have sent is read before orphans are reaped: an orphan that has just sent READY=1 must
  /// still be there for its worker to be known.
  mutating func hearStarting(_ loop: inout EventLoop) {
    for slot in workers.indices where workers.holds(slot) && !workers[slot].isReady {
      notified(slot, &loop)
    }
  }

  /// One round; the next one is timed if it may find more.
  mutating func sweep(isTimed: Bool = false, _ loop: inout EventLoop) {
    if !configuration.adoptsOrphans, !isEnding, !isSweepDue(loop.now()) { return }
    if !isEnding, containment.clearUp() {
      lastSweep = loop.now()
      (unknownRounds, killingRounds) = (0, 0)
      return
    }
    hearStarting(&loop)
    var alive: [(pid: CInt, serial: UInt64)] = []
    for slot in workers.indices where workers.holds(slot) {
      alive.append((workers[slot].process.pid, workers[slot].id.serial))
    }
    lastSweep = loop.now()
    switch containment.sweep(workers: alive, everythingGoes: isEnding) {
    case .none: (unknownRounds, killingRounds) = (0, 0)
    case .unknown:
      killingRounds = 0
      // Only rounds with a wait between them tell more than the first.
      if isTimed || unknownRounds == 0 { unknownRounds += 1 }
    case .some:
      unknownRounds = 0
      if isEnding, loop.now() - endedAt > Self.endLimit { return finish(isClean: false) }
      // Soon, but less and less often if something does not die.
      if isTimed { killingRounds += 1 }
      return timers.arm(.sweep, at: loop.now() + Self.sweepInterval * (1 << UInt64(min(killingRounds / 10, 6))))
    }
    if (1...Self.mostUnknownRounds).contains(unknownRounds) {
      timers.arm(.sweep, at: loop.now() + Self.sweepInterval)
    } else if isEnding {
      finish(isClean: true)
    }
  }

  /// A round over all processes of the machine costs milliseconds: one is enough for all workers that end within a
  /// while.
  private mutating func isSweepDue(_ now: Instant) -> Bool {
    let due = lastSweep + 5 * Self.sweepInterval
    if now >= due { return true }
    timers.arm(.sweep, at: due)
    return false
  }

  /// The core is done. The pool is, when nothing is left.
  mutating func end(_ loop: inout EventLoop) {
    isEnding = true
    endedAt = loop.now()
    sweep(&loop)
  }

  private mutating func finish(isClean: Bool) {
    isEnding = false
    timers.disarm(.sweep)
    timers.disarm(.cleanUp)
    if !isClean { events.append(.remark("processes that workers have left behind do not die of SIGKILL")) }
    containment.end()
    events.append(.closed)
  }
}
