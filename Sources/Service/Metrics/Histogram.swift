import Time

/// A distribution of times over fixed buckets, as metrics have them.
///
/// The bounds are the numbers that people write into alerts (100 ms, 1 s, 5 min), each 2 to 3 times the one before, so
/// that a quantile that is read off them is never wrong by more than that factor. They begin at 0.5 ms, below which the
/// time of a job is that of the pipes around it, and end at 10 min; what takes longer is counted in the last bucket. 20
/// series cost a monitoring system little, and are the same for all pools, so that these can be added up.
public struct Histogram: Sendable {
  /// The upper bounds of the buckets but the last, which has none.
  public static let bounds: InlineArray<19, Nanoseconds> = [
    .microseconds(500), .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(10), .milliseconds(25),
    .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500),
    .seconds(1), .milliseconds(2500), .seconds(5), .seconds(10), .seconds(30), .seconds(60), .seconds(120),
    .seconds(300), .seconds(600),
  ]

  /// How many fell into each bucket, without those below it.
  private(set) var buckets = InlineArray<20, UInt64>(repeating: 0)
  /// The sum of all times: whole seconds, and what is beyond them. In nanoseconds alone, ten thousand jobs that always
  /// wait for a minute would overflow it within weeks.
  private(set) var sum: (seconds: UInt64, rest: Nanoseconds) = (0, .zero)

  /// Nothing counted.
  public init() {}

  /// Counts a time. A time that is a bound belongs to the bucket that it bounds.
  public mutating func add(_ time: Nanoseconds) {
    var bucket = 0
    while bucket < Self.bounds.count, time > Self.bounds[bucket] { bucket += 1 }
    buckets[bucket] += 1
    let rest = sum.rest + time % .seconds(1)
    sum.seconds += time.wholeSeconds + rest.wholeSeconds
    sum.rest = rest % .seconds(1)
  }
}
