import CommandLineKit
import Testing

@testable import prefork

/// The declarations of prefork's own commands, and the program that was built from them.
@Suite struct CommandLineTests {
  static func run(_ arguments: String...) throws -> ParsedArguments {
    guard case .command(let parsed) = try preforkTool.parse(["run"] + arguments) else { throw NotACommand() }
    return parsed
  }

  struct NotACommand: Error {}

  @Test func everyDefaultIsWhatTheInterfaceSays() throws {
    let parsed = try Self.run("--", "cat")
    #expect(parsed.operands == ["cat"])
    #expect(parsed[RunOptions.workers] == nil)
    #expect(parsed[RunOptions.order] == .input)
    #expect(parsed[RunOptions.timeout] == nil)
    #expect(parsed[RunOptions.retries] == 0)
    #expect(parsed[ProtocolOptions.workerProtocol] == .lines)
    #expect(parsed[RunOptions.input] == .lines)
    #expect(parsed[RunOptions.output] == .lines)
    #expect(parsed[RunOptions.maxJobSize] == 64 << 20)
    #expect(parsed[RunOptions.maxReplySize] == 64 << 20)
    #expect(parsed[RunOptions.maxJobs] == 0)
    #expect(parsed[RunOptions.maxAge] == 0)
    #expect(parsed[RunOptions.jitter] == 0.1)
    #expect(parsed[RunOptions.startTimeout] == 60_000_000_000)
    #expect(parsed[RunOptions.stopTimeout] == 10_000_000_000)
    #expect(parsed[RunOptions.restartBudget].count == 5)
    #expect(parsed[RunOptions.restartBudget].period == 10_000_000_000)
    #expect(parsed[RunOptions.backoff] == 100_000_000...30_000_000_000)
    #expect(parsed[RunOptions.queue] == nil)
    #expect(parsed[RunOptions.queueTimeout] == nil)
    #expect(parsed[RunOptions.quarantineAfter] == 3)
    #expect(parsed[RunOptions.orderWindow] == 64 << 20)
    #expect(parsed[RunOptions.leaseOrder] == .lifo)
    #expect(parsed[RunOptions.verbosity] == .normal)
    #expect(parsed[RunOptions.seed] == nil)
  }

  @Test func everyOptionIsRead() throws {
    let parsed = try Self.run(
      "-w4", "--unordered", "-t", "1.5", "-r3", "--protocol=netstring", "--input", "nul", "--output=nul",
      "--max-job-size", "1K", "--max-reply-size=2M", "--max-jobs", "50", "--max-age=1h", "--jitter", "25%",
      "--start-timeout=5s", "--stop-timeout=0", "--restart-budget", "2/1m", "--backoff=1ms..2s", "--queue", "9",
      "--queue-timeout=250ms", "--quarantine-after=1", "--order-window=1G", "--lease-order=fifo", "-qv",
      "--seed=18446744073709551615", "./worker", "-w", "9")
    #expect(parsed.operands == ["./worker", "-w", "9"])
    #expect(parsed[RunOptions.workers] == 4...4)
    #expect(parsed[RunOptions.order] == .completion)
    #expect(parsed[RunOptions.timeout] == .duration(1_500_000_000))
    #expect(parsed[RunOptions.retries] == 3)
    #expect(parsed[ProtocolOptions.workerProtocol] == .netstring)
    #expect(parsed[RunOptions.input] == .nul)
    #expect(parsed[RunOptions.output] == .nul)
    #expect(parsed[RunOptions.maxJobSize] == 1024)
    #expect(parsed[RunOptions.maxReplySize] == 2 << 20)
    #expect(parsed[RunOptions.maxJobs] == 50)
    #expect(parsed[RunOptions.maxAge] == 3_600_000_000_000)
    #expect(parsed[RunOptions.jitter] == 0.25)
    #expect(parsed[RunOptions.startTimeout] == 5_000_000_000)
    #expect(parsed[RunOptions.stopTimeout] == 0)
    #expect(parsed[RunOptions.restartBudget].count == 2)
    #expect(parsed[RunOptions.restartBudget].period == 60_000_000_000)
    #expect(parsed[RunOptions.backoff] == 1_000_000...2_000_000_000)
    #expect(parsed[RunOptions.queue] == 9)
    #expect(parsed[RunOptions.queueTimeout] == 250_000_000)
    #expect(parsed[RunOptions.quarantineAfter] == 1)
    #expect(parsed[RunOptions.orderWindow] == 1 << 30)
    #expect(parsed[RunOptions.leaseOrder] == .fifo)
    #expect(parsed[RunOptions.verbosity] == .verbose)
    #expect(parsed[RunOptions.seed] == .max)
  }

  @Test(arguments: [
    (["--wrokers", "4", "cat"], "unknown option --wrokers; did you mean --workers?"),
    (["-w0", "cat"], "-w: \"0\" is too small; want a whole number from 1 to 10000 or a range MIN..MAX, such as 4"),
    (
      ["-t0", "cat"],
      "-t: \"0\" is too small; want a duration above 0 in us, ms, s, m, h or d (bare: seconds), such as 30s"
    ),
    (["-k", "--unordered", "cat"], "--keep-order and --unordered exclude each other; give one of them"),
    (
      ["--backoff=0..1s", "cat"],
      "--backoff: \"0..1s\" has a duration that is too small; want two durations of at least 1ms, the shorter first, "
        + "with two dots between, such as 100ms..30s"
    ),
    (["-w4"], "no WORKER given"),
  ])
  func mistakesAreNamed(arguments: [String], message: String) {
    do {
      _ = try preforkTool.parse(["run"] + arguments)
      Issue.record("\(arguments) was accepted")
    } catch {
      #expect(error.message.hasPrefix("prefork: \(message)\n"))
    }
  }

  @Test("a command is declared under the name by which it is asked for")
  func namesOfCommands() {
    #expect(preforkTool.commands.map(\.name) == preforkTool.commandNames)
  }

  @Test func helpFitsTheTerminal() {
    #expect(help(for: preforkTool).split(separator: "\n", omittingEmptySubsequences: false).count <= 24)
    for text in [help(for: preforkTool)] + preforkTool.commands.map({ help(for: $0, of: preforkTool) }) {
      for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test(arguments: ["run", "submit", "check", "status", "jobs", "scale", "drain", "top"])
  func helpShowsEveryOptionAndDefaultAndStatus(name: String) throws {
    let command = try #require(preforkTool.command(named: name))
    let text = help(for: command, of: preforkTool)
    for option in command.options {
      for spelling in option.spellings { #expect(text.contains("--\(spelling.long)")) }
      if let fallback = option.defaultText { #expect(text.contains("(default: \(fallback))")) }
    }
    for status in command.exitStatuses { #expect(text.contains("\n  \(status.status) ")) }
  }

  @Test func exitCodesAreThoseOfTheInterface() {
    #expect(
      ExitCode.allCases.map(\.rawValue)
        == [0, 1, 64, 65, 66, 69, 70, 71, 73, 74, 75, 76, 77, 78, 130, 143])
  }

  @Test func theProgramAnswersOnStdoutAndEndsWithStatusZero() throws {
    let top = help(for: preforkTool)
    let run = help(for: RunOptions.command, of: preforkTool)
    for (arguments, expected) in [
      ("help", top), ("--help", top), ("-h", top), ("help run", run), ("run --help", run), ("run -h", run),
      ("--version", "prefork \(preforkTool.version)\n"), ("man", manPage(for: preforkTool)),
      ("completions fish", completionScript(for: preforkTool, shell: .fish)),
    ] {
      #expect(try shell("\(preforkPath) \(arguments) 2>&1") == ShellResult(output: expected, status: 0))
    }
  }

  @Test(arguments: ["", "rnu", "-w4 run -- cat", "run", "run --nonsense -- cat", "help rnu", "completions", "man x"])
  func mistakesGoToStderrWithStatus64(arguments: String) throws {
    #expect(try shell("\(preforkPath) \(arguments) 2>/dev/null") == ShellResult(output: "", status: 64))
    #expect(try shell("\(preforkPath) \(arguments) 2>&1").output.hasPrefix("prefork: "))
  }

  @Test func aFullDiskIsToldWithStatus74() throws {
    let result = try shell("\(preforkPath) help 2>&1 >/dev/full")
    #expect(result.status == 74)
    #expect(result.output == "prefork: cannot write to stdout: No space left on device (errno 28)\n")
  }

  @Test func aClosedReaderEndsItQuietly() throws {
    #expect(try shell("\(preforkPath) man 2>&1 | head -n 1 | wc -l").output == "1\n")
  }

  @Test(.enabled(if: isInstalled("groff"), "groff is not installed"))
  func groffAcceptsTheManPageWithoutWarnings() throws {
    try withFile(manPage(for: preforkTool)) { path in
      let result = try shell("groff -man -Tascii -ww -P-c -P-b -P-u \(path) 2>&1")
      #expect(result.status == 0)
      #expect(!result.output.contains("warning"))
      let spellings = preforkTool.commands.filter { !$0.groups.isEmpty }.flatMap(\.options).flatMap(\.spellings)
      for (name, uses) in Dictionary(grouping: spellings, by: \.long) {
        let ownLine = { (line: Substring) in
          line.hasPrefix("       -") && line.split { " ,".contains($0) }.contains { $0 == "--\(name)" }
        }
        // Once for each command that has it.
        #expect(result.output.split(separator: "\n").count(where: ownLine) == uses.count, "\(name)")
      }
    }
  }
}
