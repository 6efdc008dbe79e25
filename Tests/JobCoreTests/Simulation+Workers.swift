import TestSupport

@testable import JobCore

/// What workers do that have several jobs.
extension Simulation {
  /// A worker is there, or has room behind what it has; now and then when nobody needs it.
  mutating func send() throws {
    if model.demand == 0, generator.below(8) > 0 { return }
    var worker = generator.below(model.workers.count + 1)
    if generator.below(2) == 0, let busy = someWorker() { worker = busy }
    if worker < model.workers.count, model.workers[worker].count >= 5 { worker = model.workers.count }
    if worker == model.workers.count { model.workers.append([]) }
    let isParked = !model.workers[worker].isEmpty
    try step("send, parked: \(isParked)") { simulation in
      let assignment = simulation.ledger.send(parked: isParked, into: &simulation.actions)
      guard let assignment else { return try simulation.model.decline() }
      try simulation.model.send(assignment, to: worker)
    }
  }

  /// What has come to the head is started; told of one that was, its clock starts anew.
  mutating func start(_ index: Int) throws {
    let job = model.id(index)
    model.jobs[index].isParked = false
    try tell(.started(job))
    let expected = model.runLimit(of: index).map { [JobAction.arm(.run(job), after: $0)] } ?? []
    try model.require(actions == expected, "\(actions) for a job that came to the head")
  }

  /// Only its head is charged; what was parked behind it goes back, the last first, and stands as it stood.
  mutating func die(_ worker: Int) throws {
    let jobs = model.workers[worker]
    let charges = jobs.map { (model.jobs[$0].attempts - 1, model.jobs[$0].freeReturns) }
    for index in jobs.dropFirst().reversed() {
      try unstart(index)
      model.returns += 1
    }
    for (index, charge) in zip(jobs, charges).dropFirst() where model.jobs[index].phase == .queued {
      try model.require((model.jobs[index].attempts, model.jobs[index].freeReturns) == charge, "charged: \(index)")
    }
    try failAttempt(jobs[0], .crashed, by: .attemptFailed(model.id(jobs[0]), .crashed))
    try model.checkFront(jobs.filter { model.jobs[$0].phase == .queued })
  }

  mutating func makeRoom(_ room: Int) throws {
    try step("room for \(room)") { simulation in
      simulation.ledger.prefetchRoom = room
      simulation.model.prefetchRoom = room
    }
  }

  mutating func unstart(_ index: Int) throws {
    let job = model.id(index)
    if !model.jobs[index].isParked { model.jobs[index].freeReturns += 1 }
    if model.jobs[index].freeReturns == JobLedger.mostFreeReturns {
      return try failAttempt(index, .failed, by: .returnedUnstarted(job))
    }
    model.jobs[index].attempts -= 1
    if model.isGivenUp(index) {
      try endJob(job, .cancelled, by: .returnedUnstarted(job))
    } else {
      try requeue(index, by: .returnedUnstarted(job))
    }
  }

  /// One that has jobs.
  mutating func someWorker() -> Int? {
    let busy = model.workers.indices.filter { !model.workers[$0].isEmpty }
    return busy.isEmpty ? nil : busy[generator.below(busy.count)]
  }
}
