/// Names one job from its acceptance until it is forgotten.
///
/// The index is dense and small, and used again after `JobAction.forget`: a driver keeps payloads and replies in arrays by index.
/// The generation tells the jobs apart that had the same index one after the other.
public struct JobID: Hashable, Sendable {
  /// The place in the ledger, and in the driver's arrays.
  public var index: UInt32
  /// Which job in that place, from 1: an identifier of zeros never names a job.
  public var generation: UInt32

  /// A name made by hand; `JobLedger.nextID` makes those that count.
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
}
