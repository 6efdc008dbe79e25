import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import SystemEvents
import Text
import Time

/// All the ways in which a run ends.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// The last messages may take this long; longer only while their reader goes on reading and no signal
  /// asks for an end.
  private static var messagesLimit: Nanoseconds { .seconds(1) }

  /// Whatever is not settled is cancelled, and the workers are stopped in spite of it.
  mutating func abandonJobs(_ urgency: StopUrgency, because cause: CancelCause) {
    executor.jobs.abandon(because: cause)
    settle()
    endInput()
    executor.stop(urgency, &loop)
  }

  /// No job will come, every job is settled and its result is on its way: nothing is left but to stop the workers.
  mutating func allIsDone() {
    timers.disarm(.silence)
    // After --halt the source still has jobs.
    endInput()
    guard !executor.isStopping else { return }
    executor.stop(.graceful, &loop)
  }

  // MARK: Output

  mutating func flush() {
    if !gathersResults() {
      resultsSince = nil
      sink.flush()
      flushFiles()
    }
    followOutput()
    reporter.flush()
    watchErrorOutput()
    let holdsWorkers = reporter.holdsWorkers(at: loop.now())
    executor.endTurn(holdingResults: sink.isFull, holdingMessages: holdsWorkers, &loop, &reporter)
  }

  /// Results of a busy stream are written together: 64 KiB at once, or what came within a millisecond. One that no
  /// other is about to follow is written immediately.
  private mutating func gathersResults() -> Bool {
    guard case .open = sink.state, !sink.isEmpty, !sink.isBlocked, executor.jobs.ledger.counts.leased > 0 else {
      return false
    }
    let now = loop.now()
    let since = resultsSince ?? now
    resultsSince = since
    return now - since < Self.gatheringLimit
  }

  static var gatheringLimit: Nanoseconds { .milliseconds(1) }

  mutating func outputReady(hangup: Bool) {
    sink.flush()
    if hangup, sink.isEmpty { sink.readerWentAway() }
  }

  /// Nobody reads our results any more, or they cannot be written: the run ends at once.
  private mutating func followOutput() {
    let cause: CancelCause
    switch sink.state {
    case .open: return watchOutput()
    case .closedByReader:
      cause = .outputClosed
      if earlyEnd == nil { earlyEnd = .allOK }
    case .failed(let error):
      cause = .outputFailed("stdout")
      if earlyEnd == nil {
        earlyEnd = .outputFailed
        reporter.fatal("cannot write stdout: \(error); results are lost")
      }
    }
    guard !outputIsGone else { return }
    outputIsGone = true
    // Level-triggered, it would wake us again and again until the last worker is gone.
    loop.remove(sink.descriptor)
    abandonJobs(.prompt, because: cause)
  }

  /// The last results, when no worker is left: now there is time to wait for a slow reader.
  mutating func finishOutput() {
    sink.flush()
    while sink.isBlocked, !sink.isEmpty, case .open = sink.state, signalsTaken < 2 {
      watchOutput()
      guard waitForReaders(until: givesUpAt) else { break }
      sink.flush()
    }
    if case .failed(let error) = sink.state, earlyEnd == nil {
      earlyEnd = .outputFailed
      reporter.fatal("cannot write stdout: \(error); results are lost")
    }
    if case .open = sink.state, !sink.isEmpty {
      reporter.note("\(plural(sink.waitingBytes, "byte")) of results lost: the reader of stdout did not take all")
    }
    flushFiles()
  }

  /// The last messages. A log that is not read must not keep a run from its end.
  mutating func finishMessages() {
    reporter.flush()
    _ = reporter.holdsWorkers(at: loop.now())
    loop.countTime()
    var (waiting, deadline) = (reporter.waitingBytes, loop.now() + Self.messagesLimit)
    while reporter.isBlocked || reporter.blockedLog != nil, signalsTaken < 2 {
      watchErrorOutput()
      let log = reporter.blockedLog
      if let log { try? loop.add(log, token: RunToken.file.rawValue, readable: false, writable: true) }
      guard waitForReaders(until: deadline) else { return }
      if let log { loop.remove(log) }
      reporter.flush()
      guard signalsTaken == 0, reporter.waitingBytes < waiting else { continue }
      (waiting, deadline) = (reporter.waitingBytes, loop.now() + Self.messagesLimit)
    }
  }

  /// False when that is of no use any more: the loop does not work, or it is time to give up.
  mutating func waitForReaders(until deadline: Instant?) -> Bool {
    if let deadline, loop.now() >= deadline { return false }
    loopEvents.removeAll(keepingCapacity: true)
    do throws(SystemError) {
      try loop.setAlarm(at: deadline)
      try loop.wait(into: &loopEvents)
      for event in loopEvents { handleAtTheEnd(event) }
    } catch {
      return false
    }
    return true
  }

  // MARK: Watching our own descriptors

  mutating func watchStandardStreams() throws(SystemError) {
    // Were SIGTTIN or SIGTTOU not watched, they would stop us within a call, where no other signal reaches us.
    try loop.watchSignals(
      [Signal.interrupt, Signal.terminate, Signal.stop, Signal.oneMore, Signal.oneFewer] + executor.signals)
    if display != nil { try loop.watchSignals([Signal.windowChanged]) }
    // epoll reports an output that nobody reads without being asked for any event.
    if !sink.isAlwaysReady {
      try loop.add(sink.descriptor, token: RunToken.output.rawValue, readable: false, writable: false)
    }
  }

  private mutating func watchOutput() {
    guard sink.isBlocked != outputIsWatched, !sink.isAlwaysReady else { return }
    outputIsWatched = sink.isBlocked
    try? loop.modify(sink.descriptor, token: RunToken.output.rawValue, readable: false, writable: outputIsWatched)
  }

  private mutating func watchErrorOutput() {
    guard reporter.isBlocked != errorOutputIsWatched, !reporter.isAlwaysReady else { return }
    errorOutputIsWatched = reporter.isBlocked
    if errorOutputIsWatched {
      try? loop.add(reporter.descriptor, token: RunToken.errorOutput.rawValue, readable: false, writable: true)
    } else {
      loop.remove(reporter.descriptor)
    }
  }
}
