/// A distribution of times over fixed buckets, as metrics have them.
///
/// The bounds are the numbers that people write into alerts (100 ms, 1 s, 5 min), each 2 to 3 times the one before, so that a
/// quantile that is read off them is never wrong by more than that factor. They begin at 0.5 ms, below which the time of
/// a job is that of the pipes around it, and end at 10 min; what takes longer is counted in the last bucket. 20 series cost a
/// monitoring system little, and are the same for all pools, so that these can be added up.
public struct Histogram: Sendable {
  /// The upper bounds of the buckets but the last, which has none, in nanoseconds.
  public static let bounds: InlineArray<19, UInt64> = [
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
    1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000, 120_000_000_000,
    300_000_000_000, 600_000_000_000,
  ]

  /// How many fell into each bucket, without those below it.
  private(set) var buckets = InlineArray<20, UInt64>(repeating: 0)
  /// The sum of all times: whole seconds, and the nanoseconds beyond them. In nanoseconds alone, ten thousand jobs that always
  /// wait for a minute would overflow it within weeks.
  private(set) var sum: (seconds: UInt64, nanoseconds: UInt64) = (0, 0)

  /// Nothing counted.
  public init() {}

  /// Counts a time, in nanoseconds. A time that is a bound belongs to the bucket that it bounds.
  public mutating func add(_ time: UInt64) {
    var bucket = 0
    while bucket < Self.bounds.count, time > Self.bounds[bucket] { bucket += 1 }
    buckets[bucket] += 1
    let nanoseconds = sum.nanoseconds + time % 1_000_000_000
    sum.seconds += time / 1_000_000_000 + nanoseconds / 1_000_000_000
    sum.nanoseconds = nanoseconds % 1_000_000_000
  }
}
