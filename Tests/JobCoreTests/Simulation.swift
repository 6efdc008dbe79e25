import TestSupport
import Time

@testable import JobCore

/// One life of a ledger under random events: it opens with a random configuration, is busy in random moods, and is closed in one of
/// three ways; then only what a driver must do is done, and it has to come to its end.
struct Simulation {
  enum Choice {
    case accept, grant, refuse, reply, fail, unstart, start, reject, cancel, runTimer, queueTimer, retryTimer
    case overflow, elsewhere, join, leave, pause, withdraw
  }

  var generator: SplitMix64
  /// Otherwise there is the sole one.
  let hasClients: Bool
  var ledger: JobLedger
  var model: JobModel
  var actions: [JobAction] = []
  var events = 0
  var lastEvent = JobEvent.inputEnded
  /// How often each choice is made; changes now and then, so that the queue fills, empties, starves.
  var mood: [Choice] = []

  init(seed: UInt64) {
    generator = SplitMix64(state: seed)
    var configuration = JobLedger.Configuration(
      keepOrder: generator.below(4) > 0,
      queueLimit: 1 + generator.below(20),
      retries: generator.below(4),
      runLimit: generator.below(2) == 0 ? nil : 9,
      queueLimitTime: generator.below(2) == 0 ? nil : 60,
      orderWindow: generator.below(3) == 0 ? 0 : generator.below(4000),
      quarantineAfter: 1 + generator.below(4))
    if generator.below(2) == 0 { configuration.retryDelay = RetryDelay(minimum: 8, maximum: 100) }
    configuration.seed = generator.next()
    hasClients = generator.below(2) == 0
    if hasClients, generator.below(2) == 0 { configuration.clientLimit = 1 + generator.below(8) }
    ledger = JobLedger(configuration: configuration)
    model = JobModel(configuration)
    changeMood()
  }

  mutating func live(events count: Int) throws {
    for number in 0..<count {
      if number % 256 == 0 { changeMood() }
      try act(mood[generator.below(mood.count)])
    }
    switch generator.below(3) {
    case 0: try end(.inputEnded)
    case 1: try end(.drain)
    default: try end(.abort)
    }
    try finish()
  }

  private mutating func changeMood() {
    let frequent: [Choice] = [.accept, .grant, .reply, .fail]
    var rare: [Choice] = [.refuse, .unstart, .start, .reject, .cancel, .runTimer, .queueTimer, .retryTimer]
    rare += [.overflow, .elsewhere, .withdraw]
    if hasClients { rare += [.join, .join, .leave, .pause, .pause] }
    mood = rare
    for choice in frequent { for _ in 0..<(1 + generator.below(24)) { mood.append(choice) } }
    for _ in 0..<4 { mood.append(rare[generator.below(rare.count)]) }
  }

  private mutating func end(_ event: JobEvent) throws {
    switch event {
    case .inputEnded: model.isOver = true
    case .drain, .abort:
      model.isDraining = true
      model.cancelsQueued = true
      model.cancelsRunning = event == .abort
    default: throw Violation("not an end: \(event)")
    }
    try tell(event)
    model.cancelsQueued = false
    model.cancelsRunning = false
  }

  /// Every job gets through in a bounded number of steps, or something was lost.
  private mutating func finish() throws {
    for client in model.clients.indices where model.clients[client].isPaused {
      model.clients[client].isPaused = false
      try tell(.clientResumed(model.clientID(client)))
    }
    // A timer is tried on any job that comes to hand, so most tries miss.
    var steps = (model.living + 1) * (model.jobs.count + 1) * 50 + 10
    while !model.idleSaid {
      steps -= 1
      try model.require(steps > 0, "\(model.living) jobs never end")
      if model.requested > 0, generator.below(2) == 0 || model.running.isEmpty && model.delayed == 0 {
        try act(.grant)
      } else if model.delayed > 0, generator.below(2) == 0 || model.running.isEmpty {
        try act(.retryTimer)
      } else {
        try act(generator.below(3) == 0 ? .fail : .reply)
      }
    }
    try model.checkThoroughly(ledger)
    try model.require(model.requested == 0, "a lease is asked for at the end")
  }

  private mutating func act(_ choice: Choice) throws {
    switch choice {
    case .accept: if ledger.canAccept, let client = someClient() { try accept(from: client) }
    case .overflow: if !model.isOver, !model.isDraining, let client = someClient() { try overflow(from: client) }
    case .elsewhere: if let index = someRunning() { try settleElsewhere(index) }
    case .join: try join()
    case .pause: try pause(generator.below(model.clients.count))
    case .leave: if let client = someClient() { try leave(client) }
    case .grant: try grant()
    case .refuse: try refuse()
    case .reply: if let index = someRunning() { try reply(index) }
    case .fail:
      guard let index = someRunning() else { return }
      let failure = AttemptFailure.allCases[generator.below(3)]
      try failAttempt(index, failure, by: .attemptFailed(model.id(index), failure))
    case .unstart: if let index = someRunning() { try unstart(index) }
    case .start: if let index = someRunning() { try tell(.started(model.id(index))) }
    case .reject: if let job = someJob(), isOpen(job) { try endJob(job, .failed, by: .rejected(job)) }
    case .cancel: if let job = someJob() { try endJob(job, .cancelled, by: .cancel(job)) }
    case .runTimer: if let job = someJob() { try fireRun(job) }
    case .queueTimer: if let job = someJob() { try fireQueue(job) }
    case .retryTimer: if let job = someJob() { try fireRetry(job) }
    case .withdraw: if let job = someJob() { try withdraw(job) }
    }
  }
}

/// What each event must lead to.
extension Simulation {
  /// Only an answer that is held can be withdrawn.
  private mutating func withdraw(_ job: JobID) throws {
    let known = model.jobs[Int(job.index)]
    if isCurrent(job), known.phase == .held, known.outcome == .ok { model.withdraws = Int(job.index) }
    try tell(.answerWithdrawn(job))
    try model.require(model.withdraws == nil, "the answer of job \(known.sequence) was not withdrawn")
  }

  private mutating func accept(from client: Int) throws {
    let (job, terms) = try arrival(from: client)
    model.queued += 1
    model.enqueue(Int(job.index), atFront: false)
    try tell(.accepted(job, terms))
  }

  /// A job with the next name, not told of yet.
  mutating func arrival(from client: Int) throws -> (JobID, JobTerms) {
    let job = ledger.nextID
    let index = Int(job.index)
    if index == model.jobs.count { model.jobs.append(JobModel.Job()) }
    try model.require(index < model.jobs.count && model.jobs[index].phase == .free, "\(job) is in use")
    try model.require(job.generation == model.jobs[index].generation + 1, "\(job) was there before")
    model.accepted += 1
    model.jobs[index] = JobModel.Job()
    model.jobs[index].phase = .queued
    model.jobs[index].generation = job.generation
    model.jobs[index].sequence = model.accepted
    var terms = JobTerms.usual
    terms.client = model.clientID(client)
    if generator.below(4) == 0 { terms.retries = Int32(generator.below(4)) }
    if generator.below(4) == 0 { terms.runLimit = 7 }
    if generator.below(3) == 0 { terms.priority = Int32(generator.below(7)) - 3 }
    model.jobs[index].client = client
    model.jobs[index].priority = terms.priority
    model.jobs[index].retries = terms.retries < 0 ? model.configuration.retries : Int(terms.retries)
    model.jobs[index].runLimit = terms.runLimit > 0 ? terms.runLimit : model.configuration.runLimit
    return (job, terms)
  }

  /// Now and then one that was withdrawn, and crossed with it.
  private mutating func grant() throws {
    if model.requested == 0, generator.below(8) > 0 { return }
    if model.requested > 0 { model.requested -= 1 }
    model.grantAnswers = 0
    let requested = model.requested
    try tell(.leaseGranted)
    try model.require(model.grantAnswers == 1, "a grant was answered \(model.grantAnswers) times")
    // Asked for again at once, it would be granted and declined for ever.
    try model.require(model.requested == requested, "a lease was declined and asked for in one breath")
  }

  private mutating func refuse() throws {
    let settled = model.settled
    let isAsked = model.requested > 0
    if isAsked { model.requested -= 1 }
    for index in model.jobs.indices where model.jobs[index].phase == .queued { model.jobs[index].expected = .failed }
    model.isRefusing = true
    try tell(.leaseRefused)
    model.isRefusing = false
    for index in model.jobs.indices { model.jobs[index].expected = nil }
    try model.require(model.settled == settled + (isAsked ? 1 : 0), "a refusal ended \(model.settled - settled) jobs")
  }

  private mutating func reply(_ index: Int) throws {
    let bytes = generator.below(4) == 0 ? 0 : generator.below(300)
    model.jobs[index].resultBytes = bytes
    let job = model.id(index)
    try endJob(job, .ok, by: .replied(job, resultBytes: bytes))
  }

  /// The rules of retries and quarantine, once more in other words.
  private mutating func failAttempt(_ index: Int, _ failure: AttemptFailure, by event: JobEvent) throws {
    if failure == .crashed { model.jobs[index].kills += 1 }
    let isDangerous = failure == .crashed && model.jobs[index].kills == model.configuration.quarantineAfter
    let isSpent = model.jobs[index].attempts == 1 + model.jobs[index].retries || model.isGivenUp(index)
    model.jobs[index].lastFailure = failure
    if isDangerous || isSpent {
      try endJob(model.id(index), isDangerous ? .quarantined : failure.outcome, by: event)
    } else if model.configuration.retryDelay != nil {
      model.stopRunning(index)
      model.jobs[index].phase = .delayed
      model.delayed += 1
      model.clients[model.jobs[index].client].delayed += 1
      if case .timerFired = event { model.interrupted = index }
      try tell(event)
      try model.require(model.jobs[index].retryArmed, "a retry that never comes")
    } else {
      try requeue(index, by: event)
    }
  }

  private mutating func fireRetry(_ job: JobID) throws {
    let index = Int(job.index)
    guard isCurrent(job), model.jobs[index].retryArmed else { return try nothing(.timerFired(.retry(job))) }
    model.jobs[index].retryArmed = false
    model.jobs[index].phase = .queued
    model.delayed -= 1
    model.clients[model.jobs[index].client].delayed -= 1
    model.queued += 1
    model.enqueue(index, atFront: true)
    try tell(.timerFired(.retry(job)))
  }

  private mutating func unstart(_ index: Int) throws {
    let job = model.id(index)
    model.jobs[index].freeReturns += 1
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

  /// A clock that does not go can fire, too late; then nothing must happen.
  private mutating func fireRun(_ job: JobID) throws {
    let index = Int(job.index)
    if isCurrent(job), model.jobs[index].runArmed {
      model.jobs[index].runArmed = false
      try failAttempt(index, .timeout, by: .timerFired(.run(job)))
    } else {
      try nothing(.timerFired(.run(job)))
    }
  }

  private mutating func fireQueue(_ job: JobID) throws {
    let index = Int(job.index)
    if isCurrent(job), model.jobs[index].queueArmed {
      model.jobs[index].queueArmed = false
      try endJob(job, .expired, by: .timerFired(.queue(job)))
    } else {
      try nothing(.timerFired(.queue(job)))
    }
  }

  /// A living job ends like this; one that is held or forgotten is not touched.
  mutating func endJob(_ job: JobID, _ outcome: Outcome, by event: JobEvent) throws {
    guard isOpen(job) else { return try nothing(event) }
    let index = Int(job.index)
    if case .rejected = event, model.jobs[index].phase == .running { model.jobs[index].attempts -= 1 }
    let settled = model.settled
    model.jobs[index].expected = outcome
    try tell(event)
    model.jobs[index].expected = nil
    try model.require(model.settled == settled + 1, "the job did not end")
  }

  private mutating func requeue(_ index: Int, by event: JobEvent) throws {
    model.stopRunning(index)
    model.jobs[index].phase = .queued
    model.queued += 1
    model.enqueue(index, atFront: true)
    // An interrupt comes while the model has the job in the queue already.
    if case .timerFired = event { model.interrupted = index }
    try tell(event)
    try model.require(model.interrupted == nil, "the worker was not interrupted")
  }

  private mutating func nothing(_ event: JobEvent) throws {
    try tell(event)
    try model.require(actions.isEmpty, "\(actions) for an event that is stale")
  }

  mutating func tell(_ event: JobEvent) throws {
    events += 1
    lastEvent = event
    actions.removeAll(keepingCapacity: true)
    ledger.handle(event, into: &actions)
    for action in actions { try model.perform(action) }
    try model.check(ledger)
    if events % 64 == 0 { try model.checkThoroughly(ledger) }
  }
}
