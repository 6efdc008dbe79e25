/// The queue of each client: higher priorities first, and in the order of arrival among equals.
///
/// Most jobs come in the order in which they go, and stand in a line: O(1) in and out. A job that would have to be
/// pushed into the middle of the line goes to the crowd instead, a heap, so that no client can slow the others down by
/// the priorities that it chooses.
extension JobSlab {
  /// The next job; of a paused client only when all clients that wait are paused.
  var firstQueued: Int? { waitingCount == 0 ? nil : firstQueued(of: Int(waiting[0])) }

  /// The job that a lease goes to.
  var firstToSend: Int? {
    waitingCount == 0 || clients[Int(waiting[0])].isPaused ? nil : firstQueued(of: Int(waiting[0]))
  }

  func firstQueued(of client: Int) -> Int? {
    let head = clients[client].head
    return head == JobRecord.none ? nil : Int(head)
  }

  /// Behind all of its client and its priority.
  @inline(__always)
  mutating func enqueueLast(_ index: Int) {
    lastTicket += 1
    let (client, priority) = (Int(records[index].client), records[index].priority)
    if clients[client].isPaused { pausedCount += 1 }
    let tail = clients[client].lineTail
    if tail == JobRecord.none || records[Int(tail)].priority >= priority {
      records[index].stand(after: tail, before: JobRecord.none, ticket: lastTicket)
      if tail != JobRecord.none { records[Int(tail)].queueNext = UInt32(index) }
      if clients[client].append(UInt32(index), priority) { didLead(client) }
    } else {
      joinCrowd(index, ticket: lastTicket)
      if clients[client].didEnqueue(UInt32(index), priority, atFront: false) { didLead(client) }
    }
  }

  /// Before all of its client and its priority.
  mutating func enqueueFirst(_ index: Int) {
    firstTicket -= 1
    let (client, priority) = (Int(records[index].client), records[index].priority)
    if clients[client].isPaused { pausedCount += 1 }
    let head = clients[client].lineHead
    if head == JobRecord.none || records[Int(head)].priority <= priority {
      records[index].stand(after: JobRecord.none, before: head, ticket: firstTicket)
      if head != JobRecord.none { records[Int(head)].queuePrevious = UInt32(index) }
      clients[client].lineHead = UInt32(index)
      if head == JobRecord.none { clients[client].lineTail = UInt32(index) }
    } else {
      joinCrowd(index, ticket: firstTicket)
    }
    if clients[client].didEnqueue(UInt32(index), priority, atFront: true) { didLead(client) }
  }

  /// With a turn if that is because it gets a lease: the client's turn is over, and it has one more leased job.
  mutating func dequeue(_ index: Int, turn: UInt64? = nil) {
    let client = Int(records[index].client)
    if clients[client].isPaused { pausedCount -= 1 }
    if records[index].isInCrowd {
      leaveCrowd(index)
    } else {
      let (previous, next) = (records[index].queuePrevious, records[index].queueNext)
      clients[client].unlinkFromLine(after: previous, before: next)
      if previous != JobRecord.none { records[Int(previous)].queueNext = next }
      if next != JobRecord.none { records[Int(next)].queuePrevious = previous }
    }
    if clients[client].didDequeue(records, turn: turn) { reposition(client) } else { stopWaiting(client) }
  }

  /// A job that came is the first of its client.
  private mutating func didLead(_ client: Int) {
    if clients[client].counts.queued == 1 { startWaiting(client) } else { reposition(client) }
  }
}

/// The delayed jobs of each client, so that they are found when it leaves.
extension JobSlab {
  mutating func beginDelay(_ index: Int) {
    let client = Int(records[index].client)
    let head = clients[client].delayedHead
    records[index].queuePrevious = JobRecord.none
    records[index].queueNext = head
    if head != JobRecord.none { records[Int(head)].queuePrevious = UInt32(index) }
    clients[client].delayedHead = UInt32(index)
    clients[client].counts.delayed += 1
  }

  mutating func endDelay(_ index: Int) {
    let client = Int(records[index].client)
    let previous = records[index].queuePrevious
    let next = records[index].queueNext
    if previous == JobRecord.none {
      clients[client].delayedHead = next
    } else {
      records[Int(previous)].queueNext = next
    }
    if next != JobRecord.none { records[Int(next)].queuePrevious = previous }
    clients[client].counts.delayed -= 1
  }
}
