import JobCore
import LinuxIO
import Records
import Time
import WireFormats

/// The one table of jobs, wherever they are done: the ledger, which decides about them, their bytes, what is known of
/// them, and why they are cancelled. An executor (`JobEngine` here, `RemotePool` elsewhere) takes the ledger's
/// assignments, hands in how they end, and reports with `next` what follows.
package struct JobTable {
  package var ledger: JobLedger
  package var store = JobStore()
  package var facts: JobFacts
  /// What the ledger has decided; those before `nextAction` are done.
  package var actions: [JobAction] = []
  private var nextAction = 0
  /// The job whose answer is being settled: the executor still has the bytes of that.
  package var answering: JobID?
  /// Jobs are kept until their answers are out: for dead letters, and in case that an answer is withdrawn.
  package let keepsJobs: Bool
  /// Bytes of the jobs that are not settled.
  package private(set) var unsettledBytes = 0
  /// Why jobs are cancelled from now on, since all of them are to end.
  private var endCause: CancelCause?
  /// Jobs that are being cancelled, each by itself.
  private var cancelCauses: [JobID: CancelCause] = [:]

  /// Where jobs go from here.
  private(set) var destination: JobDestination
  /// What came in this framing can be sent to the workers without a look.
  private(set) var framingOfWorkers: Framing?
  /// What the workers answer fits into this framing without a look.
  private(set) var framingOfReplies: Framing?

  package init(
    _ ledger: JobLedger.Configuration, to destination: JobDestination, keepsDetails: Bool, keepsJobs: Bool
  ) {
    self.ledger = JobLedger(configuration: ledger)
    self.destination = destination
    (framingOfWorkers, framingOfReplies) = destination.framings
    facts = JobFacts(keepsDetails: keepsDetails)
    self.keepsJobs = keepsJobs
  }

  /// From now on jobs are kept like this, and those that come in are checked for this destination. What waits was
  /// checked when it came in.
  mutating func reconfigure(_ ledger: JobLedger.Configuration, to destination: JobDestination) {
    self.ledger.reconfigure(ledger, into: &actions)
    self.destination = destination
    (framingOfWorkers, framingOfReplies) = destination.framings
  }

  // MARK: Jobs in

  /// A job comes in. Before the next one, what follows from it must be taken (`next`).
  /// `shared`: the same bytes, if they need not be copied. `complete` adds what is known of it, if anybody wants the
  /// details. Nil for a client that is not there.
  package mutating func accept(
    _ bytes: UnsafeRawBufferPointer, sharing shared: SharedBytes? = nil, _ terms: JobTerms, answer: Framing?,
    at now: Instant, _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) -> JobID? {
    guard let job = ledger.accept(terms, into: &actions) else { return nil }
    store.store(bytes, sharing: shared, for: job)
    begin(job, sent: bytes.count, answer, at: now, complete)
    return job
  }

  /// A job that cannot be done is an outcome, too: it keeps its place, and loses nothing else.
  package mutating func reject(
    _ reason: String, bytes: [UInt8], terms: JobTerms = .usual, isAJob: Bool, answer: Framing?, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID? {
    guard let job = ledger.accept(terms, into: &actions) else { return nil }
    bytes.withUnsafeBytes { store.store($0, for: job) }
    begin(job, sent: bytes.count, answer, at: now) { details in
      details.failure = Failure(message: "the job \(reason)")
      if !isAJob { details.rejected = bytes }
      complete(&details)
    }
    ledger.handle(.rejected(job), into: &actions)
    return job
  }

  /// A job for which there is no room in the queue: `expired` at once, for this reason.
  package mutating func refuse(
    _ reason: String, _ terms: JobTerms, sent: Int, answer: Framing?, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID? {
    guard let job = ledger.refuse(terms, into: &actions) else { return nil }
    store.store(UnsafeRawBufferPointer(start: nil, count: 0), for: job)
    begin(job, sent: sent, answer, at: now) { details in
      details.failure = Failure(message: reason, code: Self.busyCode)
      complete(&details)
    }
    return job
  }

  private mutating func begin(
    _ job: JobID, sent: Int, _ answer: Framing?, at now: Instant, _ complete: (inout JobFacts.Details) -> Void
  ) {
    unsettledBytes += store.size(of: job)
    facts.begin(job, at: now, answer: answer)
    guard facts.keepsDetails else { return }
    facts[job].sent = sent
    complete(&facts[job])
  }

  /// In a failure: come again later (EX_TEMPFAIL of sysexits.h).
  package static let busyCode = 75

  /// Something happens to jobs or to a client: the end of the input, for one.
  package mutating func handle(_ event: JobEvent) { ledger.handle(event, into: &actions) }

  // MARK: Ends

  /// Starts nothing new: queued jobs are cancelled for this reason, running ones finish.
  package mutating func drain(because cause: CancelCause) {
    endCause = cause
    ledger.handle(.drain, into: &actions)
  }

  /// Whatever is not settled is cancelled. What follows from it must be taken before the executor is stopped.
  package mutating func abandon(because cause: CancelCause) {
    endCause = cause
    ledger.handle(.abort, into: &actions)
  }

  /// Cancels one job, wherever it is.
  package mutating func cancel(_ job: JobID, because cause: CancelCause) {
    let first = actions.count
    ledger.handle(.cancel(job), into: &actions)
    // It may have ended before this was reported.
    for case .settled(let settled, .cancelled) in actions[first...] { cancelCauses[settled] = cause }
  }

  /// Why the job is cancelled. Without a reason of its own and without an end of all, it is that its client has left.
  package func cancelCause(of job: JobID) -> CancelCause {
    cancelCauses[job] ?? endCause ?? (ledger.isHalted ? .halted : .clientGone)
  }

  // MARK: What follows

  /// What follows from what was decided.
  package enum Step {
    /// For the sources of the jobs.
    case output(JobOutput)
    /// For the executor: interrupt, hold, the clocks, and defects.
    case decision(JobAction)
  }

  /// The next step; nil when there is none.
  @inline(__always)
  package mutating func next(at now: Instant) -> Step? {
    while nextAction < actions.count {
      nextAction += 1
      switch actions[nextAction - 1] {
      case .settled(let job, let outcome):
        settled(job, outcome, at: now)
        return .output(.settled(job, outcome))
      case .emit(let job, let outcome): return .output(.emit(job, outcome))
      case .withdrawn(let job): return .output(.withdrawn(job))
      case .idle: return .output(.idle)
      case .forget(let job): store.forget(job)
      case .interrupt, .interruptBatch, .hold, .arm, .disarm, .reportInternalError:
        return .decision(actions[nextAction - 1])
      }
    }
    if nextAction > 0 {
      // A job that came late may have released thousands of results, which seldom happens.
      actions.removeAll(keepingCapacity: nextAction < 2048)
      nextAction = 0
    }
    return nil
  }

  private mutating func settled(_ job: JobID, _ outcome: Outcome, at now: Instant) {
    unsettledBytes -= store.size(of: job)
    // One that never had a worker has waited until now.
    if facts.keepsDetails, facts[job].leasedAt == nil { facts[job].endedAt = now }
    // One that another pool has cancelled comes with that pool's reason.
    guard outcome == .cancelled, answering != job else { return }
    facts.recordCancellation(of: job, cancelCause(of: job))
    if !cancelCauses.isEmpty { cancelCauses[job] = nil }
  }

  /// The line of JSON for a job that comes out. `number`: its place among the jobs of its client. `reply` lends what a
  /// worker answered; called only if the outcome is ok. `keepingJSON`: a reply that is JSON stands as JSON. Only with
  /// details.
  package func record(
    of job: JobID, _ outcome: Outcome, number: UInt64, keepingJSON: Bool,
    reply: (_ use: (UnsafeRawBufferPointer) -> Void) -> Void
  ) -> [UInt8] {
    let (details, record) = (facts[job], outputRecord(of: job, outcome, number: number))
    guard outcome == .ok else { return failureRecord(record, details, outcome) }
    var line: [UInt8] = []
    reply { reply in
      record.append(reply: reply.bytes, keepingJSON: keepingJSON, id: details.id?.span.bytes, to: &line)
    }
    return line
  }

  /// The same without the reply, which stands elsewhere.
  package func recordWithoutReply(of job: JobID, _ outcome: Outcome, number: UInt64) -> [UInt8] {
    let (details, record) = (facts[job], outputRecord(of: job, outcome, number: number))
    guard outcome == .ok else { return failureRecord(record, details, outcome) }
    var line: [UInt8] = []
    record.append(id: details.id?.span.bytes, to: &line)
    return line
  }

  private func failureRecord(_ record: OutputRecord, _ details: JobFacts.Details, _ outcome: Outcome) -> [UInt8] {
    var line: [UInt8] = []
    record.append(details.failure ?? Failure(message: outcome.words), id: details.id?.span.bytes, to: &line)
    return line
  }

  private func outputRecord(of job: JobID, _ outcome: Outcome, number: UInt64) -> OutputRecord {
    let details = facts[job]
    return OutputRecord(
      seq: number, outcome: outcome.description, attempts: ledger.attempts(of: job), slot: details.slot,
      pid: details.pid, queued: details.queued, ran: details.ran, cpu: details.cost?.cpu,
      rss: details.cost?.memoryChange, progress: details.progress)
  }

  /// The job waits for its turn. If its answer is being settled, it is kept: `share` returns it, if it need not be
  /// copied; else `reply` lends it.
  package mutating func hold(
    _ job: JobID, sharing share: () -> SharedBytes? = { nil },
    _ reply: (_ keep: (UnsafeRawBufferPointer) -> Void) -> Void
  ) {
    // The bytes to feed it in again must not pile up behind a job that hangs, unless its answer may still be withdrawn.
    let isNeeded = keepsJobs && answering == job
    if facts.keepsDetails, !isNeeded {
      facts[job].record = nil
      facts[job].rejected = nil
      facts[job].failedAttempts = []
    }
    if answering == job, let shared = share() {
      store.storeReply(shared, for: job, keepingJob: isNeeded)
      answering = nil  // Its bytes are here now.
    }
    if answering == job { reply { store.storeReply($0, for: job, keepingJob: isNeeded) } }
  }
}

/// What becomes of jobs, for their sources.
package enum JobOutput: Equatable {
  /// The job has ended, in the order in which jobs end. Exactly once per job.
  case settled(JobID, Outcome)
  /// The job's turn to come out, in the order of the input if that is kept. Exactly once per job; its facts are gone
  /// after it.
  case emit(JobID, Outcome)
  /// A job that was reported as settled `ok`, and whose answer is not out yet, has failed: the answer cannot be
  /// trusted.
  case withdrawn(JobID)
  /// No job is left and none will come.
  case idle
}
