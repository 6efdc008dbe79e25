import Time

/// Decides whether workers may be started, from the failed starts of late.
///
/// `closed` → (budget spent) → `open` → (timer) → `halfOpen` → one start tried → `closed` or `open` again.
/// It never gives up: the pool's target is an invariant, the breaker only decides how fast (roadrunner #772).
struct Breaker: Sendable {
  enum State: Equatable {
    /// Starts are allowed.
    case closed
    /// None is, until the timer of this generation fires.
    case open(generation: UInt32)
    /// One is, and decides; its worker's serial once it was started.
    case halfOpen(trial: UInt64?)
  }

  private(set) var state = State.closed
  /// What is tolerated; failures that were counted stay counted when it changes.
  var budget: RestartBudget
  private var recent: [Instant] = []
  /// Failed starts since a worker last worked, in all slots, and when the first of them was.
  private var row = 0
  private var rowBegan: Instant = .origin
  private var generation: UInt32 = 0
  /// How often it opened since a worker was last proved; the wait grows with it.
  private(set) var openings = 0

  init(budget: RestartBudget) { self.budget = budget }

  var isOpen: Bool {
    switch state {
    case .closed: false
    case .open, .halfOpen: true
    }
  }

  var allowsStart: Bool {
    switch state {
    case .closed: true
    case .open: false
    case .halfOpen(let trial): trial == nil
    }
  }

  /// A worker was started while half open: everything depends on it.
  mutating func noteStart(serial: UInt64) {
    if state == .halfOpen(trial: nil) { state = .halfOpen(trial: serial) }
  }

  /// The failures that opened it, and in what time they came.
  struct Opening {
    let failures: Int
    let period: Nanoseconds
  }

  /// Counts a failed start, the `inARow`-th in its slot. Returns what opens the breaker, if this one does.
  ///
  /// Starts that take longer to fail than the budget's period allows for would never spend it, and be tried for ever
  /// while everybody waits (supervisor #1640): as many in a row in one slot, and no worker that works, is the end, too.
  mutating func noteFailure(serial: UInt64, inARow: Int, at now: Instant, isFinal: Bool) -> Opening? {
    recent.removeAll { now - $0 > budget.period }
    recent.append(now)
    if row == 0 { rowBegan = now }
    row += 1
    switch state {
    case .open: return nil
    case .halfOpen(let trial): return trial == serial ? open(at: now) : nil
    case .closed:
      let isSpent = recent.count >= budget.failures || min(inARow, row) >= budget.failures
      return isFinal || isSpent ? open(at: now) : nil
    }
  }

  private mutating func open(at now: Instant) -> Opening {
    generation += 1
    openings += 1
    state = .open(generation: generation)
    return row > recent.count
      ? Opening(failures: row, period: now - rowBegan) : Opening(failures: recent.count, period: budget.period)
  }

  /// A worker has worked: proved, and not only for a moment.
  mutating func endRow() { row = 0 }

  var timer: TimerID? {
    if case .open(let generation) = state { return .breaker(generation: generation) }
    return nil
  }

  /// The wait is over. False for a stale timer.
  mutating func halfOpen(generation fired: UInt32) -> Bool {
    guard state == .open(generation: fired) else { return false }
    state = .halfOpen(trial: nil)
    return true
  }

  /// One start may be tried before the wait is over. Its timer is the caller's to disarm. Without effect unless it is
  /// open.
  mutating func halfOpenNow() {
    if case .open = state { state = .halfOpen(trial: nil) }
  }

  /// What failed so far is not held against what is started from now on: if it is open, one start may be tried at once,
  /// whatever becomes of the trial that is under way. Its timer is the caller's to disarm.
  mutating func forgetFailures() {
    recent.removeAll(keepingCapacity: true)
    row = 0
    openings = 0
    if isOpen { state = .halfOpen(trial: nil) }
  }

  /// The trial worker ended without telling anything (it was stopped): another start may be tried.
  mutating func trialVanished(serial: UInt64) {
    if state == .halfOpen(trial: serial) { state = .halfOpen(trial: nil) }
  }

  /// The trial worker lives on, though it has proved nothing yet. True if that closes the breaker; what failed of late
  /// still counts against the budget.
  mutating func trialSurvived(serial: UInt64) -> Bool {
    guard state == .halfOpen(trial: serial) else { return false }
    state = .closed
    return true
  }

  /// A worker has proved itself. True if that closes the breaker.
  mutating func noteSuccess() -> Bool {
    recent.removeAll(keepingCapacity: true)
    openings = 0
    guard isOpen else { return false }
    state = .closed
    return true
  }
}
