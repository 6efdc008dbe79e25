import EventLoop
import JobCore
import JobEngine
import PoolCore
import TestSupport
import Testing
import Time
import WorkerPool
import WorkerProcess

@testable import PipelineSimulation

/// Single lives of the pipeline, told step by step: what the random ones have found, and what they rest on.
@Suite struct LifeTests {
  /// One worker, at which jobs are parked as soon as it has answered enough.
  func oneWorker(_ seed: UInt64, _ conduct: Setting.Conduct = .mortal, answers: Int = 70) throws -> Pipeline {
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
    try #require(pipeline.model.settled == answers)
    return pipeline
  }

  @Test("short jobs are parked, and answered in their order")
  func parks() throws {
    var pipeline = try oneWorker(1)
    try pipeline.accept(5)
    try pipeline.settle()
    #expect(pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0]) == 5)
    try pipeline.work(pipeline.processes.living[0])
    try pipeline.turn()
    #expect(pipeline.model.settled == 75 && pipeline.model.outcomes == [.ok: 75])
    try pipeline.finish()
  }

  @Test("a worker that dies costs only the job at its head an attempt", arguments: 1...8 as ClosedRange<UInt64>)
  func headIsCharged(seed: UInt64) throws {
    var pipeline = try oneWorker(seed)
    try pipeline.accept(5)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    worker.die(.killed(signal: 9, coreDumped: false))
    try pipeline.turn()
    #expect(pipeline.model.jobs.map(\.outcome)[70...] == [.crashed, nil, nil, nil, nil])
    try pipeline.finish()
  }

  @Test(
    "a job that comes to the head of a worker which is dead by then has its attempt there, with its slot and pid",
    arguments: 1...8 as ClosedRange<UInt64>)
  func lostAtOnce(seed: UInt64) throws {
    var pipeline = try oneWorker(seed)
    try pipeline.accept(3)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    _ = worker.answer(size: 10)
    worker.flush()
    worker.die(.killed(signal: 9, coreDumped: false))
    try pipeline.turn()
    #expect(pipeline.model.jobs.map(\.outcome)[70...] == [.ok, .crashed, nil])
    #expect(pipeline.model[72].heads == 1)
    let details = pipeline.engine.jobs.facts[pipeline.model[72].id]
    #expect(details.slot == 0 && details.pid == worker.pid && details.ran == .zero)
    try pipeline.finish()
  }

  @Test("a worker that writes an answer too many is found out, and answers nothing any more")
  func surplus() throws {
    var pipeline = try oneWorker(1, .wild, answers: 10)
    let worker = pipeline.processes.living[0]
    worker.speakUnasked(size: 10, isFree: true)
    worker.flush()
    try pipeline.accept(1)
    try pipeline.settle()
    // Not even a turn of the loop is needed: it is looked at before the job is sent.
    #expect(pipeline.engine.breachesOfStep == 1 && worker.isFoundOut && pipeline.model[11].outcome == nil)
    try pipeline.finish()
  }

  @Test("a worker that closes its stdout while jobs are parked has left no answers out")
  func closedOutput() throws {
    var pipeline = try oneWorker(1)
    try pipeline.accept(3)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    worker.closeOutput()
    try pipeline.work(worker)
    while pipeline.processes.living.contains(where: { $0 === worker }) { try pipeline.skipToTimer(late: .zero) }
    #expect(pipeline.seen == ["closed its stdout but lives on": 1] && pipeline.engine.breachesOfStep == 0)
    #expect(pipeline.model.outcomes == [.ok: 70, .crashed: 1])
    try pipeline.finish()
  }

  @Test("a worker that leaves an answer out while jobs are parked is found out")
  func omitted() throws {
    var pipeline = try oneWorker(1, .forgetful)
    try pipeline.accept(3)
    try pipeline.settle()
    let worker = pipeline.processes.living[0]
    try pipeline.read(worker, atMost: .max)
    #expect(worker.omit())
    try pipeline.work(worker)
    while pipeline.processes.living.contains(where: { $0 === worker }) { try pipeline.skipToTimer(late: .zero) }
    #expect(pipeline.seen["left out answers"] == 1 && pipeline.engine.breachesOfStep == 1)
    try pipeline.finish()
  }
}
