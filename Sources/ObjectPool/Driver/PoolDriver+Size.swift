import PoolCore
import Time

/// How many objects there are, and the end of all.
extension PoolDriver {
  /// A copy of the figures.
  var statistics: ObjectPoolStatistics {
    locked.withLock { state in
      var statistics = state.statistics
      let snapshot = state.core.snapshot
      for slot in snapshot.slots {
        switch slot.state {
        case .empty, .backingOff: break
        case .starting: statistics.creating += 1
        case .idle: statistics.idle += 1
        case .leased: statistics.leased += 1
        case .probing, .resetting: statistics.checking += 1
        case .stopping: statistics.disposing += 1
        }
      }
      statistics.waiting = state.waiting.count
      statistics.isBreakerOpen = snapshot.isBreakerOpen
      return statistics
    }
  }

  func resize(minimum: Int, maximum: Int) {
    guard maximum >= 1, (0...maximum).contains(minimum) else {
      fatalError(
        "a pool of \(minimum) to \(maximum) objects: the maximum must be at least 1, the minimum 0 to the maximum")
    }
    perform { state in
      state.statistics.minimum = minimum
      state.statistics.maximum = maximum
      handle(.resized(minimum: minimum, maximum: maximum), &state)
    }
  }

  // MARK: Prefill

  /// Makes objects until `count` are there; nil for as many as the pool may keep.
  func prefill(_ count: Int?, _ ticket: WaitTicket, _ resumption: Resumption<Void>) {
    if let count, count < 0 { fatalError("prefill of \(count) objects: must not be negative") }
    perform { state in
      guard !state.isClosed, state.closing.isEmpty else {
        return state.effects.append(.finish(resumption, .failure(ObjectPoolError.closed)))
      }
      guard !ticket.isWithdrawn else {
        return state.effects.append(.finish(resumption, .failure(CancellationError())))
      }
      let kept = max(state.statistics.minimum, configuration.maximumIdle)
      let wanted = min(count ?? (kept == .max && state.statistics.maximum == .max ? 0 : kept), state.statistics.maximum)
      state.prefilling.append(Prefilling(resumption: resumption, ticket: ticket, count: wanted))
      handle(.prefill(wanted), &state)
    }
  }

  /// The task that waits for a prefill was cancelled. What was begun for it goes on.
  func withdrawPrefill(_ ticket: WaitTicket) {
    perform { state in
      ticket.isWithdrawn = true
      guard let index = state.prefilling.firstIndex(where: { $0.ticket === ticket }) else { return }
      let prefilling = state.prefilling.remove(at: index)
      state.effects.append(.finish(prefilling.resumption, .failure(CancellationError())))
    }
  }

  func finishPrefilling(_ state: inout State) {
    // Those of a pool that has prefilled are answered even if some of what was made has been retired in the same
    // moment.
    let serving = state.core.isPrefilling ? state.core.serving : .max
    let maximum = state.statistics.maximum
    for prefilling in state.prefilling where serving >= min(prefilling.count, maximum) {
      state.effects.append(.finish(prefilling.resumption, .success(())))
    }
    state.prefilling.removeAll { serving >= min($0.count, maximum) }
  }

  func failPrefilling(_ error: ObjectPoolError, _ state: inout State) {
    for prefilling in state.prefilling {
      state.effects.append(.finish(prefilling.resumption, .failure(error)))
    }
    state.prefilling.removeAll()
  }

  // MARK: The end

  /// Sends `event`, which ends the pool, waits for leases no longer than `time`, and reports when all objects are gone.
  func end(by event: PoolEvent, within time: Duration?, _ resumption: Resumption<Void>) {
    perform { state in
      guard !state.isClosed else { return state.effects.append(.finish(resumption, .success(()))) }
      state.closing.append(resumption)
      failPrefilling(.closed, &state)
      if let time, Clock.now + time.nanoseconds < state.closingDeadline {
        state.closingDeadline = Clock.now + time.nanoseconds
        arm(.closing, after: time.nanoseconds, &state)
      }
      handle(event, &state)
    }
  }

  func finishClosing(_ state: inout State) {
    state.isClosed = true
    state.timers.disarm(.closing)
    for resumption in state.closing { state.effects.append(.finish(resumption, .success(()))) }
    state.closing.removeAll()
  }
}
