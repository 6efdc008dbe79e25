import EventLoop
import JobCore
import Time
import WorkerPoolDriver

/// The clocks of jobs.
extension JobEngine {
  /// A fresh worker is asked this often whether it has begun its first job.
  private static let beginInterval: Nanoseconds = .milliseconds(20)

  /// The run clock starts with the first byte written; but a worker that is still loading has not begun, as its unread
  /// pipe proves. For its first job the clock starts when it begins to read (workerpool #508).
  mutating func arm(_ timer: JobTimer, _ wait: Nanoseconds, _ loop: borrowing EventLoop) {
    if case .run(let job) = timer, let worker = workerOfJob[Int(job.index)], !pool.hasBegun(worker) {
      runLimitOfJob[Int(job.index)] = wait
      timers.arm(.begin(job, worker), at: loop.now() + min(wait, Self.beginInterval))
      return
    }
    timers.arm(.job(timer), at: loop.now() + wait)
  }

  mutating func disarm(_ timer: JobTimer) {
    timers.disarm(.job(timer))
    if case .run(let job) = timer, let worker = workerOfJob[Int(job.index)] { timers.disarm(.begin(job, worker)) }
  }

  mutating func fireJobTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .job(let timer): jobs.ledger.handle(.timerFired(timer), into: &jobs.actions)
      case .silence: lookForSilence(loop, &reporter)
      case .begin(let job, let worker):
        guard workerOfJob[Int(job.index)] == worker else { continue }
        let limit = runLimitOfJob[Int(job.index)]
        if pool.hasBegun(worker) {
          timers.arm(.job(.run(job)), at: loop.now() + limit)
        } else {
          timers.arm(.begin(job, worker), at: loop.now() + min(limit, Self.beginInterval))
        }
      }
    }
  }
}
