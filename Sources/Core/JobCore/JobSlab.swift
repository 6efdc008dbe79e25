import Time

/// What the ledger knows of one job.
@usableFromInline struct JobRecord: Sendable {
  /// `free → queued ⇄ leased → (held →) free`, and from leased by way of delayed back to queued.
  @usableFromInline enum State: Sendable, Equatable {
    /// No job is here. The generation is that of the last one.
    case free
    /// Waits for a lease; is linked in the queue of its client.
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

  @usableFromInline var state = State.free
  @usableFromInline var generation: UInt32 = 0
  /// More attempts after one that failed.
  var retries: Int32 = 0
  /// How long one attempt may run; 0 for as configured.
  var runLimit: Nanoseconds = .zero
  var priority: Int32 = 0
  /// Its run clock goes.
  var isTimed = false
  /// A worker has it behind other jobs.
  var isParked = false
  /// A worker has it together with others, in one message.
  var isInBatch = false
  /// It goes to a worker alone, because a batch that it was in was lost.
  var isAlone = false
  /// It waits for no batch to fill any more.
  var isDue = false
  /// It waits in its client's crowd, not in the line.
  var isInCrowd = false
  /// How often it came back unread.
  var freeReturns: UInt8 = 0
  /// Attempts that count, the running one included.
  @usableFromInline var attempts: Int32 = 0
  /// How many workers it has killed.
  var kills: Int32 = 0
  /// Its client: an index of `JobSlab.clients`.
  var client: UInt32 = 0
  /// Its number in the input, from 1.
  @usableFromInline var sequence: UInt64 = 0
  var resultBytes = 0
  /// Its place among those of its client and its priority: the lowest goes first.
  var ticket: Int64 = 0
  /// The one before it in the line or among the delayed; in the crowd its elder sibling, or the parent of the eldest.
  var queuePrevious = none
  /// The next in the line or among the delayed, the next sibling in the crowd, or the next free record.
  var queueNext = none
  /// The eldest of those that it goes before in the crowd.
  var crowdChild = none
  /// The order that it belongs to, an index of `JobSlab.orders`; none if it comes out as soon as it ends.
  var order = none
  /// The next job in that order.
  var orderNext = none

  mutating func free(before next: UInt32) {
    state = .free
    queueNext = next
  }

  /// In the line, or alone for the crowd.
  mutating func stand(after previous: UInt32, before next: UInt32, ticket: Int64) {
    state = .queued
    queuePrevious = previous
    queueNext = next
    self.ticket = ticket
  }

  /// Of two jobs of one client.
  func goes(before other: JobRecord) -> Bool {
    priority == other.priority ? ticket < other.ticket : priority > other.priority
  }

  /// The number of the attempt.
  mutating func beginLease(parked: Bool) -> Int {
    state = .leased
    isParked = parked
    isInBatch = false
    attempts += 1
    return Int(attempts)
  }
}

/// All records in one array, with the queues, the input order and the free records linked through them: nothing is
/// allocated once the array is as long as the most jobs that ever lived at once, and a job leaves the middle of its
/// queue without a search.
@usableFromInline struct JobSlab: Sendable {
  @usableFromInline var records: [JobRecord] = []
  /// What batches need to know of each job, by its index; empty without batches, so that records stay small.
  var batchTerms: [BatchTerms] = []
  /// By the index of their identifiers. The sole client is the first.
  var clients: [ClientRecord] = [ClientRecord(hasJoined: true)]
  /// The clients that have queued jobs: a binary heap, the next one at the top. What is behind `waitingCount` is left
  /// over: a queue that is empty every other moment costs no more.
  var waiting: [UInt32] = []
  var waitingCount = 0
  /// Queued jobs of clients that are paused.
  @usableFromInline var pausedCount = 0
  var lastTurn: UInt64 = 0
  var lastTicket: Int64 = 0
  var firstTicket: Int64 = 0
  private var freeHead = JobRecord.none
  /// The orders that are kept: that of the input, or one for each client, by its index.
  private(set) var orders = [JobOrder()]

  var count: Int { records.count }

  subscript(index: Int) -> JobRecord {
    _read { yield records[index] }
    _modify { yield &records[index] }
  }

  func id(at index: Int) -> JobID { JobID(index: UInt32(index), generation: records[index].generation) }

  /// The place of a job that is not forgotten yet.
  func find(_ job: JobID) -> Int? {
    guard let index = findRecord(job), records[index].state != .free else { return nil }
    return index
  }

  /// The place of a job whose record has not been used again yet.
  @inlinable func findRecord(_ job: JobID) -> Int? {
    let index = Int(job.index)
    return index < records.count && records[index].generation == job.generation && job.generation != 0 ? index : nil
  }

  /// Stores the record of a new job, under a name of its own.
  @inline(__always)
  mutating func allocate(_ record: JobRecord) -> Int {
    guard freeHead != JobRecord.none else {
      records.append(record)
      records[records.count - 1].generation = 1
      return records.count - 1
    }
    let index = Int(freeHead)
    let generation = records[index].generation &+ 1
    freeHead = records[index].queueNext
    records[index] = record
    records[index].generation = generation == 0 ? 1 : generation
    return index
  }

  @inline(__always)
  mutating func free(_ index: Int) {
    records[index].free(before: freeHead)
    freeHead = UInt32(index)
  }
}

/// Jobs in the order in which they come out, from the first one that has not.
struct JobOrder: Sendable {
  fileprivate(set) var head = JobRecord.none
  fileprivate var tail = JobRecord.none
  /// Bytes of results that wait for an earlier job.
  fileprivate(set) var heldBytes = 0
}

extension JobSlab {
  /// The first job of an order.
  @inline(__always)
  func first(in order: UInt32) -> Int? {
    let head = orders[Int(order)].head
    return head == JobRecord.none ? nil : Int(head)
  }

  /// A job that has just been allocated, with its order.
  @inline(__always)
  mutating func appendToOrder(_ index: Int) {
    let order = Int(records[index].order)
    while orders.count <= order { orders.append(JobOrder()) }
    let (place, tail) = (UInt32(index), orders[order].tail)
    if tail == JobRecord.none { orders[order].head = place } else { records[Int(tail)].orderNext = place }
    orders[order].tail = place
  }

  @inline(__always)
  mutating func removeFirst(in order: UInt32) {
    let next = records[Int(orders[Int(order)].head)].orderNext
    orders[Int(order)].head = next
    if next == JobRecord.none { orders[Int(order)].tail = next }
  }

  /// Changes how many bytes wait for an earlier job.
  mutating func countHeld(_ bytes: Int, in order: UInt32) { orders[Int(order)].heldBytes += bytes }
}
