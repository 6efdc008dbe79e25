import CommandLineKit
import Glibc

/// Finds out what is asked for, and does it.
@main
struct Main {
  static func main() {
    // They are read from /proc/self/cmdline: none, not even our name, means that nothing is there. Without it neither
    // orphans nor memory could be seen either.
    guard !CommandLine.arguments.isEmpty else {
      printError("prefork: /proc is not mounted here, and nothing works without it\n")
      exit(ExitCode.systemRefused.rawValue)
    }
    exit(respond(to: Array(CommandLine.arguments.dropFirst())))
  }

  /// Does what the arguments ask for and returns the exit status.
  private static func respond(to arguments: [String]) -> Int32 {
    do throws(UsageError) {
      switch try preforkTool.parse(arguments) {
      case .version: return printText("prefork \(preforkTool.version)\n").rawValue
      case .help(let command): return printHelp(command).rawValue
      case .command(let parsed): return perform(parsed)
      }
    } catch {
      printError(error.message)
      return ExitCode.usage.rawValue
    }
  }

  private static func perform(_ parsed: ParsedArguments) -> Int32 {
    guard let subcommand = Subcommand(rawValue: parsed.commandName) else {
      preconditionFailure("the parser knows the command \(parsed.commandName), which is not declared")
    }
    adviseOnWorker(parsed)
    switch subcommand {
    case .run: return runCommand(parsed)
    case .serve: return serveCommand(parsed)
    case .submit: return submitCommand(parsed)
    case .check: return checkCommand(parsed)
    case .top: return topCommand(parsed)
    case .status, .jobs, .metrics, .scale, .recycle, .reload, .cancel, .drain, .stop:
      return controlCommand(subcommand, parsed).rawValue
    case .help: return printHelp(parsed.operands.first.flatMap(preforkTool.command(named:))).rawValue
    case .completions:
      guard let shell = parsed.operands.first.flatMap(Shell.init(rawValue:)) else {
        preconditionFailure("the parser accepted a shell that is not declared")
      }
      return printText(completionScript(for: preforkTool, shell: shell)).rawValue
    case .man: return printText(manPage(for: preforkTool)).rawValue
    }
  }

  /// Warns of words of the worker's command that another program would replace. They may be meant: it is started as
  /// it is.
  private static func adviseOnWorker(_ parsed: ParsedArguments) {
    guard case .commandLine? = preforkTool.command(named: parsed.commandName)?.operands,
      parsed[RunOptions.verbosity] != .quiet, let advice = ForeignOptions.advice(forWorker: parsed.operands)
    else {
      return
    }
    printError("hint: \(advice)\n")
  }

  private static func printHelp(_ command: Command?) -> ExitCode {
    printText(command.map { help(for: $0, of: preforkTool) } ?? help(for: preforkTool))
  }
}
