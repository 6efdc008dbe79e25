/// What the ledger knows of one job.
struct JobRecord: Sendable {
  /// `free → queued ⇄ leased → (held →) free`.
  enum State: Sendable, Equatable {
    /// No job is here. The generation is that of the last one.
    case free
    /// Waits for a lease; is linked in the queue.
    case queued
    /// A worker has it.
    case leased
    /// Settled, and waits for an earlier job.
    case held(Outcome)
  }

  /// "No record" in a link.
  static let none = UInt32.max

  var state = State.free
  var generation: UInt32 = 0
  /// Attempts that count, the running one included.
  var attempts: Int32 = 0
  /// How many workers it has killed.
  var kills: Int32 = 0
  /// Its number in the input, from 1.
  var sequence: UInt64 = 0
  var resultBytes = 0
  var queuePrevious = none
  /// The next in the queue, or the next free record.
  var queueNext = none
  /// The next job of the input, if the order is kept.
  var orderNext = none
}

/// All records in one array, with the queue, the input order and the free records linked through them: nothing is allocated once
/// the array is as long as the most jobs that ever lived at once, and a job leaves the middle of the queue in O(1).
struct JobSlab: Sendable {
  private var records: [JobRecord] = []
  private var freeHead = JobRecord.none
  private var queueHead = JobRecord.none
  private var queueTail = JobRecord.none
  private var orderHead = JobRecord.none
  private var orderTail = JobRecord.none

  var count: Int { records.count }

  subscript(index: Int) -> JobRecord {
    _read { yield records[index] }
    _modify { yield &records[index] }
  }

  /// The identifier that `allocate` hands out next.
  var nextID: JobID {
    guard freeHead != JobRecord.none else { return JobID(index: UInt32(records.count), generation: 1) }
    let next = records[Int(freeHead)].generation &+ 1
    return JobID(index: freeHead, generation: next == 0 ? 1 : next)
  }

  func id(at index: Int) -> JobID { JobID(index: UInt32(index), generation: records[index].generation) }

  /// The place of a job that is not forgotten yet.
  func find(_ job: JobID) -> Int? {
    guard let index = findRecord(job), records[index].state != .free else { return nil }
    return index
  }

  /// The place of a job whose record has not been used again yet.
  func findRecord(_ job: JobID) -> Int? {
    let index = Int(job.index)
    return index < records.count && records[index].generation == job.generation && job.generation != 0 ? index : nil
  }

  mutating func allocate(sequence: UInt64) -> Int {
    let job = nextID
    let index = Int(job.index)
    if index == records.count {
      records.append(JobRecord())
    } else {
      freeHead = records[index].queueNext
    }
    records[index] = JobRecord()
    records[index].generation = job.generation
    records[index].sequence = sequence
    return index
  }

  mutating func free(_ index: Int) {
    records[index].state = .free
    records[index].queueNext = freeHead
    freeHead = UInt32(index)
  }
}

/// The queue.
extension JobSlab {
  var firstQueued: Int? { queueHead == JobRecord.none ? nil : Int(queueHead) }

  mutating func enqueueLast(_ index: Int) {
    let place = UInt32(index)
    records[index].queuePrevious = queueTail
    records[index].queueNext = JobRecord.none
    if queueTail == JobRecord.none { queueHead = place } else { records[Int(queueTail)].queueNext = place }
    queueTail = place
  }

  mutating func enqueueFirst(_ index: Int) {
    let place = UInt32(index)
    records[index].queuePrevious = JobRecord.none
    records[index].queueNext = queueHead
    if queueHead == JobRecord.none { queueTail = place } else { records[Int(queueHead)].queuePrevious = place }
    queueHead = place
  }

  mutating func dequeue(_ index: Int) {
    let previous = records[index].queuePrevious
    let next = records[index].queueNext
    if previous == JobRecord.none { queueHead = next } else { records[Int(previous)].queueNext = next }
    if next == JobRecord.none { queueTail = previous } else { records[Int(next)].queuePrevious = previous }
  }
}

/// The order of the input, from the first job that has not been emitted.
extension JobSlab {
  var firstInOrder: Int? { orderHead == JobRecord.none ? nil : Int(orderHead) }

  mutating func appendToOrder(_ index: Int) {
    let place = UInt32(index)
    records[index].orderNext = JobRecord.none
    if orderTail == JobRecord.none { orderHead = place } else { records[Int(orderTail)].orderNext = place }
    orderTail = place
  }

  mutating func removeFirstInOrder() {
    orderHead = records[Int(orderHead)].orderNext
    if orderHead == JobRecord.none { orderTail = JobRecord.none }
  }
}
