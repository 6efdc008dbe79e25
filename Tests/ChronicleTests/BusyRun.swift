import Chronicle
import JobCore
import TestSupport
import Time

/// A run of a few seconds in virtual time: slow starts, failed ones, jobs of all kinds, crashes, timeouts, recycling,
/// probes.
struct BusyRun {
  var events: [RunEvent] = []
  var settled: [SettledJob] = []
  private var chance: SplitMix64
  private var now: [Instant]
  private var pid: [Int32]
  private var jobs: [Int]
  private static let millisecond: Nanoseconds = 1_000_000

  init(seed: UInt64, slots: Int, jobs count: Int, ahead: Int = 1) {
    chance = SplitMix64(state: seed)
    now = [Instant](repeating: 0, count: slots)
    pid = [Int32](repeating: 100, count: slots)
    jobs = [Int](repeating: 0, count: slots)
    for slot in 0..<slots { start(slot) }
    for job in 1...UInt64(count) {
      let slot = now.indices.min { now[$0] < now[$1] }!
      run(job, in: slot, ahead: ahead)
      if job % 20 == 0 {
        let notOK = settled.count { $0.outcome != .ok }
        let sample = Sample(
          at: now[slot], queued: slots, running: slots, settled: settled.count, notOK: notOK, serving: slots,
          starting: 0)
        events.append(.sample(sample))
      }
    }
    for slot in now.indices { stop(slot, .stopped, cause: "exited with status 0") }
    events.sort { $0.time < $1.time }
  }

  private mutating func time(_ limit: UInt64) -> Nanoseconds {
    .random(in: 0..<(limit * Self.millisecond), using: &chance)
  }

  private mutating func start(_ slot: Int) {
    pid[slot] += 1
    jobs[slot] = 0
    let begin = now[slot]
    events.append(.workerStarted(slot: slot, pid: pid[slot], at: begin))
    now[slot] += time(100) + 1
    guard Int.random(in: 0..<10, using: &chance) == 0 else {
      return events.append(.workerReady(slot: slot, pid: pid[slot], since: begin, at: now[slot]))
    }
    stop(slot, .failedStart, cause: "exited with status 3")
    now[slot] += time(50)
    start(slot)
  }

  private mutating func stop(_ slot: Int, _ end: WorkerEnd, cause: String) {
    let begin = now[slot]
    now[slot] += time(20)
    events.append(.upkeep(.stop, slot: slot, since: begin, at: now[slot], wentWell: end != .died))
    events.append(.workerEnded(slot: slot, pid: pid[slot], end, cause: cause, at: now[slot]))
  }

  private mutating func run(_ job: UInt64, in slot: Int, ahead: Int) {
    // With more than one job in the pipe, an attempt may begin before the one ahead of it has ended.
    let since = now[slot] - (ahead > 1 ? time(UInt64(ahead)) : 0)
    now[slot] += time(5) + 1
    let outcome: Outcome = [.failed, .crashed, .timeout][min(2, Int.random(in: 0..<3, using: &chance))]
    let isGood = Int.random(in: 0..<12, using: &chance) > 0
    let failure = isGood ? nil : "\(outcome) of job \(job)"
    let now = now[slot]
    events.append(.attemptStarted(job: job, attempt: 1, slot: slot, at: since))
    events.append(.attemptEnded(job: job, attempt: 1, slot: slot, failure: failure, since: since, at: now))
    let end = SettledJob(
      sequence: job, outcome: isGood ? .ok : outcome, attempts: 1, slot: slot, pid: pid[slot],
      acceptedAt: .origin + (since - .origin) / 2,
      startedAt: since, settledAt: now, failure: failure, errorLines: isGood ? [] : ["out of luck"], cpu: 1000,
      memoryChange: 4096)
    settled.append(end)
    events.append(.jobSettled(end))
    jobs[slot] += 1
    if !isGood, outcome != .failed {
      stop(slot, .died, cause: "died of SIGSEGV")
      start(slot)
    } else if jobs[slot] == 40 {
      stop(slot, .recycled, cause: "exited with status 0")
      start(slot)
    } else if jobs[slot] % 10 == 0 {
      let begin = self.now[slot]
      self.now[slot] += time(3)
      events.append(.upkeep(.probe, slot: slot, since: begin, at: self.now[slot], wentWell: true))
    }
  }
}

extension RunEvent {
  /// When it is told.
  var time: Instant {
    switch self {
    case .workerStarted(_, _, let at), .workerReady(_, _, _, let at), .upkeep(_, _, _, let at, _),
      .workerEnded(_, _, _, _, let at), .attemptStarted(_, _, _, let at), .attemptEnded(_, _, _, _, _, let at):
      at
    case .jobSettled(let job): job.settledAt
    case .answerWithdrawn(_, let at): at
    case .sample(let sample): sample.at
    }
  }
}

/// The trace of these events, finished.
func trace(of events: [RunEvent], title: String = "prefork") -> [UInt8] {
  var bytes: [UInt8] = []
  var writer = TraceWriter(title: title, pid: 812, into: &bytes)
  for event in events { writer.append(event, to: &bytes) }
  writer.end(to: &bytes)
  return bytes
}

/// The report of these events.
func report(of events: [RunEvent]) -> RunReport {
  var report = RunReport()
  for event in events { report.add(event) }
  return report
}
