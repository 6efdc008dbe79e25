import Time

/// The demand: how many jobs wait for a worker. For drivers whose jobs are many and short: the pool knows only their
/// number, so a waiting job costs nothing.
///
/// It counts beside the waiters wherever the size of the pool is derived. A free worker is offered to it as soon as no
/// waiter is left. One that must be probed or reset first covers one job of the demand meanwhile; if that fails,
/// nothing is lost, as the demand is reduced only by the offer.
extension PoolStateMachine {
  /// More jobs than this are not counted, so that sums cannot overflow.
  static var greatestDemand: Int { 1 << 60 }

  /// Jobs for which no worker is being prepared.
  @inline(__always)
  var uncoveredDemand: Int { demand - census.preparing }

  /// The number of jobs that wait for a worker now: the same as `.demandChanged`. Costs next to nothing while it
  /// decides nothing: when the number falls, or all workers are busy and no more of them may be started.
  public mutating func setDemand(_ count: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard changesNothing(count) else { return changeDemand(to: count, at: now, into: &actions) }
    if waiting == 0 { growth = 1 }
    demand = count
  }

  /// True when the new number needs only to be stored.
  @inline(__always)
  func changesNothing(_ count: Int) -> Bool {
    guard phase == .open, census.preparing == 0, (0...Self.greatestDemand).contains(count) else { return false }
    if count <= demand { return true }
    guard available.pick(.lifo) == nil else { return false }
    return census.serving >= configuration.maximum || isTargetReached
  }

  /// Those that wait already need as many workers as there may be, and nothing but new ones can help.
  @inline(__always)
  private var isTargetReached: Bool {
    demand > 0 && target >= configuration.maximum && !checksWorkers && !configuration.triesStartsForWaiters
  }

  /// Stores the new number and does what follows from it.
  mutating func changeDemand(to count: Int, at now: Instant, into actions: inout [PoolAction]) {
    guard count >= 0 else { return impossible(.badLifecycle, into: &actions) }
    switch phase {
    case .new, .open: break
    case .draining: guard !isClosing else { return refuse(count, into: &actions) }
    case .stopping, .closed: return refuse(count, into: &actions)
    }
    if waiting == 0 { growth = 1 }
    let isRising = count > demand
    demand = min(count, Self.greatestDemand)
    dropUnneededClaims()
    guard phase != .new else { return }
    dispatch(at: now, into: &actions)
    // A fixed pool at full strength has nothing to decide.
    let mayGrow = isRising && waiting > 0 && census.serving < configuration.maximum
    if mayGrow || phase == .draining { reconcile(at: now, into: &actions) }
  }

  /// The pool is closed, or about to be.
  private func refuse(_ count: Int, into actions: inout [PoolAction]) {
    if count > 0 { actions.append(.refuseDemand(.closed)) }
  }

  mutating func refuseDemand(_ refusal: LeaseRefusal, into actions: inout [PoolAction]) {
    guard demand > 0 else { return }
    demand = 0
    actions.append(.refuseDemand(refusal))
  }

  /// A worker that is prepared for a job which waits no longer is free as soon as it is prepared.
  private mutating func dropUnneededClaims() {
    guard census.preparing > demand else { return }
    for slot in slots.indices where census.preparing > demand && slots[slot].state.isForDemand { dropClaim(slot) }
  }
}
