import PoolCore
import Synchronization
import Timers

/// Carries out what the core decides, for objects of any kind: it keeps the objects, those who wait and the timers behind
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
    case setAlarm(UInt64)
    case forget(any Error)
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

  /// One who waits for a lease.
  struct Waiting {
    let resumption: Resumption<Grant>
    let place: SourcePlace
    let since: UInt64
    let limit: WaitLimit
  }

  /// One who waits until so many objects are there.
  struct Prefilling {
    let resumption: Resumption<Void>
    let ticket: WaitTicket
    let count: Int
  }

  enum Timer: Hashable {
    case core(TimerID)
    /// Leases are waited for no longer.
    case closing
  }

  struct State {
    var core: PoolStateMachine
    var actions: [PoolAction] = []
    var effects: [Effect] = []
    var timers = TimerQueue<Timer>()
    var seats: [Seat] = []
    var waiting: [UInt64: Waiting] = [:]
    var lastWaiter: UInt64 = 0
    var lastLease: UInt64 = 0
    var prefilling: [Prefilling] = []
    var closing: [Resumption<Void>] = []
    /// When leases are waited for no longer, by whoever wants to wait least.
    var closingDeadline = UInt64.max
    var isClosed = false
    var lastCreationError: (any Error)?
    var statistics = ObjectPoolStatistics()
  }

  private static let lastID = Atomic<UInt64>(0)

  let id = PoolDriver.lastID.add(1, ordering: .relaxed).newValue
  let configuration: ObjectPoolConfiguration
  let locked: Locked<State>
  private let runner: any OperationRunner

  init(
    _ configuration: ObjectPoolConfiguration, validates: Bool, resets: Bool, runner: any OperationRunner
  ) {
    // A precondition's message is not printed in release builds, and sizes often come from outside of the program.
    if let defect = configuration.defect { fatalError("ObjectPoolConfiguration: \(defect)") }
    self.configuration = configuration
    self.runner = runner
    var state = State(
      core: PoolStateMachine(
        configuration: configuration.core(validates: validates, resets: resets),
        generator: SeededGenerator(seed: .random(in: 0 ... .max))))
    state.statistics.minimum = configuration.minimum
    state.statistics.maximum = configuration.maximum
    locked = Locked(state)
  }

  /// Tells the core, and carries out what it decides.
  func send(_ event: PoolEvent) {
    perform { state in handle(event, &state) }
  }

  /// Changes the state under the lock; what follows from it is carried out without.
  func perform(_ change: (inout State) -> Void) {
    let effects = locked.withLock { state -> [Effect] in
      change(&state)
      defer { state.effects.removeAll() }
      return state.effects
    }
    for effect in effects { carryOut(effect) }
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .grant(let resumption, let grant): resumption.resume(.success(grant))
    case .refuse(let resumption, let error): resumption.resume(.failure(error))
    case .finish(let resumption, let result): resumption.resume(result)
    case .begin(let operation, let call, let record): runner.begin(operation, call: call, on: record, for: self)
    case .cancel(let cancel): cancel()
    case .notify(let notice): configuration.onNotice?(notice)
    case .setAlarm(let deadline): AlarmClock.shared.set(self, at: deadline)
    case .forget: break  // It is gone with the list of effects.
    }
  }

  /// The alarm clock has rung.
  func timersAreDue() {
    perform { state in
      let now = Clock.now
      while let timer = state.timers.popExpired(at: now) {
        switch timer {
        case .core(let timer): handle(.timerFired(timer), &state)
        case .closing: handle(.stop(.graceful), &state)
        }
      }
      if let next = state.timers.earliest { state.effects.append(.setAlarm(next)) }
    }
  }

  func arm(_ timer: Timer, after wait: UInt64, _ state: inout State) {
    let deadline = Clock.now + wait
    let isFirst = state.timers.earliest.map { deadline < $0 } ?? true
    state.timers.arm(timer, at: deadline)
    if isFirst { state.effects.append(.setAlarm(deadline)) }
  }

  func makeRecord(for worker: WorkerID) -> ObjectRecord { runner.makeRecord(for: worker) }
}
