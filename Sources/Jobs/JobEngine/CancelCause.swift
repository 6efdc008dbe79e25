import JobCore
import LinuxIO
import Records

/// Why a job was cancelled, as its record states it.
package enum CancelCause: Sendable, Equatable {
  /// `--halt` has given the run up.
  case halted
  /// This signal ended prefork.
  case signal(CInt)
  /// It was not done when the time of `--drain-timeout` was over.
  case drainTimeout
  /// `prefork stop`, or another client of the control socket.
  case stopCommand
  /// `prefork cancel`, or another client of the control socket.
  case cancelCommand
  /// The task of the program that wanted its reply was cancelled.
  case taskCancelled
  /// The client that sent it has disconnected.
  case clientGone
  /// The reader of stdout has gone.
  case outputClosed
  /// Something that the run must write cannot be written: stdout, or a file by its name.
  case outputFailed(String)
  /// No worker could be started.
  case noWorker
  /// The pool that is served elsewhere cannot be reached, or not any more.
  case serverLost

  /// The whole sentence, for a record's `message`.
  package var message: String {
    switch self {
    case .halted: "the run was given up (--halt)"
    case .signal(let number): "prefork was ended by \(signalName(number))"
    case .drainTimeout: "it was not done within --drain-timeout when prefork was told to end"
    case .stopCommand: "the pool was stopped (prefork stop)"
    case .cancelCommand: "it was cancelled (prefork cancel)"
    case .taskCancelled: "its task was cancelled"
    case .clientGone: "its client has disconnected"
    case .outputClosed: "the reader of stdout has gone"
    case .outputFailed(let name): "the run was given up: \(name) could not be written"
    case .noWorker: "the run was given up: no worker could be started"
    case .serverLost: "the run was given up: the server cannot be reached"
    }
  }
}

extension JobFacts {
  /// The job was cancelled for this reason. What its worker wrote last is kept, if it was running until now.
  package mutating func recordCancellation(of job: JobID, _ cause: CancelCause) {
    guard keepsDetails, self[job].failure?.message.hasPrefix(cause.message) != true else { return }
    self[job].failure = Failure(message: cause.message)
    self[job].cause = cause.message
  }
}
