import Time

/// Judges a fresh worker, look by look, until it is known to wait for its first job, or that this cannot be seen.
///
/// A worker that runs, or sleeps for a time, may be loading, and is looked at again. One that waits for events may wait
/// for its input among others, in a way that does not show which: it is given up once it has not run for a moment. What
/// else may be anything is given up when it has lasted for a second.
public struct StartWatch: Sendable {
  /// What comes of a look.
  public enum Verdict: Sendable, Equatable {
    /// It may be loading: it is to be looked at again.
    case loads
    /// It waits for its first job in a read of its stdin.
    case reads
    /// It does not wait in a read, and whether it waits for a job cannot be seen.
    case waitsOtherwise
    /// It cannot be looked at.
    case cannotBeSeen
  }

  /// What is seen once.
  public struct Sight: Sendable {
    /// What its processes do.
    public var look: StartLook
    /// How often its processes have run, if that is known; looked at only while it sleeps or waits.
    public var timesRun: UInt64?
    /// Its reads of its stdin do not wait: it cannot be seen reading.
    public var pollsInput: Bool

    /// What is seen of a worker: see the properties.
    public init(_ look: StartLook, timesRun: UInt64? = nil, pollsInput: Bool = false) {
      self.look = look
      self.timesRun = timesRun
      self.pollsInput = pollsInput
    }
  }

  /// What is not clear is given up when it has lasted for this long.
  private static let doubtLimit: Nanoseconds = .seconds(1)
  /// One that waits for events is given up when it has not run for this long.
  private static let restLimit: Nanoseconds = .milliseconds(10)
  /// One that sleeps, and was woken this often in between, looks at its stdin from time to time.
  private static let mostWakings: UInt64 = 50
  private static let shortestPause: Nanoseconds = .microseconds(250)
  private static let usualPause: Nanoseconds = .milliseconds(25)

  private var last: Sight?
  /// Since when it has not run, as far as is known.
  private var restsSince: Instant = .origin
  /// Since when it is in doubt whether the worker can be seen.
  private var doubtfulSince: Instant?
  /// How often it has run between two looks that both found it asleep.
  private var wakings: UInt64 = 0

  /// A watch that has seen nothing.
  public init() {}

  /// How long a worker of this age is left alone between two looks: for a sixteenth of its age, 0.25 to 25 ms, or for a
  /// fiftieth if that is more. So one that loads for 10 s is looked at 230 times, at some microseconds each.
  public static func pause(atAge age: Nanoseconds) -> Nanoseconds {
    max(shortestPause, min(usualPause, age / 16), age / 50)
  }

  /// The worker has written something: it is at work.
  public mutating func hasWritten() { (last, doubtfulSince, wakings) = (nil, nil, 0) }

  /// What this look at the worker means, after those before.
  public mutating func judge(_ sight: Sight, at now: Instant) -> Verdict {
    defer { last = sight }
    let hasNotRun = last?.look == sight.look && last?.timesRun == sight.timesRun
    if !hasNotRun { restsSince = now }
    let isDoubtful: Bool
    switch sight.look {
    case .readsInput: return .reads
    case .hidden: return .cannotBeSeen
    case .waitsForEvents:
      if hasNotRun, now - restsSince >= Self.restLimit { return .waitsOtherwise }
      isDoubtful = true
    case .sleeps:
      countWakings(sight)
      if wakings >= Self.mostWakings { return .waitsOtherwise }
      isDoubtful = sight.pollsInput
    case .runs: isDoubtful = sight.pollsInput
    case .readsAndWorks: isDoubtful = true
    case .unclear: isDoubtful = hasNotRun
    }
    guard isDoubtful else {
      doubtfulSince = nil
      return .loads
    }
    let since = doubtfulSince ?? now
    doubtfulSince = since
    if now - since < Self.doubtLimit { return .loads }
    return sight.look == .readsAndWorks ? .reads : .waitsOtherwise
  }

  private mutating func countWakings(_ sight: Sight) {
    guard let last, last.look == .sleeps, let before = last.timesRun, let now = sight.timesRun, now > before else {
      return
    }
    wakings += now - before
  }
}
