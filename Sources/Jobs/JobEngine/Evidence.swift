import JobCore
import Records
import WireFormats
import WorkerPoolDriver
import WorkerProcess

extension Failure {
  /// A death.
  init(_ report: DeathReport) {
    self.init(message: report.description, account: report.account)
    switch report.status {
    case .exited(let code): self.code = Int(code)
    case .killed(let signal, _): self.signal = Int(signal)
    case .unknown: break
    }
  }

  init(message: String, account: WorkerAccount?) {
    let lines = account?.lastErrorLines ?? []
    self.init(message: message, stderr: Array(lines.joined(separator: "\n").utf8))
  }
}

extension Outcome {
  /// The message when nothing more is known.
  package var words: String {
    switch self {
    case .ok: "answered"
    case .failed: "it could not be given to a worker"
    case .timeout: "it ran longer than it may (--timeout)"
    case .crashed: "its worker died"
    case .quarantined: "it killed too many workers (--quarantine-after)"
    case .cancelled: "it was cancelled"
    case .expired: "it waited for a worker longer than it may (--queue-timeout)"
    }
  }
}

extension Reporter {
  /// A reply cannot stand in the output: reports it, with what to try, and returns what it is a failure of.
  package mutating func sayUnfitReply(to number: UInt64, _ format: Framing, _ defect: FramingError) -> Failure {
    let cause = "reply unfit for --output"
    repeated(
      .failedJob, cause: cause, about: Subject(job: number),
      "the reply to job \(number) cannot be written with --output \(format): \(defect)")
    if format == .lines, said[Cause(kind: .failedJob, words: cause, pool: pool)] == 1, verbosity >= .normal {
      hint(
        "for replies of several lines there are --output nul and records; and with run and submit --output text, with "
          + "--tag to lead each line by its job, and --results DIR for files of each job")
    }
    return Failure(message: "its reply cannot be written: \(defect)")
  }
}
