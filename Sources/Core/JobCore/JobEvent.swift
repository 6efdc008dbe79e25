import Time

/// What can happen to jobs besides coming in (`JobLedger.accept`, `refuse`) and going to a worker (`send`).
/// `JobLedger.handle(_:into:)` takes it.
///
/// An event about a job that is already forgotten is ignored: cancellations and timers cross with the end of a job. An
/// event that contradicts what the ledger knows of a living job is a defect of the driver: it changes nothing, is
/// reported and counted.
public enum JobEvent: Sendable, Equatable {
  /// The next job of the input is not run, as it was before. It only counts in the numbers of those behind it.
  case skipped
  /// No job will come any more.
  case inputEnded

  /// From now on this client's jobs may come. When all want more workers than there are, each has as many. Its index
  /// must be free: `knows(_:)` is false of the client that had it before.
  case clientJoined(ClientID)
  /// The client has gone. Its jobs that no worker has are cancelled; those that one has go on, but are not repeated
  /// when they fail.
  case clientLeft(ClientID)
  /// None of the client's jobs is started from now on; those that a worker has go on. What it has queued does not count
  /// against the limit of the queue, and its time there goes on. Not where the order of the input is kept: there others
  /// could wait for it.
  case clientPaused(ClientID)
  /// The client's jobs are started again.
  case clientResumed(ClientID)

  /// No worker can be started. The job that the next one would get ends as `failed`; ignored while `JobLedger.demand`
  /// is 0.
  case workersUnavailable

  /// A parked job came to the head of its worker: its run clock starts; that of a job which was there already starts
  /// again from zero. Not needed if its answer is there, too.
  case started(JobID)
  /// The worker answered. `resultBytes`: the size of its result; `ran`: how long the job ran, if that is known.
  case replied(JobID, resultBytes: Int, ran: Nanoseconds? = nil)
  /// The job was leased to another pool, which has given it this outcome, after `attempts` of its own. `resultBytes`
  /// and `ran` are as in `replied`. It is not repeated here.
  case settledElsewhere(JobID, Outcome, resultBytes: Int, attempts: Int, ran: Nanoseconds? = nil)
  /// The driver keeps this many bytes about the job until it is out, besides those of an answer: they count in the
  /// order window as a result does.
  case kept(JobID, bytes: Int)
  /// The answer of a job that was settled as `ok` cannot be trusted after all: if it still waits for an earlier job
  /// it has failed, without another attempt. Ignored if it is out.
  case answerWithdrawn(JobID)
  /// The attempt failed; the lease is the driver's affair.
  case attemptFailed(JobID, AttemptFailure)
  /// The worker certainly never saw the job, or had it parked behind another. It goes to the front of the queue, and
  /// the attempt is not counted. Of several at one worker the last is returned first, and the head comes after all of
  /// them, so that they stand in the queue as they stood before. A job that was returned from the head
  /// `JobLedger.mostFreeReturns` times has failed: workers that work refuse to read it.
  case returnedUnstarted(JobID)
  /// The worker was lost, or is stopped, with a batch that the job was in. Nobody knows which of the jobs was the cause:
  /// it goes to the front of the queue, the attempt is not counted, and from now on it is sent alone. Of several the
  /// last is returned first.
  case batchLost(JobID)
  /// The job cannot be given to a worker at all (it is too large, the framing cannot carry it): `failed`, without
  /// another attempt. If it has a lease, that is unused.
  case rejected(JobID)

  /// A timer that was armed has run out.
  case timerFired(JobTimer)

  /// Somebody does not want the job any more. If it is with a worker, that worker is interrupted.
  case cancel(JobID)
  /// Start nothing new: queued jobs are cancelled, running ones finish, a failed attempt is not repeated. Ends the
  /// input, too.
  case drain
  /// Cancel everything that is not settled, running jobs as well. Ends the input, too.
  case abort
}

/// What one job is given that differs from the configuration.
public struct JobTerms: Sendable, Equatable {
  /// As configured.
  public static let usual = JobTerms()

  /// More attempts after one that failed; negative for as configured.
  public var retries: Int32
  /// How long one attempt may run; zero for as configured.
  public var runLimit: Nanoseconds
  /// Jobs of a higher priority are started before others, of any client; among equals of one client the order of the
  /// input counts. Usually 0.
  public var priority: Int32
  /// The client that the job belongs to.
  public var client: ClientID
  /// Whether its result waits for those of its client's jobs before it, where each client has its order.
  public var isOrdered = true
  /// How long it is, in bytes. Only a rule for batches with a limit of bytes looks at it.
  public var size = 0
  /// Jobs of the same group may be in one batch, where the rule for batches wants that.
  public var group: UInt64 = 0

  /// What is not given is as usual.
  public init(retries: Int32 = -1, runLimit: Nanoseconds = .zero, priority: Int32 = 0, client: ClientID = .sole) {
    self.retries = retries
    self.runLimit = runLimit
    self.priority = priority
    self.client = client
  }
}
