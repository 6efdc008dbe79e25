/// Whether a worker leaks, from what it held after how many jobs. `run` advises by it, and `check` judges by it.
///
/// Growth counts as a leak if it goes on: what a worker took while it warmed up (the first quarter of the readings) is
/// ignored, it grew in nearly all pairs of readings after that, no slower at the end than before, and by more than
/// noise. So caches that fill, collectors that give back now and then and single huge jobs raise no alarm.
public struct LeakEstimate: Equatable, Sendable {
  /// A worker may grow by this many bytes before it should be replaced.
  public static let tolerableGrowth: Int64 = 512 << 20
  /// A worker that did fewer jobs than these says nothing.
  public static let fewestJobs = 20
  /// Less growth than this after the warm-up, in bytes, is noise.
  public static let noise: Int64 = 1 << 20

  /// Bytes that a worker held after a number of jobs, or by how many they had grown since the beginning.
  public struct Reading: Equatable, Sendable {
    /// Jobs that it had done.
    public var jobs: Int
    /// Resident memory, at most an exabyte.
    public var bytes: Int64

    /// A reading.
    public init(jobs: Int, bytes: Int64) { (self.jobs, self.bytes) = (jobs, bytes) }
  }

  /// By how many bytes it grows with each job, over 0.
  public let perJob: Int64

  /// Nil if it is not over 0.
  init?(perJob: Int64) {
    guard perJob > 0 else { return nil }
    self.perJob = perJob
  }

  /// From readings in the order of their jobs, each after more jobs than the one before; nil if this is no leak, or too
  /// little is known.
  public init?(_ readings: [Reading]) {
    let warm = Array(readings.dropFirst(readings.count / 4))
    guard let first = warm.first, let last = warm.last, last.jobs >= Self.fewestJobs,
      last.bytes - first.bytes >= Self.noise, Self.isSteady(warm)
    else { return nil }
    self.init(perJob: Self.median(of: Self.slopes(warm)))
  }

  /// Jobs until it has grown by what is tolerable, rounded down to one digit: 426 is 400. At least 1.
  public var suggestedMaxJobs: Int64 {
    let jobs = max(1, Self.tolerableGrowth / perJob)
    var power: Int64 = 1
    while jobs / power >= 10 { power *= 10 }
    return jobs / power * power
  }

  /// Nine of ten pairs of readings rise, and the second half rises by no less than half of what the first does.
  private static func isSteady(_ warm: [Reading]) -> Bool {
    let slopes = slopes(warm)
    guard slopes.count(where: { $0 > 0 }) * 10 >= slopes.count * 9 else { return false }
    let middle = warm.count / 2
    let early = median(of: self.slopes(Array(warm[...middle])))
    let late = median(of: self.slopes(Array(warm[middle...])))
    return late * 2 >= early
  }

  /// The slope between each pair: their median is that of Theil and Sen, which a single huge job does not move.
  private static func slopes(_ warm: [Reading]) -> [Int64] {
    warm.indices.flatMap { left in
      warm.indices.dropFirst(left + 1).map { right in
        (warm[right].bytes - warm[left].bytes) / Int64(warm[right].jobs - warm[left].jobs)
      }
    }
  }

  private static func median(of values: [Int64]) -> Int64 {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
