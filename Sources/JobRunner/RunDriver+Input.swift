import JobCore
import JobEngine
import JobLog
import LinuxIO
import Records
import Text
import WireFormats

/// Jobs in: from the bytes of stdin to the ledger.
extension RunDriver where Work: ~Copyable {
  /// Takes jobs from stdin as long as the ledger wants them and the readers of stdout and of our files keep up.
  mutating func takeJobs() {
    while !inputIsOver, workplace.canAccept, !sink.isFull, watchedFiles.isEmpty {
      switch source.next() {
      case .job(let place, let consumed):
        take(place)
        source.consume(consumed)
      case .oversize(let consumed):
        linesOfInput += 1
        reject("is over \(plural(configuration.maximumJobSize, "byte")) (--max-job-size)", bytes: [], isAJob: false)
        source.consume(consumed)
      case .notYet: return watchInput()
      case .inBackground:
        wantsForeground = true
        return
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
      if resume.take(ofJob) { return workplace.jobs.handle(.skipped) }
      key = ofJob
    }
    if let reason = source.withBytes({
      workplace.defect(of: UnsafeRawBufferPointer(rebasing: $0[place]), from: framing)
    }) {
      return reject(reason, bytes: source.withBytes { Array($0[place]) })
    }
    let (answer, isLogged) = (answerFraming, jobLog != nil)
    source.withBytes { bytes in
      let payload = UnsafeRawBufferPointer(rebasing: bytes[place])
      workplace.accept(payload, answer: answer, loop) { details in
        details.key = key
        if isLogged { details.command = shownCommand(payload) }
      }
    }
    settleActions()
  }

  // MARK: Records

  private mutating func takeRecord(_ place: Range<Int>) {
    let line = source.withBytes { Array($0[place]) }
    do throws(RecordError) {
      try takeRecord(try InputRecord(line.span.bytes), line)
    } catch {
      if case .notJSON(let defect) = error, defect.problem == .empty { return }
      hasBadInput = true
      let id = InputRecord.id(of: line.span.bytes).map { Array(line[$0]) }
      reject("is a bad record: \(error) (line \(linesOfInput) of the input)", bytes: line, isAJob: false) { $0.id = id }
    }
  }

  private mutating func takeRecord(_ record: InputRecord, _ line: [UInt8]) throws(RecordError) {
    var payload: [UInt8] = []
    record.appendJob(of: line.span.bytes, to: &payload)
    var key: JobKey?
    if jobLog != nil {
      let found = self.key(of: record, line, payload)
      if resume.take(found) { return workplace.jobs.handle(.skipped) }
      key = found
    }
    let id = record.id.map { Array(line[$0]) }
    func complete(_ details: inout JobFacts.Details) {
      details.id = id
      details.key = key
      details.record = line
    }
    if let reason = payload.withUnsafeBytes({ workplace.defect(of: $0, from: nil) }) {
      return reject(reason, bytes: payload, complete)
    }
    let (answer, isLogged) = (answerFraming, jobLog != nil)
    payload.withUnsafeBytes { payload in
      workplace.accept(payload, of: record, line.span.bytes, answer: answer, loop) { details in
        if isLogged { details.command = shownCommand(payload) }
        complete(&details)
      }
    }
    settleActions()
  }

  private func key(of record: InputRecord, _ line: [UInt8], _ payload: [UInt8]) -> JobKey {
    guard record.key != nil else { return JobKey(ofJob: payload.span.bytes) }
    var name: [UInt8] = []
    record.appendKey(of: line.span.bytes, to: &name)
    return JobKey(name: name.span.bytes)
  }

  // MARK: To the ledger

  private mutating func reject(
    _ reason: String, bytes: [UInt8], isAJob: Bool = true, _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) {
    let isLogged = jobLog != nil
    let job = workplace.jobs.reject(reason, bytes: bytes, isAJob: isAJob, answer: answerFraming, at: loop.now()) {
      details in
      if isLogged {
        details.key = JobKey(ofJob: bytes.span.bytes)
        details.command = bytes.withUnsafeBytes(shownCommand)
      }
      complete(&details)
    }
    if let job {
      reporter.repeated(.rejectedJob, cause: reason, "job \(workplace.jobs.ledger.sequence(of: job)) \(reason)")
    }
    settleActions()
  }

  /// What an answer must fit into.
  private var answerFraming: Framing? {
    switch configuration.output {
    case .framed(let framing): framing
    case .records: nil
    }
  }

  mutating func endInput() {
    guard !inputIsOver else { return }
    inputIsOver = true
    if inputIsWatched { stopWatchingInput() }
    workplace.jobs.handle(.inputEnded)
    settleActions()
  }
}

/// What the joblog shows of a job.
private func shownCommand(_ payload: UnsafeRawBufferPointer) -> [UInt8] {
  Array(payload.prefix(JobLogLine.longestCommand + 1))
}
