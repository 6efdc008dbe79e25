/// How many jobs of one client are where.
public struct ClientCounts: Sendable, Equatable {
  /// Jobs that wait for a worker.
  public internal(set) var queued = 0
  /// Jobs that wait for the time of their next attempt.
  public internal(set) var delayed = 0
  /// Jobs that a worker has.
  public internal(set) var leased = 0

  /// Jobs that have no outcome yet.
  public var unsettled: Int { queued + delayed + leased }
}

/// What the ledger knows of one client. A record is never removed: the next client with its index takes it over.
struct ClientRecord: Sendable {
  var generation: UInt32 = 0
  /// False where no client is, or it has left.
  var hasJoined: Bool
  var counts = ClientCounts()
  /// None of its jobs is started.
  var isPaused = false
  /// When a lease last went to it: the lowest has waited longest. No two are the same.
  var turn: UInt64 = 0
  /// Its place in `JobSlab.waiting`.
  var place = 0
  /// Its first queued job.
  var head = JobRecord.none
  /// The priority of that.
  var headPriority: Int32 = 0
  /// Its queued jobs that came in the order in which they go.
  var lineHead = JobRecord.none
  var lineTail = JobRecord.none
  /// The first of its other queued jobs.
  var crowdRoot = JobRecord.none
  /// Its delayed jobs, in no order.
  var delayedHead = JobRecord.none

  /// To the line. Whether the job is its first now.
  @inline(__always)
  mutating func append(_ job: UInt32, _ priority: Int32) -> Bool {
    lineTail = job
    if lineHead == JobRecord.none { lineHead = job }
    return didEnqueue(job, priority, atFront: false)
  }

  @inline(__always)
  mutating func unlinkFromLine(after previous: UInt32, before next: UInt32) {
    if previous == JobRecord.none { lineHead = next }
    if next == JobRecord.none { lineTail = previous }
  }

  /// Whether the job is its first now.
  @inline(__always)
  mutating func didEnqueue(_ job: UInt32, _ priority: Int32, atFront: Bool) -> Bool {
    counts.queued += 1
    let leads = head == JobRecord.none || priority > headPriority || (atFront && priority == headPriority)
    if leads {
      head = job
      headPriority = priority
    }
    return leads
  }

  /// Whether it has another queued job.
  @inline(__always)
  mutating func didDequeue(_ records: borrowing [JobRecord], turn: UInt64?) -> Bool {
    counts.queued -= 1
    if let turn {
      counts.leased += 1
      self.turn = turn
    }
    if crowdRoot == JobRecord.none {
      head = lineHead
    } else if lineHead == JobRecord.none {
      head = crowdRoot
    } else {
      head = records[Int(lineHead)].goes(before: records[Int(crowdRoot)]) ? lineHead : crowdRoot
    }
    guard head != JobRecord.none else { return false }
    headPriority = records[Int(head)].priority
    return true
  }
}
