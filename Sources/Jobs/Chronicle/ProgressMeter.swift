import Time

/// How fast a run goes, and when it will be over. Its clock began with the run.
///
/// Rates are exponential moving averages over time. They begin with the first settled jobs, so that the start of the
/// workers is no part of them, and they forget the more slowly the rarer results are: a single slow job must not look
/// like a change of speed. The time to go is taken from a longer memory than the rate, because every swing of it shows.
struct ProgressMeter: Sendable {
  /// The average is brought up to date no more often than this.
  private static let step: Nanoseconds = .milliseconds(500)
  /// It forgets no faster than this, in seconds.
  private static let shortestMemory = 10.0
  /// The number of results that it remembers.
  private static let resultsRemembered = 8.0
  /// The time to go remembers that part of the run.
  private static let partRemembered = 0.25
  /// The least number of results, and the least time, for an estimate of the time to go.
  private static let leastResults: UInt64 = 3
  private static let leastTime: Nanoseconds = .seconds(2)
  /// The run stalls when no job settles for this time, and for `usualGaps` times the usual gap.
  private static let shortestStall: Nanoseconds = .seconds(10)
  private static let usualGaps: UInt64 = 5

  private struct Point {
    var at: Instant
    var settled: UInt64
    var worked: Double?
  }

  private struct Average {
    private var sum = 0.0
    private var weight = 0.0

    /// The average; the weight is below 1 in the beginning, when there is nothing to forget yet.
    var value: Double? { weight > 0 ? sum / weight : nil }

    mutating func add(_ value: Double, for time: Double, memory: Double) {
      let share = time / (memory + time)
      sum += share * (value - sum)
      weight += share * (1 - weight)
    }
  }

  /// The first results.
  private var first: Point?
  /// The results that are in the averages.
  private var last: Point?
  private var lastSettled: (at: Instant, count: UInt64) = (.origin, 0)
  /// Jobs in a second, as they are now.
  private var speed = Average()
  /// Jobs in a second, and parts of the input in a second, over a longer time.
  private var steadyJobs = Average()
  private var steadyWork = Average()
  private var finish: Instant?

  /// Looks at how far the run is now.
  mutating func take(_ progress: Progress, at now: Instant) {
    guard progress.settled > lastSettled.count else { return }
    lastSettled = (now, progress.settled)
    let point = Point(at: now, settled: progress.settled, worked: progress.worked)
    guard let first, let last else {
      first = point
      last = point
      return
    }
    guard now >= last.at + Self.step else { return }
    let time = (now - last.at).seconds
    let elapsed = (now - first.at).seconds
    let gap = elapsed / Double(point.settled - first.settled)
    let memory = max(Self.shortestMemory, Self.resultsRemembered * gap)
    let longMemory = max(memory, elapsed * Self.partRemembered)
    let jobs = Double(point.settled - last.settled)
    speed.add(jobs / time, for: time, memory: memory)
    steadyJobs.add(jobs / time, for: time, memory: longMemory)
    // Once the input is over its length is counted in jobs: not the same measure as before.
    if case .bytes = progress.input, let worked = point.worked, let before = last.worked {
      steadyWork.add((worked - before) / time, for: time, memory: longMemory)
    }
    self.last = point
    finish = secondsToGo(progress).map { now + Nanoseconds(truncating: min($0, 1e9) * 1e9) }
  }

  /// Jobs in a second; nil when not enough was seen.
  var rate: Double? { speed.value }

  /// Time until all is settled; nil when it cannot be estimated.
  func timeToGo(at now: Instant) -> Nanoseconds? {
    guard let first, let last, let finish, last.settled - first.settled >= Self.leastResults,
      last.at - first.at >= Self.leastTime
    else { return nil }
    return finish - now
  }

  /// How long nothing was settled, if that is unusual.
  func stall(at now: Instant) -> Nanoseconds? {
    guard let first, let last, now > lastSettled.at else { return nil }
    let results = last.settled - first.settled
    let usual = results > 0 ? (last.at - first.at) / results : first.at - .origin
    let quiet = now - lastSettled.at
    return quiet >= max(Self.shortestStall, Self.usualGaps * usual) ? quiet : nil
  }

  /// How long nothing was settled, unusual or not; since the beginning when nothing ever was.
  func quiet(at now: Instant) -> Nanoseconds { now - lastSettled.at }

  private func secondsToGo(_ progress: Progress) -> Double? {
    switch progress.input {
    case .endless: return nil
    case .bytes:
      guard let done = progress.done, let speed = steadyWork.value, speed > 0 else { return nil }
      return (1 - done) / speed
    case .over:
      guard let speed = steadyJobs.value, speed > 0 else { return nil }
      return Double(progress.open) / speed
    }
  }
}
