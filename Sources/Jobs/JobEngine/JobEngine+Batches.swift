import EventLoop
import JobCore
import Records
import Text
import WorkerPoolDriver

/// Jobs that are sent together, in one message.
extension JobEngine {
  /// A worker is there: it gets the next batch.
  mutating func sendBatch(to worker: WorkerID, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    var batch: [Assignment] = []
    jobs.ledger.sendBatch(atMost: pool.batchRoom(of: worker), &batch, into: &jobs.actions)
    guard let first = batch.first else { return pool.returnLease(worker, &loop) }
    guard batch.count > 1 else { return send(first, to: worker, &loop, &reporter) }
    for next in batch { bind(next.job, to: worker) }
    let sent = batch.map { SentJob(tag: $0.job.tag, number: jobs.ledger.sequence(of: $0.job)) }
    let store = jobs.store
    let isSent = pool.sendBatch(sent, to: worker, &loop) { place, use in store.withBytes(of: batch[place].job, use) }
    guard isSent else {
      for next in batch.reversed() {
        unbind(next.job)
        jobs.ledger.handle(.returnedUnstarted(next.job), into: &jobs.actions)
      }
      return
    }
    let includesStart = !pool.isProved(worker)
    for next in batch { begin(next.job, worker, includesStart: includesStart, loop, &reporter) }
  }

  /// A worker is lost, and with it those of its jobs that came in one message: it is not known which of them was the
  /// cause. Each goes on alone, and none is charged. Others are left to the caller.
  mutating func returnBatch(
    _ lost: [SentJob], from worker: WorkerID, because cause: String, _ loop: borrowing EventLoop,
    _ reporter: inout Reporter
  ) {
    let batch = lost.filter { has(worker, JobID(tag: $0.tag)) && jobs.ledger.isInBatch(JobID(tag: $0.tag)) }
    guard let first = batch.first, let last = batch.last else { return }
    for sent in batch.reversed() {
      let job = JobID(tag: sent.tag)
      unbind(job)
      noteEnd(of: job, Failure(message: "its batch was lost: its worker \(cause)"), cause: cause, loop)
      noteAttemptEnd(job, failure: cause)
      jobs.ledger.handle(.batchLost(job), into: &jobs.actions)
    }
    // With a single one left it is not certain either: it ran together with those that are answered.
    let text =
      batch.count == 1
      ? "job \(first.number) was in the batch of worker \(worker.slot), which \(cause): it is tried again alone"
      : "\(batch.count) jobs (\(first.number) to \(last.number)) were in the batch of worker \(worker.slot), which "
        + "\(cause): each is tried again alone"
    reporter.repeated(
      .lostBatch, cause: cause, about: Reporter.Subject(worker, pid: nil, job: first.number), text + " (--batch)")
  }

  /// The batch with this job ran for longer than the job may.
  mutating func interruptBatch(of job: JobID, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    guard let worker = workerOfJob[Int(job.index)] else { return }
    let cause = "ran out of time (\(nameOfRunLimit(of: job)))"
    // Whatever the pool does to the worker, none of these may be left without an end.
    let lost = pool.jobs(of: worker)
    if !pool.cancelAll(at: worker, &loop) { _ = pool.interrupt(worker, &loop) }
    returnBatch(lost, from: worker, because: cause, loop, &reporter)
  }

  /// Whether the worker of a batch goes on is decided when one of its jobs is cancelled or done: as long as any of them
  /// is wanted. The answers to the others are dropped.
  mutating func stopIfUnwanted(_ worker: WorkerID, _ loop: inout EventLoop) {
    let isWanted = pool.jobs(of: worker).contains { has(worker, JobID(tag: $0.tag)) }
    if isWanted || pool.hasReply(worker) || pool.isGivingUp(worker) { return }
    if pool.cancelAll(at: worker, &loop) { return }
    outputs.append(.workerGivenUp(worker))
    _ = pool.interrupt(worker, &loop)
  }
}

extension LeaseLoss {
  /// What the worker did, to be read after its name.
  var cause: String {
    switch self {
    case .neverStarted: "read none of it"
    case .died(let report): report.cause
    case .violation(_, let violation): violation.cause
    case .offence(_, let offence): offence.cause
    }
  }
}
