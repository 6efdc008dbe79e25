import Chronicle
import CommandLineKit
import ControlClient
import Glibc
import LinuxIO
import TopDriver

/// Shows a served pool on the whole screen until somebody leaves, and returns the exit status.
func topCommand(_ arguments: ParsedArguments) -> Int32 {
  // Else the connection could be taken for a closed stderr.
  _ = openClosedStandardDescriptors()
  let terminal = environment("TERM") ?? ""
  guard isTerminal(STDIN_FILENO), isTerminal(STDOUT_FILENO) else { return noScreen("top needs a terminal") }
  guard !terminal.isEmpty, terminal != "dumb" else {
    return noScreen(
      "top needs a terminal that can place its cursor, and TERM is \(terminal.isEmpty ? "not set" : terminal)")
  }
  let address = arguments.operands[0]
  let configuration = TopConfiguration(
    address: ValueKind.controlAddress.value(of: address), addressText: address, pool: arguments[TopOptions.pool],
    interval: arguments[TopOptions.interval],
    style: TerminalStyle(color: arguments[TopOptions.color], isTerminal: true, environment: environment))
  prepareSignals()
  // As other programs do that set the terminal: before signals are ours, so that they end us at once.
  while !isInForeground(of: STDIN_FILENO) {
    guard stopByDefaultAction(SIGTTOU) else {
      return noScreen("top needs a terminal that is not in the hands of others")
    }
  }
  do throws(SystemError) {
    switch try showPools(configuration, keys: STDIN_FILENO, screen: STDOUT_FILENO) {
    case .quit: return ExitCode.ok.rawValue
    case .signal(let number): raiseWithDefaultAction(number)
    case .terminalGone: return ExitCode.outputFailed.rawValue
    case .noServer(let error): return tell(error).rawValue
    }
  } catch {
    printError(message(of: error))
    return ExitCode.systemRefused.rawValue
  }
}

private func noScreen(_ problem: String) -> Int32 {
  printError("prefork: \(problem); try prefork status\n")
  return ExitCode.usage.rawValue
}
