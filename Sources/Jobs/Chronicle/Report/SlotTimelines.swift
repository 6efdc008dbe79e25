import Time

/// What each slot did with its time: with a job, in a start, in a probe, reset or stop, idle, or without a worker. The
/// first 64 slots each for itself, the rest in one sum.
struct SlotTimelines: Sendable {
  /// A page with more rows would not be read.
  static let mostShown = 64

  /// The time of one slot, or of all that have no row of their own, in nanoseconds per piece of time.
  struct Row: Sendable {
    var jobs = Series()
    var starts = Series()
    var upkeep = Series()
    /// All the time from the spawn of a worker to its end.
    var alive = Series()
    /// How often a worker died or did not start, per piece of time.
    var deaths = Series()
    /// Slots in this row.
    var slots = 0
  }

  /// The worker that a slot has now.
  private struct Worker: Sendable {
    var startedAt: Instant
    /// Whether its start is over: it is ready, or stopped before it was.
    var hasStarted = false
  }

  private(set) var rows: [Row] = []
  private var workers: [Worker?] = []

  /// How many slots there are.
  var slots: Int { workers.count }

  mutating func started(in slot: Int, at: Instant) {
    row(of: slot)
    workers[slot] = Worker(startedAt: at)
  }

  mutating func ready(in slot: Int, since: Instant, at: Instant, buckets: inout TimeBuckets) {
    let row = row(of: slot)
    if workers[slot] == nil { workers[slot] = Worker(startedAt: since) }
    workers[slot]!.hasStarted = true
    rows[row].starts.add(from: since, to: at, in: &buckets)
  }

  mutating func ended(in slot: Int, badly: Bool, at: Instant, buckets: inout TimeBuckets) {
    let row = row(of: slot)
    if badly { rows[row].deaths.add(1, at: at, in: &buckets) }
    guard let worker = workers[slot] else { return }
    endStart(in: slot, at: at, buckets: &buckets)
    rows[row].alive.add(from: worker.startedAt, to: at, in: &buckets)
    workers[slot] = nil
  }

  mutating func upkeep(_ upkeep: Upkeep, in slot: Int, since: Instant, at: Instant, buckets: inout TimeBuckets) {
    let row = row(of: slot)
    if upkeep == .stop { endStart(in: slot, at: since, buckets: &buckets) }
    rows[row].upkeep.add(from: since, to: at, in: &buckets)
  }

  mutating func attempt(in slot: Int, since: Instant, at: Instant, buckets: inout TimeBuckets) {
    rows[row(of: slot)].jobs.add(from: since, to: at, in: &buckets)
  }

  /// The worker will not become ready any more, if it is not.
  private mutating func endStart(in slot: Int, at: Instant, buckets: inout TimeBuckets) {
    guard let worker = workers[slot], !worker.hasStarted else { return }
    rows[row(of: slot)].starts.add(from: worker.startedAt, to: at, in: &buckets)
    workers[slot]!.hasStarted = true
  }

  /// The run is over at `end`, even if workers are still alive; all series have the same pieces after this.
  mutating func close(at end: Instant, buckets: inout TimeBuckets) {
    for slot in workers.indices where workers[slot] != nil { ended(in: slot, badly: false, at: end, buckets: &buckets) }
    for row in rows.indices {
      rows[row].jobs.align(to: buckets)
      rows[row].starts.align(to: buckets)
      rows[row].upkeep.align(to: buckets)
      rows[row].alive.align(to: buckets)
      rows[row].deaths.align(to: buckets)
    }
  }

  @discardableResult
  private mutating func row(of slot: Int) -> Int {
    while workers.count <= slot {
      workers.append(nil)
      if rows.count <= Self.mostShown { rows.append(Row()) }
      rows[rows.count - 1].slots += 1
    }
    return min(slot, Self.mostShown)
  }
}
