import PoolCore
import Time

/// How a pool of objects behaves.
public struct ObjectPoolConfiguration: Sendable {
  /// What `acquire()` does when every object is leased and no more may be made.
  public enum WhenExhausted: Sendable, Equatable {
    /// Wait until one is released.
    case wait
    /// Wait this long, then throw `ObjectPoolError.timedOut`.
    case waitUpTo(Duration)
    /// Throw `ObjectPoolError.exhausted` at once.
    case fail
  }

  /// Which idle object is handed out.
  public enum Order: Sendable {
    /// The one used last: the warmest. Those that are not needed grow old and go.
    case lifo
    /// The one unused longest: all are used alike.
    case fifo
  }

  /// When an object is validated before it is handed out. A new one, or one just validated, is not.
  public enum ValidationOnAcquire: Sendable, Equatable {
    /// Never.
    case never
    /// Always.
    case always
    /// Unless it was used or found sound within this time.
    case unlessUsedWithin(Duration)
  }

  /// When a used object is reset.
  public enum Reset: Sendable, Equatable {
    /// Never.
    case never
    /// As soon as it is released, in the background, so that it holds nothing while it is idle. `release` does not wait
    /// for that; a client that asks for an object meanwhile gets this one as soon as it is reset, or a new one if
    /// that is faster.
    case onRelease
    /// Before it is handed out again, so that nothing is done for an object that nobody needs.
    case onAcquire
  }

  // MARK: Size

  /// Objects kept even when nobody asks; made from the beginning. 0...maximum.
  public var minimum: Int
  /// Most objects that exist at once, those on their way in and out included. At least 1; `Int.max` for no limit.
  public var maximum: Int
  /// Most objects that are kept while nobody uses them; one more is disposed of. At least 0; no effect below the
  /// minimum.
  public var maximumIdle = Int.max
  /// Most objects that are being made at the same time. At least 1.
  public var maximumCreating = Int.max

  // MARK: Handing out

  /// What `acquire()` does when every object is leased and no more may be made.
  public var whenExhausted = WhenExhausted.waitUpTo(.seconds(30))
  /// Which idle object is handed out.
  public var order = Order.lifo
  /// When an object is validated before it is handed out.
  public var validatesOnAcquire = ValidationOnAcquire.always
  /// A used object is validated as soon as it is released (after the reset, if that is then, too).
  public var validatesOnRelease = false
  /// The interval between validations of an idle object; nil for never.
  public var validationInterval: Duration?
  /// When a used object is reset.
  public var resets = Reset.onRelease

  // MARK: Recycling

  /// An object is disposed of at this age, less the jitter, or after the lease in which it reaches it; nil for never.
  public var maximumAge: Duration?
  /// The number of leases after which an object is disposed of, less the jitter; nil for never. At least 1.
  public var maximumUses: Int?
  /// Age and uses are drawn for each object between (1 - jitter) and 1 of their limit, so that objects never go all at
  /// once: it shortens both, and 0.1 means that some go after nine tenths. 0...1.
  public var jitter = 0.1
  /// An idle object above the minimum is disposed of after this time; nil for never.
  public var idleTimeout: Duration?
  /// Objects that may exist beyond the maximum while they replace others that are too old or too much used; until they
  /// are made, those serve on. 0: the old one goes first.
  public var surge = 0

  // MARK: Failures

  /// Longest time to make an object.
  public var creationTimeout = Duration.seconds(60)
  /// Longest time to validate an object, and to prepare it.
  public var validationTimeout = Duration.seconds(5)
  /// Longest time to reset an object.
  public var resetTimeout = Duration.seconds(5)
  /// Longest time until an object is disposed of, from when its last call was cancelled. Then it is abandoned: its
  /// place is free, the call may still come back, and the object is disposed of if it does.
  public var disposalTimeout = Duration.seconds(10)
  /// Wait after the first failure to make an object; doubled with each further one in a row, jittered downwards. While
  /// the breaker is open and a client waits, the pool tries to make an object no more often than this.
  public var minimumBackoff = Duration.milliseconds(100)
  /// Longest wait after a failure to make an object.
  public var maximumBackoff = Duration.seconds(30)
  /// This number of failures to make an object within `restartPeriod` opens the breaker: waiting tasks get the error,
  /// unless they wait for objects that exist. Five failures and the waits between them take about 1 s, in which a short
  /// outage is over; with 1 the first failure is thrown at once. Clients that come while it is open wait as long as
  /// they may; meanwhile the pool tries to make objects for them. At least 1.
  public var restartBudget = 5
  /// Only failures within this time count against the restart budget.
  public var restartPeriod = Duration.seconds(10)
  /// A lease held longer is reported to `onNotice` with where it was taken; nil for never.
  public var leaseReportTime: Duration?

  /// Receives what people should know, on whatever thread it happens. Must not block.
  public var onNotice: (@Sendable (ObjectPoolNotice) -> Void)?

  /// A pool of `size` objects, made from the beginning.
  public init(size: Int) { self.init(minimum: size, maximum: size) }

  /// A pool of `minimum` to `maximum` objects (8 unless said otherwise), made when needed. Without an `idleTimeout`
  /// those made are kept.
  public init(minimum: Int = 0, maximum: Int = 8) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// A pool without a limit of leased objects, which keeps up to `maximumIdle` that nobody uses.
  public static func unlimited(maximumIdle: Int) -> ObjectPoolConfiguration {
    var configuration = ObjectPoolConfiguration(maximum: .max)
    configuration.maximumIdle = maximumIdle
    return configuration
  }

  /// A copy with some values changed, for a configuration in one expression.
  public func with(_ change: (inout ObjectPoolConfiguration) -> Void) -> ObjectPoolConfiguration {
    var copy = self
    change(&copy)
    return copy
  }

  /// What is wrong with these values, or nil. A pool cannot be made with a defect.
  public var defect: String? {
    if maximumCreating < 1 { return "maximumCreating is \(maximumCreating), must be at least 1" }
    if let maximumUses, maximumUses < 1 { return "maximumUses is \(maximumUses), must be at least 1, or nil" }
    if restartBudget < 1 { return "restartBudget is \(restartBudget), must be at least 1" }
    for (name, time) in positiveTimes where time <= .zero { return "\(name) is \(time), must be more than nothing" }
    return core(validates: true, prepares: true, resets: true).defect
  }

  /// Of those that may be nil, nil means never.
  private var positiveTimes: [(String, Duration)] {
    let optional = [
      ("maximumAge", maximumAge), ("idleTimeout", idleTimeout), ("validationInterval", validationInterval),
      ("leaseReportTime", leaseReportTime),
    ]
    return optional.compactMap { name, time in time.map { (name, $0) } } + [
      ("creationTimeout", creationTimeout), ("validationTimeout", validationTimeout), ("resetTimeout", resetTimeout),
    ]
  }

  /// The same for the core. Objects prove themselves by being made.
  func core(validates: Bool, prepares: Bool, resets: Bool) -> PoolConfiguration {
    var core = PoolConfiguration(minimum: minimum, maximum: maximum)
    core.maximumIdle = maximumIdle
    core.maximumStarting = maximumCreating
    core.growsGradually = false
    core.leaseOrder = order == .lifo ? .lifo : .fifo
    core.startLimit = creationTimeout.nanoseconds
    core.settleTime = .zero
    core.backoff = Backoff(minimum: minimumBackoff.nanoseconds, maximum: maximumBackoff.nanoseconds)
    core.restartBudget = RestartBudget(failures: restartBudget, period: restartPeriod.nanoseconds)
    core.triesStartsForWaiters = true
    core.maximumJobs = maximumUses ?? 0
    core.maximumAge = maximumAge?.nanoseconds ?? .zero
    core.jitter = jitter
    core.surge = surge
    core.idleLimit = idleTimeout?.nanoseconds ?? .zero
    if validates {
      switch validatesOnAcquire {
      case .never: break
      case .always: core.probeBeforeLeaseUnlessUsedWithin = .zero
      case .unlessUsedWithin(let time): core.probeBeforeLeaseUnlessUsedWithin = max(Nanoseconds(1), time.nanoseconds)
      }
      core.probesAfterLease = validatesOnRelease
      core.probeInterval = validationInterval?.nanoseconds ?? .zero
    }
    core.preparesEachLease = prepares
    core.probeLimit = validationTimeout.nanoseconds
    core.resetsAfterLease = resets && self.resets == .onRelease
    core.resetsBeforeLease = resets && self.resets == .onAcquire
    core.resetLimit = resetTimeout.nanoseconds
    core.leaseReportLimit = leaseReportTime?.nanoseconds ?? .zero
    core.stopLadder = [disposalTimeout.nanoseconds]
    core.abandonsAfterLadder = true
    return core
  }
}
