import TestSupport
import Time

@testable import PoolCore

/// A pool and a world that mistreats it, all from one seed: workers that fail, hang and die, news that comes late,
/// waiters that give up, orders at the wrong moment. Between times the world turns friendly, and the pool must recover.
struct Simulation {
  let seed: UInt64
  private(set) var step = 0
  /// How many machines lived and how many were brought to their end.
  private(set) var machines = 0
  /// How often each thing of interest happened; shows that the simulation gets everywhere.
  var sightings = Sightings()
  var harness: PoolHarness
  var chance: SeededGenerator

  struct Sightings: Equatable {
    var offers = 0, demandsRefused = 0, parked = 0, continued = 0
    var grants = 0, refusals = 0, starts = 0, probes = 0, resets = 0, rolls = 0, aborts = 0, opened = 0, stuck = 0
    var abandoned = 0, closed = 0, reconfigured = 0, replaced = 0, agedOut = 0, spare = 0
    /// The most that loaded for growth at once.
    var growth = 0
  }

  /// What each machine did; only when recording.
  private(set) var histories: [[PoolAction]] = []
  private let isRecording: Bool
  /// How those that want a worker say so, for this machine.
  private(set) var client: Client

  enum Client: CaseIterable { case waiters, demand, both }

  init(seed: UInt64, isRecording: Bool = false) {
    self.seed = seed
    self.isRecording = isRecording
    chance = SeededGenerator(seed: seed)
    let configuration = PoolConfiguration.random(using: &chance)
    harness = PoolHarness(configuration, seed: chance.next(), isRecording: isRecording)
    client = Client.allCases.randomElement(using: &chance) ?? .both
    machines = 1
  }

  /// Runs at least so many events. Nil, or what went wrong, with the seed and the step.
  mutating func run(events: Int) -> String? {
    while step < events {
      send(.start)
      for _ in 0..<(50 + below(3000)) where harness.violations.isEmpty && !harness.isClosed { disturb() }
      if harness.violations.isEmpty, !harness.isClosed { recover() }
      if let violation = harness.violations.first {
        return
          "\(violation)\n  seed \(seed), step \(step), machine \(machines), at \(harness.now.sinceOrigin.count) ns\n  "
          + "\(harness.pool.configuration)\n  repeat with PREFORK_SEED=\(seed)"
      }
      machines += 1
      if isRecording { histories.append(harness.history) }
      let configuration = PoolConfiguration.random(using: &chance)
      harness = PoolHarness(configuration, seed: chance.next(), isRecording: isRecording)
      client = Client.allCases.randomElement(using: &chance) ?? .both
    }
    return nil
  }

  mutating func send(_ event: PoolEvent) {
    harness.step(event)
    observe()
  }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &chance) }
  mutating func happens(_ percent: Int) -> Bool { below(100) < percent }

  mutating func observe() {
    step += 1
    harness.checkQuickly()
    if step % 64 == 0 { harness.checkInvariants() }
    sightings.growth = max(sightings.growth, harness.pool.census.growing)
    for action in harness.actions {
      switch action {
      case .startWorker: sightings.starts += 1
      case .grantLease: sightings.grants += 1
      case .refuseLease: sightings.refusals += 1
      case .offer: sightings.offers += 1
      case .refuseDemand: sightings.demandsRefused += 1
      case .probeWorker, .prepareWorker: sightings.probes += 1
      case .resetWorker: sightings.resets += 1
      case .abandonWorker: sightings.abandoned += 1
      case .closed: sightings.closed += 1
      case .report(.recyclingAborted): sightings.aborts += 1
      case .report(.breakerOpened): sightings.opened += 1
      case .report(.stuck): sightings.stuck += 1
      case .report(.retiring(_, .idle)): sightings.agedOut += 1
      case .report(.retiring(_, .spare)): sightings.spare += 1
      case .report(.retiring(_, .jobs)), .report(.retiring(_, .age)), .report(.retiring(_, .memory)):
        if harness.pool.configuration.surge > 0 { sightings.replaced += 1 }
      case .stopWorker, .arm, .disarm, .report: break
      }
    }
  }

  // MARK: The unfriendly world

  private mutating func disturb() {
    switch below(100) {
    case 0..<28: request()
    case 28..<80: happenToWorker()
    case 80..<92: passTime()
    case 92..<95: withdraw()
    case 95..<98: tellLateNews()
    default: giveOrders()
    }
  }

  private mutating func request() {
    switch client {
    case .waiters: requestLease()
    case .demand: changeDemand()
    case .both: if happens(50) { requestLease() } else { changeDemand() }
    }
  }

  private mutating func requestLease() {
    let limit: WaitLimit
    switch below(4) {
    case 0: limit = .unlessExhausted
    case 1: limit = .within(Nanoseconds(UInt64(below(3_000_000_000))))
    default: limit = .forever
    }
    send(.leaseRequested(WaiterID(harness.lastWaiter + 1 + UInt64(below(2))), limit))
  }

  private mutating func withdraw() {
    let waiter = harness.pending.randomElement(using: &chance) ?? WaiterID(UInt64(below(1000)))
    send(.leaseWithdrawn(waiter))
  }

  private mutating func happenToWorker() {
    guard !harness.shadows.isEmpty else { return }
    let slot = below(harness.shadows.count)
    let shadow = harness.shadows[slot]
    let worker = WorkerID(slot: SlotID(slot), serial: shadow.serial)
    switch (shadow.life, shadow.check) {
    case (.none, _): return
    case (.starting, _): happenToStart(worker)
    case (.stopping, _): if happens(40) { send(.workerGone(worker, happens(90) ? .stopped : .died)) }
    case (.ready, _) where happens(3): send(.workerGone(worker, happens(70) ? .died : .failedStart))
    case (.ready, _) where happens(2): send(.workerBroken(worker))
    case (.ready, _) where happens(4): sayItself(worker)
    case (.ready, .probe): if happens(80) { send(happens(85) ? .probePassed(worker) : .probeFailed(worker)) }
    case (.ready, .reset): if happens(80) { send(happens(90) ? .resetPassed(worker) : .resetFailed(worker)) }
    case (.ready, .none): if shadow.leases > 0 { work(worker) }
    }
  }

  private mutating func happenToStart(_ worker: WorkerID) {
    switch below(12) {
    case 0..<6: send(.workerReady(worker))
    case 6..<8: send(.workerGone(worker, happens(80) ? .failedStart : .cannotStart))
    case 8: send(.workerBroken(worker))
    case 9..<11: send(.startExtended(worker, by: happens(90) ? Nanoseconds(UInt64(below(8_000_000_000))) : .max))
    default: if happens(20) { sayItself(worker) }
    }
  }

  private mutating func sayItself(_ worker: WorkerID) {
    send(happens(70) ? .limitExceeded(worker, .memory) : .retirementRequested(worker))
  }

  private mutating func passTime() {
    if happens(60) {
      if harness.fireNext() { observe() }
    } else if let (_, deadline) = harness.timers.next, deadline > harness.now {
      // Up to the next timer, not over it: each firing is an event of its own.
      harness.advance(by: Nanoseconds.random(in: 0..<min(deadline - harness.now, 2_000_000_000), using: &chance))
    }
  }

  /// News about workers that are gone, timers that were disarmed: all must be ignored.
  private mutating func tellLateNews() {
    guard !harness.shadows.isEmpty else { return }
    let slot = SlotID(below(harness.shadows.count + 1))
    let serial = slot.index < harness.shadows.count ? harness.shadows[slot.index].serial : 1
    let worker = WorkerID(slot: slot, serial: serial &- 1)
    switch below(11) {
    case 0: send(.workerReady(worker))
    case 7: send(.startExtended(worker, by: 1_000_000_000))
    case 8, 9: sayItself(worker)
    case 1: send(.probePassed(worker))
    case 2: send(.probeFailed(worker))
    case 3: send(.resetPassed(worker))
    case 4: send(.resetFailed(worker))
    case 5: send(.workerBroken(worker))
    case 6: send(.timerFired(happens(50) ? .breaker(generation: 0) : .review(generation: 0)))
    default:
      let kind = SlotTimer.allCases[below(SlotTimer.allCases.count)]
      send(.timerFired(.slot(slot, kind, generation: harness.timers.armed(slot.index, kind) &- 1)))
    }
  }

  private mutating func giveOrders() {
    switch below(100) {
    case 0..<20: resize()
    case 20..<30: reconfigure()
    case 30..<55:
      sightings.rolls += 1
      send(.recycleAll)
    case 55..<97:
      guard !harness.shadows.isEmpty else { return }
      let slot = below(harness.shadows.count)
      send(.recycle(WorkerID(slot: SlotID(slot), serial: harness.shadows[slot].serial)))
    case 97: send(.prefill(below(10)))
    case 98: send(happens(50) ? .drain : .close)
    default: send(.stop([.graceful, .prompt, .immediate][below(3)]))
    }
  }

  /// Any other values that a pool may be given while it lives.
  private mutating func reconfigure() {
    let old = harness.pool.configuration
    var new = PoolConfiguration.random(using: &chance)
    while new.capacity != old.capacity { new = PoolConfiguration.random(using: &chance) }
    new.stopLadder = Array(repeating: .seconds(UInt64(1 + below(3))), count: old.stopLadder.count)
    sightings.reconfigured += 1
    harness.step(to: new)
    observe()
  }

  private mutating func resize() {
    let maximum = 1 + below(8)
    send(.resized(minimum: below(maximum + 1), maximum: maximum))
  }
}

extension PoolConfiguration {
  /// Any configuration without a defect, small enough that the corners are near.
  static func random(using chance: inout SeededGenerator) -> PoolConfiguration {
    func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &chance) }
    func sometimes(_ limit: Nanoseconds) -> Nanoseconds {
      below(3) == 0 ? Nanoseconds.random(in: 1...limit, using: &chance) : 0
    }
    let second: Nanoseconds = 1_000_000_000
    let maximum = 1 + below(6)
    var configuration = PoolConfiguration(minimum: below(maximum + 1), maximum: maximum)
    configuration.growsGradually = below(3) > 0
    configuration.maximumIdle = below(4) == 0 ? below(4) : .max
    configuration.maximumStarting = below(2) == 0 ? 1 + below(3) : .max
    configuration.leaseOrder = below(2) == 0 ? .lifo : .fifo
    configuration.startLimit = UInt64(1 + below(5)) * second
    configuration.readyIsProof = below(2) == 0
    configuration.settleTime = UInt64(below(3)) * second
    configuration.backoff = Backoff(minimum: Nanoseconds(UInt64(below(100_000_000))), maximum: 5 * second)
    configuration.restartBudget = RestartBudget(failures: 1 + below(5), period: 10 * second)
    configuration.refusesWhileBreakerIsOpen = below(2) == 0
    configuration.triesStartsForWaiters = below(2) == 0
    configuration.maximumJobs = Int(sometimes(20).count)
    configuration.maximumAge = sometimes(60 * second)
    configuration.jitter = [0, 0.1, 1][below(3)]
    configuration.surge = below(4)
    configuration.idleLimit = below(2) == 0 ? Nanoseconds.random(in: 1...3 * second, using: &chance) : 0
    configuration.probeInterval = sometimes(10 * second)
    configuration.stopLadder = Array(repeating: second, count: 1 + below(3))
    configuration.abandonsAfterLadder = below(4) == 0
    if below(3) == 0 {
      configuration.capacity = 2 + below(3)
    } else {
      configuration.resetsAfterLease = below(3) == 0
      configuration.probesAfterLease = below(4) == 0
      configuration.preparesEachLease = below(4) == 0
      configuration.resetsBeforeLease = below(3) == 0
      configuration.leaseReportLimit = sometimes(5 * second)
      configuration.probeBeforeLeaseUnlessUsedWithin = below(3) == 0 ? UInt64(below(3)) * second : nil
    }
    return configuration
  }
}
