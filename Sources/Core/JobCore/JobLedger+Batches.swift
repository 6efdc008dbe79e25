/// Batches: which jobs go to a worker together, and what becomes of them when it is lost.
extension JobLedger {
  /// Whether a worker has the job together with others.
  public func isInBatch(_ job: JobID) -> Bool {
    isLeased(job) && (slab.findRecord(job).map { slab[$0].isInBatch } ?? false)
  }

  /// A worker can take up to `limit` jobs (1 or more) in one message, and gets the next batch, which is added to
  /// `batch`; none when `demand` is 0. Only where the configuration has a rule for batches.
  public mutating func sendBatch(atMost limit: Int, _ batch: inout [Assignment], into actions: inout [JobAction]) {
    guard let rule = configuration.batches, demand > 0, let head = headOfBatch else { return }
    let first = batch.count
    let isLone = slab[head].goesAlone || isWindowFull
    var room = Room(jobs: min(limit, rule.most), bytes: rule.mostBytes ?? .max)
    room.take(slab.batchTerms[head])
    let others = isLone || !rule.isByGroup ? [] : mates(of: head, atMost: room.jobs)
    batch.append(send(head, parked: false, into: &actions))
    if rule.isByGroup {
      for index in others where room.take(slab.batchTerms[index]) {
        batch.append(send(index, parked: false, into: &actions))
      }
    } else if !isLone {
      while let next = nextToSend, !slab[next].goesAlone, room.take(slab.batchTerms[next]) {
        batch.append(send(next, parked: false, into: &actions))
      }
    }
    guard batch.count > first + 1 else { return }
    for assignment in batch[first...] { slab[Int(assignment.job.index)].isInBatch = true }
  }

  /// What a batch still has room for.
  private struct Room {
    var jobs: Int
    var bytes: Int

    /// False, and nothing has room any more, if this job has none. The first always has.
    @discardableResult
    mutating func take(_ job: BatchTerms) -> Bool {
      guard jobs > 0, bytes == .max || Int(job.size) <= bytes || isEmpty else {
        jobs = 0
        return false
      }
      isEmpty = false
      jobs -= 1
      if bytes != .max { bytes = max(0, bytes - Int(job.size)) }
      return true
    }

    private var isEmpty = true

    init(jobs: Int, bytes: Int) {
      self.jobs = jobs
      self.bytes = bytes
    }
  }

  @usableFromInline var demandOfBatches: Int {
    guard let batches, !isWindowFull else { return demandOfFullWindow }
    return canAccept ? batches.ripe : batches.all
  }

  /// The job that the next batch begins with: the next one of all that need not wait; or the next one, if none of
  /// those that are looked at need not.
  private var headOfBatch: Int? {
    guard let next = nextToSend, let batches, canAccept, !batches.isRipe(slab[next], slab.batchTerms[next]) else {
      return nextToSend
    }
    var first: Int?
    forEachWaiting { index in
      guard batches.isRipe(slab[index], slab.batchTerms[index]) else { return }
      if first.map({ slab[index].goes(before: slab[$0]) }) ?? true { first = index }
    }
    return first ?? nextToSend
  }

  /// The queued jobs of the same group as this one that are looked at, without those that go alone: those of higher
  /// priorities first, and in the order of arrival among equals.
  private func mates(of head: Int, atMost count: Int) -> [Int] {
    var mates: [Int] = []
    forEachWaiting { index in
      if index != head, slab.batchTerms[index].group == slab.batchTerms[head].group, !slab[index].goesAlone {
        mates.append(index)
      }
    }
    mates.sort { slab[$0].goes(before: slab[$1]) }
    return Array(mates.prefix(count))
  }

  /// The queued jobs of the clients that are not paused, in no order: all, or in a long queue
  /// `BatchRule.mostLookedAt`, which the clients share.
  private func forEachWaiting(_ use: (Int) -> Void) {
    var room = BatchRule.mostLookedAt
    let clients = slab.waiting[..<min(slab.waitingCount, room)]
    for (place, client) in clients.enumerated() where !slab.clients[Int(client)].isPaused {
      slab.forEachQueued(of: Int(client), atMost: room / (clients.count - place)) { index in
        room -= 1
        use(index)
      }
    }
  }

  // MARK: Ways into the queue and out of it

  /// The job came into the queue.
  mutating func joinBatches(_ index: Int, into actions: inout [JobAction]) {
    if !slab.clients[Int(slab[index].client)].isPaused { batches?.count(slab[index], slab.batchTerms[index], 1) }
    if waitsForBatch(index), let wait = configuration.batches?.wait {
      actions.append(.arm(.batch(slab.id(at: index)), after: wait))
    }
  }

  /// The job left the queue.
  mutating func leaveBatches(_ index: Int, into actions: inout [JobAction]) {
    if !slab.clients[Int(slab[index].client)].isPaused { batches?.count(slab[index], slab.batchTerms[index], -1) }
    if waitsForBatch(index) { actions.append(.disarm(.batch(slab.id(at: index)))) }
  }

  private func waitsForBatch(_ index: Int) -> Bool {
    guard let rule = configuration.batches, rule.wait > .zero, rule.most > 1 else { return false }
    return !slab[index].isDue && !slab[index].goesAlone
  }

  /// The jobs of a client go, or do not go any more.
  mutating func countBatches(of client: Int, _ change: Int) {
    slab.forEachQueued(of: client) { batches?.count(slab[$0], slab.batchTerms[$0], change) }
  }

  /// The job has waited for others as long as it may.
  mutating func batchIsDue(_ job: JobID) {
    guard let index = slab.find(job), slab[index].state == .queued, !slab[index].isDue else { return }
    let isPaused = slab.clients[Int(slab[index].client)].isPaused
    if !isPaused { batches?.count(slab[index], slab.batchTerms[index], -1) }
    slab[index].isDue = true
    if !isPaused { batches?.count(slab[index], slab.batchTerms[index], 1) }
  }

  // MARK: Ends

  mutating func batchLost(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a job of a batch came back that no worker has", into: &actions) else { return }
    guard slab[index].isInBatch else { return impossible("a job came back that was in no batch", into: &actions) }
    stopRunClock(index, into: &actions)
    slab[index].attempts -= 1
    slab[index].isAlone = true
    endLease(index)
    if isOver(index) { settle(index, .cancelled, into: &actions) } else { requeue(index, into: &actions) }
  }
}

extension JobSlab {
  mutating func setBatchTerms(_ terms: BatchTerms, of index: Int) {
    while batchTerms.count <= index { batchTerms.append(BatchTerms()) }
    batchTerms[index] = terms
  }

  /// The queued jobs of a client, in no order; with a limit those at the head of its line and at the top of its crowd.
  func forEachQueued(of client: Int, atMost limit: Int = .max, _ use: (Int) -> Void) {
    var (left, line, crowd) = (limit, clients[client].lineHead, [clients[client].crowdRoot])
    while left > 0, line != JobRecord.none || !crowd.isEmpty {
      if line != JobRecord.none {
        use(Int(line))
        left -= 1
        line = records[Int(line)].queueNext
      }
      if left > 0, let place = crowd.popLast(), place != JobRecord.none {
        use(Int(place))
        left -= 1
        crowd += [records[Int(place)].crowdChild, records[Int(place)].queueNext]
      }
    }
  }
}
