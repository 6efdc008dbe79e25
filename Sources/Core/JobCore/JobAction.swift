import Time

/// What the driver must do, in the order given, and before it stores the payload of another job.
public enum JobAction: Sendable {
  /// Stop the worker that has this job. The attempt is over and counted: nothing must be reported about it any more. Of
  /// a job that is parked only the answer needs to be thrown away, so that the one at the head goes on.
  case interrupt(JobID, because: InterruptCause)

  /// The batch that this job is in has run for longer than the job may: stop the worker that has it, and return each of
  /// its jobs, this one included, with `JobEvent.batchLost`.
  case interruptBatch(of: JobID)

  /// The job has ended, in the order in which jobs end. Exactly once per job.
  case settled(JobID, Outcome)
  /// The job's turn to be put out, in the order of the input if that is kept. Exactly once per job.
  case emit(JobID, Outcome)
  /// The job is settled and waits for its turn: keep its reply.
  case hold(JobID)
  /// The job, which was reported as settled `ok` and is held, has `failed` instead.
  case withdrawn(JobID)
  /// The job is over and its index will be used again. `sequence(of:)` and `attempts(of:)` still answer until then.
  case forget(JobID)

  /// Send `timerFired` when this time has passed. A timer that is armed again starts anew.
  case arm(JobTimer, after: Nanoseconds)
  /// The timer must not fire any more.
  case disarm(JobTimer)

  /// No job is left and none will come. Emitted once.
  case idle
  /// The ledger received an impossible event: a defect of the driver or of the ledger. Counted in `internalErrors`.
  case reportInternalError(StaticString)
}

/// A job that a worker is to be given: see `JobLedger.send`.
public struct Assignment: Sendable, Equatable {
  /// The job.
  public let job: JobID
  /// The number of this attempt, from 1.
  public let attempt: Int
}

/// Why a running job is stopped.
public enum InterruptCause: Sendable, Equatable {
  /// It reached its run limit: the ledger's own, or that of its terms.
  case runLimit
  /// It was cancelled, or the whole run was.
  case cancelled
}
