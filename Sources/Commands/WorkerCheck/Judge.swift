import Chronicle
import Text
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

/// What a check comes to.
struct Judgement {
  /// How bad it is.
  enum Verdict: Int, Comparable {
    case nothingWrong, hurts, breaksProtocol, doesNotStart

    static func < (left: Verdict, right: Verdict) -> Bool { left.rawValue < right.rawValue }
  }

  /// What is wrong, and what to do about it.
  struct Finding {
    var verdict: Verdict
    /// What is wrong, in one sentence whose subject is the worker.
    var text: String
    /// What is known besides.
    var evidence: [String] = []
    /// How to mend it, a line each.
    var remedies: [String] = []
  }

  var findings: [Finding] = []
  /// What the worker seems to be instead; nil if that is not known.
  var guess: String?
  /// What to set, with the figures behind it. None for a worker that must be mended first.
  var advice: [String] = []
  /// What it is worth to keep the worker warm; nil if that was not measured.
  var gain: String?

  var verdict: Verdict { findings.map(\.verdict).max() ?? .nothingWrong }
}

/// Judges what was seen. It only looks at figures and texts: no process is needed to try it.
struct Judge {
  let seen: Observations
  let configuration: CheckConfiguration

  var workerProtocol: any WorkerProtocol { configuration.pool.workerProtocol }

  /// All that is wrong, the cause of an early end first, and what to set.
  func judgement() -> Judgement {
    var judgement = Judgement()
    if let failure = seen.failure {
      var finding = finding(about: failure)
      finding.evidence += seen.outOfMemory.map { [$0] } ?? []
      finding.evidence += seen.lastErrorLines.map { "its stderr: \($0)" }
      if !seen.statusText.isEmpty { finding.evidence.append("its status: \(seen.statusText)") }
      judgement.findings.append(finding)
    }
    judgement.findings += [answerFinding, stopFinding, memoryFinding].compactMap { $0 }
    judgement.guess = seen.guess?.sentence
    if judgement.verdict <= .hurts {
      judgement.advice = advice
      judgement.gain = gain
    }
    return judgement
  }

  // MARK: What ended it early

  private func finding(about failure: Failure) -> Judgement.Finding {
    switch failure {
    case .cannotStart(let words, let hint):
      Judgement.Finding(verdict: .doesNotStart, text: words, remedies: hint.map { [$0] } ?? [])
    case .ended(let moment, let status, let unfinished): ended(moment, status, unfinished)
    case .notReady(let limit, let hearing): notReady(limit, hearing)
    case .neverRead(let message, let limit):
      Judgement.Finding(
        verdict: .doesNotStart, text: "it left \(message.name) unread for \(durationText(limit)) (--start-timeout)",
        remedies: [
          "a worker reads its jobs from its stdin: is it waiting for something else?",
          "if it only takes long to load, give it more time: --start-timeout DUR",
        ])
    case .silent(let message, let limit, let isUnread, let hearing): silent(message, limit, isUnread, hearing)
    case .violation(let moment, let violation): finding(about: violation, moment)
    case .wrongAnswer(let message, let text, let expected):
      Judgement.Finding(
        verdict: message == .probe && seen.start == nil ? .doesNotStart : .breaksProtocol,
        text: "it answered \(message.name) with \(text) instead of \(expected)\(afterJobs)",
        remedies: [
          "an exchange is given as --\(message == .reset ? "reset" : "probe") TEXT=REPLY; without =REPLY any reply is "
            + "right"
        ])
    case .failedAnswer(let message, let text):
      Judgement.Finding(
        verdict: isJob(message) ? .hurts : seen.start == nil ? .doesNotStart : .breaksProtocol,
        text: "it answered that \(message.name) failed: \(text)\(afterJobs)",
        remedies: isJob(message) ? [Remedy.realJob(configuration.job)] : [])
    case .offence(let words): Judgement.Finding(verdict: .breaksProtocol, text: "it \(words)")
    case .asksToGo:
      Judgement.Finding(
        verdict: .hurts,
        text: "it asked to be replaced (STOPPING=1) after \(plural(seen.jobs, "job"))")
    }
  }

  private func ended(_ moment: Failure.Moment, _ status: ExitStatus, _ unfinished: String) -> Judgement.Finding {
    switch moment {
    case .starting:
      let age = seen.age.map { ", \(measuredText($0)) after its start" } ?? ""
      let isReady = seen.start != nil || configuration.pool.readiness == .assumed
      let before = isReady ? "before it had read a job" : "before it was ready"
      let wrote = unfinished.isEmpty ? "" : "; it wrote \(unfinished)"
      var finding = Judgement.Finding(verdict: .doesNotStart, text: "it \(status) \(before)\(age)\(wrote)")
      if seen.beginsAnotherWay {
        finding.remedies = [Remedy.oldServer]
      } else if status == .exited(code: 0) {
        finding.remedies = [Remedy.readOn]
      }
      return finding
    case .message(let message):
      let half = unfinished.isEmpty ? "without a reply" : "in the middle of a reply: \(unfinished)"
      return Judgement.Finding(
        verdict: .breaksProtocol, text: "it \(status) on \(message.name), \(half)",
        remedies: message == .job(1) ? [Remedy.realJob(configuration.job), Remedy.protocolInUse(workerProtocol)] : [])
    case .idle:
      return left(status)
    }
  }

  /// It ended between two jobs. prefork replaces it without a word if that was with status 0; it costs a start each
  /// time.
  private func left(_ status: ExitStatus) -> Judgement.Finding {
    let count = seen.jobs
    let jobs = plural(count, "job")
    guard status == .exited(code: 0) else {
      return Judgement.Finding(verdict: .hurts, text: "it \(status) after \(jobs), while it had nothing to do")
    }
    if count == 1 {
      return Judgement.Finding(
        verdict: .hurts, text: "it left after 1 job (status 0): that is a filter, not a worker",
        remedies: [Remedy.readOn, "for a program that can do only one job, xargs -P does the same"])
    }
    return Judgement.Finding(
      verdict: .hurts, text: "it left by itself after \(jobs) (status 0)",
      remedies: ["if it is meant to: --max-jobs \(max(1, count * 4 / 5)) starts its replacement before it leaves"])
  }

  private func notReady(_ limit: Nanoseconds, _ hearing: Failure.Hearing?) -> Judgement.Finding {
    let within = "within \(durationText(limit)) (--start-timeout)"
    var finding = Judgement.Finding(verdict: .doesNotStart, text: "")
    switch configuration.pool.readiness {
    case .notified:
      finding.text = "it did not send READY=1 \(within)"
      finding.remedies = ["call sd_notify(0, \"READY=1\") when it can take jobs, or leave out --ready notify"]
    case .line(let prefix):
      let line = prefix.map { "a line that begins with \($0.withUnsafeBytes { quoted($0) })" } ?? "its first line"
      finding.text = "it did not write \(line) \(within)"
      finding.remedies = ["a worker that prints nothing at its start needs no --ready line"]
    case .probed:
      finding.text = "it did not answer the probe \(within)"
      finding.remedies = [Remedy.protocolInUse(workerProtocol)]
    case .announced:
      finding.text = "it did not send the message that it is ready \(within)"
      finding.remedies = [Remedy.protocolInUse(workerProtocol)]
    case .assumed: finding.text = "it was not ready \(within)"
    }
    finding.remedies.append("if it only takes long to load, give it more time: --start-timeout DUR")
    guard let hearing else { return finding }
    if hearing.wasBuffered {
      finding.text += ", but \(hearing.after) came with the end of its input: its stdout is block-buffered"
      finding.remedies = Remedy.flush(configuration.pool)
    } else if hearing.hasSpoken {
      finding.text += ", but \(measuredText(hearing.late)) later: \(hearing.after)"
    } else if !hearing.before.isEmpty {
      finding.text += "; what it wrote is no whole message: \(hearing.before)"
      finding.remedies = [workerProtocol.advice.form]
    }
    return finding
  }

  private func silent(
    _ message: Message, _ limit: Nanoseconds, _ isUnread: Bool, _ hearing: Failure.Hearing
  ) -> Judgement.Finding {
    var finding = Judgement.Finding(verdict: .breaksProtocol, text: "")
    let option = isJob(message) ? "--timeout" : "--probe-timeout"
    if hearing.wasBuffered {
      finding.text = buffered(message, limit, hearing)
      if !workerProtocol.advice.endsLines { finding.remedies = [Remedy.protocolInUse(workerProtocol)] }
      finding.remedies += Remedy.flush(configuration.pool)
    } else if hearing.hasSpoken {
      finding.verdict = .hurts
      finding.text =
        "it answered \(message.name) only after \(measuredText(limit + hearing.late)), later than \(option) allows: "
        + "\(hearing.after)"
      finding.remedies = ["if it takes that long: \(option) DUR"]
    } else if !hearing.before.isEmpty {
      finding.text = "it did not end its reply to \(message.name) within \(durationText(limit)): \(hearing.before)"
      finding.remedies = [workerProtocol.advice.form]
    } else if isUnread {
      finding.text = "it stopped reading its stdin: \(message.name) was still unread after \(durationText(limit))"
      finding.remedies = [Remedy.readOn]
    } else {
      let end = hearing.end.map { "; at the end of its input it \($0)" } ?? ", not even when its input ended"
      finding.text = "it read \(message.name) and did not answer within \(durationText(limit)) (\(option))\(end)"
      finding.remedies = ["if it takes that long: \(option) DUR", Remedy.protocolInUse(workerProtocol)]
      if message == .job(1) { finding.remedies.append(Remedy.realJob(configuration.job)) }
    }
    return finding
  }

  private func buffered(_ message: Message, _ limit: Nanoseconds, _ hearing: Failure.Hearing) -> String {
    let proof =
      "it read \(message.name) and the next message, was silent for \(durationText(limit)), and \(hearing.after) came "
      + "\(measuredText(hearing.wait ?? .zero)) after the end of its input"
    // To a worker that reads lines, text without a newline at its end is no message yet.
    return workerProtocol.advice.endsLines
      ? "its stdout is block-buffered: \(proof)" : "it waits for a newline, or its stdout is block-buffered: \(proof)"
  }

  private var afterJobs: String { seen.jobs > 1 ? ", after \(plural(seen.jobs, "job"))" : "" }

  private func isJob(_ message: Message) -> Bool {
    if case .job = message { return true }
    return false
  }

  // MARK: Breaches of the protocol

  private func finding(about violation: ProtocolViolation, _ moment: Failure.Moment) -> Judgement.Finding {
    var finding = Judgement.Finding(verdict: .breaksProtocol, text: "it \(violation)")
    switch violation {
    case .unaskedReply(let text):
      switch moment {
      case .starting, .message, .idle(last: nil):
        finding.text = "it wrote to its stdout before it had read a job: \(text)"
        finding.remedies = [Remedy.greeting(configuration.pool.readiness), Remedy.stray]
      case .idle(let last?):
        finding.text = "it wrote more than one reply to \(last.message.name): after \(last.text) came \(text)"
        finding.remedies = remediesForSurplus(on: last.message)
      }
    case .surplusReply(let first, let text):
      guard case .message(let message) = moment else { break }
      finding.text = "it wrote more than one reply to \(message.name): after \(first) came \(text)"
      finding.remedies = remediesForSurplus(on: message)
      return finding
    case .surplusAtEnd(let text):
      finding.text = "it had more to write when its input ended: \(text)"
      if let last = seen.lastReply {
        finding.text += "; the reply to \(last.message.name), the last one, was \(last.text)"
      }
      finding.evidence = ["so replies before that may have belonged to other jobs"]
      finding.remedies = remediesForSurplus(on: nil)
    case .missingReplies, .shortBatch: break  // `check` sends one job at a time.
    case .longBatch:
      finding.remedies = [
        "with --batch a message with the number of jobs comes before them, also before one: it is not to be answered"
      ]
    case .replyTooLarge: finding.remedies = ["if replies may be that large: --max-reply-size SIZE"]
    case .unfit: finding = Judgement.Finding(verdict: .doesNotStart, text: "it \(violation)")
    case .malformed, .strayAnswer: finding.remedies = [Remedy.protocolInUse(workerProtocol)]
    case .closedOutput, .closedInput:
      finding.remedies = ["a worker keeps its stdin and its stdout open until its input ends"]
    }
    if case .message(let message) = moment { finding.text = "on \(message.name) \(finding.text)" }
    return finding
  }

  private func remediesForSurplus(on message: Message?) -> [String] {
    var remedies = [workerProtocol.advice.severalLines].compactMap { $0 } + [Remedy.wrapper, Remedy.stray]
    if message == firstMessage {
      remedies.append("is the first of them a greeting? " + Remedy.greeting(configuration.pool.readiness))
    }
    return remedies
  }

  private var firstMessage: Message { configuration.pool.probe == nil ? .job(1) : .probe }

  // MARK: What will hurt

  private var answerFinding: Judgement.Finding? {
    guard seen.failure == nil, seen.guess != nil, seen.complainsInMessages else { return nil }
    return Judgement.Finding(
      verdict: .hurts, text: "it answered that it cannot read the first job",
      remedies: [Remedy.realJob(configuration.job)])
  }

  private var stopFinding: Judgement.Finding? {
    // With --stop-timeout 0 no worker is to be waited for.
    guard let stop = seen.stop, configuration.ladder[..<2].reduce(.zero, +) > .zero else { return nil }
    let isWhole = stop.urgency == .graceful
    let text: String
    switch StopStep.reached(after: stop.elapsed, from: stop.urgency, configuration.ladder) {
    case .closeInput: return nil
    case .terminate where !isWhole: return nil
    case .terminate: text = "it does not stop at the end of its input: SIGTERM had to end it"
    case .kill where isWhole: text = "it stops neither at the end of its input nor by SIGTERM: SIGKILL had to end it"
    case .kill: text = "it does not stop by SIGTERM: SIGKILL had to end it"
    }
    let cost = "each stop of it takes \(measuredText(stop.elapsed)); --stop-timeout sets how long it is waited for"
    return Judgement.Finding(verdict: .hurts, text: text, remedies: [Remedy.endOfInput, cost])
  }

  private var memoryFinding: Judgement.Finding? {
    guard let growth, growth.leak.suggestedMaxJobs < 100_000 else { return nil }
    return Judgement.Finding(
      verdict: .hurts,
      text: "its memory grew by \(sizeText(growth.total)) over \(plural(growth.jobs, "job")), and went on growing: "
        + "\(sizeText(growth.leak.perJob)) per job",
      remedies: [
        "a leak, or a garbage collector that is in no hurry: more jobs (--jobs) tell which",
        "--max-jobs \(growth.leak.suggestedMaxJobs) replaces it before it has grown by "
          + sizeText(LeakEstimate.tolerableGrowth),
      ])
  }
}
