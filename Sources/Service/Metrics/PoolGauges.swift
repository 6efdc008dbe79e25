import PoolCore

/// How one served pool stands at the moment of writing.
public struct PoolGauges: Sendable {
  /// What its slots are doing.
  public var slots = SlotCounts()
  /// It keeps at least this many workers.
  public var minimum = 0
  /// And at most this many.
  public var maximum = 0
  /// Starts fail and are held back.
  public var isBreakerOpen = false
  /// Nothing new is accepted.
  public var isDraining = false
  /// Jobs that wait for a worker.
  public var queued = 0
  /// Jobs that wait for their next attempt.
  public var delayed = 0
  /// Jobs that a worker has.
  public var running = 0
  /// Clients connected.
  public var connections = 0

  /// A pool without slots, jobs and clients.
  public init() {}
}

/// How many slots are doing what.
public struct SlotCounts: Sendable, Equatable {
  /// Nobody lives there.
  public var empty = 0
  /// A start failed; the next one waits.
  public var backingOff = 0
  /// A worker was started and is not ready yet.
  public var starting = 0
  /// Ready, and free.
  public var idle = 0
  /// Being checked.
  public var probing = 0
  /// Holds a job.
  public var leased = 0
  /// Forgetting its last job.
  public var resetting = 0
  /// Being stopped.
  public var stopping = 0

  /// No slots.
  public init() {}

  /// The slots of a pool at that moment.
  public init(_ snapshot: PoolSnapshot) {
    for slot in snapshot.slots {
      switch slot.state {
      case .empty: empty += 1
      case .backingOff: backingOff += 1
      case .starting: starting += 1
      case .idle: idle += 1
      case .probing: probing += 1
      case .leased: leased += 1
      case .resetting: resetting += 1
      case .stopping: stopping += 1
      }
    }
  }
}
