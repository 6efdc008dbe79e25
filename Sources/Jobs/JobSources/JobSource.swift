import EventLoop
import JobCore
import LinuxIO
import Records
import Time
import WireFormats

/// Where jobs come from: stdin, a client's connection, a queue. A source delivers one job at a time, on demand, and
/// reads nothing ahead of the demand (multiprocessing.Pool reads its whole input ahead).
///
/// The owner calls `next`, passes the bytes of `withJob` to the table of jobs, and calls `consume` with the job's name
/// there. When the source has no job at the moment, `resume` makes the loop wait for one.
///
/// A source that acknowledges its jobs gets each outcome (`settled`), and a second call when that outcome is recorded
/// (`acknowledge`).
package protocol JobSource: ~Copyable {
  // MARK: Jobs

  /// How to read the bytes of its jobs.
  var form: JobForm { get }
  /// Finds the next job. The owner must consume it before the next call.
  mutating func next() -> SourceStep
  /// Lends the bytes of the job that was found.
  func withJob(_ body: (UnsafeRawBufferPointer) -> Void)
  /// Returns the bytes of the job that was found, to be shared; nil unless the job is large and the source can part
  /// with its bytes. `withJob` lends them all the same, until the owner consumes the job.
  mutating func shareJob() -> SharedBytes?
  /// The place of the job that was found, as messages name it: `line 3 of the input`.
  var position: String { get }
  /// Consumes the job that was found, or the one that is too large; the table knows it by this name. Nil if nothing is
  /// left to do: an earlier run has done the job, or it is an empty line among records.
  mutating func consume(as job: JobID?)

  // MARK: Waiting

  /// A new turn of the loop begins, with a new allowance for reading.
  mutating func beginTurn()
  /// Jobs are wanted, and the source has none at the moment: makes the loop report `token` when `next` may find one.
  /// Called whenever `next` finds nothing, also while the source waits already. Returns why it cannot wait.
  mutating func resume(_ loop: inout EventLoop, token: UInt64) -> String?
  /// The loop has reported `token`, or no job is wanted: stops the reports until `resume`.
  mutating func pause(_ loop: inout EventLoop, token: UInt64)
  /// When `fireTimers` is wanted, by the clock of the loop; nil for never.
  var nextDeadline: Instant? { get }
  /// The deadline may have passed: the source extends a lease, or `next` may find a job again.
  mutating func fireTimers(at now: Instant)
  /// The owner wants no further job. Whatever was read and not consumed stays in the source.
  mutating func end(_ loop: inout EventLoop, token: UInt64)
  /// How many bytes of how many are consumed; nil if the total is unknown.
  var progress: (consumed: UInt64, all: UInt64)? { get }

  // MARK: Outcomes

  /// Whether `settled` and `acknowledge` are called.
  static var isAcknowledged: Bool { get }
  /// The job has this outcome. `reply`: the worker's answer, empty unless the outcome is ok. `failure`: why it is not
  /// ok. Called exactly once per job, in the order in which jobs come out. A `cancelled` job was not finished: the
  /// source should give it back.
  mutating func settled(_ job: JobID, _ outcome: Outcome, reply: UnsafeRawBufferPointer, failure: Failure?)
  /// The outcome of the job and its line in the joblog are written, so the source can drop the job. Called after
  /// `settled`, in the same order; never for a `cancelled` job, nor for one with a result that could not be written.
  mutating func acknowledge(_ job: JobID)
}

/// The next thing in a source.
package enum SourceStep: Equatable {
  /// A job.
  case job
  /// A job of more than `limit` bytes. The source skipped its bytes; the owner must consume it.
  case oversize(limit: Int)
  /// No job at the moment.
  case notYet
  /// The input is the terminal, and we are in the background: the source continues when the terminal is ours.
  case inBackground
  /// The allowance for this turn of the loop is used up, and more may be ready. An endless line, such as /dev/zero,
  /// must not keep the loop from handling signals and workers.
  case nextTurn
  /// No job yet, but a message for the user. `next` can be called again at once.
  case notice(String)
  /// There are no more jobs.
  case end
  /// The source cannot read further jobs, for this reason.
  case failed(String)
}

/// How to read the bytes of a job.
package enum JobForm: Equatable {
  /// They are the job itself, which came in this framing; nil if it may contain any bytes.
  case plain(Framing?)
  /// They are a record that contains the job (`InputRecord`).
  case record
}

/// Most sources share no bytes, need no timers, know no size, and acknowledge nothing.
extension JobSource where Self: ~Copyable {
  package mutating func shareJob() -> SharedBytes? { nil }
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
