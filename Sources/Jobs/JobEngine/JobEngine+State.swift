import EventLoop
import JobCore
import PoolCore
import Text
import WorkerPoolDriver

/// What SIGUSR1 asks for: the state of the run, and of every slot.
extension JobEngine {
  package func sayState(_ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    let counts = jobs.ledger.counts
    reporter.answer(
      "\(plural(counts.settled, "job")) settled, \(counts.leased) running, \(counts.queued) waiting"
        + (counts.delayed > 0 ? ", \(counts.delayed) before their next attempt" : ""))
    let snapshot = pool.snapshot
    reporter.answer(
      "\(plural(snapshot.serving, "worker")) serving, \(snapshot.starting) starting, \(snapshot.backingOff) waiting "
        + "to be started again, \(snapshot.stopping) stopping"
        + (snapshot.isBreakerOpen ? "; workers fail to start" : ""))
    for slot in snapshot.slots { reporter.answer("  slot \(slot.slot): " + state(of: slot, loop)) }
  }

  private func state(of slot: SlotSnapshot, _ loop: borrowing EventLoop) -> String {
    var text = words(for: slot.state)
    if let reason = slot.retiring ?? slot.overdue { text += " (to go: \(reason))" }
    if slot.failures > 0 { text += ", \(plural(slot.failures, "failed start"))" }
    guard let worker = slot.worker, let account = pool.account(of: worker, loop.now()) else { return text }
    text += ", pid \(account.pid), age \(durationText(account.age)), \(plural(account.jobs, "job"))"
    if let bytes = pool.residentBytes(of: worker) { text += ", \(sizeText(bytes)) of memory" }
    if let job = account.currentJob { text += ", in job \(job.number) for \(durationText(job.elapsed))" }
    return text + saidOfItself(account)
  }
}

private func words(for state: SlotSnapshot.State) -> String {
  switch state {
  case .empty: "empty"
  case .backingOff: "waiting to be started again"
  case .starting: "starting"
  case .idle: "idle"
  case .probing: "being probed"
  case .leased: "leased"
  case .resetting: "resetting"
  case .stopping(let step): "stopping (step \(step + 1))"
  }
}
