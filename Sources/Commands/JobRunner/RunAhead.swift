import Time

/// Limits how fast the results grow in number that wait for an earlier job. Mostly the worker of that job was merely
/// given no CPU for some milliseconds, because the other workers took it: with fewer new jobs for those it comes to its
/// turn, and tens of thousands of results need no memory. Jobs that take long by themselves never come so fast.
struct RunAhead {
  /// This many results may wait in any case.
  static let many = 2048
  /// And this many more for each millisecond from then on.
  static let morePerMillisecond: UInt64 = 100

  /// Since when there are many; nil if there are not.
  private var since: Instant?
  /// When the next job may be taken; nil for now.
  private(set) var deadline: Instant?

  /// Whether no new job should be taken, now that `held` results wait for an earlier job.
  @inline(__always)
  mutating func mustWait(held: Int, at now: Instant) -> Bool {
    if held < Self.many, since == nil { return false }
    return judge(held, at: now)
  }

  private mutating func judge(_ held: Int, at now: Instant) -> Bool {
    guard held >= Self.many else {
      (since, deadline) = (nil, nil)
      return false
    }
    let began = since ?? now
    since = began
    let due = began + .milliseconds(UInt64(held - Self.many)) / Self.morePerMillisecond
    deadline = due > now ? due : nil
    return due > now
  }
}
