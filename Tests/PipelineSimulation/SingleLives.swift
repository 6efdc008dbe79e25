import JobCore
import JobEngine
import PoolCore
import TestSupport
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

extension Pipeline {
  /// A life with one worker, at which jobs are parked as soon as it has answered enough. It has answered this many.
  static func withOneWorker(
    _ seed: UInt64 = 1, _ conduct: Setting.Conduct = .mortal, answers: Int = 70,
    _ configure: (inout Setting) -> Void = { _ in }
  ) throws -> Pipeline {
    var setting = Setting(seed: seed)
    let pool = PoolConfiguration(minimum: 1, maximum: 1)
    var workers = WorkerPoolConfiguration(
      command: WorkerCommand(["scripted"]), protocol: Framing.lines, maximumReplySize: 100, pool: pool)
    workers.mostSeats = 8
    workers.parksInOrderOnly = false
    workers.errorOutput = .inherited
    workers.adoptsOrphans = true
    setting.engine = JobEngineConfiguration(pool: workers, ledger: JobLedger.Configuration(), seed: seed)
    setting.engine.keepsDetails = true
    setting.engine.tellsAttempts = true
    setting.nature = ScriptedProcesses.Nature()
    setting.hasOneWorker = true
    (setting.conduct, setting.isServing, setting.variesTerms) = (conduct, false, false)
    (setting.longestJob, setting.longestReply) = (40, 40)
    configure(&setting)
    var pipeline = try Pipeline(setting)
    pipeline.dice = SplitMix64(state: seed)
    try pipeline.begin()
    // By then it was seen waiting for its first job.
    try pipeline.skip(.milliseconds(1))
    for _ in 0..<answers {
      try pipeline.accept(1)
      try pipeline.settle()
      try pipeline.work(pipeline.processes.living[0])
      try pipeline.skip(.microseconds(1))
    }
    try require(pipeline.model.settled == answers, "\(pipeline.model.settled) of \(answers) jobs are settled")
    return pipeline
  }
}

/// Lives that random ones meet too seldom. They come before those, so that the simulation fails without the rules that
/// they rest on.
package enum SingleLife: String, CaseIterable, Sendable {
  case lostWhileParked = "jobs that are parked at a worker that dies are done by the next one, in their order"
  case lostAtOnce = "a job that comes to the head of a worker which is dead by then has its attempt there"
  case cancelledWhileParked = "a job that is cancelled while it is parked does not run"
  case doneWhenCancelled = "an answer that comes after its job was cancelled is dropped"
  case spokeWhileFree = "what a worker wrote while it was free is looked at before it is sent the next job"
  case lastSeats = "a worker is not sent more jobs than it may do"
  case readsAhead = "no job is parked at a worker that reads ahead"
  case closedInput = "a worker that closes its stdin does not keep its job"
  case diedUnread = "a job that its worker has not read is given back, though the worker has answered a probe before"
  case slowToRead = "a worker that has not read its parked jobs yet has left no answer out"

  case poisonedBatch = "a job that kills its worker fails alone: the others of its batch are done, and none is charged"
  case shortBatch = "a batch that is answered with too few replies is done again job by job"
  case cancelledInBatch = "a batch goes on without a job that is cancelled, as long as one of its jobs is wanted"
  case lateAnswer = "an answer to a job that was to be given up is not that of its next attempt"
  case anyOrder = "requests are answered in any order, one of them with a failure, and each has its own outcome"

  package func live() throws {
    switch self {
    case .lostWhileParked: for seed in Self.seeds { try Self.loseParked(seed) }
    case .lostAtOnce: for seed in Self.seeds { try Self.loseAtOnce(seed) }
    case .cancelledWhileParked: try Self.cancelWhileParked()
    case .doneWhenCancelled: try Self.doneWhenCancelled()
    case .spokeWhileFree: try Self.speakWhileFree()
    case .lastSeats: try Self.takeLastSeats()
    case .readsAhead: try Self.readAhead()
    case .closedInput: try Self.closeInput()
    case .diedUnread: try Self.dieUnread()
    case .slowToRead: try Self.readSlowly()
    case .poisonedBatch: for seed in Self.seeds { try Self.poisonBatch(seed) }
    case .shortBatch: try Self.answerShort()
    case .cancelledInBatch: try Self.cancelInBatch()
    case .lateAnswer: try Self.answerLate()
    case .anyOrder: for seed in Self.seeds { try Self.answerInAnyOrder(seed) }
    }
  }

  /// The order in which the loop reports what is ready differs between them.
  private static let seeds: ClosedRange<UInt64> = 1...8

  private static func loseParked(_ seed: UInt64) throws {
    var pipeline = try Pipeline.withOneWorker(seed)
    try pipeline.accept(5)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    worker.die(.killed(signal: 9, coreDumped: false))
    try pipeline.turn()
    let outcomes = pipeline.model.jobs.map(\.outcome)[70...]
    try require(outcomes == [.crashed, nil, nil, nil, nil], "\(outcomes)")
    try pipeline.endInput()
    while !pipeline.isClosed { try pipeline.finishTurn(after: .zero) }
    try require(pipeline.model.outcomes == [.ok: 74, .crashed: 1], "\(pipeline.model.outcomes)")
    try pipeline.checkEnd()
  }

  private static func loseAtOnce(_ seed: UInt64) throws {
    var pipeline = try Pipeline.withOneWorker(seed)
    try pipeline.accept(3)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    _ = worker.answer(size: 10)
    worker.flush()
    worker.die(.killed(signal: 9, coreDumped: false))
    try pipeline.turn()
    let outcomes = pipeline.model.jobs.map(\.outcome)[70...]
    try require(outcomes == [.ok, .crashed, nil] && pipeline.model[72].heads == 1, "\(outcomes)")
    let details = pipeline.engine.jobs.facts[pipeline.model[72].id]
    let isKnown = details.slot == 0 && details.pid == worker.pid && details.ran == .zero
    try require(isKnown, "where job 72 was lost is not known: \(details)")
    try pipeline.finish()
  }

  private static func doneWhenCancelled() throws {
    var pipeline = try Pipeline.withOneWorker()
    try pipeline.accept(3)
    try pipeline.settle()
    let (id, worker) = (pipeline.engine.pool.busyWorkers[0], pipeline.processes.living[0])
    try pipeline.read(worker, atMost: .max)
    for _ in 0..<2 { _ = worker.answer(size: 10) }
    worker.flush()
    pipeline.cancel(72)
    try pipeline.settle()
    try pipeline.turn()
    try require(pipeline.engine.pool.jobsInHand(of: id) == 1, "the worker does not go on with its last job")
    try require(pipeline.model.outcomes == [.ok: 71, .cancelled: 1], "\(pipeline.model.outcomes)")
    try pipeline.finish()
  }

  private static func cancelWhileParked() throws {
    var pipeline = try Pipeline.withOneWorker()
    try pipeline.accept(3)
    try pipeline.settle()
    let (id, worker) = (pipeline.engine.pool.busyWorkers[0], pipeline.processes.living[0])
    try pipeline.read(worker, atMost: .max)
    pipeline.cancel(72)
    try pipeline.settle()
    try require(pipeline.engine.pool.jobsInHand(of: id) == 3, "the worker of a parked job is interrupted at once")
    _ = worker.answer(size: 10)
    worker.flush()
    try pipeline.turn()
    try require(pipeline.engine.pool.jobsInHand(of: id) == 0, "a job that was cancelled while it was parked runs")
    try require(pipeline.model.outcomes == [.ok: 71, .cancelled: 1], "\(pipeline.model.outcomes)")
    try pipeline.finish()
  }

  private static func speakWhileFree() throws {
    var pipeline = try Pipeline.withOneWorker(1, .wild, answers: 10)
    let worker = pipeline.processes.living[0]
    worker.speakUnasked(size: 10, isFree: true)
    worker.flush()
    try pipeline.accept(1)
    try pipeline.settle()
    // Not even a turn of the loop is needed.
    let isFound = pipeline.engine.breachesOfStep == 1 && worker.isFoundOut
    try require(isFound && pipeline.model[11].outcome == nil, "a worker that wrote an answer too many is sent a job")
    try pipeline.finish()
  }

  private static func takeLastSeats() throws {
    var pipeline = try Pipeline.withOneWorker {
      ($0.engine.pool.pool.maximumJobs, $0.engine.pool.pool.jitter, $0.engine.pool.pool.surge) = (75, 0, 0)
    }
    try pipeline.accept(20)
    try pipeline.settle()
    let count = pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0])
    try require(count == 5, "a worker that has done 70 of 75 jobs has \(count) more")
    try pipeline.finish()
  }

  private static func readAhead() throws {
    var pipeline = try Pipeline.withOneWorker {
      $0.engine.pool.parksInOrderOnly = true
      $0.nature.readsAhead = 1
    }
    try pipeline.accept(5)
    try pipeline.settle()
    let count = pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0])
    try require(count == 1, "a worker that reads ahead has \(count) jobs")
    try pipeline.finish()
  }

  private static func closeInput() throws {
    var pipeline = try Pipeline.withOneWorker()
    try pipeline.accept(1)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    worker.closeInput()
    try pipeline.turn()
    for _ in 0..<20 where worker.isAlive { try pipeline.skipToTimer(late: .zero) }
    try require(pipeline.model[71].outcome == .crashed, "a worker that closed its stdin keeps its job")
    try pipeline.finish()
  }

  private static func dieUnread() throws {
    var pipeline = try Pipeline.withOneWorker(answers: 0) {
      $0.engine.pool.probe = Exchange(request: Payload.probe, reply: Payload.probeReply)
      $0.engine.pool.readiness = .probed
    }
    let worker = pipeline.processes.living[0]
    try pipeline.work(worker)
    try pipeline.turn()
    try pipeline.accept(1)
    try pipeline.settle()
    worker.die(.killed(signal: 9, coreDumped: false))
    try pipeline.turn()
    try require(pipeline.seen == ["given back": 1], "\(pipeline.seen)")
    try pipeline.finish()
  }

  private static func readSlowly() throws {
    var pipeline = try Pipeline.withOneWorker()
    try pipeline.accept(3)
    try pipeline.settle()
    for _ in 0..<3 { try pipeline.skip(.milliseconds(110)) }
    try pipeline.work(pipeline.processes.living[0])
    try pipeline.turn()
    try require(pipeline.model.outcomes == [.ok: 73], "\(pipeline.model.outcomes)")
    try pipeline.finish()
  }
}
