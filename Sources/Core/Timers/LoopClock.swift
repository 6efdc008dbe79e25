import Time

/// The clock of a loop: monotonic time without the spans in which the process stood still (SIGSTOP, a frozen container,
/// no CPU), so that they are charged to no deadline. A *reading* is one of the kernel's monotonic clock.
///
/// The loop plans each of its turns: it knows how long it means to wait at most. When a turn lasts longer than that,
/// the rest was not of its choosing, and this clock leaves it out.
public struct LoopClock: Sendable {
  /// A turn may last this much longer than planned before the rest is left out: its own work, and a busy machine.
  public static let tolerance: Nanoseconds = .milliseconds(100)
  /// The loop need not look at the clock more often than this.
  public static let shortestLook: Nanoseconds = .milliseconds(100)
  /// It looks again after this part of the time to its next timer: a stop in between is charged with no more than that.
  private static let partOfWait: UInt64 = 8
  /// Pauses that are remembered one by one.
  private static let mostPauses = 64

  /// Now, on this clock.
  public private(set) var now: Instant
  private var lastReading: Instant
  /// When the process stood still, on this clock, and what was left out up to and including that.
  private var pauses: [(at: Instant, leftOut: Nanoseconds)] = []
  /// What was left out in pauses that are no longer remembered.
  private var forgotten: Nanoseconds = .zero

  /// A clock that shows what the kernel's does at this moment.
  public init(at reading: Instant) {
    now = reading
    lastReading = reading
  }

  /// All that was left out so far.
  public var leftOut: Nanoseconds { pauses.last?.leftOut ?? forgotten }

  /// How long the loop may wait before it looks at the clock again, if its next timer is due at `deadline` of this
  /// clock; nil: no timer, no limit.
  public func longestWait(until deadline: Instant?) -> Nanoseconds? {
    guard let deadline else { return nil }
    guard deadline > now else { return .zero }
    let left = deadline - now
    return min(left, max(Self.shortestLook, left / Self.partOfWait))
  }

  /// A turn begins. `planned`: how long the one before was to wait at most; nil for as long as it takes. `interrupted`:
  /// the wait was broken off as it is when a stopped process is continued. True if the process stood still.
  public mutating func beginTurn(at reading: Instant, planned: Nanoseconds?, interrupted: Bool = false) -> Bool {
    let elapsed = reading - lastReading
    lastReading = max(reading, lastReading)
    guard let planned else {
      now += elapsed
      return false
    }
    let allowed = interrupted ? planned : planned + Self.tolerance
    now += min(elapsed, allowed)
    guard elapsed > allowed else { return false }
    leaveOut(elapsed - allowed)
    return true
  }

  /// What has passed since the turn began counts, however long that was: a call waited on purpose.
  public mutating func count(until reading: Instant) {
    guard reading > lastReading else { return }
    now += reading - lastReading
    lastReading = reading
  }

  /// What has passed since the last reading does not count.
  public mutating func leaveOut(until reading: Instant) {
    guard reading > lastReading else { return }
    leaveOut(reading - lastReading)
    lastReading = reading
  }

  /// What the kernel's clock shows when this one shows `time`, if the process does not stand still until then.
  public func reading(at time: Instant) -> Instant {
    let leftOut = pauses.last { $0.at <= time }?.leftOut ?? forgotten
    return time + leftOut
  }

  private mutating func leaveOut(_ span: Nanoseconds) {
    if pauses.count == Self.mostPauses { forgotten = pauses.removeFirst().leftOut }
    pauses.append((now, leftOut + span))
  }
}
