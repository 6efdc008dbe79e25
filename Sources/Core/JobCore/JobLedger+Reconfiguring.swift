import Time

/// New limits for a ledger that lives.
extension JobLedger {
  /// From now on these count. Nothing that was accepted is lost by it: a queue that is longer than the new limit, or a
  /// client with more jobs than it may have, is only kept from bringing more. The new values must have no `defect` and
  /// the same order and batches; else nothing changes, and an internal error is reported.
  ///
  /// A job keeps the retries that it came with, and an attempt that runs its limit of time. If the limit of the wait in
  /// the queue changes, the wait of all queued jobs begins anew. A limit that follows from the median is found again
  /// from the run times that are known. A halt rule that is reached already ends the run at once.
  public mutating func reconfigure(_ new: Configuration, into actions: inout [JobAction]) {
    guard new.defect == nil, new.keepOrder == configuration.keepOrder,
      new.ordersEachClient == configuration.ordersEachClient, new.batches == configuration.batches
    else {
      return impossible("a ledger was given values that cannot be", into: &actions)
    }
    let old = configuration
    configuration = new
    if old.queueLimitTime != new.queueLimitTime { restartQueueTimers(after: old.queueLimitTime, into: &actions) }
    if old.runLimitPercent != new.runLimitPercent || old.leastMedianLimit != new.leastMedianLimit {
      findMedianLimit(into: &actions)
    }
    conclude(into: &actions)
  }

  private mutating func restartQueueTimers(after old: Nanoseconds?, into actions: inout [JobAction]) {
    for index in 0..<slab.count where slab[index].state == .queued {
      let timer = JobTimer.queue(slab.id(at: index))
      if old != nil { actions.append(.disarm(timer)) }
      if let limit = configuration.queueLimitTime { actions.append(.arm(timer, after: limit)) }
    }
  }
}
