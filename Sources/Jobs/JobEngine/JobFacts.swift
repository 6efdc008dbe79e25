import JobCore
import JobLog
import Records
import Time
import WireFormats
import WorkerProcess

/// What is known of each job from its acceptance until it has come out, by the dense index of its identifier: for the
/// joblog, records and dead letters. Times are those of the loop.
package struct JobFacts {
  /// When the attempt began.
  package struct Attempt {
    package var startedAt: Instant
    /// The worker had read nothing before: how long the job itself runs cannot be told from when it was sent.
    package var includesStart: Bool

    package init(startedAt: Instant = .origin, includesStart: Bool = false) {
      self.startedAt = startedAt
      self.includesStart = includesStart
    }
  }

  /// What is needed only to report each single job.
  package struct Details {
    package var acceptedAt: Instant = .origin
    package var leasedAt: Instant?
    /// When its last attempt, or its wait, was over.
    package var endedAt: Instant = .origin
    package var slot: Int?
    package var pid: Int32?
    package var sent = 0
    package var received = 0
    package var failure: Failure?
    /// What its worker wrote to stderr during its last attempt, if that is kept (`ErrorRule`).
    package var errorText: [UInt8] = []
    /// The same for all that failed for the same reason.
    package var cause: String?
    package var cost: JobCost?
    /// What its worker last reported of its progress, in JSON.
    package var progress: [UInt8]?
    /// The JSON value that it came with, if it came in a record.
    package var id: [UInt8]?
    /// The record that it came in, if that may be needed again.
    package var record: [UInt8]?
    package var key: JobKey?
    /// The beginning of the job, for the joblog: its reply may take its place before it is logged.
    package var command: [UInt8] = []
    /// What came, if it is no job at all: fed in again, it must be refused again. Empty if it was too large to be kept.
    package var rejected: [UInt8]?
    /// Attempts that failed.
    package var failedAttempts: [DeadLetter.Attempt] = []

    /// How long it waited for its last lease, or for its end if it never had one.
    package var queued: Nanoseconds { (leasedAt ?? endedAt) - acceptedAt }
    /// How long its last attempt took; nil without one.
    package var ran: Nanoseconds? { leasedAt.map { endedAt - $0 } }

    /// The worker that it was given did not run it.
    mutating func forgetWorker() { (leasedAt, slot, pid) = (nil, nil, nil) }
  }

  private var attempts: [Attempt] = []
  /// What an answer must fit into, nil if into anything.
  private var answers: [Framing?] = []
  private var all: [Details] = []
  /// Whether anybody wants the details.
  package let keepsDetails: Bool

  package init(keepsDetails: Bool) { self.keepsDetails = keepsDetails }

  /// A job was accepted.
  package mutating func begin(_ job: JobID, at now: Instant, answer: Framing?) {
    let index = Int(job.index)
    while attempts.count <= index {
      attempts.append(Attempt())
      answers.append(nil)
    }
    attempts[index] = Attempt()
    answers[index] = answer
    guard keepsDetails else { return }
    while all.count <= index { all.append(Details()) }
    // The memory of the command is used again.
    var command: [UInt8] = []
    swap(&command, &all[index].command)
    command.removeAll(keepingCapacity: true)
    all[index] = Details()
    all[index].command = command
    all[index].acceptedAt = now
  }

  /// The last attempt of the job.
  package func attempt(of job: JobID) -> Attempt { attempts[Int(job.index)] }

  package mutating func setAttempt(_ attempt: Attempt, of job: JobID) { attempts[Int(job.index)] = attempt }

  /// The framing that its answer must fit into; nil if any answer will do.
  package func answer(of job: JobID) -> Framing? { answers[Int(job.index)] }

  /// The details; only when they are kept.
  package subscript(job: JobID) -> Details {
    _read { yield all[Int(job.index)] }
    _modify { yield &all[Int(job.index)] }
  }
}
