import CommandLineKit
import LinuxIO
import WorkerCheck
import WorkerPoolDriver

/// Tries one worker out and returns the exit status.
func checkCommand(_ arguments: ParsedArguments) -> Int32 {
  let closed = openClosedStandardDescriptors()
  if closed.stdout {
    printError("prefork: stdout is closed: there is nowhere to write the report\n")
    return ExitCode.outputFailed.rawValue
  }
  let job = Array(arguments[CheckOptions.job].utf8)
  let messages: [InitialMessage]
  do throws(InitFileDefect) { messages = try initialMessages(from: arguments) } catch { return refuse(error) }
  let pool = workerPoolConfiguration(
    from: arguments, command: workerCommand(of: arguments), workers: 1...1, initialMessages: messages)
  let isListing = arguments[ProtocolOptions.workerProtocol] == .mcp && arguments[ProtocolOptions.tool] == nil
  if !isListing, let defect = job.withUnsafeBytes({ pool.workerProtocol.defect(of: $0.bytes) }) {
    printError("prefork: --job cannot be sent with \(pool.workerProtocol.option): \(defect)\n")
    return ExitCode.usage.rawValue
  }
  prepareSignals()
  do throws(SystemError) {
    let configuration = CheckConfiguration(
      pool: pool, job: job, warmJobs: arguments[CheckOptions.jobs], replyLimit: arguments[CheckOptions.timeout])
    let end = try check(configuration, closed: closed)
    if case .interrupted(let signal) = end { raiseWithDefaultAction(signal) }
    return exitCode(of: end).rawValue
  } catch {
    printError(message(of: error))
    return ExitCode.systemRefused.rawValue
  }
}

private func exitCode(of end: CheckEnd) -> ExitCode {
  switch end {
  case .nothingWrong: .ok
  case .hurts: .someJobsNotOK
  case .doesNotStart: .unavailable
  case .breaksProtocol: .protocolBroken
  case .outputFailed: .outputFailed
  case .interrupted: .interrupted
  case .internalError: .internalError
  }
}
