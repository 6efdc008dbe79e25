import JobCore
import TestSupport
import Time
import WorkerPoolDriver

/// Single lives of workers that are sent several jobs at once.
extension SingleLife {
  private static func countedBatches(_ setting: inout Setting) {
    setting.nature.speech = .counted
    setting.engine.pool.workerProtocol = BatchedFraming(.lines, most: 8)
    setting.engine.pool.mostSeats = 1
    setting.engine.ledger.batches = BatchRule(most: 8)
  }

  private static func requests(_ setting: inout Setting, concurrency: Int) {
    setting.nature.speech = .requests
    setting.engine.pool.workerProtocol = JSONRPCProtocol(concurrency: concurrency)
    setting.hasOneWorker = false
  }

  static func poisonBatch(_ seed: UInt64) throws {
    var pipeline = try Pipeline.withOneWorker(seed, answers: 0) {
      countedBatches(&$0)
      $0.hasOneWorker = false
    }
    try pipeline.accept(5)
    try pipeline.settle()
    try require(pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0]) == 5, "no batch was made")
    try pipeline.endInput()
    let poison = 1 + Int(seed) % 5
    while !pipeline.isClosed {
      for worker in pipeline.processes.living {
        try pipeline.read(worker, atMost: .max)
        let hasPoison = worker.owed.contains { if case .job(poison) = $0 { true } else { false } }
        if hasPoison { worker.die(.killed(signal: 9, coreDumped: false)) } else { try pipeline.work(worker) }
      }
      try pipeline.turn()
      if !pipeline.isClosed { try pipeline.skipToTimer(late: .zero) }
    }
    try require(pipeline.model.outcomes == [.ok: 4, .crashed: 1], "\(pipeline.model.outcomes)")
    try require(pipeline.model[poison].outcome == .crashed, "another job than the poisonous one has failed")
    try require(pipeline.processes.all.count { $0.status != .exited(code: 0) } == 2, "more than two workers died")
    try pipeline.checkEnd()
  }

  static func answerShort() throws {
    var pipeline = try Pipeline.withOneWorker(1, .forgetful, answers: 0) {
      countedBatches(&$0)
      $0.hasOneWorker = false
    }
    try pipeline.accept(3)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    try require(worker.omit(), "there is nothing to leave out")
    try pipeline.work(worker)
    try pipeline.turn()
    try require(pipeline.model.settled == 0, "an answer is used while others are missing")
    while worker.isAlive { try pipeline.skipToTimer(late: .zero) }
    try require(pipeline.seen["answered a batch with too few replies"] == 1, "\(pipeline.seen)")
    try pipeline.endInput()
    while !pipeline.isClosed { try pipeline.finishTurn(after: .zero) }
    try require(pipeline.model.outcomes == [.ok: 3], "\(pipeline.model.outcomes)")
    try pipeline.checkEnd()
  }

  static func cancelInBatch() throws {
    var pipeline = try Pipeline.withOneWorker(1, .honest, answers: 0, countedBatches)
    try pipeline.accept(2)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    pipeline.cancel(1)
    try pipeline.settle()
    try require(worker.isAlive && pipeline.model.outcomes == [.cancelled: 1], "\(pipeline.model.outcomes)")
    try pipeline.work(worker)
    try pipeline.turn()
    try require(worker.isAlive && pipeline.model.outcomes == [.cancelled: 1, .ok: 1], "\(pipeline.model.outcomes)")
    try pipeline.accept(2)
    try pipeline.settle()
    for job in 3...4 {
      pipeline.cancel(job)
      try pipeline.settle()
    }
    try require(pipeline.engine.pool.busyWorkers.isEmpty, "a batch goes on of which nothing is wanted")
    try pipeline.finish()
  }

  static func answerLate() throws {
    var pipeline = try Pipeline.withOneWorker(1, .honest, answers: 0) {
      requests(&$0, concurrency: 1)
      ($0.engine.pool.pool.minimum, $0.engine.pool.pool.maximum) = (2, 2)
      $0.engine.pool.cancelGrace = .seconds(60)
      ($0.engine.ledger.runLimit, $0.engine.ledger.retries) = (.seconds(1), 1)
    }
    try pipeline.accept(1)
    try pipeline.settle()
    let first = pipeline.processes.living[0].owed.isEmpty ? pipeline.engine.pool.busyWorkers[0] : nil
    guard let first, let late = pipeline.processes.worker(serial: first.serial) else { throw Violation("no worker") }
    try pipeline.read(late, atMost: .max)
    while pipeline.engine.pool.busyWorkers.count < 2 { try pipeline.skipToTimer(late: .zero) }
    while late.answer(size: 20) != nil { late.flush() }
    try pipeline.turn()
    try require(pipeline.model.settled == 0, "the answer to an attempt that was given up is used")
    try pipeline.endInput()
    while !pipeline.isClosed { try pipeline.finishTurn(after: .zero) }
    try require(pipeline.model.settled == 1, "\(pipeline.model.outcomes)")
  }

  static func answerInAnyOrder(_ seed: UInt64) throws {
    var pipeline = try Pipeline.withOneWorker(seed, .honest, answers: 0) {
      requests(&$0, concurrency: 16)
      $0.engine.ledger.retries = 0
    }
    for _ in 0..<4 {
      try pipeline.accept(4)
      try pipeline.settle()
    }
    let worker = pipeline.processes.living[0]
    try require(pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0]) > 1, "one job at a time")
    while pipeline.model.settled < pipeline.model.jobs.count {
      try pipeline.work(worker)
      try pipeline.turn()
    }
    let failed = worker.requests.failures.count
    try require(pipeline.model.outcomes[.ok, default: 0] == 16 - failed, "\(pipeline.model.outcomes), \(failed) failed")
    try pipeline.finish()
  }
}
