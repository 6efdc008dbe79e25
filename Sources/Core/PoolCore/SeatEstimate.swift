import Time

/// How many jobs one worker is sent at once: the head, which runs, and some that are parked in its pipe behind it, so
/// that it never waits for us between two short jobs.
///
/// Parked jobs cannot be taken back from the pipe, and wait for the one before them however long that takes. So they
/// are only as many as the worker does in `reach`, measured at this worker and believed at once when jobs get slow; and
/// none are parked at a worker that has not answered `probation` jobs one at a time.
public struct SeatEstimate: Sendable {
  /// What is parked at a worker shall not take longer.
  public static let reach = Nanoseconds.milliseconds(1)
  /// Jobs that a worker must have answered one at a time.
  public static let probation = 64
  /// The same where many others of its kind have done so, too.
  public static let shortProbation = 16
  /// Most jobs at one worker, whatever they take.
  public static let mostSeats = 256

  private var answered = 0
  /// How long a job takes of late.
  private var typicalTime = Nanoseconds.zero
  /// When the first of the jobs began that are not measured yet, and when the last of them was answered.
  private var measuredSince = Instant.origin
  private var lastAnswer = Instant.origin
  /// How many they are.
  private var answersMeasured: UInt64 = 0
  private var probation = Self.probation
  private var effort = EffortEstimate()

  /// Nothing is known yet.
  public init() {}

  /// It is given a job while it has none.
  @inline(__always)
  public mutating func began(at now: Instant) {
    measure()
    measuredSince = now
  }

  /// It has answered one job.
  @inline(__always)
  public mutating func replied(at now: Instant) {
    lastAnswer = now
    answered += 1
    answersMeasured += 1
  }

  /// It was written one job or more at once.
  @inline(__always)
  public mutating func wrote() { effort.wrote() }

  /// It has answered enough jobs one at a time.
  @inline(__always)
  public var hasServedProbation: Bool { answered >= probation }

  /// It has answered as many as are enough where many others of its kind have done so, too.
  public var hasServedShortProbation: Bool { answered >= Self.shortProbation }

  /// Many others of its kind have served the short probation: it needs no longer one.
  public mutating func shortenProbation() { probation = Self.shortProbation }

  /// How many jobs it may have at this moment, 1 or more, if it may have `limit` at most. To be asked when all that has
  /// come from it was counted.
  public mutating func seats(atMost limit: Int) -> Int {
    measure()
    guard limit > 1, hasServedProbation else { return 1 }
    return max(1, min(limit, max(seatsByClock, effort.seats)))
  }

  private var seatsByClock: Int {
    typicalTime < Self.reach ? min(Self.mostSeats, Int(Self.reach / typicalTime)) : 1
  }

  /// Slower is believed at once, faster little by little.
  private mutating func measure() {
    guard answersMeasured > 0 else { return }
    let time = (lastAnswer - measuredSince) / answersMeasured
    effort.answered(answersMeasured, within: lastAnswer - measuredSince, each: time)
    measuredSince = lastAnswer
    answersMeasured = 0
    typicalTime = time >= typicalTime ? time : typicalTime - (typicalTime - time) / 4
  }

  // MARK: CPU time

  /// Whether it would have more seats by its CPU time, or might have: then that is to be read (`record`) before `seats`
  /// is asked.
  public mutating func wantsEffort() -> Bool {
    measure()
    return hasServedProbation && seatsByClock < EffortEstimate.mostSeats / 2
  }

  /// Whether `record` wants to know how often the worker has slept, too, which takes longer to find out.
  public var wantsSleeps: Bool { effort.wantsSleeps }

  /// Its CPU time so far.
  public mutating func record(cpu: Nanoseconds) { effort.record(cpu: cpu) }

  /// Its CPU time so far, and how often it has fallen asleep (voluntary context switches). Whether it was seen to wait
  /// for nothing but its next jobs, so that their CPU time is all that they take; nil if that cannot be known yet.
  public mutating func record(cpu: Nanoseconds, sleeps: UInt64) -> Bool? {
    effort.record(cpu: cpu)
    return effort.judge(sleeps: sleeps)
  }

  /// Others of its kind were seen to wait for nothing else: for now that is believed of this one.
  public mutating func trustEffort() { effort.trust() }
}
