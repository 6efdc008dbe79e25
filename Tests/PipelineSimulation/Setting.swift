import JobCore
import JobEngine
import PoolCore
import TestSupport
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// How the pipeline of one life is set up, and what its workers and its source are like: drawn from a seed.
struct Setting: CustomStringConvertible {
  /// What workers do.
  enum Conduct: String {
    /// They answer.
    case honest
    /// They also die, close pipes and write too much at once, at any moment.
    case mortal
    /// They leave answers out now and then.
    case forgetful
    /// They also write answers that nobody asked for, and leave others out.
    case wild
  }

  var seed: UInt64
  var conduct: Conduct
  var engine: JobEngineConfiguration
  var nature = ScriptedProcesses.Nature()
  /// Jobs come from clients that come and go, as in `serve`; else from one input, as in `run`.
  var isServing: Bool
  /// The jobs are started in their order, whatever comes back, unless the pool is changed.
  var hasOneWorker = false
  /// Its jobs are short, and many.
  var isFast = false
  /// Jobs differ in priority, retries and run limit.
  var variesTerms: Bool
  /// The longest job and reply, in bytes.
  var longestJob: Int
  var longestReply: Int
  /// Messages are made, and thrown away.
  var isVerbose: Bool
  var speech: ScriptedWorker.Speech { nature.speech }
  /// Workers are sent several jobs in one message.
  var makesBatches: Bool { engine.ledger.batches != nil }
  /// The most jobs that a worker has.
  var mostInHand: Int {
    engine.ledger.batches?.most ?? engine.pool.workerProtocol.concurrency ?? engine.pool.mostSeats
  }

  init(seed: UInt64) {
    var dice = SplitMix64(state: seed)
    self.seed = seed
    conduct = dice.pick([.honest, .mortal, .mortal, .wild, .forgetful])
    isServing = dice.oneIn(3)
    variesTerms = dice.oneIn(2)
    isVerbose = dice.oneIn(8)
    longestJob = dice.pick([20, 100, 100, 2000, 40_000])
    longestReply = dice.pick([20, 100, 100, 2000])
    let framing = dice.oneIn(2) ? Framing.lines : dice.pick(Framing.allCases)
    var pool = WorkerPoolConfiguration(
      command: WorkerCommand(["scripted"]), protocol: framing, maximumReplySize: longestReply + 40,
      pool: Self.pool(&dice))
    pool.adoptsOrphans = true
    pool.mostSeats = dice.pick([1, 2, 8, 256, 256, 256])
    pool.parksInOrderOnly = dice.oneIn(6)
    Self.addChecks(to: &pool, &dice)
    if !dice.oneIn(4) { pool.errorOutput = .inherited }
    engine = JobEngineConfiguration(pool: pool, ledger: Self.ledger(isServing: isServing, &dice), seed: dice.next())
    engine.keepsDetails = !dice.oneIn(3)
    engine.keepsFailedAttempts = engine.keepsDetails && dice.oneIn(2)
    // Whoever is told of attempts wants details, too.
    engine.tellsAttempts = engine.keepsDetails
    nature.framing = framing
    nature.greets = pool.readiness == .line(prefix: nil)
    nature.capturesErrors = pool.errorOutput == .captured
    if conduct != .honest {
      nature.failsToStart = dice.pick([0, 0, 3, 12])
      nature.ignoresEnd = dice.pick([0, 4])
      nature.ignoresTerminate = dice.pick([0, 4])
    }
    nature.readsAhead = pool.parksInOrderOnly ? 2 : dice.pick([0, 4])
    hasOneWorker = !isServing && conduct == .mortal && dice.oneIn(2)
    isFast = hasOneWorker || conduct == .forgetful || dice.oneIn(3)
    if isFast { quicken(&dice) }
    if hasOneWorker { simplify() }
    vary()
  }

  /// One worker after the other does the jobs in their order, each once.
  private mutating func simplify() {
    variesTerms = false
    (engine.pool.pool.minimum, engine.pool.pool.maximum, engine.pool.pool.surge) = (1, 1, 0)
    engine.ledger.retries = 0
    (engine.keepsDetails, engine.tellsAttempts) = (true, true)
  }

  /// Nothing keeps jobs from being parked.
  private mutating func quicken(_ dice: inout SplitMix64) {
    engine.pool.mostSeats = dice.pick([4, 256])
    engine.pool.reset = nil
    engine.pool.pool.probeBeforeLeaseUnlessUsedWithin = nil
    engine.pool.pool.maximumJobs = dice.pick([0, 0, 80, 400])
    if dice.oneIn(2) { engine.pool.pool.surge = 0 }
    engine.pool.pool.maximumAge = .zero
    engine.ledger.queueLimit = 1024
    engine.ledger.orderWindow = 64 << 20
    engine.ledger.clientLimit = nil
  }

  private static func pool(_ dice: inout SplitMix64) -> PoolConfiguration {
    let maximum = 1 + dice.below(4)
    var pool = PoolConfiguration(minimum: dice.oneIn(2) ? maximum : dice.below(maximum + 1), maximum: maximum)
    pool.maximumJobs = dice.pick([0, 0, 0, 1, 20, 100, 300])
    pool.maximumAge = dice.pick([.zero, .zero, .milliseconds(20), .seconds(10)])
    pool.surge = dice.below(3)
    pool.idleLimit = dice.pick([.zero, .zero, .milliseconds(5), .seconds(1)])
    pool.startLimit = dice.pick([.milliseconds(50), .seconds(5), .seconds(60)])
    pool.settleTime = dice.pick([.zero, .seconds(1)])
    pool.restartBudget = RestartBudget(failures: dice.pick([1, 5, 100, 100]), period: .seconds(10))
    pool.blamesJobs = dice.oneIn(3)
    pool.triesStartsForWaiters = dice.oneIn(3)
    pool.stopLadder = dice.pick([
      [.seconds(5), .seconds(5), .seconds(1)], [.milliseconds(1), .zero, .milliseconds(3)],
    ])
    return pool
  }

  private static func addChecks(to pool: inout WorkerPoolConfiguration, _ dice: inout SplitMix64) {
    if dice.oneIn(5) {
      pool.probe = Exchange(request: Payload.probe, reply: dice.oneIn(2) ? Payload.probeReply : nil)
      pool.pool.probeInterval = dice.pick([.zero, .milliseconds(1), .seconds(1)])
      pool.pool.probeBeforeLeaseUnlessUsedWithin = dice.pick([nil, nil, .zero, .milliseconds(10)])
      if dice.oneIn(2) { pool.readiness = .probed }
    }
    if dice.oneIn(8) { pool.reset = Exchange(request: Payload.reset, reply: dice.oneIn(2) ? Payload.resetReply : nil) }
    if pool.readiness == .assumed, dice.oneIn(5) { pool.readiness = .line(prefix: nil) }
    pool.tellsChecks = dice.oneIn(2)
  }

  private static func ledger(isServing: Bool, _ dice: inout SplitMix64) -> JobLedger.Configuration {
    var ledger = JobLedger.Configuration(
      keepOrder: !isServing && !dice.oneIn(3),
      queueLimit: dice.pick([1, 8, 64, 1024, 1024]),
      retries: dice.below(4),
      runLimit: dice.oneIn(2) ? nil : dice.pick([.microseconds(100), .milliseconds(10), .seconds(2)]),
      queueLimitTime: dice.oneIn(3) ? dice.pick([.milliseconds(1), .seconds(1)]) : nil,
      orderWindow: dice.pick([0, 1000, 64 << 20, 64 << 20]),
      quarantineAfter: 1 + dice.below(4))
    if dice.oneIn(3) { ledger.retryDelay = RetryDelay(minimum: .microseconds(50), maximum: .milliseconds(20)) }
    if dice.oneIn(12) { ledger.halt = HaltRule(dice.oneIn(2) ? .soon : .now, .count(1 + dice.below(20))) }
    ledger.ordersEachClient = isServing && dice.oneIn(2)
    if isServing, dice.oneIn(2) {
      ledger.clientLimit = 1 + dice.below(20)
      ledger.clientsFillSeats = dice.oneIn(2)
    }
    ledger.seed = dice.next()
    return ledger
  }

  var description: String {
    let (pool, ledger) = (engine.pool, engine.ledger)
    return """
      \(conduct.rawValue) workers, \(pool.pool.minimum)...\(pool.pool.maximum), \(pool.workerProtocol.name), \(nature.speech), seats \(pool.mostSeats), at most \(mostInHand) at once, \
      batches \(ledger.batches.map { "\($0)" } ?? "none")\
      \(pool.parksInOrderOnly ? " in order only" : ""), ready: \(pool.readiness), probe: \(pool.probe != nil), reset: \
      \(pool.reset != nil), jobs \(pool.pool.maximumJobs), age \(pool.pool.maximumAge.count) ns, surge \(pool.pool.surge)
      \(isServing ? "serve" : "run"), keepOrder \(ledger.keepOrder)\(ledger.ordersEachClient ? " of each client" : ""), queue \(ledger.queueLimit), retries \(ledger.retries), \
      run limit \(ledger.runLimit?.count ?? 0) ns, queue limit \(ledger.queueLimitTime?.count ?? 0) ns, window \
      \(ledger.orderWindow), quarantine \(ledger.quarantineAfter), retry delay \(ledger.retryDelay != nil), halt \
      \(ledger.halt != nil), jobs up to \(longestJob) bytes, replies up to \(longestReply)
      """
  }
}
