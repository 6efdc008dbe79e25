import ControlProtocol
import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Metrics
import PoolCore
import Time
import WorkerPoolDriver

/// What control, metrics and the service manager learn of a pool.
extension PoolService {
  /// The number of clients that a status lists one by one.
  private static let mostClients = 100
  /// How much of a job a status shows, in bytes.
  private static let shownBytes = 80

  var phase: PoolStatus.Phase {
    if engine.isStopping { return .stopping }
    if isDraining { return .draining }
    return wasReady ? .serving : .starting
  }

  /// Whether it has the workers that it wants at least, or had them and lives.
  var isReady: Bool {
    !isDraining && wasReady && (engine.pool.serving > 0 || engine.pool.size.lowerBound == 0 && !startsFail)
  }

  /// Looks whether it has the workers that it wants at least: a pool may want none until there is a job.
  mutating func noteReadiness() {
    if engine.pool.serving >= engine.pool.size.lowerBound { wasReady = true }
  }

  func status(_ loop: borrowing EventLoop) -> PoolStatus {
    var status = PoolStatus(name: configuration.name, phase: phase)
    status.age = loop.now() - startedAt
    status.command = configuration.pool.command.arguments
    status.minimum = engine.pool.size.lowerBound
    status.maximum = engine.pool.size.upperBound
    status.isBreakerOpen = engine.pool.isBreakerOpen
    status.starts = engine.pool.starts
    status.deaths = deaths
    status.recycled = recycled
    status.jobs = JobTotals(engine.jobs.ledger.counts)
    status.jobs.inDoubt = answersInDoubt
    let times = engine.jobs.ledger.runTimes
    if let median = times.quantile(0.5), let p90 = times.quantile(0.9), let p99 = times.quantile(0.99) {
      status.runTimes = Percentiles(median: median, p90: p90, p99: p99)
    }
    status.slots = engine.pool.snapshot.slots.map { slot(of: $0, loop) }
    status.connections = connections.count
    status.connectionsAccepted = Int(connections.accepted)
    status.clients = clients(loop)
    for index in listeners.indices where listeners.holds(index) {
      status.listens.append("\(listeners[index].address)")
    }
    return status
  }

  private func slot(of slot: SlotSnapshot, _ loop: borrowing EventLoop) -> SlotStatus {
    var status = SlotStatus(slot: slot.slot.index, state: SlotStatus.State(slot.state))
    status.retiring = (slot.retiring ?? slot.overdue).map { "\($0)" }
    status.failures = slot.failures
    guard let worker = slot.worker, let account = engine.pool.account(of: worker, loop.now()) else { return status }
    var told = WorkerStatus(pid: account.pid, age: account.age, jobs: account.jobs)
    told.memory = engine.pool.residentBytes(of: worker)
    told.job = account.currentJob?.number
    told.jobElapsed = account.currentJob?.elapsed
    told.said = account.statusText
    status.worker = told
    return status
  }

  /// Those with most jobs in hand.
  private func clients(_ loop: borrowing EventLoop) -> [ClientStatus] {
    var all: [ClientStatus] = []
    for index in connections.indices where connections.holds(index) {
      let counts = engine.jobs.ledger.counts(of: connections[index].id)
      var client = ClientStatus(
        connection: connections[index].number, peer: "\(connections[index].peer)",
        age: loop.now() - connections[index].openedAt)
      client.queued = counts.queued + counts.delayed
      client.running = counts.leased
      client.settled = connections[index].settled
      client.unread = connections[index].unsent.count
      all.append(client)
    }
    all.sort { ($0.queued + $0.running, $1.connection) > ($1.queued + $1.running, $0.connection) }
    return Array(all.prefix(Self.mostClients))
  }

  func jobs(atMost limit: Int, _ loop: borrowing EventLoop) -> [JobStatus] {
    var all: [JobStatus] = []
    engine.jobs.ledger.forEachUnsettled { job in
      guard all.count < limit else { return }
      let state: JobStatus.State
      switch job.state {
      case .queued: state = .queued
      case .delayed: state = .delayed
      case .leased: state = .running
      }
      let details = engine.jobs.facts[job.id]
      let index = Int(job.client.index)
      let number = connections.holds(job.client) ? connections[index].number : 0
      var status = JobStatus(
        job: job.sequence, state: state, connection: number, age: loop.now() - details.acceptedAt)
      status.attempts = job.attempts
      status.priority = Int(job.priority)
      status.slot = state == .running ? details.slot : nil
      status.beginning = String(
        decoding: engine.jobs.store.bytes(of: job.id, atMost: Self.shownBytes), as: UTF8.self)
      all.append(status)
    }
    return all.sorted { $0.job < $1.job }
  }

  var report: PoolReport {
    var gauges = PoolGauges()
    gauges.slots = SlotCounts(engine.pool.snapshot)
    gauges.minimum = engine.pool.size.lowerBound
    gauges.maximum = engine.pool.size.upperBound
    gauges.isBreakerOpen = engine.pool.isBreakerOpen
    gauges.isDraining = isDraining
    let counts = engine.jobs.ledger.counts
    gauges.queued = counts.queued
    gauges.delayed = counts.delayed
    gauges.running = counts.leased
    gauges.connections = connections.count
    return PoolReport(name: configuration.name, metrics: metrics, gauges: gauges)
  }

  /// For people and for the service manager.
  var summary: PoolSummary {
    let counts = engine.jobs.ledger.counts
    var summary = PoolSummary(name: configuration.name, phase: phase)
    summary.serving = engine.pool.serving
    summary.maximum = engine.pool.size.upperBound
    summary.startsFail = engine.pool.isBreakerOpen
    summary.running = counts.leased
    summary.waiting = counts.queued + counts.delayed
    summary.ok = counts[.ok]
    summary.notOK = counts.bad
    summary.connections = connections.count
    return summary
  }

  /// For the watchdog.
  func moves(_ now: Instant) -> PoolMoves {
    let counts = engine.jobs.ledger.counts
    var moves = PoolMoves(
      waiting: counts.queued, idle: 0, given: 0, settled: counts.settled, starts: engine.pool.starts)
    for slot in engine.pool.snapshot.slots {
      if slot.state == .idle, slot.retiring == nil { moves.idle += 1 }
      if let worker = slot.worker, let account = engine.pool.account(of: worker, now) { moves.given += account.jobs }
    }
    return moves
  }
}

extension JobTotals {
  init(_ counts: JobCounts) {
    self.init()
    accepted = counts.accepted
    queued = counts.queued
    delayed = counts.delayed
    running = counts.leased
    ok = counts[.ok]
    failed = counts[.failed]
    timeout = counts[.timeout]
    crashed = counts[.crashed]
    quarantined = counts[.quarantined]
    cancelled = counts[.cancelled]
    expired = counts[.expired]
  }
}

extension SlotStatus.State {
  init(_ state: SlotSnapshot.State) {
    switch state {
    case .empty: self = .empty
    case .backingOff: self = .backingOff
    case .starting: self = .starting
    case .idle: self = .idle
    case .probing: self = .probing
    case .leased: self = .leased
    case .resetting: self = .resetting
    case .stopping: self = .stopping
    }
  }
}
