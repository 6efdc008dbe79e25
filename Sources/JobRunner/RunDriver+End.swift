import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import Text

/// Signals, and all the ways in which a run ends.
extension RunDriver where Work: ~Copyable {
  /// First INT or TERM: finish what runs. Second: stop it now. Third: kill. The others are for the workplace.
  mutating func take(signal: CInt) {
    switch signal {
    case Signal.interrupt, Signal.terminate: interrupted(by: signal)
    case Signal.windowChanged: windowChanged()
    default: workplace.take(signal: signal, &loop, &reporter)
    }
    settle()
  }

  private mutating func interrupted(by signal: CInt) {
    signalsTaken += 1
    switch signalsTaken {
    case 1:
      earlyEnd = .interrupted(signal: signal)
      workplace.tell(.drain)
      settle()
      workplace.takeBackUnstarted(&loop)
      settle()
      if workplace.counts.leased > 0 {
        let jobs = plural(workplace.counts.leased, "running job")
        reporter.note("\(signalName(signal)): finishing \(jobs); once more to stop now")
      }
      endInput()
    case 2: abandonJobs(.prompt)
    default: abandonJobs(.immediate)
    }
  }

  /// Whatever is not settled is cancelled, and the workers are stopped in spite of it.
  mutating func abandonJobs(_ urgency: StopUrgency) {
    workplace.abandon()
    settle()
    endInput()
    workplace.stop(urgency, &loop)
  }

  /// Input is over, every job is settled and its result is on its way: nothing is left but to stop the workers.
  mutating func allIsDone() {
    timers.disarm(.silence)
    guard !workplace.isStopping else { return }
    workplace.stop(.graceful, &loop)
  }

  // MARK: Output

  mutating func flush() {
    sink.flush()
    flushFiles()
    followOutput()
    reporter.flush()
    watchErrorOutput()
    workplace.endTurn(holdingResults: sink.isFull, holdingMessages: reporter.isFull, &loop, &reporter)
  }

  mutating func outputReady(hangup: Bool) {
    sink.flush()
    if hangup, sink.isEmpty { sink.readerWentAway() }
  }

  /// Nobody reads our results any more, or they cannot be written: the run ends at once.
  private mutating func followOutput() {
    switch sink.state {
    case .open: return watchOutput()
    case .closedByReader:
      guard earlyEnd == nil else { break }
      earlyEnd = .allOK
    case .failed(let error):
      guard earlyEnd == nil else { break }
      earlyEnd = .outputFailed
      reporter.fatal("cannot write stdout: \(error); results are lost")
    }
    guard !outputIsGone else { return }
    outputIsGone = true
    // Level-triggered, it would wake us again and again until the last worker is gone.
    loop.remove(sink.descriptor)
    abandonJobs(.prompt)
  }

  /// The last results, when no worker is left: now there is time to wait for a slow reader.
  mutating func finishOutput() {
    sink.flush()
    while sink.isBlocked, !sink.isEmpty, case .open = sink.state, signalsTaken < 2 {
      watchOutput()
      guard waitForReaders() else { return }
      sink.flush()
    }
    if case .failed(let error) = sink.state, earlyEnd == nil {
      earlyEnd = .outputFailed
      reporter.fatal("cannot write stdout: \(error); results are lost")
    }
    flushFiles()
  }

  /// The last words, likewise.
  mutating func finishMessages() {
    reporter.flush()
    while reporter.isBlocked, signalsTaken < 2 {
      watchErrorOutput()
      guard waitForReaders() else { return }
      reporter.flush()
    }
  }

  /// False when the loop is of no use any more.
  mutating func waitForReaders() -> Bool {
    loopEvents.removeAll(keepingCapacity: true)
    do { try loop.wait(into: &loopEvents) } catch { return false }
    for case .signal(Signal.interrupt) in loopEvents { signalsTaken += 1 }
    for case .signal(Signal.terminate) in loopEvents { signalsTaken += 1 }
    return true
  }

  // MARK: Watching our own descriptors

  mutating func watchStandardStreams() throws(SystemError) {
    try loop.watchSignals([Signal.interrupt, Signal.terminate] + workplace.signals(besidesTerminal: source.isTerminal))
    if display != nil { try loop.watchSignals([Signal.windowChanged]) }
    // An output that nobody reads is told by epoll without being asked for anything.
    if !sink.isAlwaysReady {
      try loop.add(sink.descriptor, token: RunToken.output.rawValue, readable: false, writable: false)
    }
  }

  mutating func watchInput() {
    guard !inputIsWatched, !source.isAlwaysReady else { return }
    inputIsWatched = true
    do {
      try loop.add(source.descriptor, token: RunToken.input.rawValue, readable: true, writable: false)
    } catch {
      reporter.fatal("cannot wait for stdin: \(error)")
      earlyEnd = .inputUnreadable
      inputIsWatched = false
      endInput()
    }
  }

  mutating func stopWatchingInput() {
    guard inputIsWatched else { return }
    loop.remove(source.descriptor)
    inputIsWatched = false
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
