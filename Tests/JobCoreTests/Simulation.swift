import TestSupport
import Time

@testable import JobCore

/// One life of a ledger under random events: it opens with a random configuration, is busy in random moods, and is
/// closed in one of three ways; then only what a driver must do is done, and it has to come to its end.
struct Simulation {
  enum Choice {
    case accept, send, refuse, reply, fail, unstart, start, die, reject, cancel, runTimer, queueTimer, retryTimer
    case overflow, elsewhere, join, leave, pause, withdraw, makeRoom
  }

  var generator: SplitMix64
  /// Otherwise there is the sole one.
  let hasClients: Bool
  var ledger: JobLedger
  var model: JobModel
  var actions: [JobAction] = []
  var events = 0
  var lastEvent: () -> String = { "nothing" }
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
    if generator.below(3) == 0 {
      configuration.runLimitPercent = 150 + generator.below(400)
      configuration.leastMedianLimit = Nanoseconds(1 + UInt64(generator.below(10)))
    }
    if generator.below(4) == 0 {
      configuration.halt = HaltRule(generator.below(2) == 0 ? .soon : .now, .count(1 + generator.below(200)))
    }
    hasClients = generator.below(2) == 0
    if hasClients, generator.below(2) == 0 { configuration.clientLimit = 1 + generator.below(8) }
    if !configuration.keepOrder { configuration.ordersEachClient = generator.below(2) == 0 }
    ledger = JobLedger(configuration: configuration)
    model = JobModel(configuration)
    changeMood()
  }

  mutating func live(events count: Int) throws {
    for number in 0..<count {
      if model.idleSaid { break }
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
    let frequent: [Choice] = [.accept, .send, .reply, .fail, .start]
    var rare: [Choice] = [.refuse, .unstart, .die, .die, .reject, .cancel, .runTimer, .queueTimer, .retryTimer]
    rare += [.overflow, .elsewhere, .withdraw, .makeRoom]
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
  }

  /// Every job gets through in a bounded number of steps, or something was lost.
  private mutating func finish() throws {
    for client in model.clients.indices where model.clients[client].isPaused {
      model.clients[client].isPaused = false
      try tell(.clientResumed(model.clientID(client)))
    }
    // A timer is tried on any job that comes to hand, so most tries miss.
    var steps = (model.living + 1) * (model.jobs.count + 1) * 50 + 10
    var late = generator.below(3)
    while !model.idleSaid {
      steps -= 1
      try model.require(steps > 0, "\(model.living) jobs never end")
      if late > 0, generator.below(4) == 0, let client = model.clients.indices.first(where: { isThere($0) }) {
        late -= 1
        try acceptLate(from: client)
      } else if model.demand > 0, generator.below(2) == 0 || model.running.isEmpty && model.delayed == 0 {
        try act(.send)
      } else if model.delayed > 0, generator.below(2) == 0 || model.running.isEmpty {
        try act(.retryTimer)
      } else {
        try act(generator.below(3) == 0 ? .fail : .reply)
      }
    }
    // What comes now is over at once, and the end is not reported again.
    if model.isDraining, let client = model.clients.indices.first(where: { isThere($0) }) {
      try acceptLate(from: client)
    }
    try model.checkThoroughly(ledger)
    try model.require(model.demand == 0, "a worker is needed at the end")
  }

  private mutating func act(_ choice: Choice) throws {
    switch choice {
    case .accept: if ledger.canAccept, let client = someClient() { try accept(from: client) }
    case .overflow: if !model.isOver, !model.isDraining, let client = someClient() { try overflow(from: client) }
    case .elsewhere: if let index = someRunning() { try settleElsewhere(index) }
    case .join: try join()
    case .pause: try pause(generator.below(model.clients.count))
    case .leave: if let client = someClient() { try leave(client) }
    case .send: try send()
    case .refuse: try refuse()
    case .reply: if let index = someRunning() { try reply(index) }
    case .fail:
      guard let index = someRunning() else { return }
      let failure = AttemptFailure.allCases[generator.below(3)]
      try failAttempt(index, failure, by: .attemptFailed(model.id(index), failure))
    case .unstart: if let index = someRunning() { try unstart(index) }
    case .start: if let head = someWorker().flatMap({ model.workers[$0].first }) { try start(head) }
    case .die: if let worker = someWorker() { try die(worker) }
    case .makeRoom: try makeRoom(generator.below(8))
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
    let terms = someTerms(from: client)
    try step("accept") { simulation in
      let job = simulation.ledger.accept(terms, into: &simulation.actions)
      let index = try simulation.model.arrive(job, terms)
      simulation.model.queued += 1
      simulation.model.enqueue(index, atFront: false)
    }
  }

  /// A job that comes after the end: that is reported, and the job settled at once if nothing is started any more.
  private mutating func acceptLate(from client: Int) throws {
    let terms = someTerms(from: client)
    let isOver = model.isDraining
    try step("accept after the end") { simulation in
      simulation.model.defectsDue = 1
      let job = simulation.ledger.accept(terms, into: &simulation.actions)
      let index = try simulation.model.arrive(job, terms)
      simulation.model.queued += 1
      simulation.model.enqueue(index, atFront: false)
      if isOver { simulation.model.jobs[index].expected = .cancelled }
    }
    try model.require(model.queued == 0 || !isOver, "a job lives that came after the end")
  }

  mutating func someTerms(from client: Int) -> JobTerms {
    var terms = JobTerms.usual
    terms.client = model.clientID(client)
    if generator.below(4) == 0 { terms.retries = Int32(generator.below(4)) }
    if generator.below(4) == 0 { terms.runLimit = 7 }
    if generator.below(3) == 0 { terms.priority = Int32(generator.below(7)) - 3 }
    if model.configuration.ordersEachClient { terms.isOrdered = generator.below(4) > 0 }
    return terms
  }

  private mutating func refuse() throws {
    let settled = model.settledByEvents
    let isNeeded = model.demand > 0
    for index in model.jobs.indices where model.jobs[index].phase == .queued { model.jobs[index].expected = .failed }
    model.isRefusing = true
    try tell(.workersUnavailable)
    let ended = model.settledByEvents - settled
    try model.require(ended == (isNeeded ? 1 : 0), "that no worker can be started ended \(ended) jobs")
  }

  private mutating func reply(_ index: Int) throws {
    let bytes = generator.below(4) == 0 ? 0 : generator.below(300)
    model.jobs[index].resultBytes = bytes
    let job = model.id(index)
    let time = generator.below(4) == 0 ? nil : Nanoseconds(1 + UInt64(generator.below(Int(TimesModel.longest))))
    let wasKnown = model.runTimes.limit != nil
    if let time { model.runTimes.add(time, model.configuration) }
    try endJob(job, .ok, by: .replied(job, resultBytes: bytes, ran: time))
    // The first median that is known starts the clocks of all heads that go without.
    if !wasKnown { try model.checkThoroughly(ledger) }
  }

  /// The rules of retries and quarantine, once more in other words.
  mutating func failAttempt(_ index: Int, _ failure: AttemptFailure, by event: JobEvent) throws {
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
    let settled = model.settledByEvents
    model.jobs[index].expected = outcome
    try tell(event)
    try model.require(model.settledByEvents == settled + 1, "the job did not end")
  }

  mutating func requeue(_ index: Int, by event: JobEvent) throws {
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
    try step("\(event)") { $0.ledger.handle(event, into: &$0.actions) }
  }

  /// One call of the ledger; what it leads to is performed, and all is asked.
  mutating func step(_ name: @autoclosure @escaping () -> String, _ call: (inout Simulation) throws -> Void) throws {
    events += 1
    lastEvent = name
    actions.removeAll(keepingCapacity: true)
    try call(&self)
    for action in actions { try model.perform(action) }
    model.endEvent()
    try model.check(ledger)
    if events % 64 == 0 { try model.checkThoroughly(ledger) }
  }
}
