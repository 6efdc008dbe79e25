import JobCore
import Records
import WireFormats
import WorkerPoolDriver

/// Breaches of the protocol. A worker that writes more than it was asked for puts its answers in doubt: what came as
/// the answer to one job may belong to another.
extension JobEngine {
  /// A worker broke the protocol without a job in hand. If the answer to its last job still waits for its turn, that
  /// job has failed.
  mutating func protocolBroken(_ account: WorkerAccount, _ violation: ProtocolViolation, _ reporter: inout Reporter) {
    let fate: AnswerFate = withdrawAnswer(account, violation) ? .withdrawn : .out
    if violation.isUnfitness {
      unfitness = "\(account.name) \(violation)"
      lastStartFailure = Failure(message: "\(account.name) \(violation)", account: account)
    }
    reportBreach(account, violation, fate, &reporter)
  }

  /// What became of the answer that is in doubt.
  enum AnswerFate {
    /// It came with the breach, and is not used.
    case refused
    /// It waited for its turn, and is not used any more.
    case withdrawn
    /// It was written, or sent, before.
    case out
  }

  mutating func reportBreach(
    _ account: WorkerAccount, _ violation: ProtocolViolation, _ fate: AnswerFate, _ reporter: inout Reporter
  ) {
    var text = "\(account.name) \(violation)"
    if violation.isOutOfStep { breachesOfStep += 1 }
    if violation.isSurplus, let number = account.currentJob?.number ?? account.lastJob {
      // The first of several lines may be the rest of the answer before.
      let isWithdrawn = fate == .refused && withdrawAnswer(account, violation)
      if case .unaskedReply(let shown) = violation { text = "\(account.name) wrote \(shown) after its answer" }
      let consequence = consequence(account, fate, of: number, withdrewOther: isWithdrawn)
      text = "job \(number) was answered with more than one \(replyWord): \(text); \(consequence)"
    } else {
      text += inHand(account)
    }
    reporter.repeated(
      .breach, cause: violation.cause, about: Reporter.Subject(account), text, evidence: account.lastErrorLines)
    if violation.isSurplus { hintAtSurplus(account, &reporter) }
  }

  private var replyWord: String { configuration.pool.workerProtocol.advice.unit }

  private func consequence(
    _ account: WorkerAccount, _ fate: AnswerFate, of number: UInt64, withdrewOther: Bool
  ) -> String {
    var text =
      switch fate {
      case .refused: "neither is used"
      case .withdrawn: "the answer to job \(number) is withdrawn: that job has failed"
      case .out: "the answer to job \(number), which is already written, may be incomplete"
      }
    if fate == .refused, let before = account.lastJob {
      text += ", and the first may belong to job \(before): the answer to that one "
      text += withdrewOther ? "is withdrawn, and it has failed, too" : "may be incomplete"
    }
    // One that reads ahead may have been out of step for long.
    return account.jobs > 2 ? text + "; earlier answers of this worker may belong to other jobs, too" : text
  }

  /// Shown once: what to do about it.
  private mutating func hintAtSurplus(_ account: WorkerAccount, _ reporter: inout Reporter) {
    guard !hasHintedAtSurplus, reporter.verbosity >= .normal else { return }
    hasHintedAtSurplus = true
    let workerProtocol = configuration.pool.workerProtocol
    if workerProtocol.marksReplies {
      return reporter.hint(
        "is it a prompt? Have the program print none to its stdout, or always the same; does it print from another "
          + "thread or process? What is no answer belongs on stderr")
    }
    if account.lastJob == nil, account.currentJob == nil {
      return reporter.hint(
        "is it a greeting? --ready line takes the first line as the sign that a worker is ready; what is no answer "
          + "belongs on stderr")
    }
    let remedy =
      workerProtocol.advice.severalLines != nil
      ? "a worker answers each job with exactly one line: let it end each answer with a NUL byte instead "
        + "(--protocol nul), or wrap it in a script that joins the lines"
      : "a worker answers each job with exactly one reply (\(workerProtocol.option))"
    let greeting = account.lastJob == nil ? "; if the first of them is a greeting: --ready line" : ""
    let check = "To see what it writes: \(checkCommand)"
    reporter.hint("\(remedy)\(greeting); what is no answer belongs on stderr. \(check)")
  }

  /// True if the worker's last answer waited for its turn: now its job has failed.
  private mutating func withdrawAnswer(_ account: WorkerAccount, _ violation: ProtocolViolation) -> Bool {
    guard violation.isSurplus, let number = account.lastJob, let job = jobs.ledger.findHeld(sequence: number) else {
      return false
    }
    let first = jobs.actions.count
    jobs.ledger.handle(.answerWithdrawn(job), into: &jobs.actions)
    guard jobs.actions.count > first else { return false }
    if jobs.facts.keepsDetails {
      jobs.facts[job].received = 0
      jobs.facts[job].failure = Failure(message: "\(account.name) \(violation)", account: account)
      jobs.facts[job].cause = violation.cause
    }
    return true
  }
}
