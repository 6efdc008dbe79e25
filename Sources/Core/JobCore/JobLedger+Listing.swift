/// A job that has no outcome yet, as an observer sees it.
public struct UnsettledJob: Sendable, Equatable {
  /// Where it is.
  public enum State: Sendable {
    /// It waits for a worker.
    case queued
    /// It waits for the time of its next attempt.
    case delayed
    /// A worker has it.
    case leased
  }

  /// Its name.
  public let id: JobID
  /// Where it is.
  public let state: State
  /// The client that it belongs to, which may have left.
  public let client: ClientID
  /// Its attempts that count, the running one included.
  public let attempts: Int
  /// As given in its terms.
  public let priority: Int32
  /// Its number in the input, from 1.
  public let sequence: UInt64
}

/// For observers. Takes time in proportion to the number of jobs.
extension JobLedger {
  /// Reports each job that has no outcome yet, in no particular order.
  public func forEachUnsettled(_ body: (UnsettledJob) -> Void) {
    for index in 0..<slab.count {
      let record = slab[index]
      let state: UnsettledJob.State
      switch record.state {
      case .queued: state = .queued
      case .delayed: state = .delayed
      case .leased: state = .leased
      case .free, .held: continue
      }
      let client = ClientID(index: record.client, generation: slab.clients[Int(record.client)].generation)
      body(
        UnsettledJob(
          id: slab.id(at: index), state: state, client: client, attempts: Int(record.attempts),
          priority: record.priority, sequence: record.sequence))
    }
  }

  /// The job with this number that is settled and waits for an earlier one; nil if there is none.
  public func findHeld(sequence: UInt64) -> JobID? {
    for index in 0..<slab.count where slab[index].sequence == sequence {
      if case .held = slab[index].state { return slab.id(at: index) }
    }
    return nil
  }

  /// The job with this number that has no outcome yet; nil if there is none.
  public func find(sequence: UInt64) -> JobID? {
    var found: JobID?
    forEachUnsettled { if $0.sequence == sequence { found = $0.id } }
    return found
  }
}
