import JobCore
import PoolCore
import Time

/// What one served pool counts while it runs. Counting a job takes some ten nanoseconds and no memory; nothing is ever
/// reset.
public struct PoolMetrics: Sendable {
  /// When counting began, on the wall clock.
  let began: Instant

  private(set) var jobsAccepted: UInt64 = 0
  private(set) var jobsRefused: UInt64 = 0
  private(set) var jobs = InlineArray<7, UInt64>(repeating: 0)
  private(set) var queueTimes = Histogram()
  private(set) var runTimes = Histogram()
  private(set) var inputBytes: UInt64 = 0
  private(set) var outputBytes: UInt64 = 0
  private(set) var answersDropped: UInt64 = 0
  private(set) var answersInDoubt: UInt64 = 0

  private(set) var starts: UInt64 = 0
  private(set) var failedStarts: UInt64 = 0
  private(set) var deaths = InlineArray<8, UInt64>(repeating: 0)
  private(set) var retirements = InlineArray<14, UInt64>(repeating: 0)

  private(set) var connectionsOpened: UInt64 = 0
  private(set) var connectionsClosed = InlineArray<5, UInt64>(repeating: 0)
  private(set) var connectionsRefused = InlineArray<2, UInt64>(repeating: 0)
  private(set) var bytesReceived: UInt64 = 0
  private(set) var bytesSent: UInt64 = 0

  /// Nothing counted yet, at this time of the wall clock.
  public init(began: Instant) { self.began = began }

  /// A job was taken in.
  public mutating func jobAccepted() { jobsAccepted += 1 }

  /// A job was not taken in, because too many wait already.
  public mutating func jobRefused() { jobsRefused += 1 }

  /// A job that was taken in has ended. `queued` is the time from then to its (last) lease, or to its end if it had
  /// none, `ran` that of its last attempt, nil if it had none; `input` and `output` are the bytes of the job and of its
  /// answer, without frames.
  public mutating func jobSettled(_ outcome: Outcome, queued: Nanoseconds, ran: Nanoseconds?, input: Int, output: Int) {
    jobs[Int(outcome.rawValue)] += 1
    queueTimes.add(queued)
    if let ran { runTimes.add(ran) }
    inputBytes += UInt64(input)
    outputBytes += UInt64(output)
  }

  /// `count` answers were thrown away, because their client was gone.
  public mutating func answersDropped(_ count: Int) { answersDropped += UInt64(count) }

  /// A job that was counted as ok may have a wrong answer: its worker wrote more than that afterwards.
  public mutating func answerInDoubt() { answersInDoubt += 1 }

  /// A worker was started.
  public mutating func workerStarted() { starts += 1 }

  /// A start failed: nothing was spawned, or it was never ready.
  public mutating func startFailed() { failedStarts += 1 }

  /// A worker died, or had to be stopped for what it did.
  public mutating func workerDied(_ cause: DeathCause) { deaths[Int(cause.rawValue)] += 1 }

  /// A worker gets no more jobs, for this reason.
  public mutating func workerRetired(_ reason: RetireReason) { retirements[reason.label.place] += 1 }

  /// A client was let in.
  public mutating func connectionOpened() { connectionsOpened += 1 }

  /// A client that was let in has left.
  public mutating func connectionClosed(_ end: ConnectionEnd) { connectionsClosed[Int(end.rawValue)] += 1 }

  /// A client was turned away.
  public mutating func connectionRefused(_ refusal: ConnectionRefusal) {
    connectionsRefused[Int(refusal.rawValue)] += 1
  }

  /// Bytes came from clients, frames and all.
  public mutating func received(bytes: Int) { bytesReceived += UInt64(bytes) }

  /// Bytes went to clients, frames and all.
  public mutating func sent(bytes: Int) { bytesSent += UInt64(bytes) }
}
