import JobCore
import JobLog
import JobSources
import Records
import Text
import Time
import WireFormats

/// How the jobs of one source come in.
package struct IntakeRules {
  /// Whose jobs they are.
  package var client = ClientID.sole
  /// What an answer must fit into; nil if into anything.
  package var answer: Framing?
  /// There is a joblog: of each job the key and the beginning are kept.
  package var isLogged = false
  /// A job for which there is no room is refused. Without it there must be room.
  package var refusesWhenFull = false

  package init() {}
}

/// What became of what a source has found.
package enum Intake {
  /// A job that can be done.
  case accepted(JobID?)
  /// A job that has failed at once, for this reason, to be read after `the job`. If it is malformed it is no job at all.
  case rejected(JobID?, reason: String, isMalformed: Bool)
  /// A job that is `expired` at once: there is no room for it.
  case refused(JobID?)
  /// An earlier run has done it.
  case skipped
  /// An empty line among records.
  case nothing

  /// Its name; nil without a job.
  @inlinable package var job: JobID? {
    switch self {
    case .accepted(let job), .rejected(let job, _, _), .refused(let job): job
    case .skipped, .nothing: nil
    }
  }
}

/// From the bytes of a source to the ledger, for whoever takes jobs in. Inlined, so that of each source and each
/// executor the compiler makes code of its own.
extension JobIntake where Self: ~Copyable {
  /// Takes in what the source has found. `isDone`: whether a job with this key was done by an earlier run; asked only
  /// with a joblog.
  @inlinable package mutating func accept<Source: JobSource & ~Copyable>(
    from source: borrowing Source, _ rules: IntakeRules, at now: Instant, isDone: (JobKey) -> Bool = { _ in false }
  ) -> Intake {
    var intake = Intake.nothing
    source.withJob { bytes in
      switch source.form {
      case .plain(let framing): intake = accept(bytes, nil, from: framing, rules, at: now, isDone)
      case .record:
        switch RecordedJob.read(bytes, position: source.position) {
        case .job(let record):
          intake = record.payload.withUnsafeBytes { accept($0, record, from: nil, rules, at: now, isDone) }
        case .nothing: break
        case .malformed(let reason, let line, let id):
          let key = rules.isLogged ? JobKey(ofJob: line.span.bytes) : nil
          intake = reject(reason, line, isMalformed: true, rules, at: now) { details in
            line.withUnsafeBytes { details.describe(id: id, key, $0) }
          }
        }
      }
    }
    return intake
  }

  /// A job of more than `limit` bytes fails alone.
  package mutating func rejectOversize(limit: Int, _ rules: IntakeRules, at now: Instant) -> Intake {
    let key = rules.isLogged ? JobKey(ofJob: [UInt8]().span.bytes) : nil
    let reason = "is over \(plural(limit, "byte")) (--max-job-size)"
    return reject(reason, [], isMalformed: true, rules, at: now) {
      $0.describe(id: nil, key, UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  @inlinable mutating func accept(
    _ payload: UnsafeRawBufferPointer, _ record: RecordedJob?, from framing: Framing?, _ rules: IntakeRules,
    at now: Instant, _ isDone: (JobKey) -> Bool
  ) -> Intake {
    var key: JobKey?
    if rules.isLogged {
      let found = record?.key ?? JobKey(ofJob: payload.bytes)
      if isDone(found) {
        jobs.handle(.skipped)
        return .skipped
      }
      key = found
    }
    // The bytes to feed the job in again.
    let line = jobs.keepsJobs ? record?.line : nil
    if let reason = defect(of: payload, from: framing) {
      return reject(reason, Array(payload), isMalformed: false, rules, at: now) {
        $0.describe(id: record?.id, key, payload)
        $0.record = line
      }
    }
    if rules.refusesWhenFull, !jobs.ledger.canAccept {
      return refuse(size: payload.count, rules, at: now) { $0.id = record?.id }
    }
    return .accepted(
      accept(payload, record, client: rules.client, answer: rules.answer, at: now) {
        $0.describe(id: record?.id, key, payload)
        $0.record = line
      })
  }

  package mutating func reject(
    _ reason: String, _ bytes: [UInt8], isMalformed: Bool, _ rules: IntakeRules, at now: Instant,
    _ complete: (inout JobFacts.Details) -> Void
  ) -> Intake {
    if rules.refusesWhenFull, !jobs.ledger.canAccept {
      return refuse(size: bytes.count, rules, at: now, complete)
    }
    let job = jobs.reject(
      reason, bytes: bytes, terms: JobTerms(client: rules.client), isAJob: !isMalformed, answer: rules.answer, at: now,
      complete)
    return .rejected(job, reason: reason, isMalformed: isMalformed)
  }

  /// There is no room, and clients are not let wait for it.
  package mutating func refuse(
    size: Int, _ rules: IntakeRules, at now: Instant, _ complete: (inout JobFacts.Details) -> Void
  ) -> Intake {
    let reason = "busy: \(plural(jobs.ledger.counts.queued, "job")) waiting already (--queue)"
    let terms = JobTerms(client: rules.client)
    return .refused(jobs.refuse(reason, terms, sent: size, answer: rules.answer, at: now, complete))
  }
}

extension JobFacts.Details {
  /// What the source says of the job. With a joblog, which needs it, there is a key.
  package mutating func describe(id: [UInt8]?, _ key: JobKey?, _ bytes: UnsafeRawBufferPointer) {
    self.id = id
    guard let key else { return }
    self.key = key
    command = Array(bytes.prefix(JobLogLine.longestCommand + 1))
  }
}
