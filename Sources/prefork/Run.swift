import Chronicle
import CommandLineKit
import JobCore
import JobEngine
import JobRunner
import LinuxIO
import WireFormats

/// Runs the jobs of stdin through warm workers and returns the exit status.
func runCommand(_ arguments: ParsedArguments) -> Int32 {
  let closed = openClosedStandardDescriptors()
  if closed.stdout {
    printError("prefork: stdout is closed: there is nowhere to write results\n")
    return ExitCode.outputFailed.rawValue
  }
  prepareSignals()
  do throws(SystemError) {
    let end = try run(configuration(from: arguments), closed: closed)
    if case .interrupted(let signal) = end { raiseWithDefaultAction(signal) }
    if case .cannotCreateFile(let reason) = end { printError("prefork: \(reason)\n") }
    return exitCode(of: end).rawValue
  } catch {
    printError("prefork: \(error)\n")
    return ExitCode.systemRefused.rawValue
  }
}

private func exitCode(of end: RunEnd) -> ExitCode {
  switch end {
  case .allOK: .ok
  case .someNotOK: .someJobsNotOK
  case .workersDoNotStart: .workersWillNotStart
  case .protocolBroken: .protocolBroken
  case .cannotCreateFile: .cannotCreateOutput
  case .badInput: .badInput
  case .halted: .stoppedEarly
  case .inputUnreadable: .inputUnreadable
  case .outputFailed: .outputFailed
  case .internalError: .internalError
  case .interrupted: .interrupted
  }
}

private func configuration(from arguments: ParsedArguments) -> RunConfiguration {
  let workers = arguments[RunOptions.workers] ?? processorCount()...processorCount()
  var configuration = RunConfiguration(
    pool: workerPoolConfiguration(
      from: arguments, command: workerCommand(of: arguments), workers: workers),
    ledger: ledgerConfiguration(
      from: arguments, queue: arguments[RunOptions.queue] ?? 2 * workers.upperBound,
      queueTimeout: arguments[RunOptions.queueTimeout]),
    input: StreamFormat(arguments[RunOptions.input]),
    output: StreamFormat(arguments[RunOptions.output]),
    maximumJobSize: arguments[RunOptions.maxJobSize],
    seed: arguments[RunOptions.seed] ?? UInt64.random(in: 0 ... .max),
    verbosity: arguments[RunOptions.verbosity])
  configuration.jobLog = arguments[RunOptions.joblog]
  configuration.resumes = arguments[RunOptions.resume]
  configuration.deadLetters = arguments[RunOptions.deadLetter]
  configuration.trace = arguments[RunOptions.trace]
  configuration.report = arguments[RunOptions.report]
  configuration.pool.tellsChecks = configuration.trace != nil || configuration.report != nil
  configuration.pool.metersJobs = configuration.keepsDetails && !arguments[RunOptions.noAccounting]
  configuration.ledger.seed = configuration.seed
  switch arguments[SurroundingsOptions.stderr] {
  case .prefix: configuration.workerErrors = .prefixed
  case .inherit: configuration.workerErrors = .inherited
  case .file(let path): configuration.workerErrors = .file(path)
  }
  configuration.progress = progressStyle(from: arguments, workersShareStderr: configuration.workerErrors == .inherited)
  return configuration
}

/// How the progress line is drawn; nil for not at all.
private func progressStyle(from arguments: ParsedArguments, workersShareStderr: Bool) -> TerminalStyle? {
  let isOnTerminal = isTerminal(2)
  let isShared = workersShareStderr || isTerminal(1)
  guard arguments[RunOptions.verbosity] != .quiet || arguments[RunOptions.progress] == .always,
    showsProgress(
      arguments[RunOptions.progress], isTerminal: isOnTerminal, isShared: isShared, environment: environment)
  else { return nil }
  return TerminalStyle(color: arguments[RunOptions.color], isTerminal: isOnTerminal, environment: environment)
}

/// What is said of jobs: the same for every command that has workers of its own.
func ledgerConfiguration(
  from arguments: ParsedArguments, queue: Int, queueTimeout: UInt64?
) -> JobLedger.Configuration {
  var configuration = JobLedger.Configuration(
    keepOrder: arguments[RunOptions.order] == .input, queueLimit: queue, retries: arguments[RunOptions.retries],
    queueLimitTime: queueTimeout,
    orderWindow: arguments[RunOptions.orderWindow],
    quarantineAfter: arguments[RunOptions.quarantineAfter])
  switch arguments[RunOptions.timeout] {
  case .duration(let limit)?: configuration.runLimit = limit
  case .percent(let percent)?:
    configuration.runLimitPercent = percent
    configuration.leastMedianLimit = 10_000_000
  case nil: break
  }
  configuration.retryDelay = arguments[RunOptions.retryDelay].map {
    RetryDelay(minimum: $0.lowerBound, maximum: $0.upperBound)
  }
  configuration.halt = arguments[RunOptions.halt]
  return configuration
}

extension StreamFormat {
  init(_ format: StreamChoice) {
    switch format {
    case .lines: self = .framed(.lines)
    case .nul: self = .framed(.nul)
    case .records: self = .records
    }
  }
}
