import JobCore
import Records

/// Why a pool did not do what it was asked to.
public enum WorkerPoolError: Error, Sendable, CustomStringConvertible {
  /// The configuration, or the job, cannot be used: nothing was started or sent.
  case invalid(String)
  /// No worker could be started.
  case cannotStart(String)
  /// The job was not done.
  case jobFailed(JobFailure)
  /// The pool is stopped, or was before the job was done.
  case stopped

  /// What happened.
  public var description: String {
    switch self {
    case .invalid(let reason), .cannotStart(let reason): reason
    case .jobFailed(let failure): failure.description
    case .stopped: "the pool of workers is stopped"
    }
  }
}

/// How a job ended that was not done, and why.
public struct JobFailure: Sendable, CustomStringConvertible {
  /// How: `failed`, `timeout`, `crashed`, `quarantined` or `expired`.
  public let outcome: Outcome
  /// What happened, with numbers; the worker's own message if it reported the failure.
  public let message: String
  /// The exit status of the worker, or the code of its error reply; nil if there is none.
  public let code: Int?
  /// More about it: a JSON value that the worker sent with its error reply; nil for nothing.
  public let data: [UInt8]?
  /// The number of the signal that killed the worker; nil if none did.
  public let signal: Int?
  /// The last lines that the worker wrote to stderr; empty if there are none.
  public let errorOutput: String
  /// How many attempts were made, 0 or more.
  public let attempts: Int

  init(_ outcome: Outcome, _ failure: Failure?, attempts: Int) {
    self.outcome = outcome
    self.attempts = attempts
    message = failure?.message ?? outcome.words
    code = failure?.code
    data = failure?.data
    signal = failure?.signal
    errorOutput = String(decoding: failure?.stderr ?? [], as: UTF8.self)
  }

  /// `crashed: worker 3 (pid 812) died of SIGSEGV …`
  public var description: String { "\(outcome): \(message)" }
}
