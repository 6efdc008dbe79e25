import Text

/// Finds out whether the workers leak, from how the memory of each changed with each job, and advises what to do about
/// it.
///
/// What a leak of one worker is, `LeakEstimate` decides. A pool leaks if more than half of its workers do, those that
/// did too few jobs aside.
///
/// It keeps 32 moments of each worker that lives, and the rates of the last 256 that ended.
public struct MemoryAdvice: Sendable {
  private var living: [MemoryCourse?] = []
  private var rates: [Int64] = []
  private var oldestRate = 0
  private static let mostRates = 256

  /// Nothing is known yet.
  public init() {}

  /// A worker did a job, which changed its memory by `change` bytes.
  public mutating func add(slot: Int, pid: Int32, change: Int64) {
    while living.count <= slot { living.append(nil) }
    if living[slot]?.pid != pid {
      end(slot: slot)
      living[slot] = MemoryCourse(pid: pid)
    }
    living[slot]!.add(change)
  }

  /// What the run shows about its workers' memory; nil if they do not leak, or too little is known.
  public var leak: LeakEstimate? {
    let all = (rates + living.compactMap { $0?.rate }).sorted()
    return all.isEmpty ? nil : LeakEstimate(perJob: all[(all.count - 1) / 2])
  }

  /// "worker leaks about 1.2 MB per job: try --max-jobs 400"; nil if there is nothing to advise. `maxJobs` is the limit
  /// that the run had, if any: one as low as the advice has taken it already.
  public func advice(maxJobs: Int64? = nil) -> String? {
    guard let leak else { return nil }
    if let maxJobs, maxJobs <= leak.suggestedMaxJobs { return nil }
    return "worker leaks about \(sizeText(leak.perJob)) per job: try --max-jobs \(leak.suggestedMaxJobs)"
  }

  private mutating func end(slot: Int) {
    guard let rate = living[slot]?.rate else { return }
    if rates.count < Self.mostRates {
      rates.append(rate)
    } else {
      rates[oldestRate] = rate
      oldestRate = (oldestRate + 1) % Self.mostRates
    }
  }
}

/// How the memory of one worker went: its growth since the first job at up to 32 moments, evenly spaced.
private struct MemoryCourse: Sendable {
  let pid: Int32
  private var jobs = 0
  private var growth: Int64 = 0
  private var stride = 1
  private var moments: [Int64] = []
  private static let mostMoments = 32

  init(pid: Int32) { self.pid = pid }

  mutating func add(_ change: Int64) {
    jobs += 1
    growth = Self.possible(growth + Self.possible(change))
    guard jobs % stride == 0 else { return }
    moments.append(growth)
    guard moments.count == Self.mostMoments else { return }
    // Every second one stays, the last among them.
    moments = Swift.stride(from: 1, to: moments.count, by: 2).map { moments[$0] }
    stride *= 2
  }

  /// No process has an exabyte: such a value is wrong, and must not overflow.
  private static func possible(_ bytes: Int64) -> Int64 { max(-1 << 60, min(1 << 60, bytes)) }

  /// Bytes per job, 0 if this is no leak; nil if the worker did too few jobs.
  var rate: Int64? {
    guard jobs >= LeakEstimate.fewestJobs else { return nil }
    let readings = moments.enumerated().map { LeakEstimate.Reading(jobs: ($0 + 1) * stride, bytes: $1) }
    return LeakEstimate(readings)?.perJob ?? 0
  }
}
