import ControlProtocol
import Time

/// How fast the jobs of one pool are settled: now, by outcome, and over the last minutes.
struct RateHistory: Sendable {
  /// Rates are averages over this time.
  private static let window: Nanoseconds = .seconds(5)
  /// How many bars are kept: more than the widest window shows.
  private static let mostBars = 600

  private struct Sample {
    var at: Instant
    var jobs: JobTotals
  }

  /// Time that one bar stands for.
  let barTime: Nanoseconds
  /// Jobs in a second, one for each whole bar of time, the latest last.
  private(set) var bars: [Double] = []
  /// The jobs of the bar that is not over.
  private var unfinished = 0.0
  /// Where the first bar begins.
  private var origin = Instant.origin
  private var samples: [Sample] = []

  /// A history whose samples come every `interval`.
  init(interval: Nanoseconds) { barTime = max(.seconds(1), interval) }

  /// The counts as they are now.
  mutating func take(_ jobs: JobTotals, at now: Instant) {
    guard let last = samples.last else {
      samples = [Sample(at: now, jobs: jobs)]
      origin = now
      return
    }
    guard now > last.at else { return }
    guard jobs.settled >= last.jobs.settled, jobs.accepted >= last.jobs.accepted else {
      // It was started anew.
      self = RateHistory(interval: barTime)
      take(jobs, at: now)
      return
    }
    addBars(Double(jobs.settled) - Double(last.jobs.settled), from: last.at, to: now)
    samples.append(Sample(at: now, jobs: jobs))
    // One sample at the far end of the window is kept.
    let start = now - Self.window
    if let kept = samples.lastIndex(where: { $0.at <= start }) { samples.removeFirst(kept) }
  }

  /// Jobs in a second by what is counted; nil until there is time between two counts.
  func rate(_ count: (JobTotals) -> Int) -> Double? {
    guard let first = samples.first, let last = samples.last, last.at > first.at else { return nil }
    return max(0, Double(count(last.jobs)) - Double(count(first.jobs))) / (last.at - first.at).seconds
  }

  /// Spreads jobs evenly over the time in which they were settled.
  private mutating func addBars(_ jobs: Double, from start: Instant, to end: Instant) {
    let speed = jobs / (end - start).seconds
    var time = start
    // After a long silence only the bars that are kept are worth drawing.
    let longest = barTime * UInt64(Self.mostBars)
    if end - start > longest {
      time = end - longest
      origin = time
      unfinished = 0
    }
    while time < end {
      let barEnd = time + (barTime - (time - origin) % barTime)
      let next = min(barEnd, end)
      unfinished += speed * (next - time).seconds
      time = next
      if time == barEnd {
        bars.append(unfinished / barTime.seconds)
        unfinished = 0
      }
    }
    if bars.count > Self.mostBars { bars.removeFirst(bars.count - Self.mostBars) }
  }
}

extension JobTotals {
  /// Jobs that ended in any way. Counts come from outside: they wrap around rather than trap.
  var settled: Int { ok &+ notOK }
  /// Jobs that did not end well.
  var notOK: Int { failed &+ timeout &+ crashed &+ quarantined &+ cancelled &+ expired }
}

/// The last of these bars in `cells` cells, the highest of them as high as a cell; all blank when nothing happened.
func sparkline(_ bars: [Double], cells: Int, hasUnicode: Bool) -> String {
  let shown = bars.suffix(max(0, cells))
  let levels: [Character] =
    hasUnicode
    ? [" ", "\u{2581}", "\u{2582}", "\u{2583}", "\u{2584}", "\u{2585}", "\u{2586}", "\u{2587}", "\u{2588}"]
    : [" ", "_", ".", "-", "=", "+", "*", "%", "#"]
  let highest = shown.max() ?? 0
  let blank = String(repeating: " ", count: max(0, cells - shown.count))
  return blank
    + String(
      shown.map { bar in
        guard bar > 0, highest > 0 else { return levels[0] }
        // What is not nothing is seen.
        return levels[max(1, Int((bar / highest * 8).rounded()))]
      })
}
