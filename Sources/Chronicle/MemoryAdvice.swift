/// Finds out whether the workers leak, from how the memory of each changed with each job, and says what to do about it.
///
/// A worker's growth counts as a leak if it goes on: what it took while it warmed up (the first quarter of its jobs) is ignored, it grew
/// in nearly all pairs of moments after that, no slower at the end than before, and by more than noise. A pool leaks if more than
/// half of its workers do, those that did too few jobs aside. So caches that fill, collectors that give back now and then and single
/// huge jobs raise no alarm.
///
/// It keeps 32 moments of each worker that lives, and the rates of the last 256 that ended.
public struct MemoryAdvice: Sendable {
  /// A worker may grow by so much before it should be replaced, in bytes.
  public static let tolerableGrowth: Int64 = 512 << 20
  /// A worker that did fewer jobs than these says nothing.
  public static let fewestJobs = 20
  /// Less growth than this, in bytes, is noise.
  public static let noise: Int64 = 4 << 20

  private var living: [MemoryCourse?] = []
  private var rates: [Int64] = []
  private var oldestRate = 0
  private static let mostRates = 256

  /// Nothing is known yet.
  public init() {}

  /// A worker did a job, after which its memory had changed by so many bytes.
  public mutating func add(slot: Int, pid: Int32, change: Int64) {
    while living.count <= slot { living.append(nil) }
    if living[slot]?.pid != pid {
      end(slot: slot)
      living[slot] = MemoryCourse(pid: pid)
    }
    living[slot]!.add(change)
  }

  /// What the run shows about its workers' memory, in bytes per job; nil if they do not leak, or too little is known.
  public var leakPerJob: Int64? {
    let all = (rates + living.compactMap { $0?.rate }).sorted()
    guard !all.isEmpty, let median = Optional(all[(all.count - 1) / 2]), median > 0 else { return nil }
    return median
  }

  /// So many jobs until a worker has grown by what is tolerable, to one digit; nil if they do not leak.
  public var suggestedMaxJobs: Int64? {
    leakPerJob.map { Self.round(max(1, Self.tolerableGrowth / $0)) }
  }

  /// "worker leaks about 1.2 MB per job: try --max-jobs 400"; nil if there is nothing to advise. `maxJobs` is the limit that the run
  /// had, if any: one as low as the advice has taken it already.
  public func advice(maxJobs: Int64? = nil) -> String? {
    guard let leak = leakPerJob, let suggestion = suggestedMaxJobs else { return nil }
    if let maxJobs, maxJobs <= suggestion { return nil }
    return "worker leaks about \(sizeText(leak)) per job: try --max-jobs \(suggestion)"
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

  /// Down to one digit: 426 is 400.
  private static func round(_ number: Int64) -> Int64 {
    var power: Int64 = 1
    while number / power >= 10 { power *= 10 }
    return number / power * power
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

  /// No process has an exabyte: what says so is wrong, and must not overflow.
  private static func possible(_ bytes: Int64) -> Int64 { max(-1 << 60, min(1 << 60, bytes)) }

  /// Bytes per job, 0 if this is no leak; nil if the worker did too few jobs.
  var rate: Int64? {
    guard jobs >= MemoryAdvice.fewestJobs else { return nil }
    let warm = Array(moments[(moments.count / 4)...])
    guard let first = warm.first, let last = warm.last, last - first >= MemoryAdvice.noise, isSteady(warm) else {
      return 0
    }
    return max(0, Self.median(of: slopes(warm)) / Int64(stride))
  }

  /// Nine of ten pairs of moments rise, and the second half rises by no less than half of what the first does.
  private func isSteady(_ warm: [Int64]) -> Bool {
    let slopes = slopes(warm)
    guard slopes.count(where: { $0 > 0 }) * 10 >= slopes.count * 9 else { return false }
    let middle = warm.count / 2
    let early = Self.median(of: self.slopes(Array(warm[...middle])))
    let late = Self.median(of: self.slopes(Array(warm[middle...])))
    return late * 2 >= early
  }

  /// The slope between each pair: their median is that of Theil and Sen, which a single huge job does not move.
  private func slopes(_ warm: [Int64]) -> [Int64] {
    warm.indices.flatMap { left in
      warm.indices.dropFirst(left + 1).map { (warm[$0] - warm[left]) / Int64($0 - left) }
    }
  }

  private static func median(of values: [Int64]) -> Int64 {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
