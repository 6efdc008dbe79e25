import Time

/// What can happen to a pool. The only way in: `PoolStateMachine.handle(_:at:into:)`.
public enum PoolEvent: Sendable, Equatable {
  /// Open the pool: workers are started up to the minimum, and leases can be asked for.
  case start
  /// Somebody wants a worker. Answered by exactly one `grantLease` or `refuseLease`, unless withdrawn before.
  case leaseRequested(WaiterID, WaitLimit)
  /// The waiter has given up. Ignored when it was answered already.
  case leaseWithdrawn(WaiterID)
  /// A lease ends. Ignored when the worker is on the stop ladder: that made its leases void.
  case leaseReleased(WorkerID, LeaseEnd)
  /// The number of jobs that wait for a worker now, in place of the number before. 0 or more. Each is answered by one
  /// `offer`, or all of them by one `refuseDemand`; waiters come first. Jobs for which a worker was offered are not in
  /// the number, so the driver handles each `offer` before it counts again. Ignored after the pool is closed if it is
  /// 0.
  case demandChanged(Int)
  /// The leased worker has done this number of jobs more, and its lease goes on. Each counts like a lease that ends
  /// well. Ignored when the worker is on the stop ladder.
  case jobsDone(WorkerID, Int)

  /// A worker that is starting asks for more time: its start may last for this time from now, if that is later than it
  /// was to end anyway. Each such request replaces the one before (`EXTEND_TIMEOUT_USEC` of sd_notify(3)). Ignored when
  /// the worker is not starting.
  case startExtended(WorkerID, by: Nanoseconds)
  /// The worker can take a lease: proved, or taken for granted (`readyIsProof`).
  case workerReady(WorkerID)
  /// The worker no longer exists, asked to or not. All its leases are void: they must not be released any more.
  case workerGone(WorkerID, GoneCause)

  /// The worker must not be used again, whatever it is doing (it broke the protocol, its job ran out of time). Its
  /// leases are void. Without a lease, one that never proved itself has failed to start. With one that it left
  /// untouched it has, too, and also if it proved itself but has not settled: a worker that reports ready and then
  /// reads nothing must not be started again at once, for ever. Where it has read its job, its first, that is the job's
  /// fault as well as the program's: the program's as long as no worker ever worked (unless `blamesJobs`), and never
  /// when we have `interrupted` it. Else the jobs of one could keep those of all others from being done.
  case workerBroken(WorkerID, jobUntouched: Bool = false, interrupted: Bool = false)

  /// The worker is over a limit that only the driver can measure, such as its memory after a job. Whatever it is doing,
  /// it goes the way of one over `maximumJobs`: replaced before it retires, as far as `surge` allows, for `reason`.
  case limitExceeded(WorkerID, RetireReason)
  /// The worker asks to go, outside of a lease (`STOPPING=1` of sd_notify(3)). It gets no further lease whatever
  /// `surge` is and is stopped when it is free. One that has not settled yet has failed to start.
  case retirementRequested(WorkerID)

  /// The probe was answered well.
  case probePassed(WorkerID)
  /// The probe was answered badly. (Not at all: the pool's own timer sees to it.)
  case probeFailed(WorkerID)
  /// The worker forgot its last job.
  case resetPassed(WorkerID)
  /// The reset went wrong.
  case resetFailed(WorkerID)

  /// A timer that was armed has run out.
  case timerFired(TimerID)

  /// The pool's size changes; surplus workers retire when they are free.
  case resized(minimum: Int, maximum: Int)
  /// Replace every worker that lives now, no more than `max(surge, 1)` at once; the first replacement that fails ends
  /// it, and the next old one does not go before it is proved or has settled. Ignored unless the pool is open.
  case recycleAll
  /// Replace this worker. Ignored when it is gone or going.
  case recycle(WorkerID)
  /// Start workers until this number serves, once, whatever the demand; no more than the maximum. Given up when the
  /// breaker opens.
  case prefill(Int)
  /// Accept no new waiter, serve those that wait and the demand, then stop everything gracefully. The demand may still
  /// change: a job comes back when its worker dies.
  case drain
  /// Accept no new waiter and no demand, refuse those that wait, and stop everything gracefully as soon as it is free.
  case close
  /// Refuse all waiters and the demand, and stop every worker now, leased or not.
  case stop(StopUrgency)
}

/// How long a waiter waits.
public enum WaitLimit: Sendable, Equatable {
  /// Until it is served or the pool closes.
  case forever
  /// At most this time.
  case within(Nanoseconds)
  /// Not for others: refused when the pool is exhausted, which means that only the end of somebody's lease, or a start
  /// that is held back after a failure, could bring a worker for this waiter.
  case unlessExhausted
}

/// How a lease ended.
public enum LeaseEnd: Sendable, Equatable {
  /// The job is done, the worker can take the next.
  case healthy
  /// No job was done since the lease began, or since the last `jobsDone`. It does not count as a job.
  case unused
}

/// Why a worker is gone.
public enum GoneCause: Sendable, Equatable {
  /// It never took a job: a failed start, which costs a wait and counts against the restart budget (unless ready was
  /// proof and it has lived for `settleTime`).
  case failedStart
  /// It cannot be started at all (no such program). Opens the breaker at once as long as no worker was ever proved.
  case cannotStart
  /// It ended by itself, after it had taken a job or been proved. Without a lease, a job done or `settleTime` lived
  /// this too is a failed start: a worker that reports ready and ends must not be started again at once, for ever.
  case died
  /// It ended as it was asked to.
  case stopped
}

/// Where on the stop ladder a stop begins.
public enum StopUrgency: Sendable, Equatable {
  /// On the first step.
  case graceful
  /// On the second step: the worker is stuck or confused, asking kindly is lost time.
  case prompt
  /// On the last step.
  case immediate
}
