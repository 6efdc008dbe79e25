import JobCore
import JobEngine
import JobLog
import LinuxIO
import Records
import Time
import WireFormats
import WorkerProcess

/// Jobs out: results, records, the joblog, dead letters.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  mutating func emit(_ job: JobID, _ outcome: Outcome) {
    switch configuration.output {
    case .framed: emitPlain(job, outcome)
    case .text: if outcome == .ok { executor.withResult(of: job) { sink.append($0, tag: tag(of: job)) } }
    case .records: emitRecord(job, outcome)
    }
    // A job whose files could not be written is not done: a resumed run must do it again.
    let isSaved = if let results { save(job, outcome, in: results) } else { true }
    if jobLog != nil, isSaved { log(job, outcome) }
    if sourceIsAcknowledged { reportToSource(job, outcome, isSaved: isSaved) }
  }

  private mutating func reportToSource(_ job: JobID, _ outcome: Outcome, isSaved: Bool) {
    if outcome == .ok {
      executor.withResult(of: job) { source.settled(job, outcome, reply: $0, failure: nil) }
    } else {
      let failure = executor.jobs.facts[job].failure ?? Failure(message: outcome.words)
      source.settled(job, outcome, reply: UnsafeRawBufferPointer(start: nil, count: 0), failure: failure)
    }
    if outcome != .cancelled, isSaved { unacknowledged.append((job, sink.appendedBytes)) }
  }

  /// The source need not keep the jobs any longer whose results, and lines of the joblog, are written by now.
  private mutating func acknowledge() {
    guard watchedFiles.isEmpty else { return }
    let written = unacknowledged.prefix { $0.output <= sink.writtenBytes }
    for (job, _) in written { source.acknowledge(job) }
    unacknowledged.removeFirst(written.count)
  }

  private mutating func emitPlain(_ job: JobID, _ outcome: Outcome) {
    switch outcome {
    case .ok:
      executor.withResult(of: job) { sink.append($0, tag: tag(of: job)) }
    case .cancelled: sink.oweEmpty(tag: tag(of: job))
    case .failed, .timeout, .crashed, .quarantined, .expired: sink.appendEmpty(tag: tag(of: job))
    }
  }

  /// What leads each line of its output; empty for nothing.
  @inline(__always)
  private func tag(of job: JobID) -> [UInt8] {
    guard configuration.tagsLines else { return [] }
    var tag: [UInt8] = []
    JobTag.append(job: executor.jobs.facts[job].command.span.bytes, to: &tag)
    return tag
  }

  /// Writes the files of a job (`--results`). False, and the run ends, if they cannot be written.
  private mutating func save(_ job: JobID, _ outcome: Outcome, in results: WholeFolders) -> Bool {
    let details = executor.jobs.facts[job]
    let number = executor.jobs.ledger.sequence(of: job)
    let record = executor.jobs.recordWithoutReply(of: job, outcome, number: number)
    var errors = details.errorText.isEmpty ? details.failure?.stderr ?? [] : details.errorText
    if !errors.isEmpty { errors.append(UInt8(ascii: "\n")) }
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    var failure: SystemError?
    func add(_ reply: UnsafeRawBufferPointer) {
      // A job that came as no job at all is not kept as one.
      let payload = details.rejected ?? executor.jobs.store.bytes(of: job, atMost: .max)
      payload.withUnsafeBytes { payload in
        errors.withUnsafeBytes { errors in
          record.withUnsafeBytes { record in
            let files = [("job", payload), ("stdout", reply), ("stderr", errors), ("record.json", record)]
            do throws(SystemError) { try results.add("\(number)", files) } catch { failure = error }
          }
        }
      }
    }
    if outcome == .ok { executor.withResult(of: job, add) } else { add(nothing) }
    // No later job may take its place for long.
    executor.jobs.facts[job].errorText = []
    if let failure { fileFailed("the files of job \(number) in", results.path, failure) }
    return failure == nil
  }

  private mutating func emitRecord(_ job: JobID, _ outcome: Outcome) {
    let number = executor.jobs.ledger.sequence(of: job)
    sink.appendLine(
      executor.jobs.record(of: job, outcome, number: number, keepingJSON: configuration.keepsJSON) {
        executor.withResult(of: job, $0)
      })
  }

  // MARK: The joblog

  private mutating func log(_ job: JobID, _ outcome: Outcome) {
    let details = executor.jobs.facts[job]
    guard let key = details.key else { return }
    let began = details.leasedAt ?? details.acceptedAt
    let line = JobLogLine(
      sequence: executor.jobs.ledger.sequence(of: job), startTime: wallClock(at: began),
      runtime: details.leasedAt == nil ? .zero : details.endedAt - began, sent: UInt64(details.sent),
      received: UInt64(details.received), exitValue: Int32(clamping: details.failure?.code ?? 0),
      signal: Int32(clamping: details.failure?.signal ?? 0), slot: details.slot.map { UInt32($0) },
      attempts: UInt32(clamping: executor.jobs.ledger.attempts(of: job)), outcome: JobLogOutcome(outcome), key: key,
      usage: configuration.logsUsage
        ? .init(cpu: details.cost.map(\.cpu), rss: details.cost?.memoryChange) : nil)
    jobLog?.append(line, command: details.command, after: sink.appendedBytes)
  }

  /// The time of day at a moment of the loop's clock.
  private func wallClock(at time: Instant) -> Instant { startOfDay + (loop.monotonicTime(at: time) - startedAt) }

  /// Writes what may be written by now: no line of a job whose result has not left us.
  mutating func flushFiles() {
    if jobLog != nil, let error = jobLog!.flush(upTo: sink.writtenBytes) {
      fileFailed("the joblog", configuration.jobLog, error)
    }
    if deadLetters != nil, let error = deadLetters!.flush() {
      fileFailed("the dead letters", configuration.deadLetters, error)
    }
    if chronicle.isDetailed, let error = chronicle.flush() { fileFailed("the trace", configuration.trace, error) }
    watchFiles()
    if sourceIsAcknowledged { acknowledge() }
  }

  /// A FIFO that takes no more is waited for; what is to be written to it must not pile up.
  private mutating func watchFiles() {
    let blocked = (
      blockedDescriptor(of: jobLog), blockedDescriptor(of: deadLetters), chronicle.blockedTrace
    )
    if watchedFiles.isEmpty, blocked == (nil, nil, nil) { return }
    let files = [blocked.0, blocked.1, blocked.2].compactMap { $0 }
    for file in watchedFiles where !files.contains(file) { loop.remove(file) }
    for file in files where !watchedFiles.contains(file) {
      try? loop.add(file, token: RunToken.file.rawValue, readable: false, writable: true)
    }
    watchedFiles = files
  }

  /// The last lines, when the run is over: now there is time to wait for slow readers.
  mutating func finishFiles() {
    flushFiles()
    while !watchedFiles.isEmpty, signalsTaken < 2 {
      guard waitForReaders(until: givesUpAt) else { break }
      flushFiles()
    }
    if !watchedFiles.isEmpty { reporter.note("the last lines of a FIFO are lost: its reader did not take them") }
  }

  /// A run that cannot be taken up again where it ended must not go on as if nothing were.
  private mutating func fileFailed(_ what: String, _ path: String?, _ error: SystemError) {
    guard earlyEnd != .outputFailed else { return }
    let name = what + (path.map { " \($0)" } ?? "")
    reporter.fatal("cannot write \(name): \(error.reason); the run ends here")
    earlyEnd = .outputFailed
    abandonJobs(.prompt, because: .outputFailed(name))
  }

  // MARK: Dead letters

  /// A job that did not end well is kept with what is known of its end, such that it can be fed in again.
  mutating func bury(_ job: JobID, _ outcome: Outcome) {
    guard deadLetters != nil else { return }
    let details = executor.jobs.facts[job]
    var attempts = details.failedAttempts
    if attempts.isEmpty {
      attempts = [
        DeadLetter.Attempt(
          outcome: outcome.description, failure: details.failure ?? Failure(message: outcome.words), slot: details.slot,
          pid: details.pid)
      ]
    }
    let letter = DeadLetter(
      seq: executor.jobs.ledger.sequence(of: job), outcome: outcome.description, attempts: attempts)
    var line: [UInt8] = []
    if let rejected = details.rejected {
      letter.append(badRecord: rejected.span.bytes, to: &line)
      deadLetters?.append(line)
    } else if let record = details.record, (try? letter.append(record: record.span.bytes, to: &line)) != nil {
      deadLetters?.append(line)
    } else {
      letter.append(payload: executor.jobs.store.bytes(of: job, atMost: .max).span.bytes, to: &line)
      deadLetters?.append(line)
    }
  }
}

extension JobLogOutcome {
  fileprivate init(_ outcome: Outcome) {
    switch outcome {
    case .ok: self = .ok
    case .failed: self = .failed
    case .timeout: self = .timeout
    case .crashed: self = .crashed
    case .quarantined: self = .quarantined
    case .cancelled: self = .cancelled
    case .expired: self = .expired
    }
  }
}
