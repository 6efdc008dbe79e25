import Time

extension JobLedger {
  /// The settings of a ledger.
  public struct Configuration: Sendable, Equatable {
    /// Whether results come out in the order of the input.
    public var keepOrder: Bool
    /// Whether the results of each client come out in the order in which its jobs came, whatever becomes of those of
    /// others. Not together with `keepOrder`. The order window does not count: how much a client may leave waiting
    /// is for the driver to decide (`heldBytes(of:)`).
    public var ordersEachClient = false
    /// How many jobs may wait for a worker, 1 or more.
    public var queueLimit: Int
    /// How many more attempts a job has after one that failed, 0 or more.
    public var retries: Int
    /// How long one attempt may run; nil = for ever.
    public var runLimit: Nanoseconds?
    /// How long a job may wait in the queue each time it is there; nil = for ever.
    public var queueLimitTime: Nanoseconds?
    /// How many bytes of settled jobs may wait for an earlier one, 0 or more; `heldJobCost` is charged for each job
    /// besides its result. When it is reached, only the job that all wait for is still started. 0 = one held job is
    /// enough.
    public var orderWindow: Int
    /// The job is given up when it has killed this number of workers, whatever `retries` is; 1 or more.
    public var quarantineAfter: Int

    /// How long one attempt may run, in percent of the median of the jobs that were answered so far; nil = no such
    /// limit. It counts from when three were answered.
    public var runLimitPercent: Int?
    /// The limit that follows from the median is never less: the shortest jobs vary most.
    public var leastMedianLimit = Nanoseconds(1)
    /// The wait before a failed attempt is repeated; nil = none.
    public var retryDelay: RetryDelay?
    /// When the run is given up; nil = never.
    public var halt: HaltRule?
    /// How many jobs without an outcome one client may have, 1 or more; nil = any number.
    public var clientLimit: Int?
    /// Whether a client may have as many more as may be parked at workers (`prefetchRoom`): else one client alone
    /// could not keep the seats of fast workers filled.
    public var clientsFillSeats = false
    /// Jobs go to workers in batches; nil = one by one. `reconfigure` cannot change it.
    public var batches: BatchRule?
    /// Makes the jitter of retry delays repeat.
    public var seed: UInt64 = 0

    /// The defaults of the command line: order kept, no retries, no limits of time.
    public init(
      keepOrder: Bool = true, queueLimit: Int = 1024, retries: Int = 0, runLimit: Nanoseconds? = nil,
      queueLimitTime: Nanoseconds? = nil, orderWindow: Int = 64 << 20, quarantineAfter: Int = 3
    ) {
      self.keepOrder = keepOrder
      self.queueLimit = queueLimit
      self.retries = retries
      self.runLimit = runLimit
      self.queueLimitTime = queueLimitTime
      self.orderWindow = orderWindow
      self.quarantineAfter = quarantineAfter
    }

    /// What is wrong with it, in words; nil if nothing is.
    public var defect: String? {
      if keepOrder, ordersEachClient { return "the order is kept either of all jobs or of those of each client" }
      if queueLimit < 1 { return "queueLimit is \(queueLimit), it must be 1 or more" }
      if retries < 0 { return "retries is \(retries), it must be 0 or more" }
      if orderWindow < 0 { return "orderWindow is \(orderWindow), it must be 0 or more" }
      if let runLimitPercent, runLimitPercent < 1 {
        return "runLimitPercent is \(runLimitPercent), it must be 1 or more"
      }
      if let retryDelay, retryDelay.maximum < retryDelay.minimum {
        return
          "retryDelay is \(retryDelay.minimum.count)..\(retryDelay.maximum.count), the second must not be less "
          + "than the first"
      }
      if let defect = halt?.defect ?? batches?.defect { return defect }
      if let clientLimit, clientLimit < 1 { return "clientLimit is \(clientLimit), it must be 1 or more" }
      if quarantineAfter < 1 { return "quarantineAfter is \(quarantineAfter), it must be 1 or more" }
      return nil
    }
  }
}

/// The wait before a failed attempt is repeated: doubled with each one that fails, capped, jittered downwards.
public struct RetryDelay: Sendable, Equatable {
  /// After the first failure.
  public var minimum: Nanoseconds
  /// The longest.
  public var maximum: Nanoseconds

  /// Waits from `minimum` to `maximum`.
  public init(minimum: Nanoseconds, maximum: Nanoseconds) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// The wait after attempt `attempt` (from 1) of a job: between half and all of `minimum` · 2^(attempt - 1), at most
  /// `maximum`. The same for the same seed, job and attempt.
  public func wait(afterAttempt attempt: Int32, of job: UInt64, seed: UInt64) -> Nanoseconds {
    let full = min(minimum * (1 << UInt64(max(0, min(attempt - 1, 62)))), maximum)
    // One step of SplitMix64 mixes what makes this wait different from all others.
    var mixed = seed &+ job &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(attempt) &* 0xD1B5_4A32_D192_ED03
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return full - full / 2 * (mixed >> 56) / 256
  }
}

/// How many jobs must end badly for the run to be given up (GNU parallel's `--halt`).
public struct HaltRule: Sendable, Equatable {
  /// What becomes of the jobs that run.
  public enum Urgency: Sendable {
    /// They finish.
    case soon
    /// They are cancelled.
    case now
  }

  /// How many bad ends are too many.
  public enum Limit: Sendable, Equatable {
    /// A number of jobs, at least 1.
    case count(Int)
    /// A percentage of the jobs that have ended, but at least 3 in all. 1...100.
    case percent(Int)
  }

  /// What becomes of the jobs that run.
  public var urgency: Urgency
  /// How many bad ends are too many.
  public var limit: Limit

  /// A rule of these.
  public init(_ urgency: Urgency, _ limit: Limit) {
    self.urgency = urgency
    self.limit = limit
  }

  var defect: String? {
    switch limit {
    case .count(let count): count < 1 ? "halt is after \(count) jobs, it must be 1 or more" : nil
    case .percent(let share): (1...100).contains(share) ? nil : "halt is at \(share) %, it must be 1...100"
    }
  }

  func isReached(_ counts: JobCounts) -> Bool {
    switch limit {
    case .count(let count): counts.bad >= count
    case .percent(let share): counts.bad >= 3 && counts.bad * 100 >= share * (counts.settled - counts[.cancelled])
    }
  }
}
