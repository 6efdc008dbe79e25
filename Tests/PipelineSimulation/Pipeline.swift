import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import TestSupport
import Time
import WorkerPoolDriver

/// One life of the whole pipeline: the real engine with its table of jobs and its pool, over scripted workers and a
/// scripted source, in simulated time. After each step everything that it promises is asked.
struct Pipeline: ~Copyable {
  let setting: Setting
  var loop: EventLoop
  var engine: JobEngine
  var reporter: Reporter
  let processes: ScriptedProcesses
  var model = JobModel()

  /// What happened: each job that came in, each message that a worker read or made, each fault, each event of the loop
  /// and each timer that was handed in, each command of an operator.
  var events = 0
  var dice = SplitMix64(state: 0)
  /// What the next output of the engine sets off.
  var ambush: SplitMix64?
  var loopEvents: [LoopEvent] = []
  var scratch: [UInt8] = []

  var clients: [ClientID] = []
  var isPaused: [Bool] = []
  var hasLeft: Set<ClientID> = []
  private var nextGeneration: UInt32 = 1

  var inputHasEnded = false
  /// Something has ended jobs that were not tried as often as they may.
  var isGivingUp = false
  /// Limits were changed in the middle of the life.
  var isReconfigured = false
  var isResized = false
  var isIdle = false
  var isClosed = false
  var mostSeats: Int
  /// Jobs in hand of the workers when something was last asked, by slot.
  var handsBefore: [Int] = []
  var breachesBefore = 0
  /// Breaches of the protocol by their cause.
  var seen: [String: Int] = [:]
  /// The job that came to the head of a worker last.
  var lastHead = 0
  var mostInHand = 0
  var parked = 0
  /// Workers that were seen with several jobs that had come in one message.
  var batches = 0

  init(_ setting: Setting) throws {
    let loop = try EventLoop(at: Instant(nanoseconds: 1_000_000_000))
    self.setting = setting
    processes = ScriptedProcesses(setting.nature, seed: setting.seed)
    var configuration = setting.engine
    configuration.pool.simulation = processes
    self.loop = loop
    engine = JobEngine(configuration)
    reporter = Reporter(InheritedOutput(2, wasClosed: true), log: nil, verbosity: setting.isVerbose ? .verbose : .quiet)
    mostSeats = setting.mostInHand
  }

  /// The life begins.
  mutating func begin() throws {
    engine.pool.start(&loop)
    if setting.isServing { for place in 0..<3 { join(place) } } else { (clients, isPaused) = ([.sole], [false]) }
    try settle()
  }

  // MARK: The engine

  /// Takes all that the engine reports.
  mutating func settle() throws {
    while let output = engine.advance(&loop, &reporter) { try take(output) }
    try check()
  }

  /// The same, but no worker is given a job and no reply is read: as between two jobs of one source.
  mutating func settleActions() throws {
    while let output = engine.nextOutput(&loop, &reporter) { try take(output) }
  }

  /// Hands in what the loop sees: all, or only a part of it, in any order; the rest with the next turn.
  mutating func turn(inPart: Bool = false) throws {
    try loop.look(into: &loopEvents)
    if loopEvents.count > 1 { loopEvents.shuffle(using: &dice) }
    let ready =
      inPart && loopEvents.count > 1 ? loopEvents.prefix(1 + dice.below(loopEvents.count - 1)) : loopEvents[...]
    loopEvents.removeFirst(ready.count)
    for case .ready(let token, _, _, let hangup) in ready {
      events += 1
      try require(engine.pool.handle(token: token, hangup: hangup, &loop), "nobody knows the token \(token)")
      try settle()
    }
  }

  /// Time passes. What became ready by then is handed in before any timer fires, as the loop does it.
  mutating func skip(_ span: Nanoseconds) throws {
    loop.skip(span)
    try turn()
    for worker in processes.living where worker.hasClosedPipe && worker.closedPipeSeenAt == nil {
      worker.closedPipeSeenAt = loop.now()
    }
    guard let deadline = engine.nextDeadline, deadline <= loop.now() else { return }
    events += 1
    engine.fireTimers(&loop, &reporter)
    try settle()
    try checkRunTimes(afterSkipping: span)
    try checkLeases()
    try checkClosedPipes()
  }

  /// Up to the next timer, or a little later, as on a busy machine.
  mutating func skipToTimer(late: Nanoseconds) throws {
    guard let deadline = engine.nextDeadline else { return }
    try skip((deadline > loop.now() ? deadline - loop.now() : .zero) + late)
  }

  // MARK: The source

  mutating func accept(_ count: Int) throws {
    for _ in 0..<count where engine.jobs.ledger.canAccept {
      guard let client = someClient(), engine.jobs.ledger.canAccept(from: client) else { continue }
      var terms = someTerms(of: client)
      let number = model.jobs.count + 1
      Payload.job(number, size: dice.below(setting.longestJob), into: &scratch)
      if setting.makesBatches { (terms.size, terms.group) = (scratch.count, UInt64(number % 3)) }
      let size = scratch.count
      let (now, framing) = (loop.now(), setting.engine.pool.workerProtocol.framing)
      guard
        let job = scratch.withUnsafeBytes({
          engine.jobs.accept($0, terms, answer: number % 4 == 0 ? framing : nil, at: now)
        })
      else { throw Violation("job \(number) was not accepted") }
      _ = model.add(known(job, terms, size: size), ordered: keepsOrder(terms))
      try settleActions()
    }
  }

  /// What comes is no job, or the server has no room for it.
  mutating func acceptNone(refused: Bool) throws {
    guard engine.jobs.ledger.canAccept, let client = someClient(), engine.jobs.ledger.canAccept(from: client) else {
      return
    }
    let terms = someTerms(of: client)
    let bytes = Array("nonsense".utf8)
    let job =
      refused
      ? engine.jobs.refuse("no room", terms, sent: 0, answer: nil, at: loop.now()) { _ in }
      : engine.jobs.reject("is none", bytes: bytes, terms: terms, isAJob: false, answer: nil, at: loop.now()) { _ in }
    guard let job else { throw Violation("a job was not accepted") }
    let number = model.add(known(job, terms, size: refused ? 0 : bytes.count), ordered: keepsOrder(terms))
    model[number].isRejected = true
    try settleActions()
  }

  private func known(_ job: JobID, _ terms: JobTerms, size: Int) -> KnownJob {
    let retries = terms.retries < 0 ? engine.configuration.ledger.retries : Int(terms.retries)
    return KnownJob(
      id: job, size: size, client: terms.client, retries: retries, runLimit: terms.runLimit, acceptedAt: loop.now())
  }

  private func keepsOrder(_ terms: JobTerms) -> Bool { setting.engine.ledger.ordersEachClient && terms.isOrdered }

  private mutating func someTerms(of client: ClientID) -> JobTerms {
    events += 1
    var terms = JobTerms(client: client)
    guard setting.variesTerms else { return terms }
    if dice.oneIn(4) { terms.retries = Int32(dice.below(4)) }
    if dice.oneIn(8) { terms.runLimit = dice.pick([.microseconds(200), .seconds(1)]) }
    if dice.oneIn(4) { terms.priority = Int32(dice.below(5)) - 2 }
    terms.isOrdered = !dice.oneIn(4)
    return terms
  }

  private mutating func someClient() -> ClientID? {
    let there = clients.filter { $0 == .sole || engine.jobs.ledger.canAccept(from: $0) }
    return there.isEmpty ? nil : dice.pick(there)
  }

  mutating func endInput() throws {
    guard !inputHasEnded else { return }
    inputHasEnded = true
    engine.jobs.handle(.inputEnded)
    try settleActions()
  }

  // MARK: Clients

  mutating func join(_ place: Int) {
    guard !inputHasEnded, place >= clients.count || !engine.jobs.ledger.knows(clients[place]) else { return }
    let client = ClientID(index: UInt32(min(place, clients.count)), generation: nextGeneration)
    nextGeneration += 1
    if place >= clients.count {
      clients.append(client)
      isPaused.append(false)
    } else {
      clients[place] = client
      isPaused[place] = false
    }
    engine.jobs.handle(.clientJoined(client))
  }

  mutating func part(_ place: Int) throws {
    guard setting.isServing, isThere(place) else { return }
    for number in model.jobs.indices.map({ $0 + 1 }) where model[number].client == clients[place] {
      model[number].isCancelled = true
    }
    engine.jobs.handle(.clientLeft(clients[place]))
    hasLeft.insert(clients[place])
    try settle()
  }

  mutating func pause(_ place: Int) throws {
    guard setting.isServing, isThere(place) else { return }
    isPaused[place].toggle()
    engine.jobs.handle(isPaused[place] ? .clientPaused(clients[place]) : .clientResumed(clients[place]))
    try settle()
  }

  func isThere(_ place: Int) -> Bool { place < clients.count && !hasLeft.contains(clients[place]) }
}
