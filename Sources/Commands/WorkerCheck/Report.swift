import PoolCore
import Text
import Time
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

/// The report, line by line: a label of fixed width, and what was seen.
struct Report {
  private static let labelWidth = 11

  let configuration: CheckConfiguration

  static func line(_ label: String, _ text: String) -> String {
    label + String(repeating: " ", count: max(1, labelWidth - label.count)) + text + "\n"
  }

  // MARK: Steps

  func start(_ elapsed: Nanoseconds, pid: CInt) -> String {
    let time = measuredText(elapsed)
    let text =
      switch configuration.pool.readiness {
      case .assumed: "began to read after \(time)"
      case .notified: "ready after \(time) (by READY=1)"
      case .line(nil): "ready after \(time) (by its first line)"
      case .line(let prefix?): "ready after \(time) (by its line \(prefix.withUnsafeBytes { quoted($0) }))"
      case .announced: "ready after \(time) (by its message)"
      case .probed: "ready after \(time) (by its answer to the probe)"
      }
    return Self.line("start", "\(text), pid \(pid)")
  }

  func banner(_ shown: String) -> String {
    Self.line("banner", "\(shown), before it read its first job: dropped")
  }

  /// What it can be asked to do, each with the first line of its description.
  func tools(_ tools: [WorkerTool]) -> String {
    let width = min(tools.map { $0.name.count }.max() ?? 0, 30)
    var text = ""
    for (index, tool) in tools.enumerated() {
      let about = tool.description.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      let padding = String(repeating: " ", count: max(0, width - tool.name.count))
      text += Self.line(index == 0 ? "tools" : "", about.isEmpty ? tool.name : "\(tool.name)\(padding)  \(about)")
    }
    guard let first = tools.first else { return Self.line("tools", "none") }
    return text + Self.line("advice", "call one for each job: --tool \(shellWord(first.name)), say")
  }

  func exchange(_ reply: Observations.Reply) -> String {
    let bound = reply.isAtMost ? "under " : ""
    return Self.line(
      label(of: reply.message), "\(reply.sent) -> \(reply.text) in \(bound)\(measuredText(reply.elapsed))")
  }

  /// A message that was not answered.
  func unanswered(_ message: Message, sent: String, _ words: String) -> String {
    Self.line(label(of: message), "\(sent) -> \(words)")
  }

  private func label(of message: Message) -> String {
    switch message {
    case .probe: "probe"
    case .job(1): "first job"
    case .job(let number): "job \(number)"
    case .reset: "reset"
    }
  }

  /// Empty if there was none.
  func warmJobs(_ times: [Nanoseconds]) -> String {
    let sorted = times.sorted()
    guard let median = percentile(50, of: sorted), let most = percentile(99, of: sorted), let slowest = sorted.last
    else {
      return ""
    }
    let total = measuredText(sorted.reduce(.zero, +))
    return Self.line(
      "warm jobs",
      "\(times.count) in \(total): median \(measuredText(median)), 99 % \(measuredText(most)), "
        + "slowest \(measuredText(slowest))")
  }

  func resets(_ first: Observations.Reply, _ times: [Nanoseconds]) -> String {
    let median = percentile(50, of: times.sorted()) ?? first.elapsed
    let figures =
      times.count == 1 ? "in \(measuredText(median))" : "\(times.count) times, median \(measuredText(median))"
    return Self.line("reset", "\(first.sent) -> \(first.text) \(figures)")
  }

  /// Empty if nothing could be measured.
  func memory(_ samples: [Observations.Memory]) -> String {
    guard let first = samples.first, let last = samples.last else { return "" }
    let begin = "\(sizeText(first.bytes)) after the first job"
    guard last.jobs > first.jobs else { return Self.line("memory", begin) }
    let growth = (last.bytes - first.bytes) / (last.jobs - first.jobs)
    let perJob = (growth < 0 ? "" : "+") + sizeText(growth)
    return Self.line(
      "memory",
      "\(begin), \(sizeText(last.bytes)) after \(last.jobs): \(perJob) per job")
  }

  /// How it ended, and what it left to be ended. (`leftBehind` are names of processes.)
  func stop(_ stop: Observations.Stop, leftBehind: [String]) -> String {
    let step = StopStep.reached(after: stop.elapsed, from: stop.urgency, configuration.ladder)
    let how =
      switch step {
      case .closeInput: "at the end of its input"
      case .terminate: "by SIGTERM"
      case .kill: "by SIGKILL"
      }
    var text = "\(how), in \(measuredText(stop.elapsed)), \(words(for: stop.status, step))"
    if !leftBehind.isEmpty {
      text += "; it left \(plural(leftBehind.count, "process", "processes")) behind: "
      text += leftBehind.prefix(5).joined(separator: ", ") + (leftBehind.count > 5 ? ", ..." : "")
    }
    return Self.line("stop", text)
  }

  private func words(for status: ExitStatus, _ step: StopStep) -> String {
    switch status {
    case .exited(let code): "status \(code)"
    // A death by the signal that was to end it is nothing new, and no sign of a lack of memory.
    case .killed(let signal, _) where step != .closeInput: "signal \(signal)"
    case .killed, .unknown: "\(status)"
    }
  }

  // MARK: The judgement

  func judgement(_ judgement: Judgement) -> String {
    var text = ""
    for finding in judgement.findings {
      text += Self.line(finding.verdict == .hurts ? "will hurt" : "wrong", finding.text)
      for line in finding.evidence { text += Self.line("", line) }
      for (index, line) in finding.remedies.enumerated() { text += Self.line(index == 0 ? "remedy" : "", line) }
    }
    if let guess = judgement.guess { text += Self.line("guess", guess) }
    switch judgement.verdict {
    case .nothingWrong: text += "ok: nothing wrong\n"
    case .hurts: text += "not ok: it works, but not without trouble\n"
    case .breaksProtocol: text += "not ok: it breaks the protocol\n"
    case .doesNotStart: text += "not ok: it does not start\n"
    }
    if let gain = judgement.gain { text += Self.line("gain", gain) }
    for line in judgement.advice { text += Self.line("advice", line) }
    return text
  }
}

extension StopStep {
  /// The step of the ladder that ended a worker `elapsed` after its stop began. The pool takes each when the one before
  /// it did not help in its time.
  static func reached(after elapsed: Nanoseconds, from urgency: StopUrgency, _ ladder: [Nanoseconds]) -> StopStep {
    switch urgency {
    case .immediate: return .kill
    case .prompt: return elapsed < ladder[1] ? .terminate : .kill
    case .graceful:
      if elapsed < ladder[0] { return .closeInput }
      return elapsed < ladder[0] + ladder[1] ? .terminate : .kill
    }
  }
}
