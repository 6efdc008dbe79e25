import JobCore
import JobEngine
import PoolCore
import Testing
import Time
import WorkerPoolDriver
import WorkerProcess

@testable import PipelineSimulation

/// Single lives of the pipeline, told step by step: what the random ones have found, and what they rest on.
@Suite struct LifeTests {
  @Test("single lives keep what the pipeline promises", arguments: SingleLife.allCases)
  func singleLives(life: SingleLife) throws { try life.live() }

  @Test("short jobs are parked, and answered in their order")
  func parks() throws {
    var pipeline = try Pipeline.withOneWorker(1)
    try pipeline.accept(5)
    try pipeline.settle()
    #expect(pipeline.engine.pool.jobsInHand(of: pipeline.engine.pool.busyWorkers[0]) == 5)
    try pipeline.work(pipeline.processes.living[0])
    try pipeline.turn()
    #expect(pipeline.model.settled == 75 && pipeline.model.outcomes == [.ok: 75])
    try pipeline.finish()
  }

  @Test("a worker that closes its stdout while jobs are parked has left no answers out")
  func closedOutput() throws {
    var pipeline = try Pipeline.withOneWorker(1)
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
    var pipeline = try Pipeline.withOneWorker(1, .forgetful)
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
