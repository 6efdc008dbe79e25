/// The clients that the jobs come from.
extension JobLedger {
  /// How many jobs of this client are where; all zero for a client that is not known.
  public func counts(of client: ClientID) -> ClientCounts {
    slab.findClient(client).map { slab.clients[$0].counts } ?? ClientCounts()
  }

  /// Bytes of this client's results that wait for earlier ones; 0 unless each client has its order.
  public func heldBytes(of client: ClientID) -> Int {
    guard configuration.ordersEachClient, slab.findClient(client) != nil, Int(client.index) < slab.orders.count else {
      return 0
    }
    return slab.orders[Int(client.index)].heldBytes
  }

  /// Whether the client has joined, and has not left or still has jobs that a worker has. When that becomes false,
  /// which can only be with `clientLeft` or with the end of one of its jobs, the driver may give its index to another
  /// client.
  public func knows(_ client: ClientID) -> Bool {
    guard let index = slab.findClient(client) else { return false }
    return slab.clients[index].hasJoined || slab.clients[index].counts.unsettled > 0
  }

  /// Whether this client may bring another job: it is there, has not too many, and the input goes on. Whether there is
  /// room in the queue, where all are together, is not asked here: that is `canAccept`. When it is false of a client
  /// that is there with the input still open, the end of one of its living jobs makes it true again.
  public func canAccept(from client: ClientID) -> Bool {
    guard let index = slab.findClient(client), slab.clients[index].hasJoined, !isDraining, !inputEnded else {
      return false
    }
    return slab.clients[index].counts.unsettled < clientLimit
  }

  /// How many jobs without an outcome one client may have now.
  var clientLimit: Int {
    guard let limit = configuration.clientLimit else { return .max }
    guard configuration.clientsFillSeats else { return limit }
    let (sum, overflow) = limit.addingReportingOverflow(prefetchRoom)
    return overflow ? .max : sum
  }

  mutating func clientJoined(_ client: ClientID, into actions: inout [JobAction]) {
    guard client.generation != 0 else {
      return impossible("a client joined without a generation", into: &actions)
    }
    if !slab.addClient(client) {
      impossible("a client joined at the index of one that is known", into: &actions)
    }
  }

  mutating func clientLeft(_ client: ClientID, into actions: inout [JobAction]) {
    guard let index = slab.findClient(client), slab.clients[index].hasJoined else {
      return impossible("a client left that is not there", into: &actions)
    }
    setPaused(index, false)
    while let job = slab.firstQueued(of: index) { cancelQueued(job, into: &actions) }
    while slab.clients[index].delayedHead != JobRecord.none {
      cancel(slab.id(at: Int(slab.clients[index].delayedHead)), into: &actions)
    }
    // Only now: a client that waits is there.
    slab.clients[index].hasJoined = false
  }

  mutating func setPaused(_ client: ClientID, _ isPaused: Bool, into actions: inout [JobAction]) {
    guard let index = slab.findClient(client), slab.clients[index].hasJoined else {
      return impossible("a client was paused or resumed that is not there", into: &actions)
    }
    setPaused(index, isPaused)
  }

  private mutating func setPaused(_ client: Int, _ isPaused: Bool) {
    if batches != nil, slab.clients[client].isPaused != isPaused { countBatches(of: client, isPaused ? -1 : 1) }
    slab.setPaused(client, isPaused)
  }
}

/// The records of the clients.
extension JobSlab {
  /// The place of a client that is there, or was the last one there.
  func findClient(_ client: ClientID) -> Int? {
    let index = Int(client.index)
    return index < clients.count && clients[index].generation == client.generation ? index : nil
  }

  /// False if the index is not free. The client is the last of the round, however often it comes again.
  mutating func addClient(_ client: ClientID) -> Bool {
    let index = Int(client.index)
    while clients.count <= index { clients.append(ClientRecord(hasJoined: false)) }
    let last = clients[index]
    // The sole client goes when others come, if it has brought nothing.
    let isFree = last.counts.unsettled == 0 && (!last.hasJoined || last.generation == 0)
    guard isFree, last.generation != client.generation else { return false }
    clients[index] = ClientRecord(hasJoined: true)
    clients[index].generation = client.generation
    endTurn(index)
    return true
  }
}
