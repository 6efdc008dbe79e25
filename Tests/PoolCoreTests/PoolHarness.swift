import TestSupport
import Testing
import Time

@testable import PoolCore

/// Drives a pool in virtual time, as a legal driver would. It believes nothing: an action that a driver could not carry
/// out is a violation, not a record.
struct PoolHarness {
  /// What a driver would know of the worker in a slot.
  struct Shadow {
    enum Life { case none, starting, ready, stopping }
    enum Check { case none, probe, reset }

    var serial: UInt64 = 0
    var life = Life.none
    var check = Check.none
    var step = -1
    var leases = 0
    /// Jobs sent to it in this lease and not reported as done, where the driver sends several.
    var sent = 0
    /// Jobs that it has done.
    var jobs = 0
    /// Why it gets no further lease.
    var retiring: RetireReason?
    /// It went for its replacement, and is not gone yet.
    var isBeingReplaced = false

    var isRetiring: Bool { retiring != nil }
  }

  private(set) var pool: PoolStateMachine
  private(set) var now: Instant = 0
  private(set) var timers = TimerTable()
  private(set) var shadows: [Shadow] = []
  private(set) var occupied = 0
  /// Waiters that have no answer yet, oldest first.
  private(set) var pending: [WaiterID] = []
  /// Jobs that wait, and have no answer yet.
  private(set) var demand = 0
  /// Limits may be passed, or could be once.
  private(set) var hadSurge = false
  /// Each worker does one job, now and ever since.
  private(set) var isStrict = false
  private(set) var isClosed = false
  private(set) var violations: [String] = []
  /// The actions of the last event.
  private(set) var actions: [PoolAction] = []
  /// The actions of all events; only when recording.
  private(set) var history: [PoolAction] = []
  private(set) var lastWaiter: UInt64 = 0
  private var lastSerial: UInt64 = 0
  private(set) var event = PoolEvent.start
  /// The last event made a worker go for its replacement.
  private(set) var isReplacing = false
  /// The most workers that may load at the moment.
  var mostLoading = 0
  private let isRecording: Bool

  init(_ configuration: PoolConfiguration, seed: UInt64 = 1, isRecording: Bool = true) {
    pool = PoolStateMachine(configuration: configuration, generator: SeededGenerator(seed: seed))
    self.isRecording = isRecording
    hadSurge = configuration.surge > 0
    isStrict = configuration.maximumJobs == 1
  }

  /// Hands the event over and carries out the actions. In a story any violation fails the test where it happened.
  @discardableResult
  mutating func send(_ event: PoolEvent, sourceLocation: SourceLocation = #_sourceLocation) -> [PoolAction] {
    let known = violations.count
    step(event)
    for violation in violations[known...] {
      Issue.record("\(violation) after \(event)", sourceLocation: sourceLocation)
    }
    checkInvariants()
    for violation in violations[known...] {
      Issue.record("\(violation) after \(event)", sourceLocation: sourceLocation)
    }
    return actions
  }

  /// Hands the event over and carries out the actions.
  mutating func step(_ event: PoolEvent) {
    self.event = event
    isReplacing = false
    note(event)
    actions.removeAll(keepingCapacity: true)
    let wasClosed = isClosed
    let shortcut = Shortcut(event, in: pool, at: now)
    pool.handle(event, at: now, into: &actions)
    if let difference = shortcut.difference(to: pool, actions) { violate(difference) }
    for action in actions { carryOut(action, wasClosed: wasClosed) }
    checkDecisions()
    if isRecording { history += actions }
  }

  /// Gives the pool other values and carries out the actions; in a story, like `send`.
  mutating func reconfigure(
    sourceLocation: SourceLocation = #_sourceLocation, _ adjust: (inout PoolConfiguration) -> Void = { _ in }
  ) {
    let known = violations.count
    var configuration = pool.configuration
    adjust(&configuration)
    step(to: configuration)
    checkInvariants()
    for violation in violations[known...] {
      Issue.record("\(violation) after new values", sourceLocation: sourceLocation)
    }
  }

  /// Gives the pool these values and carries out the actions.
  mutating func step(to configuration: PoolConfiguration) {
    event = .recycleAll
    isReplacing = false
    actions.removeAll(keepingCapacity: true)
    let wasClosed = isClosed
    hadSurge = hadSurge || configuration.surge > 0
    isStrict = isStrict && configuration.maximumJobs == 1
    mostLoading = max(mostLoading, pool.census.loading)
    // Without surge those that reach a limit go at once, and are not counted.
    for slot in shadows.indices { shadows[slot].isBeingReplaced = pool.slots[slot].isBeingReplaced }
    pool.reconfigure(configuration, at: now, into: &actions)
    for action in actions { carryOut(action, wasClosed: wasClosed) }
    checkDecisions()
    if isRecording { history += actions }
  }

  /// Lets a lease end and go on at once, if the pool can; false when the event must be sent.
  mutating func continueLease(_ worker: WorkerID) -> Bool {
    guard pool.continueLease(worker, at: now) else { return false }
    event = .leaseReleased(worker, .healthy)
    isReplacing = false
    actions.removeAll(keepingCapacity: true)
    count(1, of: worker)
    shadows[worker.slot.index].sent = 1
    if demand < 1 { violate("goes on with \(worker), but no job waits") }
    demand -= 1
    return true
  }

  mutating func violate(_ what: String) { violations.append(what) }

  // MARK: Time

  /// Fires the timer that is due next, at its time. False when none is armed.
  mutating func fireNext() -> Bool {
    guard let (timer, deadline) = timers.next else { return false }
    now = max(now, deadline)
    timers.forget(timer)
    step(.timerFired(timer))
    return true
  }

  /// Lets time pass; timers fire when they are due.
  mutating func advance(by time: Nanoseconds) {
    let end = now + time
    while let (_, deadline) = timers.next, deadline <= end { _ = fireNext() }
    now = end
  }

  // MARK: What a legal driver knows before the pool does

  private mutating func note(_ event: PoolEvent) {
    switch event {
    case .leaseRequested(let waiter, _):
      lastWaiter = waiter.number
      pending.append(waiter)
    case .leaseWithdrawn(let waiter): answered(waiter)
    case .leaseReleased(let worker, let end):
      if isAlive(worker), shadows[worker.slot.index].leases > 0 {
        shadows[worker.slot.index].leases -= 1
        if end != .unused { count(1, of: worker) }
      }
    case .demandChanged(let count): demand = count
    case .jobsDone(let worker, let count):
      if isAlive(worker), shadows[worker.slot.index].leases > 0 { self.count(count, of: worker) }
    case .workerReady(let worker):
      if isAlive(worker), shadows[worker.slot.index].life == .starting { shadows[worker.slot.index].life = .ready }
    case .workerGone(let worker, _): forget(worker)
    case .probePassed(let worker), .probeFailed(let worker), .resetPassed(let worker), .resetFailed(let worker):
      if isAlive(worker) { shadows[worker.slot.index].check = .none }
    case .timerFired(let timer): timers.forget(timer)
    case .start, .startExtended, .workerBroken, .limitExceeded, .retirementRequested, .resized, .recycleAll, .recycle,
      .prefill, .drain, .close, .stop:
      break
    }
  }

  private mutating func count(_ jobs: Int, of worker: WorkerID) {
    shadows[worker.slot.index].jobs += jobs
    shadows[worker.slot.index].sent -= jobs
  }

  /// The driver sends the leased worker `count` more jobs.
  mutating func sendJobs(_ count: Int, to worker: WorkerID) { shadows[worker.slot.index].sent += count }

  func isAlive(_ worker: WorkerID) -> Bool {
    let slot = worker.slot.index
    return slot < shadows.count && shadows[slot].life != .none && shadows[slot].serial == worker.serial
  }

  private mutating func forget(_ worker: WorkerID) {
    guard isAlive(worker) else { return }
    shadows[worker.slot.index].life = .none
    occupied -= 1
  }

  @discardableResult
  private mutating func answered(_ waiter: WaiterID) -> Bool {
    guard let place = pending.firstIndex(of: waiter) else { return false }
    pending.remove(at: place)
    return true
  }

  // MARK: Carrying out

  private mutating func carryOut(_ action: PoolAction, wasClosed: Bool) {
    switch action {
    case .startWorker(let worker): start(worker)
    case .stopWorker(let worker, let step): stop(worker, step)
    case .abandonWorker(let worker):
      if !isAlive(worker) || shadows[worker.slot.index].life != .stopping { violate("abandons \(worker) unasked") }
      forget(worker)
    case .grantLease(let waiter, let worker): grant(waiter, worker)
    case .refuseLease(let waiter, _): if !answered(waiter) { violate("refuses \(waiter), who does not wait") }
    case .offer(let worker):
      if demand < 1 { violate("offers \(worker), but no job waits") }
      demand -= 1
      lease(worker)
    case .refuseDemand:
      if demand < 1 { violate("refuses a demand that is not there") }
      demand = 0
    case .probeWorker(let worker), .prepareWorker(let worker, _): check(worker, .probe)
    case .resetWorker(let worker): check(worker, .reset)
    case .arm(let timer, let wait):
      if wasClosed || isClosed { violate("arms \(timer) after it was closed") }
      if case .slot(_, .idle, _) = timer, pool.configuration.minimum == pool.configuration.maximum {
        violate("arms \(timer), but cannot shrink")
      }
      if let defect = timers.arm(timer, at: now + wait) { violate("arms \(timer), \(defect)") }
    case .disarm(let timer): if !timers.forget(timer) { violate("disarms \(timer), which is not armed") }
    case .report(let notice): note(notice)
    case .closed: close()
    }
  }

  private mutating func start(_ worker: WorkerID) {
    let slot = worker.slot.index
    if slot > shadows.count { violate("starts \(worker), but slots are dense") }
    while shadows.count <= slot { shadows.append(Shadow()) }
    if shadows[slot].life != .none { violate("starts \(worker) in an occupied slot") }
    if worker.serial <= lastSerial { violate("starts \(worker) with an old serial") }
    lastSerial = worker.serial
    shadows[slot] = Shadow(serial: worker.serial, life: .starting)
    occupied += 1
    if shadows.count(where: { $0.life == .starting }) > pool.configuration.maximumStarting {
      violate("starts \(worker): too many at once")
    }
    if isClosed { violate("starts \(worker) after it was closed") }
  }

  private mutating func stop(_ worker: WorkerID, _ step: Int) {
    guard isAlive(worker) else { return violate("stops \(worker), which is not there") }
    let slot = worker.slot.index
    let last = pool.configuration.stopLadder.count - 1
    if step > last || step < shadows[slot].step || (step == shadows[slot].step && step != last) {
      violate("takes step \(step) after \(shadows[slot].step) for \(worker)")
    }
    checkInterruption(worker)
    shadows[slot].life = .stopping
    shadows[slot].step = step
    shadows[slot].leases = 0
    shadows[slot].sent = 0
    shadows[slot].check = .none
  }

  private mutating func grant(_ waiter: WaiterID, _ worker: WorkerID) {
    if !answered(waiter) { violate("grants \(worker) to \(waiter), who does not wait") }
    lease(worker)
  }

  private mutating func lease(_ worker: WorkerID) {
    guard isAlive(worker) else { return violate("grants \(worker), which is not there") }
    let shadow = shadows[worker.slot.index]
    if shadow.life != .ready { violate("grants \(worker), which is not ready") }
    if shadow.isRetiring { violate("grants \(worker), which retires") }
    if shadow.check != .none { violate("grants \(worker), which is being checked") }
    if shadow.leases >= pool.configuration.capacity { violate("grants \(worker), which is full") }
    if pool.configuration.capacity == 1, pool.seatsLeft(worker) < 1, !isStopped(worker) {
      violate("grants \(worker), which may get no job")
    }
    shadows[worker.slot.index].leases += 1
    shadows[worker.slot.index].sent = 1
  }

  /// It was leased and given up by one and the same event.
  private func isStopped(_ worker: WorkerID) -> Bool {
    if case .stopping = pool.slots[worker.slot.index].state { true } else { false }
  }

  private mutating func check(_ worker: WorkerID, _ check: Shadow.Check) {
    guard isAlive(worker) else { return violate("checks \(worker), which is not there") }
    let shadow = shadows[worker.slot.index]
    if shadow.life != .ready || shadow.leases > 0 || shadow.check != .none {
      violate("checks \(worker), which is not free")
    }
    shadows[worker.slot.index].check = check
  }

  private mutating func note(_ notice: PoolNotice) {
    switch notice {
    case .retiring(let worker, let reason):
      guard isAlive(worker), !shadows[worker.slot.index].isRetiring else { return violate("retires \(worker) twice") }
      shadows[worker.slot.index].retiring = reason
      if pool.isReplacement(reason), shadows[worker.slot.index].life == .ready {
        shadows[worker.slot.index].isBeingReplaced = true
        isReplacing = true
        checkReplacement(of: worker)
      }
    case .stuck(let worker): if isAlive(worker) { shadows[worker.slot.index].isBeingReplaced = false }
    case .internalError(let what): violate("internal error: \(what)")
    case .startFailed, .breakerOpened, .breakerClosed, .leaseOverdue, .recyclingAborted: break
    }
  }

  private mutating func close() {
    if isClosed { violate("is closed twice") }
    isClosed = true
    if occupied > 0 { violate("is closed with \(occupied) workers") }
    if !pending.isEmpty { violate("is closed with \(pending.count) waiters") }
    if demand > 0 { violate("is closed with \(demand) jobs") }
    if let (timer, _) = timers.next { violate("is closed with \(timer) armed") }
  }
}
