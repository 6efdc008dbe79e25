/// What the ledger knows of one job.
struct JobRecord: Sendable {
  /// `free → queued ⇄ leased → (held →) free`, and from leased by way of delayed back to queued.
  enum State: Sendable, Equatable {
    /// No job is here. The generation is that of the last one.
    case free
    /// Waits for a lease; is linked in the queue.
    case queued
    /// A worker has it.
    case leased
    /// Its attempt failed like this; the next one comes at its time.
    case delayed(AttemptFailure)
    /// Settled, and waits for an earlier job.
    case held(Outcome)
  }

  /// "No record" in a link.
  static let none = UInt32.max

  var state = State.free
  var generation: UInt32 = 0
  /// More attempts after one that failed.
  var retries: Int32 = 0
  /// How long one attempt may run; 0 for as configured.
  var runLimit: UInt64 = 0
  var priority: Int32 = 0
  /// Its run clock goes.
  var isTimed = false
  /// How often it came back unread.
  var freeReturns: Int32 = 0
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

  /// Behind all of its priority. Those of lower priority behind it are passed one by one: a queue is short.
  mutating func enqueueLast(_ index: Int) {
    var previous = queueTail
    while previous != JobRecord.none, records[Int(previous)].priority < records[index].priority {
      previous = records[Int(previous)].queuePrevious
    }
    link(index, after: previous)
  }

  /// Before all of its priority.
  mutating func enqueueFirst(_ index: Int) {
    var previous = JobRecord.none
    var next = queueHead
    while next != JobRecord.none, records[Int(next)].priority > records[index].priority {
      previous = next
      next = records[Int(next)].queueNext
    }
    link(index, after: previous)
  }

  /// Puts the record into the queue; `none` for the front.
  private mutating func link(_ index: Int, after previous: UInt32) {
    let next = previous == JobRecord.none ? queueHead : records[Int(previous)].queueNext
    records[index].queuePrevious = previous
    records[index].queueNext = next
    if previous == JobRecord.none {
      queueHead = UInt32(index)
    } else {
      records[Int(previous)].queueNext = UInt32(index)
    }
    if next == JobRecord.none { queueTail = UInt32(index) } else { records[Int(next)].queuePrevious = UInt32(index) }
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
