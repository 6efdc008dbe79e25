import JobCore
import JobEngine
import Records
import Time
import WireFormats

/// Jobs in.
extension RemotePool {
  /// A job comes in. `complete` adds what is known of it, if anybody wants the details.
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, answer: Framing?, at now: Instant, _ complete: (inout JobFacts.Details) -> Void
  ) {
    guard let job = ledger.accept(into: &actions) else { return }
    store(payload, isJSON: false, terms: usualTerms, for: job)
    begin(job, sent: payload.count, answer: answer, at: now, complete)
  }

  /// A job comes in, in the record `line`, with what that asks for.
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, of record: InputRecord, _ line: RawSpan, answer: Framing?, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) {
    guard let job = ledger.accept(JobTerms(priority: record.priority), into: &actions) else { return }
    var terms: [UInt8] = []
    record.appendTerms(of: line, timeout: configuration.runLimit, retries: configuration.retries, to: &terms)
    let isText = if case .value(let value) = record.job { value.isString } else { true }
    store(payload, isJSON: !isText, terms: terms, for: job)
    begin(job, sent: payload.count, answer: answer, at: now, complete)
  }

  private mutating func store(_ payload: UnsafeRawBufferPointer, isJSON: Bool, terms: [UInt8], for job: JobID) {
    store.store(payload, as: .lines, for: job)
    while self.terms.count <= Int(job.index) {
      self.terms.append([])
      self.isJSON.append(false)
    }
    self.terms[Int(job.index)] = terms
    self.isJSON[Int(job.index)] = isJSON
  }

  /// A job that cannot be sent is an outcome, too: it keeps its place, and loses nothing else.
  package mutating func reject(
    _ reason: String, bytes: [UInt8], isAJob: Bool, answer: Framing?, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID? {
    guard let job = ledger.accept(into: &actions) else { return nil }
    bytes.withUnsafeBytes { store($0, isJSON: false, terms: usualTerms, for: job) }
    begin(job, sent: bytes.count, answer: answer, at: now) { details in
      details.failure = Failure(message: "the job \(reason)")
      if !isAJob { details.rejected = bytes }
      complete(&details)
    }
    ledger.handle(.rejected(job), into: &actions)
    return job
  }

  private mutating func begin(
    _ job: JobID, sent: Int, answer: Framing?, at now: Instant, _ complete: (inout JobFacts.Details) -> Void
  ) {
    keptBytes += store.payloadSize(of: job)
    facts.begin(job, at: now, answer: answer)
    if facts.keepsDetails {
      facts[job].sent = sent
      complete(&facts[job])
    }
  }

  /// Tells the ledger what happens to all jobs: the end of the input, for one.
  package mutating func tell(_ event: JobEvent) { ledger.handle(event, into: &actions) }

  /// Lends the reply of a job that is being told as `emit` with the outcome ok.
  package func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    replying == job ? reply.withUnsafeBytes(body) : store.withReply(of: job, body)
  }
}
