import TestSupport
import Time

@testable import JobCore

/// What clients do.
extension Simulation {
  /// At an index that was used before, if one is free.
  mutating func join() throws {
    var index = model.clients.indices.first { model.isFree($0) } ?? model.clients.count
    // What has joined at the index of the sole client has taken it over.
    if index > 0, model.clients[0].generation == 0, model.clients[0].unsettled == 0 { index = 0 }
    guard index < 12 else { return }
    if index == model.clients.count { model.clients.append(JobModel.Client(hasJoined: false)) }
    let generation = model.clients[index].generation + 1
    model.clients[index] = JobModel.Client(generation: generation)
    model.turns += 1
    model.clients[index].lastServed = model.turns
    try tell(.clientJoined(model.clientID(index)))
    try model.require(actions.isEmpty, "\(actions) for a client that joined")
  }

  mutating func leave(_ client: Int) throws {
    guard model.clients[client].generation > 0 else { return }
    let gone = model.jobs.indices.filter {
      model.jobs[$0].client == client && [.queued, .delayed].contains(model.jobs[$0].phase)
    }
    for index in gone { model.jobs[index].expected = .cancelled }
    let settled = model.settledByEvents
    model.clients[client].hasJoined = false
    model.clients[client].isPaused = false
    model.left += 1
    try tell(.clientLeft(model.clientID(client)))
    try model.require(model.settledByEvents == settled + gone.count, "\(gone.count) jobs of one who left live on")
  }

  /// Or resumes it. Sometimes what is so already is told again.
  mutating func pause(_ client: Int) throws {
    guard model.clients[client].hasJoined, !model.configuration.keepOrder else { return }
    let isPaused = generator.below(2) == 0
    if isPaused { model.pauses += 1 }
    model.clients[client].isPaused = isPaused
    try tell(isPaused ? .clientPaused(model.clientID(client)) : .clientResumed(model.clientID(client)))
  }

  /// A job that is told at once that it expired.
  mutating func overflow(from client: Int) throws {
    let terms = someTerms(from: client)
    let settled = model.settledByEvents
    try step("refuse") { simulation in
      let job = simulation.ledger.refuse(terms, into: &simulation.actions)
      let index = try simulation.model.arrive(job, terms)
      // It is nowhere for a moment; the model settles it from the queue.
      simulation.model.queued += 1
      simulation.model.jobs[index].expected = .expired
    }
    try model.require(model.settledByEvents == settled + 1, "a refused job lives on")
  }

  mutating func settleElsewhere(_ index: Int) throws {
    let outcome = Outcome.allCases[generator.below(7)]
    let (bytes, attempts) = (generator.below(300), generator.below(9))
    model.jobs[index].resultBytes = bytes
    model.jobs[index].attempts = attempts
    let job = model.id(index)
    try endJob(job, outcome, by: .settledElsewhere(job, outcome, resultBytes: bytes, attempts: attempts))
  }

  /// One that is there, and may bring another job.
  mutating func someClient() -> Int? {
    let client = generator.below(model.clients.count)
    return isThere(client) ? client : nil
  }
}

/// Whom an event is about.
extension Simulation {
  func isThere(_ client: Int) -> Bool {
    model.clients[client].hasJoined && model.clients[client].unsettled < model.configuration.clientLimit ?? .max
  }

  mutating func someRunning() -> Int? {
    model.running.isEmpty ? nil : model.running[generator.below(model.running.count)]
  }

  /// Any job that was ever at a place; now and then the one before it.
  mutating func someJob() -> JobID? {
    guard !model.jobs.isEmpty else { return nil }
    var job = model.id(generator.below(model.jobs.count))
    if generator.below(8) == 0 { job.generation -= 1 }
    return job
  }

  func isCurrent(_ job: JobID) -> Bool {
    let known = model.jobs[Int(job.index)]
    return known.generation == job.generation && known.phase != .free
  }

  /// Whether the job has no outcome yet.
  func isOpen(_ job: JobID) -> Bool {
    guard isCurrent(job) else { return false }
    switch model.jobs[Int(job.index)].phase {
    case .queued, .running, .delayed: return true
    case .free, .settled, .held: return false
    }
  }
}
