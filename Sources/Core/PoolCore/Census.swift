/// How many slots are in which group, so that sizing needs no search.
struct Census: Sendable, Equatable {
  /// Started, not ready yet.
  var starting = 0
  /// Waiting for the next try.
  var backingOff = 0
  /// Serving: idle, probing, leased or resetting, and not retiring.
  var serving = 0
  /// Serving and holding at least one lease, or on the way to or from one.
  var busy = 0
  /// Being probed or reset for the demand: each covers one job of it.
  var preparing = 0
  /// Holding a worker in any state.
  var occupied = 0
  /// Started, and neither proved nor settled since.
  var loading = 0
  /// Loading because others were waiting, above the minimum.
  var growing = 0
  /// Serving on trust: loading, but taken to be ready.
  var unproved = 0
  /// Retiring or being stopped, and not gone yet.
  var leaving = 0
  /// Being stopped after their start failed: their slots are about to back off.
  var failing = 0
  /// To be replaced: serving, or still starting, until a replacement is there.
  var overdue = 0
  /// Those of the overdue that serve, and could go.
  var replaceable = 0
  /// Those of the leaving that went because their replacement was there.
  var replaced = 0

  mutating func add(_ slot: Slot) { count(slot, 1) }
  mutating func remove(_ slot: Slot) { count(slot, -1) }

  private mutating func count(_ slot: Slot, _ change: Int) {
    let isServing = slot.isServing
    switch slot.state {
    case .empty: return
    case .backingOff: return backingOff += change
    case .starting: starting += change
    case .stopping: if slot.startHasFailed { failing += change }
    case .idle: break
    case .leased: if isServing { busy += change }
    case .probing, .resetting:
      if isServing { busy += change }
      if slot.state.isForDemand { preparing += change }
    }
    occupied += change
    if isServing { serving += change }
    if slot.retiring != nil { leaving += change }
    if slot.isBeingReplaced { replaced += change }
    if slot.overdue != nil {
      overdue += change
      if isServing { replaceable += change }
    }
    if slot.isLoading {
      loading += change
      if isServing { unproved += change }
      if slot.isForGrowth { growing += change }
    }
  }
}
