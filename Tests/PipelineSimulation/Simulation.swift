import TestSupport
import Time

/// Many lives of the pipeline, one after the other.
package struct Simulation {
  /// Steps of one life.
  package static let stepsPerLife = 250

  package private(set) var events = 0
  package private(set) var lives = 0
  /// What happened, so that a simulation in which little happens is found out.
  package private(set) var seen: [String: Int] = [:]

  package init() {}

  /// What must happen in 300 000 events, or the simulation proves nothing.
  package var missing: [String] {
    let floors = [
      "parked": 1000, "workers": 1000, "failed starts": 5, "given back": 10, "died on it": 3, "lost while parked": 1,
      "withdrawn": 1, "ok": 10_000, "crashed": 1, "quarantined": 1, "timeout": 1, "cancelled": 1000, "expired": 10,
      "failed": 10, "had more on its stdout when it was stopped": 1, "wrote more than one reply to a job": 1,
      "wrote to its stdout without a job": 1, "wrote too large a reply (--max-reply-size)": 1,
      "closed its stdout but lives on": 1, "left out answers": 1, "batches": 20, "died on a batch": 5,
      "failed by an answer": 100, "answered a job that it did not have": 1, "answered a batch with too many replies": 1,
    ]
    return floors.filter { seen[$0.key, default: 0] < $0.value }.keys.sorted()
  }

  /// Lives all single lives. If a promise is broken, returns in which of them, and which it was.
  package static func liveSingleLives() -> String? {
    for life in SingleLife.allCases {
      do { try life.live() } catch { return "SingleLife.\(life): \(error)" }
    }
    return nil
  }

  /// Lives the life with this seed. If a promise is broken, returns what happened, as short as it can be made; or,
  /// `brief`, only which promise it was.
  package mutating func live(seed: UInt64, brief: Bool = false) -> String? {
    let setting = Setting(seed: seed)
    let steps = Script.make(setting, steps: Self.stepsPerLife)
    lives += 1
    guard let violation = Self.run(setting, steps, &self) else { return nil }
    return brief ? "PREFORK_SEED=\(seed): \(violation)" : Self.report(setting, steps, violation)
  }

  private static func run(_ setting: Setting, _ steps: [Step], _ simulation: inout Simulation) -> Violation? {
    do {
      var pipeline = try Pipeline(setting)
      defer { simulation.count(pipeline) }
      try pipeline.begin()
      for step in steps { try pipeline.perform(step) }
      try pipeline.finish()
      return nil
    } catch let violation as Violation {
      return violation
    } catch {
      return Violation("\(error)")
    }
  }

  private mutating func count(_ pipeline: borrowing Pipeline) {
    events += pipeline.events
    for (outcome, count) in pipeline.model.outcomes { seen["\(outcome)", default: 0] += count }
    seen["workers", default: 0] += pipeline.processes.all.count
    seen["failed starts", default: 0] += pipeline.processes.failedStarts
    for (cause, count) in pipeline.seen { seen[cause, default: 0] += count }
    seen["most jobs at a worker"] = max(seen["most jobs at a worker", default: 0], pipeline.mostInHand)
    seen["parked", default: 0] += pipeline.parked
    seen["withdrawn", default: 0] += pipeline.model.withdrawn
    seen["batches", default: 0] += pipeline.batches
    for worker in pipeline.processes.all {
      seen["failed by an answer", default: 0] += worker.requests.failures.values.reduce(0, +)
    }
  }

  // MARK: Shrinking

  /// Leaves out as many steps as can be without which a promise is broken still: halves first, then ever smaller parts.
  private static func shrink(_ setting: Setting, _ steps: [Step]) -> [Step] {
    var (steps, size) = (steps, steps.count / 2)
    var ignored = Simulation()
    while size > 0 {
      var start = steps.count
      while start > 0 {
        start = max(0, start - size)
        var fewer = steps
        fewer.removeSubrange(start..<min(start + size, steps.count))
        if run(setting, fewer, &ignored) != nil { steps = fewer }
        start = min(start, steps.count)
      }
      size /= 2
    }
    return steps
  }

  private static func report(_ setting: Setting, _ steps: [Step], _ violation: Violation) -> String {
    let fewer = shrink(setting, steps)
    var text = "PREFORK_SEED=\(setting.seed): \(violation)\n\(setting)\n"
    text += "shrunk from \(steps.count) steps to \(fewer.count):\n"
    do {
      var pipeline = try Pipeline(setting)
      do {
        try pipeline.begin()
        for step in fewer {
          try pipeline.perform(step)
          text += "  \(step)\(pipeline.description)\n"
        }
        text += "  end\n"
        try pipeline.finish()
      } catch {
        text += "  -> \(error)\n"
      }
    } catch {
      text += "  -> \(error)\n"
    }
    return text
  }
}

extension Pipeline {
  /// What is where, after a step, for a trace.
  var description: String {
    let counts = engine.jobs.ledger.counts
    var text = ": \((loop.now() - .origin).count) ns, \(counts.queued) queued, \(engine.pool.demand) wanted, "
    text += "\(counts.delayed) delayed, \(counts.settled) settled"
    for id in engine.pool.busyWorkers { text += ", \(id) has \(engine.pool.jobsInHand(of: id))" }
    for slot in engine.pool.snapshot.slots {
      text += "; \(slot.slot) \(slot.state)"
      if let reason = slot.retiring { text += " (to go: \(reason))" }
    }
    return text
  }
}
