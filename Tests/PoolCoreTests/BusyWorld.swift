import TestSupport
import Time

@testable import PoolCore

/// A pool under full load in virtual time: there is always a job, and starts, jobs and stops take as long as they take.
struct BusyWorld {
  var harness: PoolHarness
  /// How long a worker loads, a job runs, a stop takes.
  var start: Nanoseconds
  var job: Nanoseconds
  var stop: Nanoseconds
  /// The next so many starts fail when they have loaded.
  var failing = 0

  private(set) var jobs = 0
  /// Jobs done by each worker, by serial.
  private(set) var jobsOf: [UInt64: Int] = [:]
  /// The job limit of each worker, by serial.
  private(set) var limits: [UInt64: Int] = [:]
  /// The fewest and the most that worked at once, loading ones not counted, since `measure`.
  private(set) var fewestWorking = Int.max
  private(set) var mostWorking = 0

  private var agenda: [(time: Instant, event: PoolEvent)] = []
  private var loadedAt: [UInt64: Instant] = [:]
  private var stopping: Set<UInt64> = []
  /// Requests to be made, so that somebody always waits.
  private var wanted = 0
  /// Jobs wait as a number, not as waiters.
  private let usesDemand: Bool

  init(
    start: Nanoseconds, job: Nanoseconds, stop: Nanoseconds, usesDemand: Bool = false,
    _ configuration: PoolConfiguration
  ) {
    harness = PoolHarness(configuration)
    (self.start, self.job, self.stop) = (start, job, stop)
    self.usesDemand = usesDemand
    send(.start)
    let jobs = 3 * configuration.maximum
    if usesDemand { send(.demandChanged(jobs)) }
    for _ in 0..<(usesDemand ? 0 : jobs) { send(.leaseRequested(WaiterID(harness.lastWaiter + 1), .forever)) }
  }

  /// Forgets what was counted so far.
  mutating func measure() {
    (jobs, fewestWorking, mostWorking) = (0, .max, 0)
  }

  /// Lets so much time pass.
  mutating func run(for time: Nanoseconds) {
    let end = harness.now + time
    while harness.violations.isEmpty {
      let next = agenda.indices.min { agenda[$0].time < agenda[$1].time }
      let time = next.map { agenda[$0].time } ?? .distantFuture
      if let (_, deadline) = harness.timers.next, deadline <= min(time, end) {
        _ = harness.fireNext()
        react()
      } else if let next, time <= end {
        if time > harness.now { harness.advance(by: time - harness.now) }
        happen(agenda.remove(at: next).event)
      } else {
        return harness.advance(by: end - harness.now)
      }
    }
  }

  private mutating func happen(_ event: PoolEvent) {
    switch event {
    case .leaseReleased(let worker, _):
      guard harness.isAlive(worker), !stopping.contains(worker.serial) else { return }
      jobs += 1
      jobsOf[worker.serial, default: 0] += 1
    case .workerReady(let worker), .workerGone(let worker, _):
      guard harness.isAlive(worker) else { return }
    case .start, .startExtended, .leaseRequested, .leaseWithdrawn, .workerBroken, .limitExceeded, .retirementRequested,
      .probePassed, .probeFailed, .resetPassed, .resetFailed, .timerFired, .resized, .recycleAll, .recycle, .prefill,
      .demandChanged, .jobsDone, .drain, .close, .stop:
      break
    }
    send(event)
  }

  mutating func send(_ event: PoolEvent) {
    harness.step(event)
    react()
  }

  /// The world's answer to the actions of the last event.
  private mutating func react() {
    harness.checkQuickly()
    for action in harness.actions {
      switch action {
      case .startWorker(let worker): load(worker)
      case .grantLease(_, let worker), .offer(let worker):
        let begin = max(harness.now, loadedAt[worker.serial] ?? 0)
        agenda.append((begin + job, .leaseReleased(worker, .healthy)))
        wanted += 1
      case .stopWorker(let worker, _):
        if stopping.insert(worker.serial).inserted {
          agenda.append((harness.now + stop, .workerGone(worker, .stopped)))
        }
      case .abandonWorker, .refuseLease, .refuseDemand, .probeWorker, .prepareWorker, .resetWorker, .arm, .disarm,
        .report, .closed:
        break
      }
    }
    let working = harness.shadows.count {
      $0.leases > 0 && $0.life == .ready && (loadedAt[$0.serial] ?? 0) <= harness.now
    }
    fewestWorking = min(fewestWorking, working)
    mostWorking = max(mostWorking, working)
    if usesDemand, wanted > 0 {
      let count = harness.demand + wanted
      wanted = 0
      return send(.demandChanged(count))
    }
    while wanted > 0 {
      wanted -= 1
      send(.leaseRequested(WaiterID(harness.lastWaiter + 1), .forever))
    }
  }

  private mutating func load(_ worker: WorkerID) {
    let loaded = harness.now + start
    limits[worker.serial] = harness.pool.slots[worker.slot.index].jobLimit
    if failing > 0 {
      failing -= 1
      return agenda.append((loaded, .workerGone(worker, .failedStart)))
    }
    if harness.pool.configuration.readyIsProof { return agenda.append((loaded, .workerReady(worker))) }
    loadedAt[worker.serial] = loaded
    agenda.append((harness.now, .workerReady(worker)))
  }
}
