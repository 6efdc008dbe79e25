/// How many jobs are where. `accepted` is always `queued + delayed + leased + settled`.
public struct JobCounts: Sendable {
  /// Jobs that came in.
  public internal(set) var accepted = 0
  /// Jobs of the input that were not accepted, because an earlier run has done them.
  public internal(set) var skipped = 0
  /// Jobs that wait for a worker.
  public internal(set) var queued = 0
  /// Jobs that wait for the time of their next attempt.
  public internal(set) var delayed = 0
  /// Jobs that a worker has.
  public internal(set) var leased = 0
  /// Jobs that have ended, those held included.
  public internal(set) var settled = 0
  /// Settled jobs that wait for an earlier one.
  public internal(set) var held = 0
  /// What the held jobs cost of the order window, in bytes: their results and `JobLedger.heldJobCost` each.
  public internal(set) var heldBytes = 0

  private var outcomes = InlineArray<7, Int>(repeating: 0)

  /// How many jobs ended like this.
  public subscript(outcome: Outcome) -> Int { outcomes[Int(outcome.rawValue)] }

  /// Jobs that have no outcome yet.
  public var unsettled: Int { queued + delayed + leased }

  /// Jobs that have ended badly: neither `ok` nor `cancelled`.
  public var bad: Int { settled - self[.ok] - self[.cancelled] }

  /// A job that was counted like this has ended like that.
  mutating func recount(_ outcome: Outcome, as other: Outcome) {
    outcomes[Int(outcome.rawValue)] -= 1
    outcomes[Int(other.rawValue)] += 1
  }

  mutating func count(_ outcome: Outcome) {
    settled += 1
    outcomes[Int(outcome.rawValue)] += 1
  }
}
