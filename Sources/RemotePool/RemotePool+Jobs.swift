import JobCore
import JobEngine
import JobSources
import Time
import WireFormats

/// Jobs in.
extension RemotePool {
  /// A job comes in, if in a record with what that asks for: the other pool sees to all of it but the priority.
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, _ recorded: RecordedJob?, client: ClientID, answer: Framing?, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> JobID? {
    let terms = JobTerms(priority: recorded?.record.priority ?? 0, client: client)
    let job = jobs.accept(payload, as: .lines, terms, answer: answer, at: now, complete)
    if let recorded { keep(recorded, of: job) } else { keep(usualTerms, isJSON: false, of: job) }
    return job
  }

  private mutating func keep(_ recorded: RecordedJob, of job: JobID?) {
    var terms: [UInt8] = []
    let line = recorded.line
    recorded.record.appendTerms(
      of: line.span.bytes, timeout: configuration.runLimit, retries: configuration.retries, to: &terms)
    let isText = if case .value(let value) = recorded.record.job { value.isString } else { true }
    keep(terms, isJSON: !isText, of: job)
  }

  private mutating func keep(_ terms: [UInt8], isJSON: Bool, of job: JobID?) {
    guard let job else { return }
    while self.terms.count <= Int(job.index) {
      self.terms.append([])
      self.isJSON.append(false)
    }
    self.terms[Int(job.index)] = terms
    self.isJSON[Int(job.index)] = isJSON
  }

  /// Lends the reply of a job that is reported as `emit` with the outcome ok.
  package func withResult<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    jobs.answering == job ? reply.withUnsafeBytes(body) : jobs.store.withReply(of: job, body)
  }
}
