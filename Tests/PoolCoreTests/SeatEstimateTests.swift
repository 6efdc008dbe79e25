import TestSupport
import Testing
import Time

@testable import PoolCore

/// How many jobs a worker is sent at once.
@Suite("Seats of one worker") struct SeatEstimateTests {
  private let microsecond: Nanoseconds = .microseconds(1)

  /// A worker that has answered `jobs` jobs one at a time, each in `time`.
  private func worker(jobs: Int, each time: Nanoseconds, now: inout Instant) -> SeatEstimate {
    var estimate = SeatEstimate()
    for _ in 0..<jobs {
      estimate.began(at: now)
      now += time
      estimate.replied(at: now)
    }
    return estimate
  }

  @Test("nothing is parked at a worker that has not proved itself one job at a time")
  func probation() {
    var now = Instant.origin
    var estimate = worker(jobs: SeatEstimate.probation - 1, each: microsecond, now: &now)
    #expect(estimate.seats(atMost: 100) == 1)
    estimate.began(at: now)
    estimate.replied(at: now + microsecond)
    #expect(estimate.seats(atMost: 100) == 100)
  }

  @Test(
    "as many as it does in a millisecond, no more than it may have, and never a job of a millisecond",
    arguments: [
      (time: 10, seats: 100), (time: 100, seats: 10), (time: 600, seats: 1), (time: 1000, seats: 1),
      (time: 50_000, seats: 1),
      (time: 1, seats: SeatEstimate.mostSeats),
    ])
  func seats(time: Int, seats: Int) {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: .microseconds(UInt64(time)), now: &now)
    #expect(estimate.seats(atMost: .max) == seats)
    #expect(estimate.seats(atMost: 1) == 1)
  }

  @Test("replies that come together are measured together; slower is believed at once, faster little by little")
  func changes() {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: 10 * microsecond, now: &now)
    estimate.began(at: now)
    now += microsecond * 5000
    for _ in 0..<50 { estimate.replied(at: now) }
    #expect(estimate.seats(atMost: .max) == 10, "100 µs each")
    now += microsecond * 100
    for _ in 0..<10 { estimate.replied(at: now) }
    let after = estimate.seats(atMost: .max)
    #expect(after > 10 && after < 100)
  }

  @Test("the time without a job does not count")
  func idle() {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: 10 * microsecond, now: &now)
    now += .seconds(1)
    estimate.began(at: now)
    now += microsecond * 10
    estimate.replied(at: now)
    #expect(estimate.seats(atMost: .max) == 100)
  }

  @Test("the probation is shorter where others have served it")
  func shortProbation() {
    var now = Instant.origin
    var estimate = worker(jobs: SeatEstimate.shortProbation, each: microsecond, now: &now)
    #expect(estimate.hasServedShortProbation && !estimate.hasServedProbation)
    estimate.shortenProbation()
    #expect(estimate.hasServedProbation)
  }
}

/// Where many workers wait for each other, each batch takes long by the clock; what jobs cost is seen by CPU time.
@Suite("Seats of a worker on a busy machine") struct BusySeatsTests {
  /// Each batch comes back after 5 ms, whatever it costs.
  private struct BusyWorker {
    var estimate = SeatEstimate()
    var now = Instant.origin
    var cpu = Nanoseconds.zero
    var sleeps: UInt64 = 0
    var looks = 0
    var batch: Nanoseconds = .milliseconds(5)

    /// One that has served its probation.
    init() {
      for _ in 0..<SeatEstimate.probation {
        estimate.began(at: now)
        now += batch
        estimate.replied(at: now)
      }
    }

    /// Runs a batch of as many jobs as the worker has seats, written together. `cost`: the CPU time of a job;
    /// `sleepsPerJob`: how often it waits in one. Returns the worker's seats after the batch.
    mutating func runBatch(cost: Nanoseconds = .microseconds(5), sleepsPerJob: UInt64 = 0) -> Int {
      let jobs = estimate.seats(atMost: .max)
      estimate.began(at: now)
      estimate.wrote()
      now += batch
      for _ in 0..<jobs { estimate.replied(at: now) }
      cpu += cost * UInt64(jobs)
      sleeps += 1 + sleepsPerJob * UInt64(jobs)
      guard estimate.wantsEffort() else { return estimate.seats(atMost: .max) }
      if estimate.wantsSleeps {
        looks += 1
        _ = estimate.record(cpu: cpu, sleeps: sleeps)
      } else {
        estimate.record(cpu: cpu)
      }
      return estimate.seats(atMost: .max)
    }
  }

  @Test("short jobs are parked step by step, as long as the worker sleeps only for want of jobs")
  func growth() {
    var worker = BusyWorker()
    let seats = (0..<10).map { _ in worker.runBatch() }
    #expect(seats == [1, 1, 1, 1, 8, 8, 8, 8, 64, 64])
    let looks = worker.looks
    for _ in 0..<320 { #expect(worker.runBatch() == 64) }
    #expect(worker.looks - looks == 10)
  }

  @Test("never more than it does in a millisecond of CPU time", arguments: [(100, 10), (400, 2), (600, 1), (2000, 1)])
  func cost(microseconds: Int, seats: Int) {
    var worker = BusyWorker()
    for _ in 0..<20 { _ = worker.runBatch(cost: .microseconds(UInt64(microseconds))) }
    #expect(worker.runBatch(cost: .microseconds(UInt64(microseconds))) == seats)
  }

  @Test("jobs that sleep are never parked; those that begin to are parked no more once that is seen")
  func sleeping() {
    var worker = BusyWorker()
    for _ in 0..<200 { #expect(worker.runBatch(sleepsPerJob: 1) == 1) }
    var other = BusyWorker()
    for _ in 0..<20 { _ = other.runBatch() }
    let batches = (0..<40).prefix { _ in other.runBatch(sleepsPerJob: 1) > 1 }.count
    #expect(batches <= 32)
    #expect(other.runBatch() == 1)
  }

  @Test("a process that does not do the jobs itself shows nothing")
  func wrapper() {
    var worker = BusyWorker()
    for _ in 0..<50 { #expect(worker.runBatch(cost: .zero) == 1) }
  }

  @Test("a late batch is believed at once, more CPU time as well; less little by little")
  func late() {
    var worker = BusyWorker()
    for _ in 0..<40 { _ = worker.runBatch() }
    worker.batch = .milliseconds(50)
    #expect(worker.runBatch() == 8)
    #expect(worker.runBatch() == 1)
    worker.batch = .milliseconds(5)
    for _ in 0..<10 { _ = worker.runBatch() }
    #expect(worker.runBatch() == 64)
    #expect(worker.runBatch(cost: .microseconds(500)) == 2)
    let after = worker.runBatch()
    #expect(after == 2 || after == 3)
  }

  @Test("what was seen at others of its kind is believed until it is judged itself")
  func trust() {
    var worker = BusyWorker()
    worker.estimate.trustEffort()
    #expect(worker.runBatch() == 1, "the first reading is no measure")
    #expect(worker.runBatch() == 64)
    worker.batch = .seconds(10)
    _ = worker.runBatch()
    _ = worker.runBatch()
    worker.estimate.trustEffort()
    #expect(worker.estimate.seats(atMost: .max) == 1)
  }
}

/// What is known of the workers of a pool together.
@Suite("Workers of one kind") struct WorkerKindTests {
  @Test("together they prove as much as four that are alone; one that is unlike them ends that")
  func proofs() {
    var kind = WorkerKind()
    for _ in 1...15 { kind.servedShortProbation() }
    #expect(!kind.isOrderly)
    kind.servedShortProbation()
    #expect(kind.isOrderly)
    for _ in 1...63 { kind.lookedWithJob(itWaited: false) }
    #expect(kind.looksWithJobNeeded == 16 && !kind.waitsInJobs)
    kind.lookedWithJob(itWaited: true)
    #expect(kind.looksWithJobNeeded == 1)
    kind.lookedWithJob(itWaited: false)
    #expect(kind.waitsInJobs)
    kind.forget()
    #expect(!kind.isOrderly && kind.looksWithJobNeeded == 16 && !kind.waitsInJobs)
  }

  @Test("they wait for nothing else if eight looks in a row show that")
  func effort() {
    var kind = WorkerKind()
    for _ in 1...7 { kind.looked(isAwakeInJobs: true) }
    kind.looked(isAwakeInJobs: false)
    for _ in 1...7 { kind.looked(isAwakeInJobs: true) }
    #expect(!kind.isAwakeInJobs)
    kind.looked(isAwakeInJobs: true)
    #expect(kind.isAwakeInJobs)
  }
}
