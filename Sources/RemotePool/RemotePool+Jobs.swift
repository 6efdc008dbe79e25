import EventLoop
import JobCore
import JobEngine
import Records
import WireFormats

/// Jobs in.
extension RemotePool {
  /// A job comes in. `complete` adds what is known of it, if anybody wants the details.
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, answer: Framing?, _ loop: borrowing EventLoop,
    _ complete: (inout JobFacts.Details) -> Void
  ) {
    let job = jobs.accept(payload, .usual, answer: answer, at: loop.now(), complete)
    keep(usualTerms, isJSON: false, of: job)
  }

  /// A job comes in, in the record `line`, with what that asks for.
  package mutating func accept(
    _ payload: UnsafeRawBufferPointer, of record: InputRecord, _ line: RawSpan, answer: Framing?,
    _ loop: borrowing EventLoop, _ complete: (inout JobFacts.Details) -> Void
  ) {
    let priority = JobTerms(priority: record.priority)
    let job = jobs.accept(payload, priority, answer: answer, at: loop.now(), complete)
    var terms: [UInt8] = []
    record.appendTerms(of: line, timeout: configuration.runLimit, retries: configuration.retries, to: &terms)
    let isText = if case .value(let value) = record.job { value.isString } else { true }
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
