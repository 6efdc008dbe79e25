import Time

/// Judges a fresh worker, look by look, until it waits for its first job, or until it is clear that nothing shows this.
///
/// A worker that runs, or sleeps for a time, may be loading: another look follows. One that waits for events may wait
/// for its input or for something else, and /proc does not show which: the watch ends once it has not run for a moment.
/// In all other doubtful cases the watch ends after a second.
public struct StartWatch: Sendable {
  /// The result of a look.
  public enum Verdict: Sendable, Equatable {
    /// It may be loading: look again.
    case loads
    /// It waits for its first job in a read of its stdin.
    case reads
    /// It does not wait in a read, and nothing shows whether it waits for a job.
    case waitsOtherwise
    /// It cannot be looked at.
    case cannotBeSeen
  }

  /// What one look shows.
  public struct Sight: Sendable {
    /// What its processes do.
    public var look: StartLook
    /// How often its processes have run, if known; read only while it sleeps or waits.
    public var timesRun: UInt64?
    /// Its stdin does not block, so that it never sleeps in a read.
    public var pollsInput: Bool

    /// Makes a sight; see the properties.
    public init(_ look: StartLook, timesRun: UInt64? = nil, pollsInput: Bool = false) {
      self.look = look
      self.timesRun = timesRun
      self.pollsInput = pollsInput
    }
  }

  /// The watch of a doubtful worker ends after this time.
  private static let doubtLimit: Nanoseconds = .seconds(1)
  /// The watch of a worker that waits for events ends when it has not run for this time.
  private static let restLimit: Nanoseconds = .milliseconds(10)
  /// A worker that sleeps, and was woken this often between looks, polls its stdin.
  private static let mostWakings: UInt64 = 50
  private static let shortestPause: Nanoseconds = .microseconds(250)
  private static let usualPause: Nanoseconds = .milliseconds(25)

  private var last: Sight?
  /// Since when it has not run, as far as we know.
  private var restsSince: Instant = .origin
  /// Since when the looks are doubtful.
  private var doubtfulSince: Instant?
  /// How often it has run between looks that found it asleep.
  private var wakings: UInt64 = 0

  /// A watch before its first look.
  public init() {}

  /// The pause between two looks at a worker of this age: a sixteenth of its age, from 0.25 to 25 ms, or a fiftieth if
  /// that is more. A worker that loads for 10 s costs 230 looks of some microseconds each.
  public static func pause(atAge age: Nanoseconds) -> Nanoseconds {
    max(shortestPause, min(usualPause, age / 16), age / 50)
  }

  /// The worker has written something: it is at work.
  public mutating func hasWritten() { (last, doubtfulSince, wakings) = (nil, nil, 0) }

  /// Judges the worker by this look and those before it.
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
