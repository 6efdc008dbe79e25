/// The clock of a loop: monotonic time without the spans in which the process stood still (SIGSTOP, a frozen container,
/// no CPU), so that they are charged to no deadline. All values are nanoseconds; a *reading* is one of the kernel's
/// monotonic clock.
///
/// The loop plans each of its turns: it knows how long it means to wait at most. When a turn lasts longer than that,
/// the rest was not of its choosing, and this clock leaves it out.
public struct LoopClock: Sendable {
  /// A turn may last this much longer than planned before the rest is left out: its own work, and a busy machine.
  public static let tolerance: UInt64 = 100_000_000
  /// The loop need not look at the clock more often than this.
  public static let shortestLook: UInt64 = 100_000_000
  /// It looks again after this part of the time to its next timer: a stop in between is charged with no more than that.
  private static let partOfWait: UInt64 = 8
  /// Pauses that are remembered one by one.
  private static let mostPauses = 64

  /// Now, on this clock.
  public private(set) var now: UInt64
  private var lastReading: UInt64
  /// When the process stood still, on this clock, and what was left out up to and including that.
  private var pauses: [(at: UInt64, leftOut: UInt64)] = []
  /// What was left out in pauses that are no longer remembered.
  private var forgotten: UInt64 = 0

  /// A clock that shows what the kernel's does at this moment.
  public init(at reading: UInt64) {
    now = reading
    lastReading = reading
  }

  /// All that was left out so far.
  public var leftOut: UInt64 { pauses.last?.leftOut ?? forgotten }

  /// How long the loop may wait before it looks at the clock again, if its next timer is due at `deadline` of this
  /// clock; nil: no timer, no limit.
  public func longestWait(until deadline: UInt64?) -> UInt64? {
    guard let deadline else { return nil }
    guard deadline > now else { return 0 }
    let left = deadline - now
    return min(left, max(Self.shortestLook, left / Self.partOfWait))
  }

  /// A turn begins. `planned`: how long the one before was to wait at most; nil for as long as it takes. `interrupted`:
  /// the wait was broken off as it is when a stopped process is continued. True if the process stood still.
  public mutating func beginTurn(at reading: UInt64, planned: UInt64?, interrupted: Bool = false) -> Bool {
    let elapsed = reading > lastReading ? reading - lastReading : 0
    lastReading = max(reading, lastReading)
    guard let planned else {
      now += elapsed
      return false
    }
    let allowed = interrupted ? planned : planned &+ Self.tolerance
    now += min(elapsed, allowed)
    guard elapsed > allowed else { return false }
    leaveOut(elapsed - allowed)
    return true
  }

  /// What has passed since the turn began counts, however long that was: a call waited on purpose.
  public mutating func count(until reading: UInt64) {
    guard reading > lastReading else { return }
    now += reading - lastReading
    lastReading = reading
  }

  /// What has passed since the last reading does not count.
  public mutating func leaveOut(until reading: UInt64) {
    guard reading > lastReading else { return }
    leaveOut(reading - lastReading)
    lastReading = reading
  }

  /// What the kernel's clock shows when this one shows `time`, if the process does not stand still until then.
  public func reading(at time: UInt64) -> UInt64 {
    let leftOut = pauses.last { $0.at <= time }?.leftOut ?? forgotten
    let (sum, overflow) = time.addingReportingOverflow(leftOut)
    return overflow ? .max : sum
  }

  private mutating func leaveOut(_ span: UInt64) {
    if pauses.count == Self.mostPauses { forgotten = pauses.removeFirst().leftOut }
    pauses.append((now, leftOut + span))
  }
}
