extension JobLedger {
  /// What a ledger is told once.
  public struct Configuration: Sendable, Equatable {
    /// Whether results come out in the order of the input.
    public var keepOrder: Bool
    /// How many jobs may wait for a worker, 1 or more.
    public var queueLimit: Int
    /// How many more attempts a job has after one that failed, 0 or more.
    public var retries: Int
    /// How long one attempt may run, in nanoseconds; nil = for ever.
    public var runLimit: UInt64?
    /// How long a job may wait in the queue each time it is there, in nanoseconds; nil = for ever.
    public var queueLimitTime: UInt64?
    /// How many bytes of settled jobs may wait for an earlier one, 0 or more; `heldJobCost` is charged for each job besides its
    /// result. When it is reached, only the job that all wait for is still started. 0 = one held job is enough.
    public var orderWindow: Int
    /// The job is given up when it has killed so many workers, whatever `retries` says; 1 or more.
    public var quarantineAfter: Int

    /// The defaults of the command line: order kept, no retries, no limits of time.
    public init(
      keepOrder: Bool = true, queueLimit: Int = 1024, retries: Int = 0, runLimit: UInt64? = nil,
      queueLimitTime: UInt64? = nil, orderWindow: Int = 64 << 20, quarantineAfter: Int = 3
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
      if queueLimit < 1 { return "queueLimit is \(queueLimit), it must be 1 or more" }
      if retries < 0 { return "retries is \(retries), it must be 0 or more" }
      if orderWindow < 0 { return "orderWindow is \(orderWindow), it must be 0 or more" }
      if quarantineAfter < 1 { return "quarantineAfter is \(quarantineAfter), it must be 1 or more" }
      return nil
    }
  }
}
