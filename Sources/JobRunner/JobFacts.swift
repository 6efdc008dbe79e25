import JobCore
import JobLog
import Records
import WorkerProcess

/// What is known of each job from its acceptance until it has come out, by the dense index of its identifier: for the
/// joblog, records and dead letters. Times are those of the loop, in nanoseconds.
struct JobFacts {
  /// When the attempt began.
  struct Attempt {
    var startedAt: UInt64 = 0
    /// The worker had read nothing before: how long the job itself runs cannot be told from when it was sent.
    var includesStart = false
  }

  /// What only those need who tell about each single job.
  struct Details {
    var acceptedAt: UInt64 = 0
    var leasedAt: UInt64?
    /// When its last attempt, or its wait, was over.
    var endedAt: UInt64 = 0
    var slot: Int?
    var pid: Int32?
    var sent = 0
    var received = 0
    var failure: Failure?
    /// The same for all that failed for the same reason.
    var cause: String?
    var cost: JobCost?
    /// The JSON value that it came with, if it came in a record.
    var id: [UInt8]?
    /// The record that it came in, if that may be needed again.
    var record: [UInt8]?
    var key: JobKey?
    /// The beginning of the job, for the joblog: its reply may take its place before it is logged.
    var command: [UInt8] = []
    /// It is no job at all, or its bytes are not known: to feed it in again would be wrong.
    var cannotComeAgain = false
    /// Attempts that failed.
    var failedAttempts: [DeadLetter.Attempt] = []
  }

  private var attempts: [Attempt] = []
  private var all: [Details] = []
  /// Whether anybody wants the details.
  let keepsDetails: Bool

  init(keepsDetails: Bool) { self.keepsDetails = keepsDetails }

  /// A job was accepted.
  mutating func begin(_ job: JobID, at now: UInt64) {
    let index = Int(job.index)
    while attempts.count <= index { attempts.append(Attempt()) }
    attempts[index] = Attempt()
    guard keepsDetails else { return }
    while all.count <= index { all.append(Details()) }
    all[index] = Details()
    all[index].acceptedAt = now
  }

  /// The last attempt of the job.
  func attempt(of job: JobID) -> Attempt { attempts[Int(job.index)] }

  mutating func setAttempt(_ attempt: Attempt, of job: JobID) { attempts[Int(job.index)] = attempt }

  /// The details; only when they are kept.
  subscript(job: JobID) -> Details {
    _read { yield all[Int(job.index)] }
    _modify { yield &all[Int(job.index)] }
  }
}
