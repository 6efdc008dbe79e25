import Time

/// What becomes of a job that a worker has.
extension JobLedger {
  mutating func started(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a job was started that no worker has", into: &actions) else { return }
    slab[index].isParked = false
    startRunClock(index, into: &actions)
  }

  mutating func replied(_ job: JobID, _ resultBytes: Int, _ time: Nanoseconds?, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a reply came for a job that no worker has", into: &actions) else { return }
    stopRunClock(index, into: &actions)
    slab[index].resultBytes = resultBytes
    endLease(index)
    settle(index, .ok, into: &actions)
    countRunTime(time, into: &actions)
  }

  mutating func settledElsewhere(
    _ job: JobID, _ outcome: Outcome, _ resultBytes: Int, _ attempts: Int, _ time: Nanoseconds?,
    into actions: inout [JobAction]
  ) {
    guard let index = leased(job, or: "a job was settled elsewhere that is not leased", into: &actions) else { return }
    stopRunClock(index, into: &actions)
    slab[index].resultBytes = resultBytes
    slab[index].attempts = Int32(clamping: attempts)
    endLease(index)
    settle(index, outcome, into: &actions)
    if outcome == .ok { countRunTime(time, into: &actions) }
  }

  private mutating func countRunTime(_ time: Nanoseconds?, into actions: inout [JobAction]) {
    guard let time else { return }
    runTimes.add(time)
    if configuration.runLimitPercent != nil, runTimes.count >= nextMedian { updateMedianLimit(into: &actions) }
  }

  mutating func attemptFailed(_ job: JobID, _ failure: AttemptFailure, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "an attempt failed of a job that no worker has", into: &actions) else { return }
    stopRunClock(index, into: &actions)
    endAttempt(index, failure, into: &actions)
  }

  mutating func runLimitReached(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job), slab[index].isTimed else { return }
    slab[index].isTimed = false
    switch slab[index].state {
    case .leased where slab[index].isInBatch: actions.append(.interruptBatch(of: job))
    case .leased:
      actions.append(.interrupt(job, because: .runLimit))
      endAttempt(index, .timeout, into: &actions)
    case .free, .queued, .delayed, .held: return  // Fired at the moment the attempt ended.
    }
  }

  mutating func returnedUnstarted(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a job came back that no worker has", into: &actions) else { return }
    stopRunClock(index, into: &actions)
    if !slab[index].isParked {
      slab[index].freeReturns += 1
      if slab[index].freeReturns >= Self.mostFreeReturns { return endAttempt(index, .failed, into: &actions) }
    }
    slab[index].attempts -= 1
    endLease(index)
    if isOver(index) { settle(index, .cancelled, into: &actions) } else { requeue(index, into: &actions) }
  }

  mutating func reject(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job) else { return }
    switch slab[index].state {
    case .queued:
      leaveQueue(index, into: &actions)
    case .delayed:
      endDelay(index, into: &actions)
    case .leased:
      stopRunClock(index, into: &actions)
      slab[index].attempts -= 1
      endLease(index)
    case .free, .held:
      return impossible("a job was rejected that is settled", into: &actions)
    }
    settle(index, .failed, into: &actions)
  }

  /// A failed attempt is repeated while the job has attempts left and is not a danger to the workers.
  private mutating func endAttempt(_ index: Int, _ failure: AttemptFailure, into actions: inout [JobAction]) {
    endLease(index)
    switch failure {
    case .crashed:
      slab[index].kills += 1
      if slab[index].kills >= configuration.quarantineAfter { return settle(index, .quarantined, into: &actions) }
    case .failed, .timeout: break
    }
    if isOver(index) || slab[index].attempts > slab[index].retries {
      settle(index, failure.outcome, into: &actions)
    } else if let delay = configuration.retryDelay {
      slab[index].state = .delayed(failure)
      slab.beginDelay(index)
      counts.delayed += 1
      let wait = delay.wait(
        afterAttempt: slab[index].attempts, of: slab[index].sequence, seed: configuration.seed)
      actions.append(.arm(.retry(slab.id(at: index)), after: wait))
    } else {
      requeue(index, into: &actions)
    }
  }

  /// Whether nothing of the job is begun any more.
  func isOver(_ index: Int) -> Bool { isDraining || !slab.clients[Int(slab[index].client)].hasJoined }

  mutating func retryIsDue(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job) else { return }
    switch slab[index].state {
    case .delayed:
      slab.endDelay(index)
      counts.delayed -= 1
      requeue(index, into: &actions)
    case .free, .queued, .leased, .held: return  // Fired at the moment the job was given up.
    }
  }

  /// Takes a job out of its wait for the next attempt. It must be settled at once.
  mutating func endDelay(_ index: Int, into actions: inout [JobAction]) {
    slab.endDelay(index)
    counts.delayed -= 1
    actions.append(.disarm(.retry(slab.id(at: index))))
  }

  /// The place of a job that a worker has; nil if it is forgotten, and an internal error if it is anywhere else.
  @inline(__always)
  mutating func leased(_ job: JobID, or defect: StaticString, into actions: inout [JobAction]) -> Int? {
    guard let index = slab.find(job) else { return nil }
    switch slab[index].state {
    case .leased: return index
    case .free, .queued, .delayed, .held:
      impossible(defect, into: &actions)
      return nil
    }
  }

  /// The next state must follow at once: queued or settled.
  @inline(__always)
  mutating func endLease(_ index: Int) {
    slab.endLease(index)
    counts.leased -= 1
  }

  // MARK: The run clock

  @inline(__always)
  mutating func startRunClock(_ index: Int, into actions: inout [JobAction]) {
    guard let limit = runLimit(of: index) else { return }
    slab[index].isTimed = true
    actions.append(.arm(.run(slab.id(at: index)), after: limit))
  }

  @inline(__always)
  mutating func stopRunClock(_ index: Int, into actions: inout [JobAction]) {
    guard slab[index].isTimed else { return }
    slab[index].isTimed = false
    actions.append(.disarm(.run(slab.id(at: index))))
  }

  /// Inlined, like all that only look at the ledger on the path of each job: it would be copied for a call.
  @inline(__always)
  private func runLimit(of index: Int) -> Nanoseconds? {
    if slab[index].runLimit > .zero { return slab[index].runLimit }
    guard let medianLimit else { return configuration.runLimit }
    return min(medianLimit, configuration.runLimit ?? medianLimit)
  }

  /// The share of the median has changed: the limit is found anew, from as many answers as usual.
  mutating func findMedianLimit(into actions: inout [JobAction]) {
    medianLimit = nil
    nextMedian = max(3, runTimes.count)
    if configuration.runLimitPercent != nil, runTimes.count >= nextMedian { updateMedianLimit(into: &actions) }
  }

  /// The median is looked at again when a sixteenth more jobs were answered. What runs without a limit when the first
  /// one is known gets it from then on.
  private mutating func updateMedianLimit(into actions: inout [JobAction]) {
    nextMedian = runTimes.count + max(1, runTimes.count / 16)
    guard let percent = configuration.runLimitPercent, let median = runTimes.quantile(0.5) else { return }
    let isFirst = medianLimit == nil
    medianLimit = max(configuration.leastMedianLimit, median.scaled(by: Double(percent) / 100))
    guard isFirst else { return }
    for index in 0..<slab.count where slab[index].state == .leased && !slab[index].isTimed && !slab[index].isParked {
      startRunClock(index, into: &actions)
    }
  }
}
