import EventLoop
import JobCore
import LinuxIO
import Records
import Time
import WireFormats

/// Where jobs come from: stdin, a client's connection, a queue. One at a time, and no sooner than they are wanted: what
/// is not asked for is not read (multiprocessing.Pool reads its whole input ahead).
///
/// The owner asks with `next`, hands the bytes of `withJob` to the table of jobs, and reports with `consume` the name
/// that the job has there. When there is none at the moment, `resume` has the loop wait for one.
///
/// A source that acknowledges its jobs is informed of each outcome (`settled`), and again when that is recorded
/// (`acknowledge`).
package protocol JobSource: ~Copyable {
  // MARK: Jobs

  /// What the bytes of its jobs are.
  var form: JobForm { get }
  /// Finds what stands next. A job that was found must be consumed before the next call.
  mutating func next() -> SourceStep
  /// Lends the bytes of the job that was found.
  func withJob(_ body: (UnsafeRawBufferPointer) -> Void)
  /// Where the job that was found stands, as messages name it: `line 3 of the input`.
  var position: String { get }
  /// The job that was found, or the one too large, has this name from now on. Nil if there is nothing to be done: an
  /// earlier run has done it, or it is an empty line among records.
  mutating func consume(as job: JobID?)

  // MARK: Waiting

  /// A new turn of the loop: as much may be read again as in one turn.
  mutating func beginTurn()
  /// Jobs are wanted, and there are none at the moment: the loop is to report `token` when `next` may find one. Called
  /// whenever `next` finds nothing, also while it waits already. Returns why it cannot wait.
  mutating func resume(_ loop: inout EventLoop, token: UInt64) -> String?
  /// `token` was reported, or no job is wanted: the loop is not to report it until `resume`.
  mutating func pause(_ loop: inout EventLoop, token: UInt64)
  /// When `fireTimers` is wanted, by the clock of the loop; nil for never.
  var nextDeadline: Instant? { get }
  /// The deadline may be over: a lease is to be extended, or `next` may find a job again.
  mutating func fireTimers(at now: Instant)
  /// No job is taken any more. What was read and not consumed stays where it came from.
  mutating func end(_ loop: inout EventLoop, token: UInt64)
  /// How many bytes of how many were consumed; nil if it is not known how many there are.
  var progress: (consumed: UInt64, all: UInt64)? { get }

  // MARK: Outcomes

  /// Whether `settled` and `acknowledge` are called.
  static var isAcknowledged: Bool { get }
  /// The job has this outcome: `reply` is what a worker answered, empty if it is not ok, and `failure` why it is not.
  /// Exactly once per job, in the order in which jobs come out. A job that is `cancelled` was not done, or not to its
  /// end: it is to be given back.
  mutating func settled(_ job: JobID, _ outcome: Outcome, reply: UnsafeRawBufferPointer, failure: Failure?)
  /// The outcome of the job is written, and so is its line of the joblog: it need not be kept any longer. After
  /// `settled`, in the same order; never of a job that is `cancelled`, or whose result could not be written.
  mutating func acknowledge(_ job: JobID)
}

/// What stands next in a source.
package enum SourceStep: Equatable {
  /// A job.
  case job
  /// A job of more bytes than this, which are the most: it was skipped, and is to be consumed.
  case oversize(limit: Int)
  /// Nothing at the moment.
  case notYet
  /// The input is the terminal, and we are in the background: to be continued when it is ours.
  case inBackground
  /// Enough was read for this turn of the loop; there may be more at once. Input that holds no job at all (an endless
  /// line that never wants to wait, like /dev/zero) must not keep signals and workers from being heard.
  case nextTurn
  /// Nothing yet, but a message for people. `next` can be called again at once.
  case notice(String)
  /// There are no more jobs.
  case end
  /// No more jobs can be read, for this reason.
  case failed(String)
}

/// What the bytes of a job are.
package enum JobForm: Equatable {
  /// The job itself, which came in this framing; nil if it may hold any bytes.
  case plain(Framing?)
  /// A record that holds the job (`InputRecord`).
  case record
}

/// Most sources need no timers, know no size, and acknowledge nothing.
extension JobSource where Self: ~Copyable {
  package mutating func beginTurn() {}
  package var nextDeadline: Instant? { nil }
  package mutating func fireTimers(at now: Instant) {}
  package var progress: (consumed: UInt64, all: UInt64)? { nil }
  package static var isAcknowledged: Bool { false }
  package mutating func settled(
    _ job: JobID, _ outcome: Outcome, reply: UnsafeRawBufferPointer, failure: Failure?
  ) {}
  package mutating func acknowledge(_ job: JobID) {}
}
