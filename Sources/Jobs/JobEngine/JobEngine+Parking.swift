import EventLoop
import JobCore
import PoolCore
import WorkerPoolDriver
import WorkerProtocols

/// More than one job at a worker.
extension JobEngine {
  /// Most jobs at all workers together, unless each has one: with many workers the results of thousands of jobs wait
  /// for an earlier one, and a few jobs at each worker save as much.
  private static let mostJobsAtWorkers = 16384

  /// Jobs that would wait here while each worker has one are parked at workers that do theirs fast, in equal shares.
  mutating func parkJobs(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    if workersWithRoom.isEmpty { return }
    defer { forgetWorkersWithoutRoom() }
    guard jobs.ledger.demand > 0, !isStopping, breachesOfStep == 0 || pool.runsJobsAtOnce,
      !pool.hasIdleWorker
    else { return }
    let workers = max(1, pool.serving)
    let share = (jobs.ledger.demand + jobs.ledger.counts.leased + workers - 1) / workers
    // One that has lost its jobs meanwhile takes none until it is offered again.
    for worker in workersWithRoom where pool.jobsInHand(of: worker) > 0 {
      let seats = min(pool.seats(of: worker, &loop), max(1, Self.mostJobsAtWorkers / workers))
      // No more workers than that are served before jobs come in again.
      jobs.ledger.prefetchRoom = seats > 1 ? seats * min(workers, EventLoop.mostEvents) : 0
      give(min(seats, share) - pool.jobsInHand(of: worker), to: worker, &loop, &reporter)
    }
  }

  /// Workers that run all jobs that they have can be given more at any time; others when they have done those that they
  /// have.
  private mutating func forgetWorkersWithoutRoom() {
    guard let concurrency = pool.concurrency else { return workersWithRoom.removeAll(keepingCapacity: true) }
    var workers = workersWithRoom
    workers.removeAll { !(1..<concurrency).contains(pool.jobsInHand(of: $0)) }
    workersWithRoom = workers
  }

  /// Gives a worker that has a job up to `count` more: to run them, too, or to park them behind that one.
  private mutating func give(
    _ count: Int, to worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    let parks = !pool.runsJobsAtOnce
    var left = count
    while left > 0, parks || jobs.ledger.nextAttempt == 1,
      let next = jobs.ledger.send(parked: parks, into: &jobs.actions)
    {
      send(next, to: worker, &loop)
      guard jobs.ledger.isLeased(next.job) else { return }
      if !parks { begin(next.job, worker, loop, &reporter) }
      left -= 1
    }
  }
}
