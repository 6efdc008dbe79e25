import JobCore
import Time

/// Everything about a run that its page shows, gathered while it runs, in memory that does not grow with it: time is
/// kept in at most 600 pieces, durations as histograms, jobs as the 20 slowest and the first and last 20 that did not
/// end well.
///
/// ```swift
/// var report = RunReport()
/// report.add(event)                                         // each event, as it happens
/// let page = report.html(title: "prefork", command: line)   // when the run is over
/// ```
public struct RunReport: Sendable {
  /// Jobs by outcome.
  public private(set) var outcomes: [Outcome: UInt64] = [:]
  /// How long jobs ran: the last attempt of each that had one.
  public private(set) var runTimes = RunTimes()
  /// How long jobs waited before their first attempt. Jobs that had several are left out: their first wait is not
  /// known.
  public private(set) var queueTimes = RunTimes()
  /// How long workers took from their spawn until they were ready.
  public private(set) var startTimes = RunTimes()
  /// CPU time of the last attempts, as far as it is known.
  public private(set) var cpuTimes = RunTimes()
  /// Workers that ended, by how.
  public private(set) var workerEnds: [WorkerEnd: UInt64] = [:]
  /// Workers that were started, ready or not.
  public private(set) var workersStarted: UInt64 = 0
  /// Attempts that are over, answered or not.
  public private(set) var attempts: UInt64 = 0
  /// From the beginning of the run to the latest event.
  public private(set) var elapsed: Nanoseconds = .zero
  /// How the memory of the workers went.
  public private(set) var memory = MemoryAdvice()

  var buckets = TimeBuckets()
  var settledOK = Series()
  var settledNotOK = Series()
  /// The most jobs that waited, and 1: 0 is a piece of time without a sample.
  var waiting = Series()
  var timelines = SlotTimelines()
  private(set) var notable = NotableJobs()
  private(set) var memoryChange: Int64 = 0
  private(set) var isMemoryMeasured = false
  /// Jobs that a worker had.
  private(set) var memoryJobs: UInt64 = 0

  /// A report of a run in which nothing has happened.
  public init() {}

  /// All jobs that have their outcome.
  public var jobs: UInt64 { outcomes.values.reduce(0, +) }

  /// Records an event, in the order in which they happen.
  public mutating func add(_ event: RunEvent) {
    switch event {
    case .workerStarted(let slot, _, let at):
      reach(at)
      workersStarted += 1
      timelines.started(in: slot, at: at)
    case .workerReady(let slot, _, let since, let at):
      reach(at)
      startTimes.add(at - min(since, at))
      timelines.ready(in: slot, since: since, at: at, buckets: &buckets)
    case .upkeep(let upkeep, let slot, let since, let at, _):
      reach(at)
      timelines.upkeep(upkeep, in: slot, since: since, at: at, buckets: &buckets)
    case .workerEnded(let slot, _, let end, _, let at):
      reach(at)
      workerEnds[end, default: 0] += 1
      timelines.ended(in: slot, badly: end == .died || end == .failedStart, at: at, buckets: &buckets)
    case .attemptStarted(_, _, _, let at): reach(at)
    case .attemptEnded(_, _, let slot, _, let since, let at):
      reach(at)
      attempts += 1
      timelines.attempt(in: slot, since: since, at: at, buckets: &buckets)
    case .jobSettled(let job): add(job)
    case .answerWithdrawn(_, let at):
      reach(at)
      outcomes[.ok, default: 1] -= 1
      outcomes[.failed, default: 0] += 1
    case .sample(let sample):
      reach(sample.at)
      waiting.raise(to: UInt64(max(0, sample.queued)) + 1, at: sample.at, in: &buckets)
    }
  }

  private mutating func add(_ job: SettledJob) {
    reach(job.settledAt)
    outcomes[job.outcome, default: 0] += 1
    if job.outcome == .ok {
      settledOK.add(1, at: job.settledAt, in: &buckets)
    } else {
      settledNotOK.add(1, at: job.settledAt, in: &buckets)
    }
    if let time = job.runTime { runTimes.add(time) }
    if job.attempts <= 1, let started = job.startedAt { queueTimes.add(started - job.acceptedAt) }
    if let cpu = job.cpu { cpuTimes.add(cpu) }
    if let slot = job.slot, let pid = job.pid {
      // The growth by jobs that were too short to be measured comes with a later one.
      memory.add(slot: slot, pid: pid, change: job.memoryChange ?? 0)
      memoryJobs += 1
    }
    if let change = job.memoryChange {
      isMemoryMeasured = true
      memoryChange = memoryChange.addingReportingOverflow(change).partialValue
    }
    notable.add(job)
  }

  private mutating func reach(_ instant: Instant) { elapsed = max(elapsed, instant - .origin) }

  /// All series over the same pieces of time, and workers that still live counted until now.
  func closed() -> RunReport {
    var whole = self
    _ = whole.buckets.index(of: .origin + elapsed)
    whole.timelines.close(at: .origin + elapsed, buckets: &whole.buckets)
    whole.settledOK.align(to: whole.buckets)
    whole.settledNotOK.align(to: whole.buckets)
    whole.waiting.alignGreatest(to: whole.buckets)
    return whole
  }
}
