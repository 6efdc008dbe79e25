/// A pool at one moment, and what it has done so far.
public struct ObjectPoolStatistics: Sendable, Equatable {
  // MARK: Now

  /// Objects that are free.
  public var idle = 0
  /// Objects that are leased.
  public var leased = 0
  /// Objects that are being validated or reset.
  public var checking = 0
  /// Objects that are being made.
  public var creating = 0
  /// Objects that are being disposed of.
  public var disposing = 0
  /// Callers that wait for an object.
  public var waiting = 0
  /// Objects kept even when nobody asks.
  public var minimum = 0
  /// Most objects that may exist at once.
  public var maximum = 0
  /// True while the restart budget is spent.
  public var isBreakerOpen = false

  // MARK: So far

  /// Leases given.
  public var acquired = 0
  /// Those of them that had to wait.
  public var acquiredAfterWait = 0
  /// How long they waited, all together.
  public var waited = Duration.zero
  /// Requests that waited as long as they wanted to.
  public var timedOut = 0
  /// Requests refused at once because all objects were leased.
  public var exhausted = 0
  /// Requests whose task was cancelled.
  public var cancelled = 0
  /// Objects made.
  public var created = 0
  /// Objects that could not be made, or not in time.
  public var creationFailures = 0
  /// Objects found unsound.
  public var validationFailures = 0
  /// Objects that could not be prepared for a lease.
  public var preparationFailures = 0
  /// Objects that could not be reset.
  public var resetFailures = 0
  /// Objects disposed of.
  public var disposed = 0
  /// Objects whose disposal did not come back.
  public var abandoned = 0
  /// Leases reported as overdue.
  public var overdue = 0
  /// Releases of leases that had ended, or of other pools.
  public var misuses = 0

  /// Objects that exist.
  public var size: Int { idle + leased + checking + disposing }
}
