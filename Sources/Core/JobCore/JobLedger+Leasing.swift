/// Queue and leases: which jobs wait, which are sent.
extension JobLedger {
  /// A job comes in, and gets its name. `canAccept` and `canAccept(from:)` should be true; a job over a limit is
  /// reported as an internal error and served all the same, and one that comes after `drain` or `abort` is settled as
  /// `cancelled` at once. Nil, and an internal error, if its client has not joined or has left: then there is no such
  /// job.
  public mutating func accept(_ terms: JobTerms = .usual, into actions: inout [JobAction]) -> JobID? {
    if !inputEnded, !isDraining {
      if waiting >= mostWaiting {
        impossible("a job was accepted while the queue is full", into: &actions)
      } else if configuration.clientLimit != nil, self.counts(of: terms.client).unsettled >= clientLimit {
        impossible("a job was accepted from a client that has too many", into: &actions)
      }
    }
    guard let index = record(terms, into: &actions) else { return nil }
    let job = slab.id(at: index)
    slab.enqueueLast(index)
    enterQueue(index, into: &actions)
    if isDraining {
      cancelQueued(index, into: &actions)
      conclude(into: &actions)
    }
    return job
  }

  /// A job comes in, as with `accept`, for which there is no room in the queue: it is settled as `expired` at once.
  /// Nil, and an internal error, if its client has not joined or has left.
  public mutating func refuse(_ terms: JobTerms = .usual, into actions: inout [JobAction]) -> JobID? {
    guard let index = record(terms, into: &actions) else { return nil }
    let job = slab.id(at: index)
    settle(index, .expired, into: &actions)
    conclude(into: &actions)
    return job
  }

  /// The place of a job that came in. Its first state must follow at once: queued or settled.
  @inline(__always)
  private mutating func record(_ terms: JobTerms, into actions: inout [JobAction]) -> Int? {
    guard let client = slab.findClient(terms.client), slab.clients[client].hasJoined else {
      impossible("a job was accepted from a client that is not there", into: &actions)
      return nil
    }
    if inputEnded || isDraining { impossible("a job was accepted after the end of the input", into: &actions) }
    counts.accepted += 1
    var record = JobRecord()
    record.sequence = UInt64(counts.accepted + counts.skipped)
    record.retries = terms.retries < 0 ? Int32(clamping: configuration.retries) : terms.retries
    record.runLimit = terms.runLimit
    record.priority = terms.priority
    record.client = UInt32(client)
    if configuration.keepOrder {
      record.order = 0
    } else if configuration.ordersEachClient, terms.isOrdered {
      record.order = UInt32(client)
    }
    let index = slab.allocate(record)
    if batches != nil {
      slab.setBatchTerms(BatchTerms(size: UInt32(clamping: terms.size), group: terms.group), of: index)
    }
    if record.order != JobRecord.none { slab.appendToOrder(index) }
    return index
  }

  /// How many jobs could be sent now: those that are queued, without those of clients that are paused. While the order
  /// window is full only the job that all others wait for counts, if it is queued. With batches: how many of these
  /// could be sent (`sendBatch`).
  @inlinable public var demand: Int {
    if batches != nil { return demandOfBatches }
    return isWindowFull ? demandOfFullWindow : waiting
  }

  @usableFromInline var demandOfFullWindow: Int { nextToSend == nil ? 0 : 1 }

  /// A worker can take a job, and gets the next one; while the order window is full, only the job that all others wait
  /// for. Nil when `demand` is 0. `parked` means that the job waits in the worker behind others: its run clock starts
  /// with `JobEvent.started`.
  public mutating func send(parked: Bool = false, into actions: inout [JobAction]) -> Assignment? {
    guard let index = nextToSend else { return nil }
    return send(index, parked: parked, into: &actions)
  }

  @inline(__always)
  mutating func send(_ index: Int, parked: Bool, into actions: inout [JobAction]) -> Assignment {
    slab.beginLease(index)
    didLeaveQueue(index, into: &actions)
    counts.leased += 1
    let attempt = slab[index].beginLease(parked: parked)
    if !parked { startRunClock(index, into: &actions) }
    return Assignment(job: slab.id(at: index), attempt: attempt)
  }

  /// Which attempt of its job the next `send` would begin, from 1; 0 when `demand` is 0.
  public var nextAttempt: Int { nextToSend.map { Int(slab[$0].attempts) + 1 } ?? 0 }

  mutating func workersUnavailable(into actions: inout [JobAction]) {
    guard let index = nextToSend else { return }
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
      if batches != nil { leaveBatches(index, into: &actions) }
      settle(index, .expired, into: &actions)
    case .free, .delayed, .leased, .held: return  // Fired at the moment the job was leased.
    }
  }

  /// The job that a lease would go to now. Inlined, because the whole ledger would be copied for a call.
  @inline(__always) var nextToSend: Int? {
    guard isWindowFull else { return slab.firstToSend }
    guard let head = slab.first(in: 0), slab[head].state == .queued else { return nil }
    return head
  }
}

/// Ways into the queue and out of it.
extension JobLedger {
  /// Goes before all others of its client, so that the job which the order waits for is not delayed.
  mutating func requeue(_ index: Int, into actions: inout [JobAction]) {
    slab[index].isDue = true
    slab.enqueueFirst(index)
    enterQueue(index, into: &actions)
  }

  /// Takes a job out of the queue. Its next state must follow at once: leased or settled.
  mutating func leaveQueue(_ index: Int, into actions: inout [JobAction]) {
    slab.dequeue(index)
    didLeaveQueue(index, into: &actions)
  }

  @inline(__always)
  private mutating func didLeaveQueue(_ index: Int, into actions: inout [JobAction]) {
    counts.queued -= 1
    if batches != nil { leaveBatches(index, into: &actions) }
    if configuration.queueLimitTime != nil { actions.append(.disarm(.queue(slab.id(at: index)))) }
  }

  @inline(__always)
  private mutating func enterQueue(_ index: Int, into actions: inout [JobAction]) {
    counts.queued += 1
    if batches != nil { joinBatches(index, into: &actions) }
    if let limit = configuration.queueLimitTime { actions.append(.arm(.queue(slab.id(at: index)), after: limit)) }
  }
}
