@testable import PoolCore

/// Jobs that wait as a number, and several of them in one lease.
extension Simulation {
  mutating func changeDemand() {
    switch below(8) {
    case 0: send(.demandChanged(0))
    case 1: send(.demandChanged(below(12)))
    case 2: send(.demandChanged(max(0, harness.demand - 1 - below(3))))
    default: send(.demandChanged(harness.demand + 1 + below(3)))
    }
  }

  /// The leased worker does what a legal driver may have it do.
  mutating func work(_ worker: WorkerID) {
    guard harness.pool.configuration.capacity == 1 else { return workAsOneOfMany(worker) }
    let sent = harness.shadows[worker.slot.index].sent
    switch below(20) {
    case 0: if sent < 2 { send(.leaseReleased(worker, .unused)) }
    case 2..<8: sendMore(to: worker)
    case 8..<11: if sent > 1 { finish(1 + below(sent - 1), of: worker) }
    case 11: if sent > 0 { finish(sent, of: worker) }
    default: endLease(of: worker)
    }
  }

  private mutating func workAsOneOfMany(_ worker: WorkerID) {
    switch below(20) {
    case 0: send(.leaseReleased(worker, .unused))
    case 2: finish(1 + below(3), of: worker)
    default: send(.leaseReleased(worker, .healthy))
    }
  }

  private mutating func sendMore(to worker: WorkerID) {
    let sent = harness.shadows[worker.slot.index].sent
    let room = min(harness.pool.seatsLeft(worker) - sent, 8)
    guard room > 0 else { return }
    harness.sendJobs(1 + below(room), to: worker)
    sightings.parked += 1
  }

  private mutating func finish(_ count: Int, of worker: WorkerID) { send(.jobsDone(worker, count)) }

  /// All jobs of the lease are done.
  mutating func endLease(of worker: WorkerID) {
    if harness.pool.configuration.capacity == 1 {
      let sent = harness.shadows[worker.slot.index].sent
      if sent > 1 { finish(sent - 1, of: worker) }
      if sent == 0 { return send(.leaseReleased(worker, .unused)) }
    }
    if happens(50), harness.continueLease(worker) {
      sightings.continued += 1
      return observe()
    }
    send(.leaseReleased(worker, .healthy))
  }
}
