/// A stable place in the pool that holds at most one worker. Dense, from 0; reused.
public struct SlotID: Hashable, Sendable, CustomStringConvertible {
  /// The slot's number, from 0.
  public let index: Int

  /// Names the slot `index`.
  public init(_ index: Int) { self.index = index }

  /// The number alone.
  public var description: String { "\(index)" }
}

/// One start of one worker: the slot and a serial number that no other start of this pool has.
///
/// "Worker" stands for whatever a slot holds: a process, a database session, any object. Because the serial
/// is never reused, news about a worker that was given up cannot be mistaken for news about its successor.
public struct WorkerID: Hashable, Sendable, CustomStringConvertible {
  /// Where the worker lives.
  public let slot: SlotID
  /// 1 for the pool's first start, then counting up.
  public let serial: UInt64

  /// Names the start `serial` in `slot`.
  public init(slot: SlotID, serial: UInt64) {
    self.slot = slot
    self.serial = serial
  }

  /// `slot#serial`.
  public var description: String { "\(slot)#\(serial)" }
}

/// Names one waiter for a lease. Chosen by the driver; **each must be greater than all before it**, which lets the
/// queue find and cancel one by binary search, without a dictionary.
public struct WaiterID: Hashable, Sendable, Comparable {
  /// The driver's number.
  public let number: UInt64

  /// Names the waiter `number`.
  public init(_ number: UInt64) { self.number = number }

  /// Older waiters come first.
  public static func < (left: WaiterID, right: WaiterID) -> Bool { left.number < right.number }
}

/// What a timer of a slot is for. At most one of each kind runs per slot.
public enum SlotTimer: Int, CaseIterable, Sendable {
  /// The worker must be ready by then.
  case start
  /// The next start in this slot may be tried then.
  case backoff
  /// The probe must be answered by then.
  case probe
  /// The reset must be done by then.
  case reset
  /// The next step of the stop ladder is due then.
  case stop
  /// A lease held until then is reported as overdue.
  case lease
  /// An idle worker that is not needed retires then.
  case idle
  /// The next probe of an idle worker is due then.
  case probeInterval
  /// The worker has reached its age limit then.
  case age
  /// A worker that lived from ready until then did not fail to start, as far as can be told without a job.
  case settle
}

/// Names one arming of one timer. A firing whose generation is not the armed one is stale and ignored,
/// so a driver may deliver a timer late, even after it was disarmed.
public enum TimerID: Hashable, Sendable {
  /// A timer of a slot; the generation tells one arming from the next.
  case slot(SlotID, SlotTimer, generation: UInt32)
  /// The longest wait of one waiter.
  case waiter(WaiterID)
  /// The open breaker lets one start through then.
  case breaker(generation: UInt32)
  /// When the demand of the waiters is looked at again.
  case review(generation: UInt32)
}
