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
  private struct Entry {
    var job: SentJob
    /// Bytes of its message.
    var size: Int
  }

  private var ring: [Entry] = []
  private var start = 0
  private(set) var count = 0
  /// Bytes of all their messages.
  private(set) var size = 0

  var isEmpty: Bool { count == 0 }
  var head: SentJob? { count == 0 ? nil : ring[start].job }

  mutating func append(_ job: SentJob, size: Int) {
    if count == ring.count { grow() }
    ring[(start + count) & (ring.count - 1)] = Entry(job: job, size: size)
    count += 1
    self.size += size
  }

  mutating func removeFirst() {
    size -= ring[start].size
    start = (start + 1) & (ring.count - 1)
    count -= 1
  }

  /// Takes all of them, the head first.
  mutating func removeAll() -> [SentJob] {
    let all = (0..<count).map { ring[(start + $0) & (ring.count - 1)].job }
    (start, count, size) = (0, 0, 0)
    return all
  }

  private mutating func grow() {
    var larger: [Entry] = []
    larger.reserveCapacity(max(1, 2 * count))
    for index in 0..<count { larger.append(ring[(start + index) & (ring.count - 1)]) }
    while larger.count < max(1, 2 * count) { larger.append(Entry(job: SentJob(tag: 0, number: 0), size: 0)) }
    (ring, start) = (larger, 0)
  }
}
