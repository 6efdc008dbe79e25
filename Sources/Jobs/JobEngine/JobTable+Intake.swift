import JobCore
import JobLog
import JobSources
import LinuxIO
import Records
import Text
import Time
import WireFormats
import WorkerProtocols

/// Where jobs go from the table. This decides how they come in.
package enum JobDestination {
  /// To our own workers, by this protocol, which may be unable to carry some jobs.
  case workers(any WorkerProtocol)
  /// To a served pool. It accepts every job, and applies limits and retries itself.
  case servedPool

  /// The framings in which jobs can be sent there, and replies come from there, without a look; nil for none.
  var framings: (jobs: Framing?, replies: Framing?) {
    switch self {
    case .workers(let theirs): (theirs.framing, theirs.replyFraming)
    case .servedPool: (nil, nil)
    }
  }
}

/// How the jobs of one source come in.
package struct IntakeRules {
  /// The client that the jobs belong to.
  package var client = ClientID.sole
  /// The framing that an answer must fit into; nil for any.
  package var answer: Framing?
  /// Its results come out in order, if each client has an order of its own.
  package var isOrdered = true
  /// There is a joblog: the key and the beginning of each job are kept.
  package var isLogged = false
  /// The beginning of each job is kept, for its tag.
  package var isTagged = false
  /// A job is refused if there is no room for it. If this is false, the caller makes sure that there is room.
  package var refusesWhenFull = false
  /// What to try with a job that the workers' protocol cannot carry, phrased to follow the reason.
  package var advice = ""

  package init() {}

  /// The terms of a job that asks for nothing.
  fileprivate var terms: JobTerms {
    var terms = JobTerms(client: client)
    terms.isOrdered = isOrdered
    return terms
  }
}

/// What became of a job from a source.
package enum Intake {
  /// The job was accepted, with its record if it came in one. Nil if its client is gone.
  case accepted(JobID?, RecordedJob?)
  /// The job failed at once. The reason is phrased to follow `the job`. A malformed one is no job at all.
  case rejected(JobID?, reason: String, isMalformed: Bool)
  /// The job is `expired` at once: there is no room for it.
  case refused(JobID?)
  /// An earlier run has done it.
  case skipped
  /// An empty line among records.
  case nothing

  /// The job, if there is one.
  package var job: JobID? {
    switch self {
    case .accepted(let job, _), .rejected(let job, _, _), .refused(let job): job
    case .skipped, .nothing: nil
    }
  }
}

/// The way from the bytes of a source to the ledger, the same for every source and every executor.
extension JobTable {
  /// Accepts or rejects a job from a source. `shared`: the same bytes, if the source shares them (`shareJob`).
  /// `position`: its place there. `isDone`: whether an earlier run has done a job with this key; called only with a
  /// joblog. The caller must handle what follows (`next`) before the next job.
  package mutating func take(
    _ bytes: UnsafeRawBufferPointer, sharing shared: SharedBytes? = nil, as form: JobForm, _ rules: IntakeRules,
    at now: Instant, position: @autoclosure () -> String, isDone: (JobKey) -> Bool = { _ in false }
  ) -> Intake {
    switch form {
    case .plain(let framing): return take(bytes, shared, nil, from: framing, rules, at: now, isDone)
    case .record:
      switch RecordedJob.read(bytes, position: position()) {
      case .job(let record):
        return record.payload.withUnsafeBytes { take($0, nil, record, from: nil, rules, at: now, isDone) }
      case .nothing: return .nothing
      case .malformed(let reason, let id): return reject(reason, bytes, id: id, isMalformed: true, rules, at: now)
      }
    }
  }

  /// A job of more than `limit` bytes fails alone.
  package mutating func takeOversize(limit: Int, _ rules: IntakeRules, at now: Instant) -> Intake {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    return reject("is over \(plural(limit, "byte")) (--max-job-size)", nothing, isMalformed: true, rules, at: now)
  }

  @inline(__always)
  private mutating func take(
    _ payload: UnsafeRawBufferPointer, _ shared: SharedBytes?, _ record: RecordedJob?, from framing: Framing?,
    _ rules: IntakeRules, at now: Instant, _ isDone: (JobKey) -> Bool
  ) -> Intake {
    var key: JobKey?
    if rules.isLogged {
      let found = record?.key ?? JobKey(ofJob: payload.bytes)
      if isDone(found) {
        handle(.skipped)
        return .skipped
      }
      key = found
    }
    if framing == nil || framing != framingOfWorkers, let defect = defect(of: payload) {
      // Another framing is of use only where there is one.
      let advice = framingOfWorkers == nil ? "" : rules.advice
      return reject(defect + advice, payload, key: key, record, id: record?.id, rules, at: now)
    }
    var terms = rules.terms
    if let record { apply(record, to: &terms) }
    if let rule = ledger.configuration.batches {
      terms.size = payload.count
      if rule.isByGroup { terms.group = record?.group ?? 0 }
    }
    if rules.refusesWhenFull, !ledger.canAccept { return refuse(size: payload.count, id: record?.id, rules, at: now) }
    let keepsRecord = keepsJobs
    let job = accept(payload, sharing: shared, terms, answer: rules.answer, at: now) { details in
      details.id = record?.id
      details.key = key
      if key != nil || rules.isTagged { details.setCommand(payload, rules) }
      // For the dead letters.
      if keepsRecord { details.record = record?.line }
    }
    return .accepted(job, record)
  }

  /// Why the workers' protocol cannot carry the job; nil if it can.
  private func defect(of job: UnsafeRawBufferPointer) -> String? {
    switch destination {
    case .workers(let theirs):
      theirs.defect(of: job.bytes).map { "cannot be sent with \(theirs.option): \($0)" }
    case .servedPool: nil
    }
  }

  /// Applies the requests of a record that are ours to fulfil.
  private func apply(_ record: RecordedJob, to terms: inout JobTerms) {
    switch destination {
    case .workers: record.apply(to: &terms)
    case .servedPool: terms.priority = record.record.priority
    }
  }

  private mutating func reject(
    _ reason: String, _ bytes: UnsafeRawBufferPointer, key: JobKey? = nil, _ record: RecordedJob? = nil,
    id: [UInt8]? = nil, isMalformed: Bool = false, _ rules: IntakeRules, at now: Instant
  ) -> Intake {
    if rules.refusesWhenFull, !ledger.canAccept { return refuse(size: bytes.count, id: id, rules, at: now) }
    let job = reject(
      reason, bytes: Array(bytes), terms: rules.terms, isAJob: !isMalformed, answer: rules.answer, at: now
    ) { details in
      details.id = id
      details.record = record?.line
      if rules.isLogged || rules.isTagged { details.setCommand(bytes, rules) }
      if rules.isLogged { details.key = key ?? JobKey(ofJob: bytes.bytes) }
    }
    return .rejected(job, reason: reason, isMalformed: isMalformed)
  }

  /// There is no room, and clients should not wait for it.
  private mutating func refuse(size: Int, id: [UInt8]?, _ rules: IntakeRules, at now: Instant) -> Intake {
    let reason = "busy: \(plural(ledger.counts.queued, "job")) waiting already (--queue)"
    return .refused(refuse(reason, rules.terms, sent: size, answer: rules.answer, at: now) { $0.id = id })
  }
}

extension JobFacts.Details {
  /// Keeps what the joblog, or a tag, shows of a job.
  fileprivate mutating func setCommand(_ payload: UnsafeRawBufferPointer, _ rules: IntakeRules) {
    command.removeAll(keepingCapacity: true)
    command.append(contentsOf: payload.prefix((rules.isTagged ? JobTag.longestJob : JobLogLine.longestCommand) + 1))
  }
}
