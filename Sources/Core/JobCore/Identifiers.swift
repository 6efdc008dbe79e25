/// Names one job from its acceptance until it is forgotten.
///
/// The index is dense and small, and used again after `JobAction.forget`: a driver keeps payloads and replies in arrays
/// by index. The generation tells the jobs apart that had the same index one after the other.
public struct JobID: Hashable, Sendable {
  /// The place in the ledger, and in the driver's arrays.
  public var index: UInt32
  /// Which job in that place, from 1: an identifier of zeros never names a job.
  public var generation: UInt32

  /// A name made by hand; `JobLedger.accept` makes those that count.
  public init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }

  /// The name as one number, for callers that only hand it back.
  public var tag: UInt64 { UInt64(generation) << 32 | UInt64(index) }

  /// The job with this `tag`.
  public init(tag: UInt64) {
    self.init(index: UInt32(truncatingIfNeeded: tag), generation: UInt32(truncatingIfNeeded: tag >> 32))
  }
}

/// Names one client: a peer that sends jobs over a connection of its own, and shares the workers with the others.
///
/// The driver makes it: its place among the connections, and a generation that tells those apart that had the same
/// place.
public struct ClientID: Hashable, Sendable {
  /// The one client of a driver without clients of its own. It is there from the beginning; the first to join at place
  /// 0 takes it over.
  public static let sole = ClientID(index: 0, generation: 0)

  /// The place among the clients: small and dense. Used again only when `JobLedger.knows(_:)` is false of the one
  /// before.
  public var index: UInt32
  /// Which client in that place, from 1, and another than the one before.
  public var generation: UInt32

  /// A name made by the driver.
  public init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}

/// A clock that the driver keeps for the ledger.
public enum JobTimer: Hashable, Sendable {
  /// How long an attempt may run. Only the job at the head of its worker runs.
  case run(JobID)
  /// How long a job may wait in the queue.
  case queue(JobID)
  /// When a failed attempt is repeated.
  case retry(JobID)
  /// How long a job may wait for a batch to fill.
  case batch(JobID)

  /// One word for all: it is hashed several times per job, and a job seldom has two timers.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .run(let job), .queue(let job), .retry(let job), .batch(let job): hasher.combine(job.tag)
    }
  }
}
