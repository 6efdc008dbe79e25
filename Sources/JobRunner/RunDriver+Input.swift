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
      if resume.take(ofJob) { return workplace.tell(.skipped) }
      key = ofJob
    }
    if let reason = source.withBytes({ workplace.store(UnsafeRawBufferPointer(rebasing: $0[place]), from: framing) }) {
      return reject(reason, bytes: source.withBytes { Array($0[place]) })
    }
    accept(.usual, sent: place.count) { $0.key = key }
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
      if resume.take(found) { return workplace.tell(.skipped) }
      key = found
    }
    let id = record.id.map { Array(line[$0]) }
    func complete(_ details: inout JobFacts.Details) {
      details.id = id
      details.key = key
      details.record = line
    }
    if let reason = payload.withUnsafeBytes({ workplace.store($0, of: record, line.span.bytes) }) {
      return reject(reason, bytes: payload, complete)
    }
    let terms = JobTerms(
      retries: record.retries.map(Int32.init) ?? -1, runLimit: record.timeout ?? .zero, priority: record.priority)
    accept(terms, sent: payload.count, complete)
  }

  private func key(of record: InputRecord, _ line: [UInt8], _ payload: [UInt8]) -> JobKey {
    guard record.key != nil else { return JobKey(ofJob: payload.span.bytes) }
    var name: [UInt8] = []
    record.appendKey(of: line.span.bytes, to: &name)
    return JobKey(name: name.span.bytes)
  }

  // MARK: To the ledger

  private mutating func accept(_ terms: JobTerms, sent: Int, _ complete: (inout JobFacts.Details) -> Void) {
    let command =
      jobLog == nil ? [] : workplace.payload(of: workplace.nextID, atMost: JobLogLine.longestCommand + 1)
    workplace.accept(terms, sent: sent, answer: answerFraming, loop) { details in
      details.command = command
      complete(&details)
    }
    settle(leasing: false)
  }

  private mutating func reject(
    _ reason: String, bytes: [UInt8], isAJob: Bool = true, _ complete: (inout JobFacts.Details) -> Void = { _ in }
  ) {
    let isLogged = jobLog != nil
    let job = workplace.reject(reason, bytes: bytes, isAJob: isAJob, answer: answerFraming, loop) { details in
      if isLogged {
        details.key = JobKey(ofJob: bytes.span.bytes)
        details.command = Array(bytes.prefix(JobLogLine.longestCommand + 1))
      }
      complete(&details)
    }
    reporter.repeated(.rejectedJob, cause: reason, "job \(workplace.sequence(of: job)) \(reason)")
    settle(leasing: false)
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
    workplace.tell(.inputEnded)
    settle(leasing: false)
  }
}
