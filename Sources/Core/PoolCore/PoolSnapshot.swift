/// The state of a pool at one moment, for people and scripts to look at.
public struct PoolSnapshot: Sendable, Equatable {
  /// Every slot that was ever used, by number.
  public let slots: [SlotSnapshot]
  /// Workers that serve: idle, probing, leased or resetting, and not retiring.
  public let serving: Int
  /// Workers that were started and are not ready yet.
  public let starting: Int
  /// Slots that wait for the next try after a failed start.
  public let backingOff: Int
  /// Workers on the stop ladder.
  public let stopping: Int
  /// The waiters for a lease and the jobs of the demand, without those for which a worker is being probed or reset.
  public let waiting: Int
  /// True while failed starts keep further ones back, but for one trial at a time.
  public let isBreakerOpen: Bool
}

/// One slot of a `PoolSnapshot`.
public struct SlotSnapshot: Sendable, Equatable {
  /// What the slot is doing.
  public enum State: Sendable, Equatable {
    /// Nobody lives there.
    case empty
    /// A start failed; the next one waits.
    case backingOff
    /// A worker was started and is not ready yet.
    case starting
    /// Ready, and free.
    case idle
    /// Being checked.
    case probing
    /// Holds at least one lease.
    case leased
    /// Forgetting its last job.
    case resetting
    /// On this step of the stop ladder, from 0; the number of steps when all were taken and the last is repeated.
    case stopping(step: Int)
  }

  /// Which slot.
  public let slot: SlotID
  /// Its worker; nil for an empty slot and one that backs off.
  public let worker: WorkerID?
  /// What it is doing.
  public let state: State
  /// Why the worker gets no further lease; nil if it may get one.
  public let retiring: RetireReason?
  /// Why the worker is to be replaced, though it serves on until then; nil if it is not.
  public let overdue: RetireReason?
  /// Jobs that this worker has done.
  public let jobs: Int
  /// Starts in this slot that failed in a row.
  public let failures: Int
}

extension PoolStateMachine {
  /// Workers that serve: idle, probing, leased or resetting, and not retiring.
  public var serving: Int { census.serving }

  /// Workers that are free: ready, with no lease and no check under way.
  public var idleWorkers: Int { census.serving - census.busy }

  /// True while failed starts keep further ones back, but for one trial at a time.
  public var isBreakerOpen: Bool { breaker.isOpen }

  /// Workers are still to be started for a prefill: the requested number has not served at the same time yet.
  public var isPrefilling: Bool { prefilling > 0 }

  /// What every slot is doing. Takes time in proportion to the slots, and changes nothing.
  public var snapshot: PoolSnapshot {
    let all = slots.indices.map { SlotSnapshot(slots[$0], in: SlotID($0)) }
    return PoolSnapshot(
      slots: all, serving: census.serving, starting: census.starting, backingOff: census.backingOff,
      stopping: all.count { if case .stopping = $0.state { true } else { false } }, waiting: waiting,
      isBreakerOpen: breaker.isOpen)
  }
}

extension SlotSnapshot {
  fileprivate init(_ slot: Slot, in id: SlotID) {
    self.slot = id
    state = State(slot.state)
    let isOccupied: Bool
    switch slot.state {
    case .empty, .backingOff: isOccupied = false
    case .starting, .idle, .probing, .leased, .resetting, .stopping: isOccupied = true
    }
    worker = isOccupied ? WorkerID(slot: id, serial: slot.serial) : nil
    retiring = slot.retiring
    overdue = slot.overdue
    jobs = isOccupied ? slot.jobs : 0
    failures = slot.failures
  }
}

extension SlotSnapshot.State {
  fileprivate init(_ state: SlotState) {
    self =
      switch state {
      case .empty: .empty
      case .backingOff: .backingOff
      case .starting: .starting
      case .idle: .idle
      case .probing: .probing
      case .leased: .leased
      case .resetting: .resetting
      case .stopping(let step): .stopping(step: step)
      }
  }
}
