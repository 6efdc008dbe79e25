/// How a job ended. Every accepted job has exactly one.
public enum Outcome: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  /// The worker answered.
  case ok
  /// The worker reported a failure, or the job could not be given to any.
  case failed
  /// It ran longer than it may.
  case timeout
  /// Its worker died of it, or with it.
  case crashed
  /// It killed too many workers, and is not tried again.
  case quarantined
  /// Somebody did not want it any more.
  case cancelled
  /// It waited for a worker longer than it may.
  case expired

  /// The word that people and files see; part of the interface.
  public var description: String {
    switch self {
    case .ok: "ok"
    case .failed: "failed"
    case .timeout: "timeout"
    case .crashed: "crashed"
    case .quarantined: "quarantined"
    case .cancelled: "cancelled"
    case .expired: "expired"
    }
  }
}

/// How an attempt ended that was not answered well.
public enum AttemptFailure: Sendable, CaseIterable {
  /// The worker answered that it failed, and lives.
  case failed
  /// The driver itself saw that it took too long. (The ledger's own run limit needs no event: see
  /// `JobAction.interrupt`.)
  case timeout
  /// The worker died, or broke the protocol and is stopped. Counts as one worker killed.
  case crashed

  /// The outcome of a job whose last attempt ended like this.
  public var outcome: Outcome {
    switch self {
    case .failed: .failed
    case .timeout: .timeout
    case .crashed: .crashed
    }
  }
}
