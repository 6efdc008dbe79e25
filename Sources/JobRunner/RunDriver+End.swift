import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import WorkerPool
import WorkerProcess

/// Signals, and all the ways in which a run ends.
extension RunDriver {
  /// First INT or TERM: finish what runs. Second: stop it now. Third: kill. HUP: replace every worker. USR1: the state.
  /// TTIN, TTOU: one worker more, one fewer.
  mutating func take(signal: CInt) {
    switch signal {
    case Signal.hangup: engine.pool.recycleAll(&loop)
    case Signal.user1: engine.sayState(loop, &reporter)
    case Signal.child: engine.pool.childrenChanged(&loop)
    case Signal.windowChanged: windowChanged()
    case Signal.oneMore: resize(by: 1)
    case Signal.oneFewer: resize(by: -1)
    default: interrupted(by: signal)
    }
    settle()
  }

  /// A pool that was asked to be of a fixed size keeps one; of a variable pool the upper bound moves, and takes the lower
  /// one along only as long as it is below it.
  private mutating func resize(by change: Int) {
    guard !engine.isStopping else { return }
    let old = engine.pool.size
    let asked = configuration.pool.pool
    let maximum = max(1, old.upperBound + change)
    let minimum = asked.minimum == asked.maximum ? maximum : min(asked.minimum, maximum)
    if minimum...maximum != old { engine.pool.resize(to: minimum...maximum, &loop) }
    let size = minimum == maximum ? "\(maximum)" : "\(minimum) to \(maximum)"
    reporter.note("the pool now keeps \(size) worker\(maximum == 1 ? "" : "s")")
  }

  private mutating func interrupted(by signal: CInt) {
    signalsTaken += 1
    switch signalsTaken {
    case 1:
      earlyEnd = .interrupted(signal: signal)
      engine.tell(.drain)
      settle()
      engine.takeBackUnstarted(&loop)
      settle()
      if engine.ledger.counts.leased > 0 {
        let jobs = engine.ledger.counts.leased == 1 ? "1 running job" : "\(engine.ledger.counts.leased) running jobs"
        reporter.note("\(signalName(signal)): finishing \(jobs); once more to stop now")
      }
      endInput()
    case 2: abandonJobs(.prompt)
    default: abandonJobs(.immediate)
    }
  }

  /// Whatever is not settled is cancelled, and the workers are stopped in spite of it.
  mutating func abandonJobs(_ urgency: StopUrgency) {
    engine.abandon()
    settle()
    endInput()
    engine.stopPool(urgency, &loop)
  }

  /// Input is over, every job is settled and its result is on its way: nothing is left but to stop the workers.
  mutating func allIsDone() {
    timers.disarm(.silence)
    guard !engine.isStopping else { return }
    engine.stopPool(.graceful, &loop)
  }

  /// No worker will serve this request.
  mutating func refused(_ refusal: LeaseRefusal) {
    switch refusal {
    case .startsFail: giveUp()
    case .closed, .timedOut, .exhausted: break
    }
  }

  /// The breaker is open, no worker lives and none ever answered: there is nobody to wait for, even if no job has come
  /// yet. (Who typed the command at a terminal must not type a job to learn that the program does not exist.)
  mutating func giveUpIfNobodyEverWorked() {
    if engine.ledger.counts[.ok] == 0, engine.pool.isEmpty { giveUp() }
  }

  private mutating func giveUp() {
    guard !engine.isStopping, earlyEnd == nil else { return }
    earlyEnd = engine.pool.lastFailureWasViolation ? .protocolBroken : .workersDoNotStart
    engine.sayWorkersDoNotStart(&reporter)
    abandonJobs(.prompt)
  }

  // MARK: Output

  mutating func flush() {
    sink.flush()
    flushFiles()
    followOutput()
    reporter.flush()
    watchErrorOutput()
    engine.pool.setReadsErrorOutput(!reporter.isFull, &loop)
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
    try loop.watchSignals([
      Signal.interrupt, Signal.terminate, Signal.hangup, Signal.user1, Signal.oneFewer, Signal.child,
    ])
    if display != nil { try loop.watchSignals([Signal.windowChanged]) }
    // In the background of a terminal, TTIN is what stops a reader of it: if it were taken, the read would fail (EIO).
    if !source.isTerminal { try loop.watchSignals([Signal.oneMore]) }
    // An output that nobody reads is told by epoll without being asked for anything.
    if !sink.isAlwaysReady {
      try loop.add(sink.descriptor, token: Token.output.rawValue, readable: false, writable: false)
    }
  }

  mutating func watchInput() {
    guard !inputIsWatched, !source.isAlwaysReady else { return }
    inputIsWatched = true
    do {
      try loop.add(source.descriptor, token: Token.input.rawValue, readable: true, writable: false)
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
    try? loop.modify(sink.descriptor, token: Token.output.rawValue, readable: false, writable: outputIsWatched)
  }

  private mutating func watchErrorOutput() {
    guard reporter.isBlocked != errorOutputIsWatched, !reporter.isAlwaysReady else { return }
    errorOutputIsWatched = reporter.isBlocked
    if errorOutputIsWatched {
      try? loop.add(reporter.descriptor, token: Token.errorOutput.rawValue, readable: false, writable: true)
    } else {
      loop.remove(reporter.descriptor)
    }
  }
}
