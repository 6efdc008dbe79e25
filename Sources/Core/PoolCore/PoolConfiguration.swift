import Time

/// How a pool behaves.
public struct PoolConfiguration: Sendable {
  /// Which idle worker serves next.
  public enum LeaseOrder: Sendable {
    /// The one used last: the warmest. Unused ones can age out (php-src #4101).
    case lifo
    /// The one unused longest.
    case fifo
  }

  /// Workers kept even when nobody asks. 0...maximum.
  public var minimum: Int
  /// Most workers that serve at once. At least 1; `Int.max` for no limit.
  public var maximum: Int
  /// Most workers that may be idle: when one more is free, the coldest retires. At least 0; no effect below the
  /// minimum.
  public var maximumIdle = Int.max
  /// Leases that one worker can hold at once. At least 1; must be 1 with resets or a probe before each lease.
  public var capacity = 1
  /// Most workers that may be loading at the same moment: started, and neither proved (`readyIsProof`) nor settled
  /// (`settleTime`) yet, so that a large pool does not start all at once. Growth above the minimum begins with one, and
  /// with each that has loaded one more may, up to this number, while somebody waits. At least 1.
  public var maximumStarting = Int.max
  /// Growth above the minimum begins with one start at a time, as said above. False: as many at once as are waited for.
  public var growsGradually = true
  /// Which idle worker serves next.
  public var leaseOrder = LeaseOrder.lifo

  /// Longest time from start to ready.
  public var startLimit: Nanoseconds = .seconds(60)
  /// True when ready means proved (a probe, a notification). False when a worker is merely taken to be ready as soon as
  /// it runs: then its first job done is the proof that ends backoff and closes the breaker.
  public var readyIsProof = true
  /// A worker that ends this soon after it was ready, without a job, is a failed start even if ready was proof, and
  /// costs a growing wait. One that is merely taken to be ready and lives this long lets a half-open breaker or a roll
  /// go on, though its end without a job is still a failed start (supervisor's startsecs). 0: ready is enough.
  public var settleTime: Nanoseconds = .seconds(1)
  /// A worker that breaks on its first job is never taken to be unable to start: where jobs come from many, one of them
  /// must not stop the pool for the others.
  public var blamesJobs = false
  /// Wait after a failed start.
  public var backoff = Backoff(minimum: .milliseconds(100), maximum: .seconds(30))
  /// The number of failed starts, and the time within which they open the breaker.
  public var restartBudget = RestartBudget(failures: 5, period: .seconds(10))
  /// While the breaker is open and no worker is left, waiters are refused with the reason instead of waiting on.
  public var refusesWhileBreakerIsOpen = true
  /// For waiters a start is tried that failures hold back, no more often than the shortest backoff
  /// (before the breaker opens: no more often than the restart budget tolerates). With `refusesWhileBreakerIsOpen`
  /// those that wait when the breaker opens are refused; those that come later wait as long as they may.
  public var triesStartsForWaiters = false

  /// A worker retires after this number of leases; 0 for never. 1 is strict, whatever `surge` is: a fresh worker for
  /// each job.
  public var maximumJobs = 0
  /// A worker retires at this age, counted from when it was ready; 0 for never.
  public var maximumAge: Nanoseconds = .zero
  /// Limits are drawn between (1 - jitter) and 1 of their value, so that workers never retire in step. 0...1.
  public var jitter = 0.1
  /// Replacements that may be started before the workers they replace retire; until then those serve on, past their
  /// limits. As many may be on their way out at the same moment, so that there are never more than `maximum` + 2 ·
  /// `surge` workers. 0: a worker that reached its limit gets no further lease, and its successor starts when it is
  /// gone.
  public var surge = 0
  /// An idle worker above the minimum retires after this time; 0 for never. A probe does not count as use. A pool at
  /// its minimum arms no timer for this.
  public var idleLimit: Nanoseconds = .zero

  /// The interval between probes of an idle worker; 0 for never.
  public var probeInterval: Nanoseconds = .zero
  /// A worker that was not used for this time is probed before a lease; nil for never, 0 for always (but not one that
  /// has been ready or probed this very moment).
  public var probeBeforeLeaseUnlessUsedWithin: Nanoseconds?
  /// Each worker that was used is probed after its lease (and after the reset, if there is one).
  public var probesAfterLease = false
  /// A worker is prepared before each lease, a new one, too; that it could be shows that it works. A probe that is due
  /// comes first, and the limit for probes holds for both.
  public var preparesEachLease = false
  /// Longest time for a probe.
  public var probeLimit: Nanoseconds = .seconds(5)
  /// Each worker is reset after each lease.
  public var resetsAfterLease = false
  /// Each worker that was used is reset before its next lease, while its next holder waits.
  public var resetsBeforeLease = false
  /// Longest time for a reset.
  public var resetLimit: Nanoseconds = .seconds(5)
  /// A lease held longer is reported, nothing more; 0 for never. Needs a capacity of 1.
  public var leaseReportLimit: Nanoseconds = .zero

  /// The wait after each step of the stop ladder. At least one step; the last is repeated until the worker is gone.
  public var stopLadder: [Nanoseconds] = [.seconds(5), .seconds(5), .seconds(1)]
  /// When even the last step did not help within its wait, the slot is freed and the worker abandoned. For objects,
  /// whose disposal may hang for ever; a process must be watched until its death is confirmed (pebble #129).
  public var abandonsAfterLadder = false

  /// A pool of `minimum` to `maximum` workers with the default policies.
  public init(minimum: Int, maximum: Int) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// What is wrong with these values, or nil.
  public var defect: String? {
    if maximum < 1 { return "maximum is \(maximum), must be at least 1" }
    if minimum < 0 || minimum > maximum { return "minimum is \(minimum), must be 0...\(maximum)" }
    if capacity < 1 { return "capacity is \(capacity), must be at least 1" }
    if capacity > 1, resetsAfterLease || resetsBeforeLease {
      return "capacity is \(capacity), must be 1 with a reset for each lease"
    }
    if capacity > 1, probeBeforeLeaseUnlessUsedWithin != nil || probesAfterLease || preparesEachLease {
      return "capacity is \(capacity), must be 1 with a probe for each lease"
    }
    if capacity > 1, leaseReportLimit > .zero {
      return "capacity is \(capacity), must be 1 with a report of overdue leases"
    }
    if maximumIdle < 0 { return "maximumIdle is \(maximumIdle), must not be negative" }
    if maximumStarting < 1 { return "maximumStarting is \(maximumStarting), must be at least 1" }
    if maximumJobs < 0 { return "maximumJobs is \(maximumJobs), must not be negative" }
    if surge < 0 { return "surge is \(surge), must not be negative" }
    if !(0...1).contains(jitter) { return "jitter is \(jitter), must be 0...1" }
    if stopLadder.isEmpty { return "stopLadder is empty, must have at least one step" }
    if restartBudget.failures < 1 {
      return "restartBudget allows \(restartBudget.failures) failures, must be at least 1"
    }
    return nil
  }
}

/// The wait after a failed start: doubled each time, capped, jittered downwards (supervisor #487: linear and uncapped).
public struct Backoff: Sendable, Equatable {
  /// Wait after the first failure.
  public var minimum: Nanoseconds
  /// Longest wait.
  public var maximum: Nanoseconds

  /// Waits from `minimum` to `maximum`.
  public init(minimum: Nanoseconds, maximum: Nanoseconds) {
    self.minimum = minimum
    self.maximum = max(minimum, maximum)
  }

  /// The wait after the `failures`-th failure in a row (1 for the first): between half and all of
  /// `minimum` · 2^(failures - 1), never above `maximum`.
  func wait(afterFailures failures: Int, using generator: inout SeededGenerator) -> Nanoseconds {
    let doublings = UInt64(max(0, min(failures - 1, 62)))
    let full = min(minimum * (1 << doublings), maximum)
    return full - full.scaled(by: generator.nextUnit() / 2)
  }
}

/// The failed starts per period that open the breaker (OTP's restart intensity).
public struct RestartBudget: Sendable, Equatable {
  /// The failed start that opens the breaker. At least 1.
  public var failures: Int
  /// Only failures within this time count.
  public var period: Nanoseconds

  /// `failures` within `period`.
  public init(failures: Int, period: Nanoseconds) {
    self.failures = failures
    self.period = period
  }
}

/// SplitMix64: the pool's only source of chance, passed in, so that the same seed and events give the same actions.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that repeats the same sequence for the same seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number in 0..<1.
  mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
