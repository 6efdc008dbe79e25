import Time

/// A job that was sent to a worker.
public struct SentJob: Sendable, Equatable {
  /// What its owner calls it, handed back as it was given.
  public var tag: UInt64
  /// Its number, for messages.
  public var number: UInt64

  /// A job with its owner's name for it and its number.
  public init(tag: UInt64, number: UInt64) {
    self.tag = tag
    self.number = number
  }
}

/// The jobs that a worker was sent and has not answered, in the order in which it answers: the head, which runs, and
/// those that are parked behind it. A ring, which allocates nothing once it is as long as the most jobs that were
/// parked.
struct JobsInHand {
  struct Entry {
    var job: SentJob
    /// Where its message begins among all bytes that the worker was ever sent. Jobs that are sent in one message begin
    /// together.
    var start: Int
    /// Its name in messages to and from the worker.
    var id: UInt64
    /// When it was sent.
    var sentAt: Instant
    /// When the worker was asked to give it up, because its owner waits for it no longer; nil if it was not.
    var cancelledAt: Instant?
  }

  private var ring: [Entry] = []
  private var first = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var head: SentJob? { count == 0 ? nil : ring[first].job }

  mutating func append(_ job: SentJob, start: Int, id: UInt64, at now: Instant) {
    if count == ring.count { grow() }
    ring[(first + count) & (ring.count - 1)] = Entry(job: job, start: start, id: id, sentAt: now)
    count += 1
  }

  /// The entries in the order in which they were sent.
  subscript(index: Int) -> Entry {
    get { ring[(first + index) & (ring.count - 1)] }
    set { ring[(first + index) & (ring.count - 1)] = newValue }
  }

  /// The place of the first entry for which this holds; nil if there is none.
  func firstIndex(where holds: (Entry) -> Bool) -> Int? { (0..<count).first { holds(self[$0]) } }

  /// When the worker was first asked to give up one that it still has; nil if it has none.
  var firstCancelledAt: Instant? { (0..<count).compactMap { self[$0].cancelledAt }.min() }

  /// Takes one out; those behind it move up.
  mutating func remove(at index: Int) {
    if index == 0 { return removeFirst() }
    for place in index..<(count - 1) { self[place] = self[place + 1] }
    count -= 1
  }

  /// How many of them a worker may have begun that has read this many of all bytes that it was ever sent.
  func begun(read: Int) -> Int {
    var begun = count
    while begun > 0, self[begun - 1].start >= read { begun -= 1 }
    return begun
  }

  mutating func removeFirst() {
    first = (first + 1) & (ring.count - 1)
    count -= 1
  }

  /// Takes all of them, the head first.
  mutating func removeAll() -> [SentJob] {
    let all = (0..<count).map { ring[(first + $0) & (ring.count - 1)].job }
    (first, count) = (0, 0)
    return all
  }

  private mutating func grow() {
    var larger: [Entry] = []
    larger.reserveCapacity(max(1, 2 * count))
    for index in 0..<count { larger.append(ring[(first + index) & (ring.count - 1)]) }
    while larger.count < max(1, 2 * count) {
      larger.append(Entry(job: SentJob(tag: 0, number: 0), start: 0, id: 0, sentAt: .origin))
    }
    (ring, first) = (larger, 0)
  }
}
