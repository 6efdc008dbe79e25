import JobCore
import JobLog
import LinuxIO
import Records
import WireFormats
import WorkerPool

/// Jobs in: from the bytes of stdin to the ledger.
extension RunDriver {
  /// Takes jobs from stdin as long as the ledger wants them and the readers of stdout and of our files keep up.
  mutating func takeJobs() {
    while !inputIsOver, ledger.canAccept, !sink.isFull, watchedFiles.isEmpty {
      switch source.next() {
      case .job(let place, let consumed):
        take(place)
        source.consume(consumed)
      case .oversize(let consumed):
        linesOfInput += 1
        reject("is over \(configuration.maximumJobSize) bytes (--max-job-size)", bytes: [], isAJob: false)
        source.consume(consumed)
      case .notYet: return watchInput()
      case .nextTurn:
        inputWantsTurn = true
        return
      case .end: endInput()
      case .failed(let reason):
        reporter.fatal(reason)
        if earlyEnd == nil { earlyEnd = .inputUnreadable }
        endInput()
      }
    }
  }

  private mutating func take(_ place: Range<Int>) {
    linesOfInput += 1
    switch configuration.input {
    case .framed(let framing): takePlain(place, framing)
    case .records: takeRecord(place)
    }
  }

  // MARK: Plain jobs

  private mutating func takePlain(_ place: Range<Int>, _ framing: Framing) {
    var key: JobKey?
    if jobLog != nil {
      let ofJob = source.withBytes { JobKey(ofJob: UnsafeRawBufferPointer(rebasing: $0[place]).bytes) }
      if resume.take(ofJob) { return ledger.handle(.skipped, into: &jobActions) }
      key = ofJob
    }
    let job = ledger.nextID
    let defect = source.withBytes { bytes -> FramingError? in
      let payload = UnsafeRawBufferPointer(rebasing: bytes[place])
      if framing != configuration.pool.framing, let error = configuration.pool.framing.canCarry(payload.bytes) {
        return error
      }
      store.store(payload, as: configuration.pool.framing, for: job)
      return nil
    }
    if let defect { return reject(unfit(defect), bytes: source.withBytes { Array($0[place]) }) }
    accept(job, .usual, sent: place.count) { $0.key = key }
  }

  private func unfit(_ defect: FramingError) -> String {
    "cannot be sent with --protocol \(configuration.pool.framing): \(defect); try --protocol length4 or netstring"
  }

  // MARK: Records

  private mutating func takeRecord(_ place: Range<Int>) {
    let line = source.withBytes { Array($0[place]) }
    do throws(RecordError) {
      try takeRecord(try InputRecord(line.span.bytes), line)
    } catch {
      if case .notJSON(let defect) = error, defect.problem == .empty { return }
      hasBadInput = true
      reject("is a bad record: \(error) (line \(linesOfInput) of the input)", bytes: line, isAJob: false)
    }
  }

  private mutating func takeRecord(_ record: InputRecord, _ line: [UInt8]) throws(RecordError) {
    var payload: [UInt8] = []
    record.appendJob(of: line.span.bytes, to: &payload)
    var key: JobKey?
    if jobLog != nil {
      let found = self.key(of: record, line, payload)
      if resume.take(found) { return ledger.handle(.skipped, into: &jobActions) }
      key = found
    }
    let id = record.id.map { Array(line[$0]) }
    func complete(_ details: inout JobFacts.Details) {
      details.id = id
      details.key = key
      details.record = line
    }
    if let defect = configuration.pool.framing.canCarry(payload.span.bytes) {
      return reject(unfit(defect), bytes: payload, complete)
    }
    let job = ledger.nextID
    payload.withUnsafeBytes { store.store($0, as: configuration.pool.framing, for: job) }
    let terms = JobTerms(
      retries: record.retries.map(Int32.init) ?? -1, runLimit: record.timeout ?? 0, priority: record.priority)
    accept(job, terms, sent: payload.count, complete)
  }

  private func key(of record: InputRecord, _ line: [UInt8], _ payload: [UInt8]) -> JobKey {
    guard record.key != nil else { return JobKey(ofJob: payload.span.bytes) }
    var name: [UInt8] = []
    record.appendKey(of: line.span.bytes, to: &name)
    return JobKey(name: name.span.bytes)
  }

  // MARK: To the ledger

  private mutating func accept(
    _ job: JobID, _ terms: JobTerms, sent: Int, _ complete: (inout JobFacts.Details) -> Void
  ) {
    facts.begin(job, at: loop.now())
    if facts.keepsDetails {
      facts[job].sent = sent
      if jobLog != nil { facts[job].command = store.payload(of: job, atMost: JobLogLine.longestCommand + 1) }
      complete(&facts[job])
    }
    ledger.handle(.accepted(job, terms), into: &jobActions)
    performJobActions()
  }

  /// A job that cannot be run is an outcome, too: it keeps its place, and loses nothing else.
  private mutating func reject(
    _ reason: String, bytes: [UInt8], isAJob: Bool = true, _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) {
    let job = ledger.nextID
    bytes.withUnsafeBytes { store.store($0, as: .lines, for: job) }
    facts.begin(job, at: loop.now())
    if facts.keepsDetails {
      facts[job].sent = bytes.count
      facts[job].failure = Failure(message: "the job \(reason)")
      facts[job].cannotComeAgain = !isAJob
      if jobLog != nil {
        facts[job].key = JobKey(ofJob: bytes.span.bytes)
        facts[job].command = Array(bytes.prefix(JobLogLine.longestCommand + 1))
      }
      complete(&facts[job])
    }
    ledger.handle(.accepted(job), into: &jobActions)
    reporter.repeated(.rejectedJob, cause: reason, "job \(ledger.sequence(of: job)) \(reason)")
    ledger.handle(.rejected(job), into: &jobActions)
    performJobActions()
  }

  mutating func endInput() {
    guard !inputIsOver else { return }
    inputIsOver = true
    if inputIsWatched { stopWatchingInput() }
    ledger.handle(.inputEnded, into: &jobActions)
    performJobActions()
  }
}
