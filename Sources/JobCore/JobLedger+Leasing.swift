/// Queue and leases: who waits, who is sent.
extension JobLedger {
  mutating func accept(_ job: JobID, _ terms: JobTerms, into actions: inout [JobAction]) {
    guard job == slab.nextID else {
      return impossible("a job was accepted whose identifier is not nextID", into: &actions)
    }
    let isInTime = !inputEnded && !isDraining
    if !isInTime {
      impossible("a job was accepted after the end of the input", into: &actions)
    } else if counts.queued >= configuration.queueLimit {
      impossible("a job was accepted while the queue is full", into: &actions)
    }
    counts.accepted += 1
    let index = slab.allocate(sequence: UInt64(counts.accepted + counts.skipped))
    slab[index].retries = terms.retries < 0 ? Int32(clamping: configuration.retries) : terms.retries
    slab[index].runLimit = terms.runLimit
    slab[index].priority = terms.priority
    if configuration.keepOrder { slab.appendToOrder(index) }
    slab.enqueueLast(index)
    enterQueue(index, into: &actions)
    if isDraining { cancelQueued(index, into: &actions) }
  }

  /// The lease goes to the front of the queue; while the order window is full, only to the job that all others wait for.
  mutating func leaseGranted(into actions: inout [JobAction]) {
    // A withdrawal and a grant can cross: then none is outstanding here.
    if requestedLeases > 0 { requestedLeases -= 1 }
    guard let index = nextToSend else { return actions.append(.declineLease) }
    leaveQueue(index, into: &actions)
    slab[index].state = .leased
    slab[index].attempts += 1
    counts.leased += 1
    let job = slab.id(at: index)
    actions.append(.send(job, attempt: Int(slab[index].attempts)))
    startRunClock(index, into: &actions)
  }

  mutating func leaseRefused(into actions: inout [JobAction]) {
    // A withdrawal and a refusal can cross: then nobody waits for that lease.
    guard requestedLeases > 0 else { return }
    requestedLeases -= 1
    guard let index = nextToSend ?? slab.firstQueued else { return }
    leaveQueue(index, into: &actions)
    settle(index, .failed, into: &actions)
  }

  mutating func queueLimitReached(_ job: JobID, into actions: inout [JobAction]) {
    guard configuration.queueLimitTime != nil, let index = slab.find(job) else { return }
    switch slab[index].state {
    case .queued:
      removeFromQueue(index)
      settle(index, .expired, into: &actions)
    case .free, .delayed, .leased, .held: return  // Fired at the moment the job was leased.
    }
  }

  /// As many leases are asked for as there are jobs that could be sent now. When the order window is full that is one, if the job
  /// that all wait for is queued: leases that came for the others were declined and are asked for again as soon as there is room.
  mutating func balanceLeases(into actions: inout [JobAction]) {
    while requestedLeases > counts.queued {
      requestedLeases -= 1
      actions.append(.withdrawLease)
    }
    guard requestedLeases < counts.queued else { return }
    let needed = isWindowFull ? (nextToSend == nil ? 0 : 1) : counts.queued
    while requestedLeases < needed {
      requestedLeases += 1
      actions.append(.requestLease)
    }
  }

  /// The job that a lease would go to now.
  private var nextToSend: Int? {
    guard isWindowFull else { return slab.firstQueued }
    guard let head = slab.firstInOrder, slab[head].state == .queued else { return nil }
    return head
  }
}

/// Ways into the queue and out of it.
extension JobLedger {
  /// Goes before all others, so that the job which the order waits for is not delayed.
  mutating func requeue(_ index: Int, into actions: inout [JobAction]) {
    slab.enqueueFirst(index)
    enterQueue(index, into: &actions)
  }

  /// Takes a job out of the queue. Its next state must follow at once: leased or settled.
  mutating func leaveQueue(_ index: Int, into actions: inout [JobAction]) {
    removeFromQueue(index)
    if configuration.queueLimitTime != nil { actions.append(.disarm(.queue(slab.id(at: index)))) }
  }

  private mutating func enterQueue(_ index: Int, into actions: inout [JobAction]) {
    slab[index].state = .queued
    counts.queued += 1
    if let limit = configuration.queueLimitTime { actions.append(.arm(.queue(slab.id(at: index)), after: limit)) }
  }

  private mutating func removeFromQueue(_ index: Int) {
    slab.dequeue(index)
    counts.queued -= 1
  }
}
