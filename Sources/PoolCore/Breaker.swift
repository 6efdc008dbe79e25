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
  private let budget: RestartBudget
  private var recent: [UInt64] = []
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

  /// Counts a failed start. Returns the number of failures within the period if this one opens the breaker.
  mutating func noteFailure(serial: UInt64, at now: UInt64, isFinal: Bool) -> Int? {
    recent.removeAll { now &- $0 > budget.period }
    recent.append(now)
    switch state {
    case .open: return nil
    case .halfOpen(let trial): return trial == serial ? open() : nil
    case .closed: return isFinal || recent.count >= budget.failures ? open() : nil
    }
  }

  private mutating func open() -> Int {
    generation += 1
    openings += 1
    state = .open(generation: generation)
    return recent.count
  }

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
