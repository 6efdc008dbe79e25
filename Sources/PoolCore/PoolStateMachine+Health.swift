/// Probes and resets: nobody is handed a worker that is sick or remembers its last job.
extension PoolStateMachine {
  /// Checks an idle worker, on behalf of a waiter or on its own account.
  mutating func beginProbe(_ slot: Int, for waiter: Waiter?, into actions: inout [PoolAction]) {
    guard slots[slot].state == .idle else { return }
    available.remove(slot, from: &slots)
    setState(slot, .probing(waiter), into: &actions)
    arm(slot, .probe, after: configuration.probeLimit, into: &actions)
    actions.append(.probeWorker(worker(in: slot)))
  }

  mutating func probePassed(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .probing(let waiter) = slots[slot].state else { return }
    slots[slot].lastUsed = now
    if slots[slot].retiring != nil {
      takeBackWaiter(of: slot, at: now, into: &actions)
      beginStop(slot, .graceful, into: &actions)
      dispatch(at: now, into: &actions)
      return reconcile(at: now, into: &actions)
    }
    guard let waiter else { return rest(slot, at: now, into: &actions) }
    grant(waiter, slot, into: &actions)
  }

  mutating func probeFailed(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), case .probing = slots[slot].state else { return }
    probeEndedBadly(slot, at: now, into: &actions)
  }

  /// The worker is stopped; its waiter is served by the next one.
  mutating func probeEndedBadly(_ slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    takeBackWaiter(of: slot, at: now, into: &actions)
    retire(slot, .probe, .prompt, at: now, into: &actions)
  }

  /// If a probe is under way for a waiter, the waiter returns to its place in the queue. One that did not want to wait
  /// gets the next free worker, or is refused.
  mutating func takeBackWaiter(of slot: Int, at now: UInt64, into actions: inout [PoolAction]) {
    guard case .probing(let waiter?) = slots[slot].state else { return }
    slots[slot].state = .probing(nil)
    switch waiter.patience {
    case .endless, .timed: waiters.putBack(waiter)
    case .none:
      guard let next = available.pick(configuration.leaseOrder) else {
        return actions.append(.refuseLease(waiter.id, .exhausted))
      }
      serve(waiter, from: next, at: now, into: &actions)
    }
  }

  mutating func resetPassed(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), slots[slot].state == .resetting else { return }
    guard slots[slot].retiring == nil else {
      beginStop(slot, .graceful, into: &actions)
      return reconcile(at: now, into: &actions)
    }
    rest(slot, at: now, into: &actions)
  }

  mutating func resetFailed(_ worker: WorkerID, at now: UInt64, into actions: inout [PoolAction]) {
    guard let slot = slot(of: worker), slots[slot].state == .resetting else { return }
    retire(slot, .reset, .prompt, at: now, into: &actions)
  }
}
