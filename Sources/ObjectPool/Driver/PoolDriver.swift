import PoolCore
import Synchronization
import Time
import Timers

/// Carries out what the core decides, for objects of any kind: it keeps the objects, the waiters and the timers behind
/// one lock. It does not know what an object is, and it calls nobody while it holds the lock.
@usableFromInline final class PoolDriver: Sendable {
  /// What must be done when the lock is given up.
  enum Effect {
    case grant(Resumption<Grant>, Grant)
    case refuse(Resumption<Grant>, any Error)
    case finish(Resumption<Void>, Result<Void, any Error>)
    case begin(Operation, call: Int, ObjectRecord)
    case cancel(@Sendable () -> Void)
    case notify(ObjectPoolNotice)
    case setAlarm(Instant)
    case forget(any Error)
  }

  /// Effects in their order. Nearly every event has none or one, which needs no array of its own.
  enum Effects {
    case none
    case one(Effect)
    case many([Effect])
  }

  /// An object, and the lease of it.
  @usableFromInline struct Grant: Sendable {
    @usableFromInline let record: ObjectRecord
    @usableFromInline let token: LeaseToken
  }

  /// What is known of a slot of the core.
  struct Seat {
    var record: ObjectRecord?
    /// The serial of its worker.
    var serial: UInt64 = 0
    /// The lease of it; 0 for none.
    var lease: UInt64 = 0
    var acquiredAt = SourcePlace(file: "", line: 0)
  }

  /// A waiter for a lease.
  struct Waiting {
    let resumption: Resumption<Grant>
    let place: SourcePlace
    let limit: WaitLimit
    let since: Instant
    /// It was not answered at once.
    var hasWaited = false

    /// As long as it wants to wait.
    var longest: Duration {
      switch limit {
      case .within(let time): Duration(time)
      case .unlessExhausted: .zero
      case .forever: .nanoseconds(Int64.max)
      }
    }
  }

  /// A caller that waits until `count` objects are there.
  struct Prefilling {
    let resumption: Resumption<Void>
    let ticket: WaitTicket
    let count: Int
  }

  enum Timer: TimerKey {
    case core(TimerID)
    /// Leases are waited for no longer.
    case closing
  }

  struct State {
    var core: PoolStateMachine
    var actions: [PoolAction] = []
    var effects: [Effect] = []
    var timers = TimerQueue<Timer>()
    /// When the alarm clock will ring; nil for never.
    var alarm: Instant?
    var seats: [Seat] = []
    var waiting: [UInt64: Waiting] = [:]
    var lastWaiter: UInt64 = 0
    var lastLease: UInt64 = 0
    var prefilling: [Prefilling] = []
    var closing: [Resumption<Void>] = []
    /// When leases are waited for no longer: the earliest deadline of all callers.
    var closingDeadline = Instant.distantFuture
    var isClosed = false
    var lastCreationError: (any Error)?
    var statistics = ObjectPoolStatistics()

    /// The effects so far, for the thread that releases the lock.
    mutating func takeEffects() -> Effects {
      switch effects.count {
      case 0: return .none
      case 1: return .one(effects.removeLast())
      default:
        defer { effects.removeAll() }
        return .many(effects)
      }
    }
  }

  private static let lastID = Atomic<UInt64>(0)

  let id = PoolDriver.lastID.add(1, ordering: .relaxed).newValue
  let configuration: ObjectPoolConfiguration
  /// Objects are prepared before each lease: not to be made, but to be prepared shows that they work.
  let prepares: Bool
  /// Leases can be had without an event.
  let leasesAtOnce: Bool
  let locked: Locked<State>
  private let runner: any OperationRunner

  init(
    _ configuration: ObjectPoolConfiguration, validates: Bool, prepares: Bool = false, resets: Bool,
    seed: UInt64 = .random(in: 0 ... .max), runner: any OperationRunner
  ) {
    // A precondition's message is not printed in release builds, and sizes often come from outside of the program.
    if let defect = configuration.defect { fatalError("ObjectPoolConfiguration: \(defect)") }
    self.configuration = configuration
    self.prepares = prepares
    self.runner = runner
    var state = State(
      core: PoolStateMachine(
        configuration: configuration.core(validates: validates, prepares: prepares, resets: resets),
        generator: SeededGenerator(seed: seed)))
    state.statistics.minimum = configuration.minimum
    state.statistics.maximum = configuration.maximum
    leasesAtOnce = state.core.hasShortcut
    locked = Locked(state)
  }

  /// Hands an event to the core, and carries out what it decides.
  func send(_ event: PoolEvent) {
    perform { state in handle(event, &state) }
  }

  /// Changes the state under the lock; what follows from it is carried out without.
  func perform(_ change: (inout State) -> Void) {
    carryOut(
      locked.withLock { state in
        change(&state)
        return state.takeEffects()
      })
  }

  func carryOut(_ effects: Effects) {
    switch effects {
    case .none: break
    case .one(let effect): carryOut(effect)
    case .many(let effects): for effect in effects { carryOut(effect) }
    }
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .grant(let resumption, let grant): resumption.resume(.success(grant))
    case .refuse(let resumption, let error): resumption.resume(.failure(error))
    case .finish(let resumption, let result): resumption.resume(result)
    case .begin(let operation, let call, let record): runner.begin(operation, call: call, on: record, for: self)
    case .cancel(let cancel): cancel()
    case .notify(let notice): configuration.onNotice?(notice)
    case .setAlarm(let deadline):
      // Without an alarm there are no timeouts for now; the next timer tries again.
      if !AlarmClock.shared.set(self, at: deadline) { locked.withLock { $0.alarm = nil } }
    case .forget: break  // It is gone with the list of effects.
    }
  }

  /// The alarm clock has rung, perhaps for a timer that is gone.
  func timersAreDue() {
    perform { state in
      state.alarm = nil
      let now = Clock.now
      while let timer = state.timers.popExpired(at: now) {
        switch timer {
        case .core(let timer): handle(.timerFired(timer), &state)
        case .closing: handle(.stop(.graceful), &state)
        }
      }
      if let next = state.timers.earliest { setAlarm(next, &state) }
    }
  }

  func arm(_ timer: Timer, after wait: Nanoseconds, _ state: inout State) {
    let deadline = Clock.now + wait
    state.timers.arm(timer, at: deadline)
    setAlarm(deadline, &state)
  }

  /// Most timers are disarmed long before they are due. Their alarm stays: to let it ring once for nothing costs less
  /// than to move it with each timer.
  private func setAlarm(_ deadline: Instant, _ state: inout State) {
    guard deadline < state.alarm ?? .distantFuture else { return }
    state.alarm = deadline
    state.effects.append(.setAlarm(deadline))
  }

  func makeRecord(for worker: WorkerID) -> ObjectRecord { runner.makeRecord(for: worker) }
}
