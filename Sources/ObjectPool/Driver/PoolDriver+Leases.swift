import Glibc
import PoolCore

/// Leases: taken, waited for, given back.
extension PoolDriver {
  /// A free object, if there is one that needs no check.
  @usableFromInline func leaseAtOnce(_ place: SourcePlace) -> Grant? {
    locked.withLock { state in
      guard let worker = state.core.leaseAtOnce(at: Clock.coarse) else { return nil }
      return seat(worker, place, &state)
    }
  }

  /// Lets other threads run, and looks once more before the caller gets in line. Holders are often about to release,
  /// and only have no processor: with 64 threads and 8 objects that are held for a moment, a line that has formed once
  /// never ends, and each lease then waits for a thread to wake. Those in line are not passed over.
  func leaseAfterOthers(_ place: SourcePlace) -> Grant? {
    guard leasesAtOnce else { return nil }
    sched_yield()
    return leaseAtOnce(place)
  }

  /// Gives the object of this worker to a new lease.
  @inline(__always)
  func seat(_ worker: WorkerID, _ place: SourcePlace, _ state: inout State) -> Grant {
    let slot = worker.slot.index
    state.lastLease += 1
    state.statistics.acquired += 1
    state.seats[slot].lease = state.lastLease
    state.seats[slot].acquiredAt = place
    guard let record = state.seats[slot].record else { preconditionFailure("a lease without an object") }
    return Grant(record: record, token: LeaseToken(pool: id, number: state.lastLease, slot: slot))
  }

  /// Asks for a lease. The resumption gets it, or the reason why not, unless `ticket` is withdrawn before.
  func request(
    _ limit: WaitLimit, _ place: SourcePlace, _ ticket: WaitTicket, _ resumption: Resumption<Grant>
  ) {
    perform { state in
      if ticket.isWithdrawn {
        state.statistics.cancelled += 1
        return state.effects.append(.refuse(resumption, CancellationError()))
      }
      state.lastWaiter += 1
      ticket.waiter = state.lastWaiter
      state.waiting[state.lastWaiter] = Waiting(resumption: resumption, place: place, limit: limit, since: Clock.now)
      handle(.leaseRequested(WaiterID(state.lastWaiter), limit), &state)
      state.waiting[ticket.waiter]?.hasWaited = true
    }
  }

  /// The task that waits, or is about to, was cancelled. If it has been answered, it keeps the answer.
  func withdraw(_ ticket: WaitTicket) {
    perform { state in
      ticket.isWithdrawn = true
      guard let waiting = state.waiting.removeValue(forKey: ticket.waiter) else { return }
      state.statistics.cancelled += 1
      handle(.leaseWithdrawn(WaiterID(ticket.waiter)), &state)
      state.effects.append(.refuse(waiting.resumption, CancellationError()))
    }
  }

  /// Ends the lease; the object goes back.
  @usableFromInline func release(_ token: LeaseToken) throws(ObjectPoolError) {
    let effects = try locked.withLock { state throws(ObjectPoolError) in
      let worker = try endLease(token, &state)
      if state.core.releaseAtOnce(worker, at: Clock.coarse) { return Effects.none }
      handle(.leaseReleased(worker, .healthy), &state)
      return state.takeEffects()
    }
    carryOut(effects)
  }

  /// Ends the lease; the object is disposed of.
  func dispose(_ token: LeaseToken) throws(ObjectPoolError) {
    let effects = try locked.withLock { state throws(ObjectPoolError) in
      let worker = try endLease(token, &state)
      handle(.workerBroken(worker), &state)
      return state.takeEffects()
    }
    carryOut(effects)
  }

  /// Moves the value out of the pool, for the holder of its lease to change. After the end of the lease, a copy.
  @usableFromInline func lend<Object>(_ lease: Lease<Object>) -> Object {
    locked.withLock { state in
      guard state.seats[lease.token.slot].lease == lease.token.number, let object = lease.holder.object.take() else {
        return lease.object
      }
      lease.holder.isLent = true
      return object
    }
  }

  /// Takes back what was lent, or the other object that its holder has put in its place, and ends the lease. A lease
  /// that has ended meanwhile left the disposal of a value until now.
  @usableFromInline func takeBack<Object>(_ object: Object, _ lease: Lease<Object>, isBroken: Bool) {
    // The one that was replaced goes without the lock: its deinit may be the program's.
    var replaced: Object?
    perform { state in
      let holder = lease.holder
      let holdsLease = (try? endLease(lease.token, &state)) != nil
      if holder.isLent || holdsLease {
        replaced = holder.object.take()
        holder.object = object
        holder.isLent = false
      }
      if holdsLease {
        let worker = holder.worker
        if isBroken { return handle(.workerBroken(worker), &state) }
        if !state.core.releaseAtOnce(worker, at: Clock.coarse) { handle(.leaseReleased(worker, .healthy), &state) }
      } else if holder.isUnwanted, holder.operation == nil {
        begin(.dispose, on: holder, &state)
      }
    }
    _ = replaced
  }

  @inline(__always)
  private func endLease(_ token: LeaseToken, _ state: inout State) throws(ObjectPoolError) -> WorkerID {
    guard token.pool == id, state.seats[token.slot].lease == token.number else { throw misuse(of: token, &state) }
    state.seats[token.slot].lease = 0
    return WorkerID(slot: SlotID(token.slot), serial: state.seats[token.slot].serial)
  }

  @inline(never)
  private func misuse(of token: LeaseToken, _ state: inout State) -> ObjectPoolError {
    state.statistics.misuses += 1
    return token.pool == id ? .leaseEnded : .foreignLease
  }
}

/// Finds a waiter again. Guarded by the driver's lock.
final class WaitTicket: @unchecked Sendable {
  /// 0 before it waits.
  var waiter: UInt64 = 0
  /// Its task was cancelled, perhaps before it waited.
  var isWithdrawn = false
}
