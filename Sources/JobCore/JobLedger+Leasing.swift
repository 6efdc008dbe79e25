/// Queue and leases: who waits, who is sent.
extension JobLedger {
  mutating func accept(_ job: JobID, _ terms: JobTerms, into actions: inout [JobAction]) {
    if !inputEnded, !isDraining {
      if waiting >= configuration.queueLimit {
        impossible("a job was accepted while the queue is full", into: &actions)
      } else if let limit = configuration.clientLimit, self.counts(of: terms.client).unsettled >= limit {
        impossible("a job was accepted from a client that has too many", into: &actions)
      }
    }
    guard let index = record(job, terms, into: &actions) else { return }
    slab.enqueueLast(index)
    enterQueue(index, into: &actions)
    if isDraining { cancelQueued(index, into: &actions) }
  }

  mutating func refuse(_ job: JobID, _ terms: JobTerms, into actions: inout [JobAction]) {
    guard let index = record(job, terms, into: &actions) else { return }
    settle(index, .expired, into: &actions)
  }

  /// The place of a job that came in. Its first state must follow at once: queued or settled.
  @inline(__always)
  private mutating func record(_ job: JobID, _ terms: JobTerms, into actions: inout [JobAction]) -> Int? {
    guard job == slab.nextID else {
      impossible("a job was accepted whose identifier is not nextID", into: &actions)
      return nil
    }
    guard let client = slab.findClient(terms.client), slab.clients[client].hasJoined else {
      impossible("a job was accepted from a client that is not there", into: &actions)
      return nil
    }
    if inputEnded || isDraining { impossible("a job was accepted after the end of the input", into: &actions) }
    counts.accepted += 1
    var record = JobRecord()
    record.generation = job.generation
    record.sequence = UInt64(counts.accepted + counts.skipped)
    record.retries = terms.retries < 0 ? Int32(clamping: configuration.retries) : terms.retries
    record.runLimit = terms.runLimit
    record.priority = terms.priority
    record.client = UInt32(client)
    let index = slab.allocate(job, record)
    if configuration.keepOrder { slab.appendToOrder(index) }
    return index
  }

  /// The lease goes to whom `JobSlab` says; while the order window is full, only to the job that all others wait for.
  mutating func leaseGranted(into actions: inout [JobAction]) {
    // A withdrawal and a grant can cross: then none is outstanding here.
    if requestedLeases > 0 { requestedLeases -= 1 }
    guard let index = nextToSend else { return actions.append(.declineLease) }
    slab.beginLease(index)
    didLeaveQueue(index, into: &actions)
    counts.leased += 1
    let attempt = slab[index].beginLease()
    actions.append(.send(slab.id(at: index), attempt: attempt))
    startRunClock(index, into: &actions)
  }

  mutating func leaseRefused(into actions: inout [JobAction]) {
    // A withdrawal and a refusal can cross: then nobody waits for that lease.
    guard requestedLeases > 0 else { return }
    requestedLeases -= 1
    guard let index = nextToSend ?? slab.firstQueued else { return }
    // As with a lease, so that misfortune, too, goes round.
    slab.endTurn(Int(slab[index].client))
    leaveQueue(index, into: &actions)
    settle(index, .failed, into: &actions)
  }

  mutating func queueLimitReached(_ job: JobID, into actions: inout [JobAction]) {
    guard configuration.queueLimitTime != nil, let index = slab.find(job) else { return }
    switch slab[index].state {
    case .queued:
      slab.dequeue(index)
      counts.queued -= 1
      settle(index, .expired, into: &actions)
    case .free, .delayed, .leased, .held: return  // Fired at the moment the job was leased.
    }
  }

  /// As many leases are asked for as there are jobs that could be sent now. When the order window is full that is one, if the job
  /// that all wait for is queued: leases that came for the others were declined and are asked for again as soon as there is room.
  mutating func balanceLeases(into actions: inout [JobAction]) {
    let waiting = waiting
    while requestedLeases > waiting {
      requestedLeases -= 1
      actions.append(.withdrawLease)
    }
    guard requestedLeases < waiting else { return }
    let needed = isWindowFull ? (nextToSend == nil ? 0 : 1) : waiting
    while requestedLeases < needed {
      requestedLeases += 1
      actions.append(.requestLease)
    }
  }

  /// The job that a lease would go to now. Inlined, because the whole ledger would be copied for a call.
  @inline(__always) private var nextToSend: Int? {
    guard isWindowFull else { return slab.firstToSend }
    guard let head = slab.firstInOrder, slab[head].state == .queued else { return nil }
    return head
  }
}

/// Ways into the queue and out of it.
extension JobLedger {
  /// Goes before all others of its client, so that the job which the order waits for is not delayed.
  mutating func requeue(_ index: Int, into actions: inout [JobAction]) {
    slab.enqueueFirst(index)
    enterQueue(index, into: &actions)
  }

  /// Takes a job out of the queue. Its next state must follow at once: leased or settled.
  mutating func leaveQueue(_ index: Int, into actions: inout [JobAction]) {
    slab.dequeue(index)
    didLeaveQueue(index, into: &actions)
  }

  private mutating func didLeaveQueue(_ index: Int, into actions: inout [JobAction]) {
    counts.queued -= 1
    if configuration.queueLimitTime != nil { actions.append(.disarm(.queue(slab.id(at: index)))) }
  }

  private mutating func enterQueue(_ index: Int, into actions: inout [JobAction]) {
    counts.queued += 1
    if let limit = configuration.queueLimitTime { actions.append(.arm(.queue(slab.id(at: index)), after: limit)) }
  }
}
