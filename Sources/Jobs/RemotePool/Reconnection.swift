import JobCore
import Time

/// Decides whether it is worth to connect again, and when. Times are those of any one clock.
struct Reconnection {
  enum Decision: Equatable {
    /// After this time.
    case again(after: Nanoseconds)
    /// As soon as there is a job for it.
    case onDemand
    /// Not any more.
    case giveUp
  }

  private let delay: RetryDelay?
  private let limit: Nanoseconds?
  private let seed: UInt64
  /// Connections and attempts since a job was answered.
  private var failures: Int32 = 0
  /// Since when there have been none but failures.
  private var failingSince: Instant?
  /// When this connection came about.
  private var openedAt: Instant?
  /// Whether this connection has ever answered a job.
  private var wasUseful = false

  /// `delay` nil: not when anything is lost with the connection. `limit`: gives up when nothing is answered for so
  /// long.
  init(delay: RetryDelay?, limit: Nanoseconds?, seed: UInt64) {
    self.delay = delay
    self.limit = limit
    self.seed = seed
  }

  /// Whether a loss can be made good.
  var isWanted: Bool { delay != nil }

  /// There is a connection.
  mutating func opened(at now: Instant) { openedAt = now }

  /// A job was answered: what went wrong before is forgotten.
  mutating func answered() {
    wasUseful = true
    failures = 0
    failingSince = nil
  }

  /// There is no connection. `hasJobs`: some job waits for it, or has gone with it.
  mutating func lost(_ loss: Loss, hasJobs: Bool, at now: Instant) -> Decision {
    defer {
      wasUseful = false
      openedAt = nil
    }
    guard loss.isWorthRetrying else { return .giveUp }
    // A server may close what is idle for too long; that costs nobody anything. One that only ever closes is none to
    // wait for.
    if !hasJobs, wasUseful { return .onDemand }
    guard let delay else { return .giveUp }
    // Jobs may take long: a connection that has lasted longer than any wait was a good one, too.
    if let openedAt, now - openedAt > delay.maximum {
      failures = 0
      failingSince = nil
    }
    let since = failingSince ?? now
    failingSince = since
    if let limit, now - since >= limit { return .giveUp }
    failures = failures == .max ? .max : failures + 1
    let wait = delay.wait(afterAttempt: failures, of: 0, seed: seed)
    // The last attempt comes at the end of the limit, not after it.
    return .again(after: limit.map { min(wait, $0 - (now - since)) } ?? wait)
  }
}
