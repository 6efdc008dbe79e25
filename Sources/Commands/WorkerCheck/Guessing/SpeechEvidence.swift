import WorkerProtocols

/// What indicates which protocol a worker speaks: its command, and what was seen of it. Nothing is started to look at
/// it.
struct SpeechEvidence {
  /// The words of its command.
  var words: [String]
  /// The beginnings of the files that these name.
  var sources: [String] = []
  /// What it has written to its stdout, each time as `quoted` shows it.
  var outputs: [String] = []
  /// The last lines of its stderr.
  var errorLines: [String] = []
  /// It has read the first message, and has written nothing that means something.
  var isSilent = false

  // MARK: Prompts

  /// The preset for it, by the name of the program, or by its prompt.
  var preset: REPLPreset? {
    if let preset = presetByName { return preset }
    return Self.prompts.first { prompt in
      unfinished.contains { $0.hasSuffix(prompt.text) } || errorLines.contains { $0.hasPrefix(prompt.text) }
    }?.preset
  }

  private static let prompts: [(text: String, preset: REPLPreset)] = [
    (">>> ", .python), ("(gdb) ", .gdb), ("sqlite> ", .sqlite3), ("gnuplot> ", .gnuplot), ("=# ", .psql),
    ("=> ", .psql),
  ]

  /// Whether it seems to wait at a prompt, of whatever program.
  var hasPrompt: Bool {
    let ends = ["> ", "$ ", "# ", "% ", ": "]
    return unfinished.contains { text in ends.contains { text.hasSuffix($0) } }
  }

  /// Outputs without quotes that do not end with a newline. What was cut off does not show its end.
  private var unfinished: [Substring] {
    outputs.filter { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.count > 2 }.map { $0.dropFirst().dropLast() }
  }

  private var presetByName: REPLPreset? {
    let words = words.drop { Self.starters.contains(Self.name(of: $0)) || $0.contains("=") || $0.hasPrefix("-") }
    guard let program = words.first, let preset = Self.preset(named: Self.name(of: program)) else { return nil }
    let arguments = words.dropFirst()
    switch preset {
    case .python, .node:
      // What it runs before is no matter then.
      if arguments.contains("-i") || arguments.contains("--interactive") { return preset }
      return runsText(arguments) || arguments.contains { !$0.hasPrefix("-") } ? nil : preset
    case .sh, .r, .octave: return runsText(arguments) || arguments.contains { !$0.hasPrefix("-") } ? nil : preset
    case .psql, .sqlite3, .bc, .gnuplot, .gdb: return runsText(arguments) ? nil : preset
    case .exiftool: return arguments.contains("-stay_open") ? preset : nil
    }
  }

  /// Programs that do no more than start another.
  private static let starters: Set = ["env", "nice", "nohup", "setsid", "stdbuf", "sudo"]

  /// The name without its folder.
  private static func name(of program: String) -> String {
    program.split(separator: "/").last.map(String.init) ?? program
  }

  private static func preset(named name: String) -> REPLPreset? {
    switch name {
    case "bash", "dash", "ash", "zsh", "ksh": .sh
    case "nodejs": .node
    case "octave-cli": .octave
    default: REPLPreset(rawValue: name.hasPrefix("python") ? "python" : name)
    }
  }

  private func runsText(_ arguments: ArraySlice<String>) -> Bool {
    let options: Set = ["-c", "-m", "-e", "-p", "-f", "--eval", "--print", "--command", "--file"]
    return arguments.contains { options.contains($0) || $0.hasPrefix("--file=") || $0.hasPrefix("--command=") }
  }

  // MARK: Messages

  /// What it may speak, the likeliest first. A worker that says nothing is tried with messages; one that shows nothing
  /// of them in another way is not.
  var candidates: [Candidate] {
    let text = (words + sources + outputs + errorLines).joined(separator: "\n").lowercased()
    func shows(_ marks: String...) -> Bool { marks.contains { text.contains($0) } }
    var candidates: [Candidate] = []
    if shows("persistent_worker", "workrequest", "work_request") || shows("requestid") && shows("exitcode") {
      candidates += [.bazel(.json), .bazel(.proto)]
    }
    let hasHeaders = shows("content-length")
    if hasHeaders { candidates.append(.headedMessages) }
    let hasMessages = shows("json", "mcp", "modelcontextprotocol")
    if hasMessages || hasHeaders || isSilent { candidates.append(.lineMessages) }
    if !hasHeaders, isSilent { candidates.append(.headedMessages) }
    return candidates
  }
}

extension SpeechEvidence {
  /// Collects what was seen. Nil if it was no more than that the worker has its faults: it has answered, or could not
  /// be started.
  init?(_ seen: Observations, words: [String]) {
    self.init(words: words)
    outputs = [seen.banner, seen.lastReply?.text ?? ""]
    errorLines = seen.lastErrorLines
    switch seen.failure {
    case .ended(.starting, _, let unfinished), .ended(.message, _, let unfinished): outputs.append(unfinished)
    case .notReady(_, let hearing):
      outputs += [hearing?.before ?? "", hearing?.after ?? ""]
      isSilent = seen.banner.isEmpty && hearing?.before.isEmpty ?? true && hearing?.after.isEmpty ?? true
    case .silent(_, _, let isUnread, let hearing):
      if hearing.wasBuffered { return nil }
      outputs += [hearing.before, hearing.after]
      isSilent = !isUnread && !hearing.hasSpoken && hearing.before.isEmpty
    case .violation(_, let violation): outputs += violation.shownOutputs
    case nil:
      guard seen.complainsInMessages else { return nil }
      isSilent = true
      return
    case .ended(.idle, _, _), .cannotStart, .neverRead, .wrongAnswer, .failedAnswer, .offence, .asksToGo: return nil
    }
    if seen.jobs > 1 { return nil }
  }
}
