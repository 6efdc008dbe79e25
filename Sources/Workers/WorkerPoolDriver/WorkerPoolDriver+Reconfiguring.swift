import EventLoop
import PoolCore

/// A new configuration for a pool that lives.
extension WorkerPoolDriver {
  /// What of `new` this pool could not do while it lives, in the names of options; nil if it can do all of it.
  public func cannotChange(to new: WorkerPoolConfiguration) -> String? {
    // The waiting jobs were checked against this protocol only.
    let (ours, theirs) = (configuration.workerProtocol, new.workerProtocol)
    if theirs.name != ours.name {
      return ours.framing != nil && theirs.framing == ours.framing ? "--reply-protocol" : "--protocol"
    }
    // What waits was counted in batches.
    if theirs.batch != ours.batch { return "--batch" }
    // It decides whether workers are given more than one job.
    if theirs.concurrency != ours.concurrency { return "--concurrency" }
    // The kernel's controllers are set up before the first worker.
    if new.groupLimits.memory != configuration.groupLimits.memory { return "--memory-max" }
    if new.groupLimits.processes != configuration.groupLimits.processes { return "--pids-max" }
    return nil
  }

  /// From now on workers are started and kept like this. Those that live are replaced, as by `recycleAll`; until then
  /// each is asked and judged as it was started. (What a worker may hold at most is looked at by the new value, if it
  /// was looked at before.)
  ///
  /// `cannotChange(to:)` must be nil. The number of the pool and the care for orphans stay as they were.
  public mutating func reconfigure(_ new: WorkerPoolConfiguration, _ loop: inout EventLoop) {
    precondition(cannotChange(to: new) == nil, "a restart is needed for this")
    let shortcoming = memoryShortcoming
    let (number, adoptsOrphans) = (configuration.number, configuration.adoptsOrphans)
    configuration = new.completed()
    configuration.number = number
    configuration.adoptsOrphans = adoptsOrphans
    launch = nil
    startManner = .unknown
    kind.forget()
    size = new.pool.minimum...new.pool.maximum
    if shortcoming == nil, let text = memoryShortcoming { events.append(.notEnforced(text)) }
    core.reconfigure(configuration.pool, at: loop.now(), into: &actions)
    performAll(&loop)
  }
}
