import Time

/// Waits a moment when many results wait for an earlier job. Mostly the worker of that job was merely given no CPU for
/// some milliseconds, because the other workers took it: with no new jobs for those, it comes to its turn, and thousands
/// of results need no memory. If the job is slow, the wait is short beside it.
struct RunAhead {
  /// This many waiting results are many.
  static let many = 2048
  /// The longest wait for one job.
  static let longestWait: Nanoseconds = .milliseconds(5)

  /// Since when there are many; nil if there are not.
  private var since: Instant?
  private var hasWaited = false

  /// Whether no new job should be taken, now that `held` results wait for an earlier job.
  @inline(__always)
  mutating func mustWait(held: Int, at now: Instant) -> Bool {
    if held < Self.many, since == nil { return false }
    return judge(held, at: now)
  }

  private mutating func judge(_ held: Int, at now: Instant) -> Bool {
    if held < Self.many {
      (since, hasWaited) = (nil, false)
      return false
    }
    let began = since ?? now
    since = began
    hasWaited = hasWaited || now - began >= Self.longestWait
    return !hasWaited
  }

  /// When the wait is over at the latest; nil if there is none.
  var deadline: Instant? { hasWaited ? nil : since.map { $0 + Self.longestWait } }
}
