import Time

/// Equal pieces of a run's time, at most `most` of them: when more time comes, neighbours merge and each piece is twice
/// as long. So a run of a second and one of a week take the same room, and each is shown as finely as its picture can
/// be.
struct TimeBuckets: Sendable {
  /// More would not be seen in a picture.
  static let most = 600

  /// How long each is.
  private(set) var width: Nanoseconds = .milliseconds(5)
  /// How often `width` was doubled.
  private(set) var doublings = 0

  /// The piece that holds this moment, after doubling the width as often as that takes.
  mutating func index(of instant: Instant) -> Int {
    let time = instant.sinceOrigin
    while time / width >= UInt64(Self.most) {
      width = width * 2
      doublings += 1
    }
    return Int(time / width)
  }
}

/// A sum per piece of time: of a number, or of nanoseconds.
struct Series: Sendable {
  private(set) var values: [UInt64] = []
  private var doublings = 0

  /// The sum of a piece; 0 beyond the last.
  subscript(index: Int) -> UInt64 { index < values.count ? values[index] : 0 }

  /// Adds what happened at one moment.
  mutating func add(_ amount: UInt64, at time: Instant, in buckets: inout TimeBuckets) {
    let index = buckets.index(of: time)
    reach(index, in: buckets) { $0 + $1 }
    values[index] += amount
  }

  /// Keeps the greatest value of each piece instead of the sum. A series is used in one of the two ways.
  mutating func raise(to value: UInt64, at time: Instant, in buckets: inout TimeBuckets) {
    let index = buckets.index(of: time)
    reach(index, in: buckets, merging: max)
    values[index] = max(values[index], value)
  }

  /// Adds a span of time to the pieces that it lies in.
  mutating func add(from start: Instant, to end: Instant, in buckets: inout TimeBuckets) {
    guard start < end else { return }
    let last = buckets.index(of: end - .nanoseconds(1))
    reach(last, in: buckets) { $0 + $1 }
    var from = start
    for index in Int(start.sinceOrigin / buckets.width)...last {
      let to = min(end, .origin + UInt64(index + 1) * buckets.width)
      values[index] += (to - from).count
      from = to
    }
  }

  /// The sums for pieces as they are now, so that all series can be read side by side.
  mutating func align(to buckets: TimeBuckets) { merge(to: buckets) { $0 + $1 } }

  /// The same for a series of greatest values.
  mutating func alignGreatest(to buckets: TimeBuckets) { merge(to: buckets, merging: max) }

  private mutating func reach(_ index: Int, in buckets: TimeBuckets, merging: (UInt64, UInt64) -> UInt64) {
    merge(to: buckets, merging: merging)
    while values.count <= index { values.append(0) }
  }

  private mutating func merge(to buckets: TimeBuckets, merging: (UInt64, UInt64) -> UInt64) {
    while doublings < buckets.doublings {
      values = stride(from: 0, to: values.count, by: 2).map {
        $0 + 1 < values.count ? merging(values[$0], values[$0 + 1]) : values[$0]
      }
      doublings += 1
    }
  }
}
