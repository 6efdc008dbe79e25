/// How jobs end, and when their results come out.
extension JobLedger {
  /// The one place where a job gets its outcome. It must have left the queue or its lease.
  mutating func settle(_ index: Int, _ outcome: Outcome, into actions: inout [JobAction]) {
    let job = slab.id(at: index)
    counts.count(outcome)
    actions.append(.settled(job, outcome))
    let order = slab[index].order
    guard order != JobRecord.none else { return emit(index, outcome, into: &actions) }
    guard slab.first(in: order) == index else { return hold(index, outcome, into: &actions) }
    slab.removeFirst(in: order)
    emit(index, outcome, into: &actions)
    if counts.held > 0 { emitThoseWhoWaited(in: order, into: &actions) }
  }

  mutating func cancel(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job) else { return }
    switch slab[index].state {
    case .queued: cancelQueued(index, into: &actions)
    case .delayed:
      endDelay(index, into: &actions)
      settle(index, .cancelled, into: &actions)
    case .leased: cancelLeased(index, into: &actions)
    case .free, .held: return  // It ended before anybody heard of it.
    }
  }

  mutating func drain(into actions: inout [JobAction]) {
    isDraining = true
    while let index = slab.firstQueued { cancelQueued(index, into: &actions) }
    guard counts.delayed > 0 else { return }
    for index in 0..<slab.count {
      guard case .delayed(let failure) = slab[index].state else { continue }
      endDelay(index, into: &actions)
      settle(index, failure.outcome, into: &actions)
    }
  }

  /// In the order that is kept, so that nothing has to be held.
  mutating func abort(into actions: inout [JobAction]) {
    isDraining = true
    for order in slab.orders.indices {
      while let index = slab.first(in: UInt32(order)) { cancel(slab.id(at: index), into: &actions) }
    }
    while let index = slab.firstQueued { cancelQueued(index, into: &actions) }
    guard counts.leased + counts.delayed > 0 else { return }
    for index in 0..<slab.count { cancel(slab.id(at: index), into: &actions) }
  }

  mutating func cancelQueued(_ index: Int, into actions: inout [JobAction]) {
    leaveQueue(index, into: &actions)
    settle(index, .cancelled, into: &actions)
  }

  private mutating func cancelLeased(_ index: Int, into actions: inout [JobAction]) {
    stopRunClock(index, into: &actions)
    actions.append(.interrupt(slab.id(at: index), because: .cancelled))
    endLease(index)
    settle(index, .cancelled, into: &actions)
  }

  private mutating func hold(_ index: Int, _ outcome: Outcome, into actions: inout [JobAction]) {
    slab[index].state = .held(outcome)
    counts.held += 1
    counts.heldBytes += slab[index].resultBytes + Self.heldJobCost
    slab.countHeld(slab[index].resultBytes, in: slab[index].order)
    actions.append(.hold(slab.id(at: index)))
  }

  mutating func keep(_ bytes: Int, of job: JobID) {
    guard let index = slab.find(job) else { return }
    let change = bytes - slab[index].resultBytes
    slab[index].resultBytes = bytes
    switch slab[index].state {
    case .held:
      counts.heldBytes += change
      slab.countHeld(change, in: slab[index].order)
    case .free, .queued, .delayed, .leased: break
    }
  }

  mutating func withdrawAnswer(of job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job), slab[index].state == .held(.ok) else { return }
    slab[index].state = .held(.failed)
    counts.recount(.ok, as: .failed)
    counts.heldBytes -= slab[index].resultBytes
    slab.countHeld(-slab[index].resultBytes, in: slab[index].order)
    slab[index].resultBytes = 0
    actions.append(.withdrawn(job))
  }

  private mutating func emitThoseWhoWaited(in order: UInt32, into actions: inout [JobAction]) {
    while let index = slab.first(in: order), case .held(let outcome) = slab[index].state {
      counts.held -= 1
      counts.heldBytes -= slab[index].resultBytes + Self.heldJobCost
      slab.countHeld(-slab[index].resultBytes, in: order)
      slab.removeFirst(in: order)
      emit(index, outcome, into: &actions)
    }
  }

  @inline(__always)
  private mutating func emit(_ index: Int, _ outcome: Outcome, into actions: inout [JobAction]) {
    let job = slab.id(at: index)
    slab.free(index)
    actions.append(.emit(job, outcome))
    actions.append(.forget(job))
  }
}
