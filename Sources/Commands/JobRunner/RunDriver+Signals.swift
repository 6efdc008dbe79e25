import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import Text
import Time
import WorkerPoolDriver

/// What signals mean to a run: those of processes and keys, and those that the terminal sends for itself.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// First INT or TERM: finish what runs. Second: stop it now. Third: kill. TSTP: stop with the workers. The others are
  /// for the executor.
  mutating func take(signal: CInt) {
    switch signal {
    case Signal.interrupt, Signal.terminate: interrupted(by: signal)
    case Signal.stop: stop(by: signal)
    case Signal.windowChanged: windowChanged()
    default: executor.take(signal: signal, &loop, &reporter)
    }
    settle()
  }

  /// A terminal that is gone ends the run; else it wants us to be stopped.
  mutating func handleTerminal(signal: CInt) {
    if signal == Signal.hangup { interrupted(by: signal) } else { stop(by: signal) }
    settle()
  }

  private mutating func interrupted(by signal: CInt) {
    signalsTaken += 1
    switch signalsTaken {
    case 1:
      earlyEnd = .interrupted(signal: signal)
      limitTheEnd(after: signal)
      executor.jobs.drain(because: .signal(signal))
      settle()
      executor.takeBackUnstarted(&loop)
      settle()
      if executor.jobs.ledger.counts.leased > 0 {
        let jobs = plural(executor.jobs.ledger.counts.leased, "running job")
        let limit = givesUpAt == nil ? "" : ", at most \(durationText(configuration.drainLimit)) (--drain-timeout)"
        reporter.note("\(signalName(signal)): finishing \(jobs)\(limit); once more to stop now")
      }
      endInput()
    case 2: abandonJobs(.prompt, because: .signal(signal))
    default: abandonJobs(.immediate, because: .signal(signal))
    }
  }

  /// A person who presses ^C can press it again; a program that sends SIGTERM expects an end without that.
  private mutating func limitTheEnd(after signal: CInt) {
    guard signal != Signal.interrupt else { return }
    let deadline = loop.now() + configuration.drainLimit
    givesUpAt = deadline
    timers.arm(.drain, at: deadline)
  }

  /// The time after a SIGTERM is over.
  mutating func giveUp() {
    let running = executor.jobs.ledger.counts.leased
    let limit = durationText(configuration.drainLimit)
    if running > 0 { reporter.note("\(plural(running, "running job")) given up after \(limit) (--drain-timeout)") }
    abandonJobs(.prompt, because: .drainTimeout)
  }

  /// What the loop sees when the run is over but for slow readers.
  mutating func handleAtTheEnd(_ event: LoopEvent) {
    switch event {
    case .signal(Signal.interrupt), .signal(Signal.terminate), .terminal(Signal.hangup):
      signalsTaken += 1
      guard signalsTaken == 1, case .signal(let signal) = event else { break }
      if !sink.isEmpty { earlyEnd = .interrupted(signal: signal) }
      limitTheEnd(after: signal)
    case .signal(Signal.stop): stop(by: Signal.stop)
    case .terminal(let signal): stop(by: signal)
    case .signal, .ready, .alarm: break
    }
  }

  // MARK: The terminal

  /// ^Z, or the terminal is in the hands of others: we stop, and the workers with us, as they would if they were in our
  /// group.
  private mutating func stop(by signal: CInt) {
    reporter.clearStatus()
    reporter.flush()
    executor.suspendWorkers()
    _ = loop.stop(by: signal)
    executor.resumeWorkers()
  }

  /// A read of the terminal in the background stops the reader until it is brought to the front. Then the signals that
  /// came meanwhile are handled, and the read is tried again.
  mutating func waitForForeground() {
    wantsForeground = false
    inputWantsTurn = true
    stop(by: Signal.oneMore)
  }
}
