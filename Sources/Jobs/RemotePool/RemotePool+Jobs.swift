import JobCore
import JobEngine
import JobSources
import WireFormats

/// Jobs in.
extension RemotePool {
  /// A job has come in, if in a record with what that asks for.
  package mutating func accepted(_ job: JobID, _ recorded: RecordedJob?) {
    guard let recorded else { return keep(usualTerms, isJSON: false, of: job) }
    var terms: [UInt8] = []
    let line = recorded.line
    recorded.record.appendTerms(
      of: line.span.bytes, timeout: configuration.runLimit, retries: configuration.retries, to: &terms)
    let isText = if case .value(let value) = recorded.record.job { value.isString } else { true }
    keep(terms, isJSON: !isText, of: job)
  }

  private mutating func keep(_ terms: [UInt8], isJSON: Bool, of job: JobID) {
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
