import Chronicle
import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import Records
import WorkerPool
import WorkerProcess

/// What happens, told to the summary, the progress line, the trace and the report.
extension RunDriver {
  /// What is remembered of the worker in a slot until it has ended.
  struct WorkerStory {
    var pid: CInt = 0
    var startedAt: UInt64 = 0
    /// When it was ready, as far as is known.
    var readyAt: UInt64?
    var stoppingSince: UInt64?
    var reason: RetireReason?
  }

  /// So often it is told how much is where, in nanoseconds.
  private static let sampleInterval: UInt64 = 250_000_000
  /// So often progress is looked at while we are in the background, in nanoseconds.
  private static let backgroundInterval: UInt64 = 250_000_000

  /// Nanoseconds since the beginning of the run.
  private func elapsed(_ time: UInt64) -> UInt64 { time &- startedAt }
  private var now: UInt64 { elapsed(loop.now()) }

  // MARK: Workers

  mutating func noteStarted(_ worker: WorkerID, _ pid: CInt) {
    while stories.count <= worker.slot.index { stories.append(WorkerStory()) }
    stories[worker.slot.index] = WorkerStory(pid: pid, startedAt: loop.now())
    chronicle.tell(.workerStarted(slot: worker.slot.index, pid: pid, at: now))
  }

  mutating func noteReady(_ worker: WorkerID) {
    let story = stories[worker.slot.index]
    let event = RunEvent.workerReady(slot: worker.slot.index, pid: story.pid, since: elapsed(story.startedAt), at: now)
    // One that is merely taken to be ready says nothing about how long a start takes.
    if configuration.pool.readiness == .assumed { return }
    stories[worker.slot.index].readyAt = loop.now()
    chronicle.tell(event)
  }

  /// The first answer of a worker that was merely taken to be ready: its start took about as long as this was more than usual.
  mutating func noteFirstReply(_ worker: WorkerID) {
    let story = stories[worker.slot.index]
    guard story.readyAt == nil else { return }
    let took = loop.now() &- story.startedAt
    let ready = loop.now() &- min(took, engine.ledger.runTimes.quantile(0.5) ?? 0)
    stories[worker.slot.index].readyAt = ready
    chronicle.tell(
      .workerReady(slot: worker.slot.index, pid: story.pid, since: elapsed(story.startedAt), at: elapsed(ready)))
  }

  mutating func noteRetirement(_ worker: WorkerID, _ reason: RetireReason) {
    guard worker.slot.index < stories.count else { return }
    stories[worker.slot.index].reason = reason
  }

  mutating func noteStopping(_ worker: WorkerID) { stories[worker.slot.index].stoppingSince = loop.now() }

  mutating func noteCheck(_ worker: WorkerID, _ check: Check, since: UInt64, passed: Bool) {
    let kind: Upkeep = check == .probe ? .probe : .reset
    chronicle.tell(.upkeep(kind, slot: worker.slot.index, since: elapsed(since), at: now, wentWell: passed))
  }

  mutating func noteEnded(_ worker: WorkerID, _ status: ExitStatus, _ death: DeathReport?) {
    guard worker.slot.index < stories.count else { return }
    let story = stories[worker.slot.index]
    if let since = story.stoppingSince {
      chronicle.tell(.upkeep(.stop, slot: worker.slot.index, since: elapsed(since), at: now, wentWell: true))
    }
    let end: WorkerEnd
    if let death {
      end = death.neverTookAJob ? .failedStart : .died
    } else {
      switch story.reason {
      case .jobs, .age, .memory, .requested, .own: end = .recycled
      case .startTimeout: end = .failedStart
      case .probe, .reset, .broken: end = .died
      case .idle, .spare, .surplus, .drained, .stopped, nil: end = .stopped
      }
    }
    chronicle.tell(.workerEnded(slot: worker.slot.index, pid: story.pid, end, cause: "\(status)", at: now))
  }

  // MARK: Jobs

  mutating func noteAttempt(_ job: JobID, _ attempt: Int, _ worker: WorkerID) {
    guard chronicle.isDetailed else { return }
    chronicle.tellDetail(
      .attemptStarted(job: engine.ledger.sequence(of: job), attempt: attempt, slot: worker.slot.index, at: now))
  }

  mutating func noteAttemptEnd(_ job: JobID, failure: String?) {
    guard chronicle.isDetailed, let slot = engine.facts[job].slot else { return }
    let attempt = engine.facts.attempt(of: job)
    let began = attempt.includesStart ? stories[slot].readyAt ?? attempt.startedAt : attempt.startedAt
    chronicle.tellDetail(
      .attemptEnded(
        job: engine.ledger.sequence(of: job), attempt: engine.ledger.attempts(of: job), slot: slot, failure: failure,
        since: elapsed(began), at: now))
  }

  mutating func noteSettled(_ job: JobID, _ outcome: Outcome) {
    let attempt = engine.facts.attempt(of: job)
    // What includes a start is not the time of a job.
    let isTimed = attempt.startedAt > 0 && !attempt.includesStart
    chronicle.summary.settled(outcome, ran: isTimed ? loop.now() &- attempt.startedAt : nil)
    guard engine.facts.keepsDetails else { return }
    let details = engine.facts[job]
    chronicle.tell(
      SettledJob(
        sequence: engine.ledger.sequence(of: job), name: details.id.map { String(decoding: $0, as: UTF8.self) },
        outcome: outcome, attempts: engine.ledger.attempts(of: job), slot: details.slot,
        pid: details.pid, acceptedAt: elapsed(details.acceptedAt),
        startedAt: isTimed ? elapsed(attempt.startedAt) : nil,
        settledAt: now, sent: details.sent, received: details.received,
        failure: details.cause ?? details.failure?.message,
        errorLines: details.failure.map { $0.stderr.isEmpty ? [] : [String(decoding: $0.stderr, as: UTF8.self)] }
          ?? [],
        cpu: details.cost?.cpu, memoryChange: details.cost?.memoryChange))
  }

  // MARK: At regular times

  mutating func takeSample() {
    let counts = engine.ledger.counts
    let snapshot = engine.pool.snapshot
    chronicle.tell(
      .sample(
        Sample(
          at: now, queued: counts.queued, running: counts.leased, settled: counts.settled, notOK: counts.bad,
          serving: snapshot.serving, starting: snapshot.starting)))
    timers.arm(.sample, at: loop.now() &+ Self.sampleInterval)
  }

  mutating func beginChronicle() {
    if chronicle.isDetailed { takeSample() }
    guard let display else { return }
    timers.arm(.progress, at: startedAt &+ display.nextUpdate)
  }

  mutating func drawProgress() {
    guard display != nil else { return }
    if isInForeground(of: reporter.number) {
      if let line = display!.update(progress, at: now) { reporter.setStatus(line) }
      timers.arm(.progress, at: max(startedAt &+ display!.nextUpdate, loop.now() &+ 1_000_000))
    } else {
      reporter.forgetStatus()
      timers.arm(.progress, at: loop.now() &+ Self.backgroundInterval)
    }
  }

  mutating func windowChanged() {
    guard display != nil else { return }
    reporter.windowChanged()
    display!.resize(columns: terminalColumns(of: reporter.number) ?? 80)
    drawProgress()
  }

  private var progress: Progress {
    let counts = engine.ledger.counts
    let input: Progress.Input
    if inputIsOver {
      input = .over
    } else if let total = source.totalBytes {
      input = .bytes(taken: source.takenBytes, of: total)
    } else {
      input = .endless
    }
    let serving = engine.pool.serving
    return Progress(
      input: input, taken: UInt64(counts.accepted + counts.skipped), skipped: UInt64(counts.skipped),
      settled: UInt64(counts.settled), notOK: UInt64(counts.bad), busy: counts.leased, serving: serving,
      slots: max(serving, engine.pool.size.upperBound),
      phase: engine.ledger.isHalted || signalsTaken > 0
        ? .draining : engine.pool.isBreakerOpen ? .breakerOpen : .running)
  }

  // MARK: The end

  /// The last words of trace and report.
  mutating func finishChronicle() {
    if chronicle.isDetailed { takeSample() }
    chronicle.end()
    guard let path = configuration.report, let report = chronicle.report else { return }
    let words = configuration.pool.command.arguments.joined(separator: " ")
    let page = report.html(
      title: "prefork run", command: words,
      maxJobs: configuration.pool.pool.maximumJobs > 0 ? Int64(configuration.pool.pool.maximumJobs) : nil)
    do throws(SystemError) {
      try replaceFile(at: path, with: page)
    } catch {
      reporter.fatal("cannot write the report: \(error)")
      if earlyEnd == nil { earlyEnd = .outputFailed }
    }
  }
}
