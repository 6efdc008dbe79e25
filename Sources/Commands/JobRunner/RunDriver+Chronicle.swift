import Chronicle
import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Records
import Time

/// Passes what happens to the summary, the progress line, the trace and the report.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// How often the counts of jobs and workers are sampled.
  private static var sampleInterval: Nanoseconds { .milliseconds(250) }
  /// How often the progress line is updated while we are in the background.
  private static var backgroundInterval: Nanoseconds { .milliseconds(250) }

  /// The same moment on the clock that began with the run.
  func elapsed(_ time: Instant) -> Instant { .origin + (time - startedAt) }
  var now: Instant { elapsed(loop.now()) }

  // MARK: Jobs

  mutating func noteSettled(_ job: JobID, _ outcome: Outcome) {
    let attempt = executor.jobs.facts.attempt(of: job)
    // What includes a start is not the time of a job.
    let isTimed = attempt.startedAt > .origin && !attempt.includesStart
    chronicle.summary.settled(outcome, ran: isTimed ? loop.now() - attempt.startedAt : nil)
    guard executor.jobs.facts.keepsDetails else { return }
    if let slot = executor.jobs.facts[job].slot, let pid = executor.jobs.facts[job].pid {
      chronicle.addMemory(executor.jobs.facts[job].cost?.memoryChange, slot: slot, pid: pid)
    }
    guard chronicle.isDetailed else { return }
    let details = executor.jobs.facts[job]
    chronicle.tellDetail(
      .jobSettled(
        SettledJob(
          sequence: executor.jobs.ledger.sequence(of: job),
          name: details.id.map { String(decoding: $0, as: UTF8.self) },
          outcome: outcome, attempts: executor.jobs.ledger.attempts(of: job), slot: details.slot,
          pid: details.pid, acceptedAt: elapsed(details.acceptedAt),
          startedAt: isTimed ? elapsed(attempt.startedAt) : nil,
          settledAt: now, sent: details.sent, received: details.received,
          failure: details.cause ?? details.failure?.message,
          errorLines: details.failure.map { $0.stderr.isEmpty ? [] : [String(decoding: $0.stderr, as: UTF8.self)] }
            ?? [],
          cpu: details.cost?.cpu, memoryChange: details.cost?.memoryChange)))
  }

  // MARK: At regular times

  mutating func takeSample() {
    let counts = executor.jobs.ledger.counts
    let capacity = executor.capacity
    chronicle.tell(
      .sample(
        Sample(
          at: now, queued: counts.queued, running: counts.leased, settled: counts.settled, notOK: counts.bad,
          serving: capacity.serving, starting: capacity.starting)))
    timers.arm(.sample, at: loop.now() + Self.sampleInterval)
  }

  mutating func beginChronicle() {
    if chronicle.isDetailed { takeSample() }
    guard let display else { return }
    timers.arm(.progress, at: startedAt + display.nextUpdate.sinceOrigin)
  }

  mutating func drawProgress() {
    guard display != nil else { return }
    if isInForeground(of: reporter.number) {
      if let line = display!.update(progress, at: now) { reporter.setStatus(line) }
      timers.arm(.progress, at: max(startedAt + display!.nextUpdate.sinceOrigin, loop.now() + .milliseconds(1)))
    } else {
      reporter.forgetStatus()
      timers.arm(.progress, at: loop.now() + Self.backgroundInterval)
    }
  }

  mutating func windowChanged() {
    guard display != nil else { return }
    reporter.windowChanged()
    display!.resize(columns: terminalColumns(of: reporter.number) ?? 80)
    drawProgress()
  }

  private var progress: Progress {
    let counts = executor.jobs.ledger.counts
    let input: Progress.Input
    if inputIsOver {
      input = .over
    } else if let bytes = source.progress {
      input = .bytes(taken: bytes.consumed, of: bytes.all)
    } else {
      input = .endless
    }
    let capacity = executor.capacity
    return Progress(
      input: input, taken: UInt64(counts.accepted + counts.skipped), skipped: UInt64(counts.skipped),
      settled: UInt64(counts.settled), notOK: UInt64(counts.bad), busy: counts.leased, serving: capacity.serving,
      slots: capacity.slots, phase: executor.jobs.ledger.isHalted || signalsTaken > 0 ? .draining : capacity.phase)
  }

  // MARK: The end

  /// The last words of trace and report.
  mutating func finishChronicle() {
    if chronicle.isDetailed { takeSample() }
    chronicle.end()
    guard let reportFile, let report = chronicle.report else { return }
    let page = report.html(title: "prefork run", command: executor.title, maxJobs: executor.maximumJobs)
    do throws(SystemError) {
      try reportFile.write(page)
    } catch {
      reporter.fatal("cannot write the report: \(error)")
      if earlyEnd == nil { earlyEnd = .outputFailed }
    }
  }
}
