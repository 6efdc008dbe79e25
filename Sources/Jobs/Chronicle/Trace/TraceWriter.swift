import Time

/// Writes a run as a timeline in the Chrome trace format, which Perfetto and Chrome's own viewer open: a row per slot;
/// starts, attempts, probes, resets and stops as spans; ends of workers as instants; queue, workers and throughput as
/// counters.
///
/// The format is the JSON array of Google's "Trace Event Format", one event per line. What was written at any moment,
/// cut behind a line, is a trace: the format allows that the last comma stays and the bracket is missing, so that a
/// killed run can be looked at. `end` closes the array, and the whole is JSON to the letter.
///
/// Nothing is kept but a few numbers per row, however long the run.
///
/// ```swift
/// var trace = TraceWriter(title: "prefork run -- ./worker", pid: getpid(), into: &bytes)
/// trace.append(event, to: &bytes)   // write out and clear `bytes` whenever it is large
/// trace.end(to: &bytes)
/// ```
public struct TraceWriter: Sendable {
  /// The rows of one slot, and its worker.
  private struct Track: Sendable {
    /// When the last span of each row ends. There is one row, unless spans overlap.
    var ends: [Instant] = []
    var pid: Int32 = 0
    /// When the worker was started, as long as it is not ready and no failed start was reported.
    var startingSince: Instant?
  }

  /// The distance between the thread numbers of the two rows of a slot. There are always fewer slots than this.
  private static let rowStride = 1 << 20

  /// The rows of all slots are threads of this process, in the words of the format.
  private let process: Int64
  private var tracks: [Track] = []
  private var lastSample: Sample?
  private var latest: Instant = .origin

  /// A trace of the run of process `pid` under a title (the command line, say); its beginning is put into `buffer`.
  public init(title: String, pid: Int32, into buffer: inout [UInt8]) {
    process = Int64(pid)
    buffer.append("[\n{\"name\":\"process_name\",\"ph\":\"M\"")
    appendProcess(to: &buffer)
    buffer.append(",\"args\":{\"name\":")
    buffer.append(json: title)
    buffer.append("}},\n")
  }

  /// Puts what is to be seen of `event` into `buffer`: no line, one or a few, each complete. Events come in the order
  /// in which they are reported; a span is written when it is over.
  public mutating func append(_ event: RunEvent, to buffer: inout [UInt8]) {
    switch event {
    case .workerStarted(let slot, let pid, let at):
      prepare(slot, to: &buffer)
      tracks[slot].pid = pid
      tracks[slot].startingSince = at
      latest = max(latest, at)
    case .workerReady(let slot, let pid, let since, let at):
      prepare(slot, to: &buffer)
      tracks[slot].pid = pid
      tracks[slot].startingSince = nil
      appendSpan("start", in: slot, from: since, to: at, into: &buffer)
      close(&buffer)
    case .upkeep(let upkeep, let slot, let since, let at, let wentWell):
      append(upkeep, in: slot, from: since, to: at, wentWell: wentWell, into: &buffer)
    case .workerEnded(let slot, let pid, let end, let cause, let at):
      appendEnd(end, of: pid, in: slot, cause: cause, at: at, to: &buffer)
    case .attemptStarted(_, _, _, let at): latest = max(latest, at)
    case .attemptEnded(let job, let attempt, let slot, let failure, let since, let at):
      appendAttempt(attempt, at: job, in: slot, failure: failure, from: since, to: at, into: &buffer)
    case .jobSettled(let job): latest = max(latest, job.settledAt)
    case .answerWithdrawn(_, let at): latest = max(latest, at)
    case .sample(let sample): append(sample, to: &buffer)
    }
  }

  /// Puts the last event and the closing bracket into `buffer`. Nothing may follow.
  public mutating func end(to buffer: inout [UInt8]) {
    buffer.append("{\"name\":\"end of the run\",\"ph\":\"i\",\"s\":\"p\",\"ts\":")
    buffer.append(microseconds: latest.sinceOrigin)
    appendProcess(to: &buffer)
    buffer.append(",\"tid\":0}\n]\n")
  }

  // MARK: Workers

  private mutating func append(
    _ upkeep: Upkeep, in slot: Int, from since: Instant, to at: Instant, wentWell: Bool, into buffer: inout [UInt8]
  ) {
    prepare(slot, to: &buffer)
    if upkeep == .stop { appendFailedStart(in: slot, to: since, into: &buffer) }
    switch upkeep {
    case .probe: appendSpan("probe", in: slot, from: since, to: at, into: &buffer)
    case .reset: appendSpan("reset", in: slot, from: since, to: at, into: &buffer)
    case .stop: appendSpan("stop", in: slot, from: since, to: at, into: &buffer)
    }
    if !wentWell { buffer.append(",\"failed\":true") }
    close(&buffer)
  }

  /// A worker that ends, or is stopped, before it is ready had a start, too.
  private mutating func appendFailedStart(in slot: Int, to end: Instant, into buffer: inout [UInt8]) {
    guard let since = tracks[slot].startingSince else { return }
    tracks[slot].startingSince = nil
    appendSpan("failed start", in: slot, from: since, to: end, into: &buffer)
    close(&buffer)
  }

  private mutating func appendEnd(
    _ end: WorkerEnd, of pid: Int32, in slot: Int, cause: String, at: Instant, to buffer: inout [UInt8]
  ) {
    prepare(slot, to: &buffer)
    appendFailedStart(in: slot, to: at, into: &buffer)
    switch end {
    case .stopped: buffer.append("{\"name\":\"stopped\"")
    case .recycled: buffer.append("{\"name\":\"recycled\"")
    case .died: buffer.append("{\"name\":\"died\",\"cname\":\"terrible\"")
    case .failedStart: buffer.append("{\"name\":\"did not start\",\"cname\":\"terrible\"")
    }
    buffer.append(",\"cat\":\"worker\",\"ph\":\"i\",\"s\":\"t\",\"ts\":")
    buffer.append(microseconds: at.sinceOrigin)
    appendPlace(slot: slot, row: 0, to: &buffer)
    buffer.append(",\"args\":{\"worker\":")
    buffer.append(number: Int64(pid))
    buffer.append(",\"cause\":")
    buffer.append(json: cause)
    close(&buffer)
    latest = max(latest, at)
  }

  // MARK: Jobs

  private mutating func appendAttempt(
    _ attempt: Int, at job: UInt64, in slot: Int, failure: String?, from since: Instant, to at: Instant,
    into buffer: inout [UInt8]
  ) {
    prepare(slot, to: &buffer)
    let row = rowOfSpan(in: slot, from: since, to: at, announcedIn: &buffer)
    buffer.append("{\"name\":\"job ")
    buffer.append(digits: job)
    buffer.append(failure == nil ? "\",\"cat\":\"job\"" : "\",\"cat\":\"job,failed\",\"cname\":\"terrible\"")
    appendTimes(of: slot, row: row, from: since, to: at, into: &buffer)
    buffer.append(",\"job\":")
    buffer.append(digits: job)
    buffer.append(",\"attempt\":")
    buffer.append(number: Int64(attempt))
    if let failure {
      buffer.append(",\"failure\":")
      buffer.append(json: failure)
    }
    close(&buffer)
  }

  // MARK: Counters

  private mutating func append(_ sample: Sample, to buffer: inout [UInt8]) {
    appendCounter("jobs", at: sample.at, to: &buffer)
    buffer.append("\"waiting\":")
    buffer.append(number: Int64(sample.queued))
    buffer.append(",\"running\":")
    buffer.append(number: Int64(sample.running))
    close(&buffer)
    appendCounter("workers", at: sample.at, to: &buffer)
    buffer.append("\"serving\":")
    buffer.append(number: Int64(sample.serving))
    buffer.append(",\"starting\":")
    buffer.append(number: Int64(sample.starting))
    close(&buffer)
    let before = lastSample ?? Sample(at: .origin, queued: 0, running: 0, settled: 0, notOK: 0, serving: 0, starting: 0)
    if sample.at > before.at {
      let seconds = (sample.at - before.at).seconds
      let rate = Double(max(0, sample.settled - before.settled)) / seconds
      appendCounter("jobs per second", at: sample.at, to: &buffer)
      buffer.append("\"settled\":")
      buffer.append(digits: UInt64(min(rate, 1e15).rounded()))
      close(&buffer)
    }
    lastSample = sample
    latest = max(latest, sample.at)
  }

  private func appendCounter(_ name: StaticString, at: Instant, to buffer: inout [UInt8]) {
    buffer.append("{\"name\":\"")
    buffer.append(name)
    buffer.append("\",\"ph\":\"C\",\"ts\":")
    buffer.append(microseconds: at.sinceOrigin)
    appendProcess(to: &buffer)
    buffer.append(",\"args\":{")
  }

  // MARK: Rows and spans

  /// Begins a span, up to the arguments, which start with the worker's pid; `close` ends it.
  private mutating func appendSpan(
    _ name: StaticString, in slot: Int, from since: Instant, to at: Instant, into buffer: inout [UInt8]
  ) {
    let row = rowOfSpan(in: slot, from: since, to: at, announcedIn: &buffer)
    buffer.append("{\"name\":\"")
    buffer.append(name)
    buffer.append("\",\"cat\":\"worker\"")
    appendTimes(of: slot, row: row, from: since, to: at, into: &buffer)
  }

  private mutating func appendTimes(
    of slot: Int, row: Int, from since: Instant, to at: Instant, into buffer: inout [UInt8]
  ) {
    buffer.append(",\"ph\":\"X\",\"ts\":")
    buffer.append(microseconds: since.sinceOrigin)
    buffer.append(",\"dur\":")
    buffer.append(microseconds: at - since)
    appendPlace(slot: slot, row: row, to: &buffer)
    buffer.append(",\"args\":{\"worker\":")
    buffer.append(number: Int64(tracks[slot].pid))
    latest = max(latest, at)
  }

  private func appendPlace(slot: Int, row: Int, to buffer: inout [UInt8]) {
    appendProcess(to: &buffer)
    buffer.append(",\"tid\":")
    buffer.append(number: Int64(slot + 1 + row * Self.rowStride))
  }

  private func appendProcess(to buffer: inout [UInt8]) {
    buffer.append(",\"pid\":")
    buffer.append(number: process)
  }

  private func close(_ buffer: inout [UInt8]) { buffer.append("}},\n") }

  /// The viewers nest the spans of a row by their times, and drop or misplace what overlaps only in part. Therefore the
  /// spans of a row here never overlap: one that would (jobs that wait in the pipe of a worker) goes into the next row
  /// of its slot.
  private mutating func rowOfSpan(
    in slot: Int, from since: Instant, to at: Instant, announcedIn buffer: inout [UInt8]
  ) -> Int {
    var row = 0
    while row < tracks[slot].ends.count, tracks[slot].ends[row] > since { row += 1 }
    if row == tracks[slot].ends.count { addRow(to: slot, announcedIn: &buffer) }
    tracks[slot].ends[row] = max(since, at)
    return row
  }

  private mutating func prepare(_ slot: Int, to buffer: inout [UInt8]) {
    while tracks.count <= slot { tracks.append(Track()) }
    if tracks[slot].ends.isEmpty { addRow(to: slot, announcedIn: &buffer) }
  }

  private mutating func addRow(to slot: Int, announcedIn buffer: inout [UInt8]) {
    let row = tracks[slot].ends.count
    tracks[slot].ends.append(.origin)
    buffer.append("{\"name\":\"thread_name\",\"ph\":\"M\"")
    appendPlace(slot: slot, row: row, to: &buffer)
    buffer.append(",\"args\":{\"name\":\"slot ")
    buffer.append(number: Int64(slot))
    if row > 0 {
      buffer.append(", row ")
      buffer.append(number: Int64(row + 1))
    }
    buffer.append("\"}},\n{\"name\":\"thread_sort_index\",\"ph\":\"M\"")
    appendPlace(slot: slot, row: row, to: &buffer)
    buffer.append(",\"args\":{\"sort_index\":")
    buffer.append(number: Int64(slot * 64 + min(row, 63)))
    close(&buffer)
  }
}

extension [UInt8] {
  /// A time in the microseconds that the format wants, exactly: three decimals.
  fileprivate mutating func append(microseconds time: Nanoseconds) {
    append(digits: time.microseconds)
    append(UInt8(ascii: "."))
    append(digits: time.count % 1000, atLeast: 3)
  }
}
