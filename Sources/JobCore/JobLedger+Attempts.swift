/// What becomes of a job that a worker has.
extension JobLedger {
  mutating func started(_ job: JobID, into actions: inout [JobAction]) {
    guard leased(job, or: "a job was started that no worker has", into: &actions) != nil else { return }
    startRunClock(job, into: &actions)
  }

  mutating func replied(_ job: JobID, _ resultBytes: Int, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a reply came for a job that no worker has", into: &actions) else { return }
    stopRunClock(job, into: &actions)
    slab[index].resultBytes = resultBytes
    endLease(index)
    settle(index, .ok, into: &actions)
  }

  mutating func attemptFailed(_ job: JobID, _ failure: AttemptFailure, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "an attempt failed of a job that no worker has", into: &actions) else { return }
    stopRunClock(job, into: &actions)
    endAttempt(index, failure, into: &actions)
  }

  mutating func runLimitReached(_ job: JobID, into actions: inout [JobAction]) {
    guard configuration.runLimit != nil, let index = slab.find(job) else { return }
    switch slab[index].state {
    case .leased:
      actions.append(.interrupt(job))
      endAttempt(index, .timeout, into: &actions)
    case .free, .queued, .held: return  // Fired at the moment the attempt ended.
    }
  }

  mutating func returnedUnstarted(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = leased(job, or: "a job came back that no worker has", into: &actions) else { return }
    stopRunClock(job, into: &actions)
    slab[index].attempts -= 1
    endLease(index)
    if isDraining { settle(index, .cancelled, into: &actions) } else { requeue(index, into: &actions) }
  }

  mutating func reject(_ job: JobID, into actions: inout [JobAction]) {
    guard let index = slab.find(job) else { return }
    switch slab[index].state {
    case .queued:
      leaveQueue(index, into: &actions)
    case .leased:
      stopRunClock(job, into: &actions)
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
    if isDraining || slab[index].attempts > configuration.retries {
      settle(index, failure.outcome, into: &actions)
    } else {
      requeue(index, into: &actions)
    }
  }

  /// The place of a job that a worker has; nil if it is forgotten, and an internal error if it is anywhere else.
  private mutating func leased(_ job: JobID, or defect: StaticString, into actions: inout [JobAction]) -> Int? {
    guard let index = slab.find(job) else { return nil }
    switch slab[index].state {
    case .leased: return index
    case .free, .queued, .held:
      impossible(defect, into: &actions)
      return nil
    }
  }

  /// The next state must follow at once: queued or settled.
  mutating func endLease(_ index: Int) {
    counts.leased -= 1
  }

  func startRunClock(_ job: JobID, into actions: inout [JobAction]) {
    if let limit = configuration.runLimit { actions.append(.arm(.run(job), after: limit)) }
  }

  func stopRunClock(_ job: JobID, into actions: inout [JobAction]) {
    if configuration.runLimit != nil { actions.append(.disarm(.run(job))) }
  }
}
