import EventLoop
import JSON
import JobCore
import JobEngine
import Records
import Text
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// Jobs on their way, and their answers.
extension RemotePool {
  /// Whether there is something to read that nobody has looked at.
  var isReadable: Bool { hasUnlookedLines(in: connection) }

  /// Whether a job waits for a place, and there is one.
  var canSend: Bool {
    guard jobs.ledger.demand > 0, case .open(let mostSent, _) = phase, sent.count < mostSent,
      sentBytes < Self.mostSentBytes
    else { return false }
    return hasRoom(in: connection)
  }

  mutating func send(_ job: JobID, _ reporter: inout Reporter) {
    let number = jobs.ledger.sequence(of: job)
    let (terms, isJSON) = (terms[Int(job.index)], isJSON[Int(job.index)])
    line.removeAll(keepingCapacity: true)
    jobs.store.withBytes(of: job) {
      InputRecord.append(id: number, payload: $0.bytes, isJSON: isJSON, terms: terms.span.bytes, to: &line)
    }
    defer { if line.capacity > 1 << 20 { line = [] } }
    guard case .open(_, let maximumJobSize) = phase, line.count - 1 <= maximumJobSize else {
      return refuse(job, &reporter)
    }
    sent[number] = job
    sentBytes += jobs.store.size(of: job)
    connection!.append(line)
  }

  /// The server would not take it: it would only answer that some line was too long, and not which.
  private mutating func refuse(_ job: JobID, _ reporter: inout Reporter) {
    let reason = "is \(plural(line.count - 1, "byte")) as a record, and the server accepts less (its --max-job-size)"
    if jobs.facts.keepsDetails { jobs.facts[job].failure = Failure(message: "the job \(reason)") }
    reporter.repeated(
      .rejectedJob, cause: "too large for the server", "job \(jobs.ledger.sequence(of: job)) \(reason)")
    jobs.ledger.handle(.rejected(job), into: &jobs.actions)
  }

  /// Looks at the next line.
  mutating func takeLine(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch connection!.next() {
    case .notYet: return
    case .lost(let loss): lose(loss, &loop, &reporter)
    case .line:
      if phase.isGreeted {
        let answer = readAnswer()
        connection!.consume()
        take(answer, &loop, &reporter)
      } else {
        let line = connection!.withLine { Array($0) }
        connection!.consume()
        greeted(line, &loop, &reporter)
      }
    }
  }

  /// A line as far as it was understood.
  private enum Answer {
    /// Of this job; the reply, if there is one, stands in `reply`.
    case settled(JobID, Outcome, OutputRecord, Failure?)
    /// What was answered before cannot be trusted.
    case withdrawn(WithdrawnAnswer)
    case nonsense(String)
  }

  private mutating func readAnswer() -> Answer {
    reply.removeAll(keepingCapacity: true)
    // Moved out of the struct meanwhile, since another part of it lends the bytes.
    var reply: [UInt8] = []
    swap(&reply, &self.reply)
    defer { swap(&reply, &self.reply) }
    return connection!.withLine { bytes in
      let line = bytes.bytes
      let answer: OutputLine
      do throws(JSONObjectError) {
        answer = try OutputLine(line)
      } catch {
        if let withdrawn = WithdrawnAnswer(line) { return .withdrawn(withdrawn) }
        return .nonsense("an answer is wrong (\(error)): \(quoted(bytes))")
      }
      guard let number = answer.number(of: line), let job = sent[number] else {
        return .nonsense("an answer to no job that waits for one: \(quoted(bytes))")
      }
      guard let outcome = Outcome.allCases.first(where: { $0.description == answer.record.outcome }) else {
        return .nonsense("the outcome \(quoted(answer.record.outcome.utf8)) of job \(number) is unknown")
      }
      switch answer.answer {
      case .failure(let failure) where outcome != .ok: return .settled(job, outcome, answer.record, failure)
      case .result where outcome == .ok, .base64 where outcome == .ok:
        answer.appendReply(of: line, to: &reply)
        return .settled(job, outcome, answer.record, nil)
      case .failure, .result, .base64: return .nonsense("job \(number) is \(outcome), but its answer says otherwise")
      }
    }
  }

  private mutating func take(_ answer: Answer, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch answer {
    case .nonsense(let what): lose(.nonsense(what), &loop, &reporter)
    case .withdrawn(let answer): withdraw(answer, &reporter)
    case .settled(let job, let outcome, let record, let failure):
      sent[jobs.ledger.sequence(of: job)] = nil
      sentBytes -= jobs.store.size(of: job)
      reconnection.answered()
      if let failure {
        sayFailure(job, outcome, failure, &reporter)
        settle(job, outcome, record, failure, at: loop.now())
      } else if let unfit = unfit(job, &reporter) {
        settle(job, .failed, record, unfit, at: loop.now())
      } else {
        settle(job, .ok, record, nil, at: loop.now())
      }
    }
  }

  private mutating func settle(
    _ job: JobID, _ outcome: Outcome, _ record: OutputRecord, _ failure: Failure?, at now: Instant
  ) {
    jobs.facts.setAttempt(.init(startedAt: record.ran.map { now - $0 } ?? .origin), of: job)
    if jobs.facts.keepsDetails {
      // What the other pool has measured cannot have begun before we knew of the job.
      jobs.facts[job].leasedAt = record.ran.map { now - min($0, now - jobs.facts[job].acceptedAt) }
      jobs.facts[job].endedAt = now
      jobs.facts[job].slot = record.slot
      jobs.facts[job].pid = record.pid
      jobs.facts[job].received = reply.count
      jobs.facts[job].progress = record.progress
      jobs.facts[job].failure = failure
      jobs.facts[job].cause = failure.map { _ in outcome.words }
      if let cpu = record.cpu, let rss = record.rss { jobs.facts[job].cost = JobCost(cpu: cpu, memoryChange: rss) }
    }
    jobs.answering = job
    let kept = jobs.keepsJobs ? jobs.store.size(of: job) : 0
    jobs.ledger.handle(
      .settledElsewhere(job, outcome, resultBytes: reply.count + kept, attempts: record.attempts, ran: record.ran),
      into: &jobs.actions)
  }

  /// The server's worker wrote more than its answer to this job. If that waits for its turn, the job has failed.
  private mutating func withdraw(_ answer: WithdrawnAnswer, _ reporter: inout Reporter) {
    withdrawnAnswers += 1
    var fate = "the answer, which is already written, may be incomplete"
    if let job = jobs.ledger.findHeld(sequence: answer.id) {
      let first = jobs.actions.count
      jobs.ledger.handle(.answerWithdrawn(job), into: &jobs.actions)
      if jobs.actions.count > first { fate = "the answer is withdrawn: that job has failed" }
      if jobs.facts.keepsDetails {
        jobs.facts[job].failure = Failure(message: answer.reason)
        jobs.facts[job].cause = "answered with more than one reply"
        jobs.facts[job].received = 0
      }
    }
    reporter.repeated(
      .breach, cause: "answered with more than one reply", about: Reporter.Subject(job: answer.id),
      "job \(answer.id) was answered with more than one reply: on the server, \(answer.reason); \(fate); "
        + "earlier answers of the same worker may be wrong, too")
  }

  /// The server reports to its own stderr; ours has only what the server sends about each job.
  private mutating func sayFailure(_ job: JobID, _ outcome: Outcome, _ failure: Failure, _ reporter: inout Reporter) {
    let isBusy = outcome == .expired && failure.code == 75
    if isBusy { busyJobs += 1 }
    let lines = failure.stderr.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    reporter.repeated(
      .failedJob, cause: isBusy ? "the server is busy" : "\(outcome)",
      "job \(jobs.ledger.sequence(of: job)) \(outcome): \(failure.message)", evidence: lines)
  }

  /// What is wrong with the reply, which the other pool has found right.
  private func unfit(_ job: JobID, _ reporter: inout Reporter) -> Failure? {
    let number = jobs.ledger.sequence(of: job)
    if reply.count > configuration.maximumReplySize {
      let message = "its reply is over \(plural(configuration.maximumReplySize, "byte")) (--max-reply-size)"
      reporter.repeated(.failedJob, cause: "reply too large", "job \(number): \(message)")
      return Failure(message: message)
    }
    guard let framing = jobs.facts.answer(of: job), let defect = framing.canCarry(reply.span.bytes) else { return nil }
    return reporter.sayUnfitReply(to: number, framing, defect)
  }
}
