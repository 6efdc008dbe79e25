import PoolCore
import Time

/// What the core decides.
extension PoolDriver {
  /// Hands an event to the core. Its actions change the state at once; what must wait for the end of the lock becomes
  /// an effect.
  func handle(_ event: PoolEvent, _ state: inout State) {
    state.core.handle(event, at: Clock.coarse, into: &state.actions)
    for index in state.actions.indices { apply(state.actions[index], &state) }
    state.actions.removeAll(keepingCapacity: true)
    if !state.prefilling.isEmpty { finishPrefilling(&state) }
  }

  private func apply(_ action: PoolAction, _ state: inout State) {
    switch action {
    case .startWorker(let worker): make(worker, &state)
    case .stopWorker(let worker, _): dispose(worker, &state)
    case .abandonWorker(let worker): abandon(worker, &state)
    case .grantLease(let waiter, let worker): grant(waiter, worker, &state)
    case .refuseLease(let waiter, let refusal): refuse(waiter, refusal, &state)
    case .offer, .refuseDemand: break  // never asked for: each waits for itself
    case .probeWorker(let worker): begin(.validate, on: worker, &state)
    case .prepareWorker(let worker, let probesFirst): prepare(worker, validatesFirst: probesFirst, &state)
    case .resetWorker(let worker): begin(.reset, on: worker, &state)
    case .arm(let timer, let wait): arm(.core(timer), after: wait, &state)
    case .disarm(let timer): state.timers.disarm(.core(timer))
    case .report(let notice): note(notice, &state)
    case .closed: finishClosing(&state)
    }
  }

  // MARK: Objects

  private func make(_ worker: WorkerID, _ state: inout State) {
    while state.seats.count <= worker.slot.index { state.seats.append(Seat()) }
    state.seats[worker.slot.index] = Seat(record: makeRecord(for: worker), serial: worker.serial)
    begin(.make, on: worker, &state)
  }

  private func begin(_ operation: Operation, on worker: WorkerID, _ state: inout State) {
    guard let record = state.seats[worker.slot.index].record else { return }
    begin(operation, on: record, &state)
  }

  func begin(_ operation: Operation, on record: ObjectRecord, _ state: inout State) {
    record.operation = operation
    record.calls += 1
    state.effects.append(.begin(operation, call: record.calls, record))
  }

  private func prepare(_ worker: WorkerID, validatesFirst: Bool, _ state: inout State) {
    state.seats[worker.slot.index].record?.isPreparedNext = validatesFirst
    begin(validatesFirst ? .validate : .prepare, on: worker, &state)
  }

  /// The lease, if there is one, is over. A call that runs is cancelled, and waited for; so is the holder of a value
  /// that was lent.
  private func dispose(_ worker: WorkerID, _ state: inout State) {
    state.seats[worker.slot.index].lease = 0
    guard let record = state.seats[worker.slot.index].record, !record.isUnwanted else { return }
    record.isUnwanted = true
    guard record.operation != nil || record.isLent else { return begin(.dispose, on: record, &state) }
    if let cancel = record.cancel { state.effects.append(.cancel(cancel)) }
  }

  private func abandon(_ worker: WorkerID, _ state: inout State) {
    guard let record = state.seats[worker.slot.index].record else { return }
    state.seats[worker.slot.index] = Seat()
    record.isAbandoned = true
    state.statistics.abandoned += 1
    if let cancel = record.cancel { state.effects.append(.cancel(cancel)) }
    state.effects.append(.notify(.abandoned))
  }

  // MARK: Waiters

  private func grant(_ waiter: WaiterID, _ worker: WorkerID, _ state: inout State) {
    guard let waiting = state.waiting.removeValue(forKey: waiter.number) else { return }
    if waiting.hasWaited {
      state.statistics.acquiredAfterWait += 1
      state.statistics.waited += Duration(Clock.now - waiting.since)
    }
    let grant = seat(worker, waiting.place, &state)
    state.effects.append(.grant(waiting.resumption, grant))
  }

  private func refuse(_ waiter: WaiterID, _ refusal: LeaseRefusal, _ state: inout State) {
    guard let waiting = state.waiting.removeValue(forKey: waiter.number) else { return }
    let error: ObjectPoolError
    switch refusal {
    case .timedOut:
      state.statistics.timedOut += 1
      error = .timedOut(
        after: waiting.longest, leased: state.seats.count { $0.lease != 0 },
        maximum: state.statistics.maximum, creationError: state.lastCreationError)
    case .exhausted:
      state.statistics.exhausted += 1
      error = .exhausted(maximum: state.statistics.maximum)
    case .startsFail: error = creationFailure(state)
    case .closed: error = .closed
    }
    state.effects.append(.refuse(waiting.resumption, error))
  }

  /// How the last try to make an object ended. The one before goes without the lock: its deinit may be the program's.
  func remember(_ error: (any Error)?, _ state: inout State) {
    if let old = state.lastCreationError { state.effects.append(.forget(old)) }
    state.lastCreationError = error
  }

  func creationFailure(_ state: borrowing State) -> ObjectPoolError {
    // There is no failure without an error; one that was forgotten with a success since then is a timeout of old.
    .creationFailed(state.lastCreationError ?? ObjectPoolError.creationTimedOut(after: configuration.creationTimeout))
  }

  // MARK: What people should know

  private func note(_ notice: PoolNotice, _ state: inout State) {
    switch notice {
    case .startFailed(_, let failures, let wait):
      state.statistics.creationFailures += 1
      let error = state.lastCreationError ?? ObjectPoolError.creationTimedOut(after: configuration.creationTimeout)
      notify(.creationFailed(error, failures: failures, retryAfter: Duration(wait)), &state)
    case .breakerOpened(let failures, _, let wait):
      failPrefilling(creationFailure(state), &state)
      notify(.breakerOpened(failures: failures, retryAfter: Duration(wait)), &state)
    case .breakerClosed: notify(.breakerClosed, &state)
    case .leaseOverdue(let worker):
      state.statistics.overdue += 1
      let place = state.seats[worker.slot.index].acquiredAt
      notify(.leaseOverdue(acquiredAt: place, limit: configuration.leaseReportTime ?? .zero), &state)
    case .recyclingAborted: notify(.recyclingAborted, &state)
    case .retiring(let worker, let reason): noteRetirement(worker, reason, &state)
    case .stuck: break  // The abandonment follows.
    case .internalError(let what): notify(.internalError("\(what)"), &state)
    }
  }

  /// Calls that were too late have no end that could tell it.
  private func noteRetirement(_ worker: WorkerID, _ reason: RetireReason, _ state: inout State) {
    guard let operation = state.seats[worker.slot.index].record?.operation else { return }
    switch (reason, operation) {
    case (.startTimeout, _):
      remember(ObjectPoolError.creationTimedOut(after: configuration.creationTimeout), &state)
    case (.probe, .validate):
      state.statistics.validationFailures += 1
      notify(.validationFailed(nil), &state)
    case (.probe, .prepare):
      state.statistics.preparationFailures += 1
      remember(ObjectPoolError.preparationTimedOut(after: configuration.validationTimeout), &state)
      notify(.preparationFailed(nil), &state)
    case (.reset, .reset):
      state.statistics.resetFailures += 1
      notify(.resetFailed(nil), &state)
    default: break
    }
  }

  func notify(_ notice: ObjectPoolNotice, _ state: inout State) {
    if configuration.onNotice != nil { state.effects.append(.notify(notice)) }
  }
}
