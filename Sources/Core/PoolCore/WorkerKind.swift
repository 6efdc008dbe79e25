/// What was found out about the workers of a pool together. They run the same program: what was seen at many of them is
/// expected of each, which then needs to prove less by itself. A single exception ends that.
public struct WorkerKind: Sendable {
  /// Looks at a worker that has a job, until it is known to do one job after the other.
  public static let looksWithJob = 16
  /// Workers that serve the short probation together answer as many jobs as this many that are alone.
  private static let examined = 4
  /// Looks at what workers do in their jobs, together.
  private static let looksAtEffort = 8

  private var probations = 0
  private var looksWithJob = 0
  private var looksAwake = 0
  /// A worker was seen to wait for something else while it did a job: then CPU time says nothing about their jobs.
  public private(set) var waitsInJobs = false

  /// Nothing is known yet.
  public init() {}

  /// Whether the short probation is enough.
  public var isOrderly: Bool { probations * SeatEstimate.shortProbation >= Self.examined * SeatEstimate.probation }

  /// How often each worker that has a job is to be looked at, 1 or more.
  public var looksWithJobNeeded: Int { looksWithJob >= Self.examined * Self.looksWithJob ? 1 : Self.looksWithJob }

  /// Whether they wait for nothing but their next jobs.
  public var isAwakeInJobs: Bool { looksAwake >= Self.looksAtEffort }

  /// A worker has served the short probation.
  public mutating func servedShortProbation() { probations += 1 }

  /// A worker was looked at that had a job, and waited for something else, or did not.
  public mutating func lookedWithJob(itWaited: Bool) {
    looksWithJob += 1
    waitsInJobs = waitsInJobs || itWaited
  }

  /// A worker was seen to wait for nothing but its next jobs, or for something else.
  public mutating func looked(isAwakeInJobs: Bool) { looksAwake = isAwakeInJobs ? looksAwake + 1 : 0 }

  /// A worker is unlike the others, or the next ones may be.
  public mutating func forget() { self = WorkerKind() }
}
