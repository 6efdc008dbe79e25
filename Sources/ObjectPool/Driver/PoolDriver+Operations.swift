import PoolCore

/// Calls of the factory, from when they run until they have come back.
extension PoolDriver {
  /// The call of this number can be cancelled this way, as long as it runs.
  func call(_ call: Int, on record: ObjectRecord, canBeCancelledBy cancel: @escaping @Sendable () -> Void) {
    perform { state in
      // It may have ended, be followed by another, or have become unwanted, before its beginner came to say this.
      guard record.calls == call, let operation = record.operation else { return }
      record.cancel = cancel
      if record.isUnwanted, operation != .dispose { state.effects.append(.cancel(cancel)) }
    }
  }

  /// The call has come back.
  func operationEnded(_ operation: Operation, on record: ObjectRecord, _ result: OperationResult) {
    perform { state in
      record.operation = nil
      record.cancel = nil
      if operation == .make, case .passed = result { state.statistics.created += 1 }
      if operation == .dispose { return disposed(record, result, &state) }
      guard record.isUnwanted else { return tellCore(operation, record, result, &state) }
      if operation == .make, case .failed = result { return gone(record, &state) }
      begin(.dispose, on: record, &state)
    }
  }

  private func tellCore(
    _ operation: Operation, _ record: ObjectRecord, _ result: OperationResult, _ state: inout State
  ) {
    switch (operation, result) {
    case (.make, .passed):
      if !prepares { remember(nil, &state) }
      handle(.workerReady(record.worker), &state)
    case (.make, .failed(let error)):
      remember(error, &state)
      state.seats[record.worker.slot.index] = Seat()
      handle(.workerGone(record.worker, .failedStart), &state)
    case (.validate, .passed) where record.isPreparedNext:
      record.isPreparedNext = false
      begin(.prepare, on: record, &state)
    case (.prepare, .passed):
      remember(nil, &state)
      handle(.probePassed(record.worker), &state)
    case (.prepare, .failed(let error)):
      state.statistics.preparationFailures += 1
      remember(error, &state)
      notify(.preparationFailed(error), &state)
      handle(.probeFailed(record.worker), &state)
    case (.validate, .passed): handle(.probePassed(record.worker), &state)
    case (.validate, .failed(let error)):
      state.statistics.validationFailures += 1
      notify(.validationFailed(error), &state)
      handle(.probeFailed(record.worker), &state)
    case (.reset, .passed): handle(.resetPassed(record.worker), &state)
    case (.reset, .failed(let error)):
      state.statistics.resetFailures += 1
      notify(.resetFailed(error), &state)
      handle(.resetFailed(record.worker), &state)
    case (.dispose, _): break  // Handled by itself.
    }
  }

  private func disposed(_ record: ObjectRecord, _ result: OperationResult, _ state: inout State) {
    state.statistics.disposed += 1
    if case .failed(let error?) = result { notify(.disposalFailed(error), &state) }
    gone(record, &state)
  }

  private func gone(_ record: ObjectRecord, _ state: inout State) {
    guard !record.isAbandoned else { return }
    state.seats[record.worker.slot.index] = Seat()
    handle(.workerGone(record.worker, .stopped), &state)
  }
}
