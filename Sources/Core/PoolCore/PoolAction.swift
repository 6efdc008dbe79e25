import Time

/// What the driver must do, in the order given.
public enum PoolAction: Sendable, Equatable {
  /// Start a worker; answer with `workerReady` or `workerGone`.
  case startWorker(WorkerID)
  /// Take step `step` (from 0) of the stop ladder; `workerGone` is expected in the end. Leases it still holds are void.
  case stopWorker(WorkerID, step: Int)
  /// Its disposal hangs: forget the worker, its slot is free again (only with `abandonsAfterLadder`).
  case abandonWorker(WorkerID)

  /// The waiter has the worker, until `leaseReleased`.
  case grantLease(WaiterID, WorkerID)
  /// The waiter gets none.
  case refuseLease(WaiterID, LeaseRefusal)
  /// The worker is leased to the demand, until `leaseReleased`: a job may be sent to it. The pool counts one job less
  /// in its demand. If no job waits any more, the lease ends with `.unused`.
  case offer(WorkerID)
  /// No job of the demand gets a worker. The demand is 0 from now on.
  case refuseDemand(LeaseRefusal)

  /// Check the worker; answer with `probePassed` or `probeFailed`.
  case probeWorker(WorkerID)
  /// Prepare the worker for a lease, after a probe if `probesFirst`; answer with `probePassed` or `probeFailed`. Only
  /// with `preparesEachLease`.
  case prepareWorker(WorkerID, probesFirst: Bool)
  /// Make the worker forget its last job; answer with `resetPassed` or `resetFailed`.
  case resetWorker(WorkerID)

  /// Send `timerFired` when this time has passed.
  case arm(TimerID, after: Nanoseconds)
  /// The timer is not needed any more.
  case disarm(TimerID)

  /// Something that people should know.
  case report(PoolNotice)
  /// The pool is closed and holds no worker any more. Emitted once.
  case closed
}

/// Why a lease was refused.
public enum LeaseRefusal: Sendable, Equatable {
  /// It waited as long as it wanted to.
  case timedOut
  /// No worker is free or about to be, and it did not want to wait.
  case exhausted
  /// Workers fail to start: the breaker is open and none is left, or it did not want to wait for the next try.
  case startsFail
  /// The pool is draining or stopped.
  case closed
}

/// Why a worker gets no more leases.
public enum RetireReason: Sendable, Equatable, CustomStringConvertible {
  /// It served its number of jobs.
  case jobs
  /// It reached its age.
  case age
  /// It used too much memory.
  case memory
  /// It was idle too long and is not needed.
  case idle
  /// Enough others are idle.
  case spare
  /// The pool became smaller.
  case surplus
  /// Someone asked to replace it, or all.
  case requested
  /// The worker itself asked.
  case own
  /// The pool drains.
  case drained
  /// The whole pool was told to stop.
  case stopped
  /// It was not ready in time.
  case startTimeout
  /// A probe failed or was late.
  case probe
  /// A reset failed or was late.
  case reset
  /// Its lease ended badly.
  case broken

  /// The reason in a few words.
  public var description: String {
    switch self {
    case .jobs: "it has done its number of jobs"
    case .age: "it is old"
    case .memory: "it holds too much memory"
    case .idle: "it was idle for too long"
    case .spare: "enough others are idle"
    case .surplus: "the pool has become smaller"
    case .requested: "it was asked for"
    case .own: "it asked for it"
    case .drained, .stopped: "the pool is stopping"
    case .startTimeout: "it was not ready in time"
    case .probe: "it failed its probe"
    case .reset: "it failed its reset"
    case .broken: "it cannot be used any more"
    }
  }
}

/// Something that people should know.
public enum PoolNotice: Sendable, Equatable {
  /// The worker gets no more leases and is stopped when it is free.
  case retiring(WorkerID, RetireReason)
  /// A start failed, the `failures`-th in a row in this slot; the next try comes after `wait`.
  case startFailed(WorkerID, failures: Int, wait: Nanoseconds)
  /// The restart budget is spent: `failures` within `period`, or in a row without a worker that worked, which
  /// took `period`. One start is tried after `retryAfter`.
  case breakerOpened(failures: Int, period: Nanoseconds, retryAfter: Nanoseconds)
  /// Workers start again.
  case breakerClosed
  /// The whole stop ladder did not help; emitted once for a worker, while the last step is repeated.
  case stuck(WorkerID)
  /// The lease is held for longer than `leaseReportLimit`.
  case leaseOverdue(WorkerID)
  /// The first replacement failed: the rest of the pool is not recycled.
  case recyclingAborted
  /// The pool received an impossible event: a defect in the driver or in the pool itself. Counted in `internalErrors`.
  case internalError(ImpossibleEvent)
}

/// An impossible event, by what was wrong with it.
public enum ImpossibleEvent: Sendable, Equatable {
  /// A lease was released that is not held, or jobs were done without one.
  case releaseWithoutLease
  /// A worker is gone that the pool does not have.
  case goneWithoutWorker
  /// A waiter's identifier is not greater than all before it.
  case waiterOutOfOrder
  /// A pool was started twice, resized to a size that cannot be, or given values that cannot be.
  case badLifecycle
}
