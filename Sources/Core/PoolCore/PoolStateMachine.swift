import Time

/// The pool as a pure state machine: events in, actions out. No I/O, no clock, no chance of its own.
///
/// It decides which worker serves which waiter, when workers start, are probed, reset, retired and stopped, and how
/// fast failed starts are tried again. It does not know what a worker is: one driver runs processes, another any
/// object.
///
/// The number of workers is never kept in tokens that could be lost or doubled: `reconcile` compares what is alive
/// with what is wanted after every event that could change either (cpython #115634).
///
/// It is a large value: a function that reads it and is called from one that changes it gets a copy of the whole,
/// unless it is inlined. So what is read on the way of each job is `@inline(__always)`.
public struct PoolStateMachine: Sendable {
  /// The life of the pool as a whole.
  enum Phase: Sendable {
    case new, open, draining, stopping, closed
  }

  var configuration: PoolConfiguration
  var generator: SeededGenerator
  var phase = Phase.new
  var slots: [Slot] = []
  var available: AvailableSlots
  var waiters = WaiterQueue()
  /// Jobs that wait for a worker, without identifiers, and for which none was offered yet.
  public internal(set) var demand = 0
  /// No demand is accepted any more.
  var isClosing = false
  var breaker: Breaker
  var lastSerial: UInt64 = 0
  var lastWaiter: WaiterID?
  var timerGeneration: UInt32 = 0
  var hasProvedOnce = false
  /// The serial below which workers are being replaced by `recycleAll`; 0 when no roll is under way.
  var rollBefore: UInt64 = 0
  /// A replacement of this roll has done a job or settled.
  var rollIsTrusted = false
  /// How many slots are in each group; kept by `amend` and `setState`.
  var census = Census()
  /// No slot below this one is empty.
  var lowestEmpty = 0
  /// How many workers may be loading for growth at the same moment; the rule stands with the sizing.
  var growth = 1
  /// Workers to be started whatever the demand, until this many serve; 0 when they do.
  var prefilling = 0
  /// The pool can shrink, and each idle worker has its timer.
  var watchesIdle = false
  /// How long a start takes of late; zero while that is not known.
  var typicalStart: Nanoseconds = .zero
  /// How long a probe or reset takes of late until the worker can be leased, in the same way.
  var typicalCheck: Nanoseconds = .zero
  /// Workers that are coming back to the waiters, by the last look.
  var comingBack = 0
  /// When the demand is looked at again, and the timer for that.
  var nextReview: (deadline: Instant, generation: UInt32)?
  /// When a start last failed, or was tried for waiters.
  var lastTry: Instant = .origin
  /// The breaker has opened, and the waiters are refused as soon as no worker is left.
  var refusesAtOpening = false

  /// No lease needs a timer or a reset behind it, so that `leaseAtOnce` can succeed.
  public internal(set) var hasShortcut: Bool
  /// A worker may do several jobs in one lease: nothing has to happen between a lease and the next one.
  var allowsManyJobs: Bool

  /// Impossible events seen so far: each is a defect of the driver or of the pool, and was reported.
  public internal(set) var internalErrors = 0

  /// A pool that does nothing until `.start`. The configuration must have no `defect`.
  public init(configuration: PoolConfiguration, generator: SeededGenerator) {
    precondition(configuration.defect == nil, configuration.defect ?? "")
    self.configuration = configuration
    self.generator = generator
    available = AvailableSlots(capacity: configuration.capacity)
    breaker = Breaker(budget: configuration.restartBudget)
    hasShortcut = Self.hasShortcut(configuration)
    allowsManyJobs = Self.allowsManyJobs(configuration)
  }

  static func hasShortcut(_ configuration: PoolConfiguration) -> Bool {
    configuration.capacity == 1 && configuration.leaseReportLimit == .zero && configuration.probeInterval == .zero
      && !configuration.resetsAfterLease && !configuration.probesAfterLease
  }

  /// The one entry. `now` is of any clock that never goes back; actions are appended.
  public mutating func handle(_ event: PoolEvent, at now: Instant, into actions: inout [PoolAction]) {
    switch event {
    case .start: start(at: now, into: &actions)
    case .leaseRequested(let waiter, let limit): requestLease(waiter, limit, at: now, into: &actions)
    case .leaseWithdrawn(let waiter): withdrawLease(waiter, at: now, into: &actions)
    case .leaseReleased(let worker, let end): releaseLease(worker, end, at: now, into: &actions)
    case .demandChanged(let count): setDemand(count, at: now, into: &actions)
    case .jobsDone(let worker, let count): jobsDone(worker, count, at: now, into: &actions)
    case .startExtended(let worker, let time): extendStart(worker, by: time, at: now, into: &actions)
    case .workerReady(let worker): workerReady(worker, at: now, into: &actions)
    case .workerGone(let worker, let cause): workerGone(worker, cause, at: now, into: &actions)
    case .workerBroken(let worker, let jobUntouched, let interrupted):
      workerBroken(worker, jobUntouched, interrupted, at: now, into: &actions)
    case .limitExceeded(let worker, let reason): limitExceeded(worker, reason, at: now, into: &actions)
    case .retirementRequested(let worker): retirementRequested(worker, at: now, into: &actions)
    case .probePassed(let worker): probePassed(worker, at: now, into: &actions)
    case .probeFailed(let worker): probeFailed(worker, at: now, into: &actions)
    case .resetPassed(let worker): resetPassed(worker, at: now, into: &actions)
    case .resetFailed(let worker): resetFailed(worker, at: now, into: &actions)
    case .timerFired(let timer): timerFired(timer, at: now, into: &actions)
    case .resized(let minimum, let maximum): resize(minimum, maximum, at: now, into: &actions)
    case .recycleAll: recycleAll(at: now, into: &actions)
    case .recycle(let worker): recycle(worker, at: now, into: &actions)
    case .prefill(let count): prefill(count, at: now, into: &actions)
    case .drain: drain(at: now, into: &actions)
    case .close: close(at: now, into: &actions)
    case .stop(let urgency): stop(urgency, into: &actions)
    }
  }

  private mutating func start(at now: Instant, into actions: inout [PoolAction]) {
    guard phase == .new else { return impossible(.badLifecycle, into: &actions) }
    phase = .open
    reconcile(at: now, into: &actions)
  }

  private mutating func timerFired(_ timer: TimerID, at now: Instant, into actions: inout [PoolAction]) {
    switch timer {
    case .slot(let slot, let kind, let generation):
      guard slot.index < slots.count, slots[slot.index].armed[kind.rawValue] == generation, generation != 0 else {
        return
      }
      slots[slot.index].armed[kind.rawValue] = 0
      slotTimerFired(slot.index, kind, at: now, into: &actions)
    case .waiter(let waiter): waitedTooLong(waiter, at: now, into: &actions)
    case .breaker(let generation):
      guard breaker.halfOpen(generation: generation) else { return }
      refusesAtOpening = false
      reconcile(at: now, into: &actions)
    case .review(let generation):
      guard nextReview?.generation == generation else { return }
      nextReview = nil
      reconcile(at: now, into: &actions)
    }
  }

  private mutating func slotTimerFired(
    _ slot: Int, _ kind: SlotTimer, at now: Instant, into actions: inout [PoolAction]
  ) {
    switch kind {
    case .start: startTimedOut(slot, at: now, into: &actions)
    case .backoff: backoffEnded(slot, at: now, into: &actions)
    case .probe: checkEndedBadly(slot, .probe, at: now, into: &actions)
    case .reset: checkEndedBadly(slot, .reset, at: now, into: &actions)
    case .stop: stopTimedOut(slot, at: now, into: &actions)
    case .lease: actions.append(.report(.leaseOverdue(worker(in: slot))))
    case .idle: idleTooLong(slot, at: now, into: &actions)
    case .probeInterval: beginProbe(slot, for: nil, at: now, into: &actions)
    case .age:
      // An age limit may be shorter than the settle time: nobody has to live longer than they may.
      settled(slot, at: now, into: &actions)
      limitReached(slot, .age, at: now, into: &actions)
    case .settle: settled(slot, at: now, into: &actions)
    }
  }
}

// MARK: - What every part needs

extension PoolStateMachine {
  @inline(__always)
  func worker(in slot: Int) -> WorkerID { WorkerID(slot: SlotID(slot), serial: slots[slot].serial) }

  /// The slot of a worker that is still there; nil for late news about one that is not.
  @inline(__always)
  func slot(of worker: WorkerID) -> Int? {
    let slot = worker.slot.index
    guard slot < slots.count, slots[slot].serial == worker.serial else { return nil }
    switch slots[slot].state {
    case .empty, .backingOff: return nil
    case .starting, .idle, .probing, .leased, .resetting, .stopping: return slot
    }
  }

  /// Changes what the census counts of a slot. The only way to do so, besides `setState`.
  mutating func amend(_ slot: Int, _ change: (inout Slot) -> Void) {
    census.remove(slots[slot])
    change(&slots[slot])
    census.add(slots[slot])
  }

  /// The only place where a state changes. Timers that belong to the old state alone are disarmed.
  mutating func setState(_ slot: Int, _ state: SlotState, into actions: inout [PoolAction]) {
    let old = slots[slot].state
    switch old {
    case .empty: break
    case .backingOff: disarm(slot, .backoff, into: &actions)
    case .starting: disarm(slot, .start, into: &actions)
    case .idle: disarm(slot, .probeInterval, into: &actions)
    case .probing: disarm(slot, .probe, into: &actions)
    case .leased: disarm(slot, .lease, into: &actions)
    case .resetting: disarm(slot, .reset, into: &actions)
    case .stopping: disarm(slot, .stop, into: &actions)
    }
    // Every job comes this way twice: between these states only the numbers of busy and preparing ones can change.
    guard old.isUp, state.isUp else { return amend(slot) { $0.state = state } }
    census.preparing += (state.isForDemand ? 1 : 0) - (old.isForDemand ? 1 : 0)
    if slots[slot].retiring == nil { census.busy += (state.isBusy ? 1 : 0) - (old.isBusy ? 1 : 0) }
    slots[slot].state = state
  }

  mutating func setEmpty(_ slot: Int, into actions: inout [PoolAction]) {
    setState(slot, .empty, into: &actions)
    lowestEmpty = min(lowestEmpty, slot)
  }

  /// Marks the worker: no further lease. What it was being prepared for needs another worker, so `dispatch` must
  /// follow.
  mutating func setRetiring(_ slot: Int, _ reason: RetireReason, into actions: inout [PoolAction]) {
    guard slots[slot].retiring == nil else { return }
    available.remove(slot, from: &slots)
    takeBackClaim(of: slot)
    amend(slot) {
      $0.overdue = nil
      $0.retiring = reason
    }
    actions.append(.report(.retiring(worker(in: slot), reason)))
  }

  mutating func arm(_ slot: Int, _ kind: SlotTimer, after wait: Nanoseconds, into actions: inout [PoolAction]) {
    disarm(slot, kind, into: &actions)
    let generation = nextTimerGeneration()
    slots[slot].armed[kind.rawValue] = generation
    actions.append(.arm(.slot(SlotID(slot), kind, generation: generation), after: wait))
  }

  mutating func nextTimerGeneration() -> UInt32 {
    timerGeneration = timerGeneration == .max ? 1 : timerGeneration + 1
    return timerGeneration
  }

  mutating func disarm(_ slot: Int, _ kind: SlotTimer, into actions: inout [PoolAction]) {
    let generation = slots[slot].forgetTimer(kind)
    guard generation != 0 else { return }
    actions.append(.disarm(.slot(SlotID(slot), kind, generation: generation)))
  }

  /// Disarms the timers that run as long as the worker is up, whatever it does.
  mutating func disarmLife(_ slot: Int, into actions: inout [PoolAction]) {
    disarm(slot, .age, into: &actions)
    disarm(slot, .settle, into: &actions)
    disarm(slot, .idle, into: &actions)
  }

  mutating func impossible(_ what: ImpossibleEvent, into actions: inout [PoolAction]) {
    internalErrors += 1
    actions.append(.report(.internalError(what)))
  }
}
