@testable import JobCore

/// What must hold after every event.
extension JobModel {
  func check(_ ledger: JobLedger) throws {
    let counts = ledger.counts
    try require(counts.accepted == accepted && counts.settled == settled, "accepted or settled miscounted")
    try require(counts.queued == queued && counts.leased == running.count, "queued or leased miscounted")
    try require(counts.delayed == delayed, "\(counts.delayed) delayed, \(delayed) are")
    try require(counts.held == held && counts.heldBytes == heldBytes, "held miscounted: \(counts), not \(heldBytes)")
    try require(ledger.demand == demand, "a demand of \(ledger.demand), \(demand) jobs could be sent")
    try require(
      living == 0 || !running.isEmpty || demand > 0 || delayed > 0 || paused > 0,
      "\(living) jobs live, nothing will ever happen")
    try require(idleSaid == (living == 0 && (isOver || isDraining)), "idle was not said")
    let room =
      waiting < configuration.queueLimit + prefetchRoom && delayed < max(configuration.queueLimit, 1024) && !isOver
      && !isDraining && !isWindowFull
    try require(ledger.canAccept == room, "canAccept is \(ledger.canAccept)")
    try require(ledger.internalErrors == defects && defectsDue == 0, "\(ledger.internalErrors) internal errors")
    try require(ledger.isHalted == isHalted, "isHalted is \(ledger.isHalted) after \(bad) bad ends")
  }

  /// The same from the ground up; too slow for every event.
  func checkThoroughly(_ ledger: JobLedger) throws {
    var seen = (queued: 0, running: 0, delayed: 0, held: 0, bytes: 0)
    for (index, job) in jobs.enumerated() {
      switch job.phase {
      case .free: continue
      case .settled: throw Violation("job \(job.sequence) is settled, and neither held nor forgotten")
      case .queued: seen.queued += 1
      case .running: seen.running += 1
      case .delayed: seen.delayed += 1
      case .held:
        seen.held += 1
        seen.bytes += job.resultBytes + JobLedger.heldJobCost
      }
      let runs = job.phase == .running && !job.isParked
      try require(job.runArmed == (runs && runLimit(of: index) != nil), "run clock of \(job)")
      try require(job.retryArmed == (job.phase == .delayed), "retry of \(job)")
      let isTimed = job.phase == .queued && configuration.queueLimitTime != nil
      try require(job.queueArmed == isTimed, "queue clock of \(job)")
      try require(ledger.sequence(of: id(index)) == UInt64(job.sequence), "sequence of \(job)")
      try require(ledger.attempts(of: id(index)) == job.attempts, "attempts of \(job)")
      try require(Int(ledger.slab[index].freeReturns) == job.freeReturns, "free returns of \(job)")
    }
    try require(seen == (queued, running.count, delayed, held, heldBytes), "the model lost count: \(seen)")
    try checkClients(ledger)
    let outcomes = Outcome.allCases.reduce(0) { $0 + ledger.counts[$1] }
    try require(outcomes == settled, "\(outcomes) outcomes of \(settled) settled jobs")
  }
}
