import Time

/// Several jobs in one lease: the driver sends further jobs to a leased worker, where they wait behind the one that it
/// is running. The pool counts those that are done, and decides how many more the worker may get.
extension PoolStateMachine {
  static func allowsManyJobs(_ configuration: PoolConfiguration) -> Bool {
    !configuration.resetsAfterLease && !configuration.resetsBeforeLease && !configuration.probesAfterLease
      && !configuration.preparesEachLease && configuration.probeBeforeLeaseUnlessUsedWithin != .zero
  }

  /// Whether a worker is free: then no other needs to be given a second job.
  public var hasIdleWorker: Bool { available.coldest != nil }

  /// The leased worker has done `count` jobs more (0 or more), and its lease goes on: the same as `.jobsDone`. The
  /// worker may retire for it: then its lease is its last, and `seatsLeft` is 0. Ignored when it is on the stop ladder;
  /// an internal error when it holds no lease.
  public mutating func jobsDone(
    _ worker: WorkerID, _ count: Int, at now: Instant, into actions: inout [PoolAction]
  ) {
    guard let slot = slot(of: worker) else { return impossible(.releaseWithoutLease, into: &actions) }
    if case .stopping = slots[slot].state { return }
    guard slots[slot].state == .leased else { return impossible(.releaseWithoutLease, into: &actions) }
    guard count > 0 else {
      if count < 0 { impossible(.badLifecycle, into: &actions) }
      return
    }
    slots[slot].hasServedInLease = true
    countJobs(slot, count, at: now, into: &actions)
    if configuration.leaseReportLimit > .zero {
      arm(slot, .lease, after: configuration.leaseReportLimit, into: &actions)
    }
    guard slots[slot].retiring == nil, servesTooMany else { return }
    setRetiring(slot, .surplus, into: &actions)
    reconcile(at: now, into: &actions)
  }

  /// How many jobs the leased worker may have at this moment, those included that were sent to it and are not reported
  /// as done yet. `Int.max` for any number; 0 without a lease. In a pool whose `capacity` is 1.
  ///
  /// Each lease is good for one job: the number is at least 1 until the first one is done. It is no more than that, and
  /// 0 after that job, when the worker retires, is one too many or has a replacement that is ready, and where something
  /// has to be done between any two jobs (a reset, a probe, a preparation). Else it is what is left of the worker's
  /// `maximumJobs`. With `surge` it serves on past those until its replacement is ready.
  public func seatsLeft(_ worker: WorkerID) -> Int {
    let slot = worker.slot.index
    guard slot < slots.count, slots[slot].serial == worker.serial, case .leased = slots[slot].state else { return 0 }
    let one = slots[slot].hasServedInLease ? 0 : 1
    guard allowsManyJobs, slots[slot].retiring == nil, !servesTooMany,
      slots[slot].overdue == nil || !isReplacementReady
    else { return one }
    let limit = slots[slot].jobLimit
    guard limit > 0 else { return .max }
    if configuration.maximumJobs == 1 { return one }
    let left = limit - slots[slot].jobs
    return left > 0 || configuration.surge == 0 ? max(one, left) : .max
  }
}
