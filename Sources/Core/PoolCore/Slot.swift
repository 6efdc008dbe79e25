import Time

/// What a free worker is handed to.
enum Claim: Equatable, Sendable {
  case waiter(Waiter)
  /// One job of the demand, whichever it will be.
  case demand
}

/// What a slot is doing. Every state but `empty`, `idle` and `leased` has a deadline of the pool's own, so that nothing
/// is stuck for ever (roadrunner #1669); a lease's deadline is its holder's business.
enum SlotState: Equatable, Sendable {
  /// Nobody lives here. → `starting`.
  case empty
  /// A start failed; the next one waits. Deadline `.backoff` → `empty`.
  case backingOff
  /// A worker was started. `workerReady` → `idle`; `workerGone` → `backingOff`; deadline `.start` → `stopping`.
  case starting
  /// Ready, holds no lease. → `leased`, `probing`, `stopping`; `workerGone` → `empty` or `backingOff`.
  case idle
  /// Being checked; then the claim gets it, if there is one. `probePassed` → `idle` or `leased`;
  /// `probeFailed` or deadline `.probe` → `stopping`, and a waiter goes back to the front of the queue.
  case probing(Claim?)
  /// Holds 1...capacity leases. Last `leaseReleased` → `idle`, `resetting` or `stopping`; `workerGone` → `empty`.
  case leased
  /// Forgetting its last job; then the claim gets it, if there is one. `resetPassed` → `idle`, `probing` or `leased`;
  /// `resetFailed` or deadline `.reset` → `stopping`, and a waiter goes back to the front of the queue.
  case resetting(Claim?)
  /// On the given step of the stop ladder; one beyond the last when all were taken and the last is repeated.
  /// Deadline `.stop` → the next step; `workerGone` → `empty` or `backingOff`.
  case stopping(step: Int)

  /// What the worker is being probed or reset for.
  var claim: Claim? {
    switch self {
    case .probing(let claim), .resetting(let claim): claim
    case .empty, .backingOff, .starting, .idle, .leased, .stopping: nil
    }
  }

  /// The waiter for which the worker is being probed or reset.
  var waiter: Waiter? {
    switch claim {
    case .waiter(let waiter): waiter
    case .demand, nil: nil
    }
  }

  /// True while the worker is being probed or reset for the demand.
  var isForDemand: Bool {
    switch self {
    case .probing(.demand), .resetting(.demand): true
    case .probing, .resetting, .empty, .backingOff, .starting, .idle, .leased, .stopping: false
    }
  }

  /// The same state with nobody waiting for its end.
  var withoutClaim: SlotState {
    switch self {
    case .probing: .probing(nil)
    case .resetting: .resetting(nil)
    case .empty, .backingOff, .starting, .idle, .leased, .stopping: self
    }
  }

  /// True in the states of a worker that was ready and is not on the stop ladder; in some of them it is busy.
  var isUp: Bool {
    switch self {
    case .idle, .probing, .leased, .resetting: true
    case .empty, .backingOff, .starting, .stopping: false
    }
  }

  /// True for a worker with a lease, or on the way to or from one.
  var isBusy: Bool {
    switch self {
    case .probing, .leased, .resetting: true
    case .empty, .backingOff, .starting, .idle, .stopping: false
    }
  }
}

/// One slot: its state, the worker in it, and that worker's account.
struct Slot: Sendable {
  var state = SlotState.empty
  /// The worker's serial; 0 before the first start.
  var serial: UInt64 = 0
  /// Leases held now.
  var leases = 0
  /// Jobs done by this worker.
  var jobs = 0
  /// Jobs after which this worker retires; 0 for never.
  var jobLimit = 0
  /// Set when the worker gets no further lease and stops as soon as it is free.
  var retiring: RetireReason?
  /// Set when the worker is to be replaced, and serves (or goes on starting) until that can be done.
  var overdue: RetireReason?
  /// Set when the worker went because its replacement was there; counts against the surge until it is gone.
  var isBeingReplaced = false
  /// It was started because others were waiting, above the minimum.
  var isForGrowth = false
  /// The worker has shown that it works.
  var isProved = false
  /// The worker did a job, or lived for the settle time.
  var hasSettled = false
  /// Set when this start is known to have failed while the worker still lives.
  var startHasFailed = false
  /// Failed starts in a row, over successive workers.
  var failures = 0
  /// When the worker was started.
  var startedAt: Instant = .origin
  /// It took a job the moment it was merely taken to be ready, so that its first reply tells how long its start took.
  var tookJobAtOnce = false
  /// Since when the time of its jobs is known: ready if that was proof, else its first job done.
  var pacedSince: Instant = .origin
  /// When the worker was ready, last used, or last found healthy.
  var lastUsed: Instant = .origin
  /// It had a lease since it was last found healthy.
  var isUnchecked = false
  /// It did a job since it was last reset.
  var isDirty = false
  /// It did a job in this lease, which went on.
  var hasServedInLease = false
  /// When the probe or the reset that it is in began, or the first of several in a row.
  var checkBegan: Instant = .origin
  /// When the worker became idle; a probe does not count.
  var idleSince: Instant = .origin
  /// The armed generation of each timer; 0 when not armed.
  var armed = InlineArray<10, UInt32>(repeating: 0)
  /// Neighbours in the list of available slots; -1 for none.
  var previous: Int32 = -1
  var next: Int32 = -1
  var isListed = false

  /// True for a worker that serves or will serve the pool's clients: neither on its way in nor out.
  var isServing: Bool {
    switch state {
    case .idle, .probing, .leased, .resetting: retiring == nil
    case .empty, .backingOff, .starting, .stopping: false
    }
  }

  /// True for a worker that was started and may still be busy with its start: it has neither proved itself nor settled.
  var isLoading: Bool {
    switch state {
    case .starting, .idle, .probing, .leased, .resetting: !isProved && !hasSettled
    case .empty, .backingOff, .stopping: false
    }
  }

  /// The generation of the timer if it was armed, else 0. It is not armed any more. (To read `armed` copies the slot.)
  @inline(__always)
  mutating func forgetTimer(_ kind: SlotTimer) -> UInt32 {
    let generation = armed[kind.rawValue]
    armed[kind.rawValue] = 0
    return generation
  }

  /// The worker has done `count` jobs.
  @inline(__always)
  mutating func recordJobs(_ count: Int, at now: Instant) {
    jobs += count
    lastUsed = now
    isUnchecked = true
    isDirty = true
  }
}
