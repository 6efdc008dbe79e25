import Chronicle
import CommandLineKit
import JobCore
import JobEngine
import JobRunner
import JobSources
import LinuxIO
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// Runs the jobs of stdin through warm workers and returns the exit status.
func runCommand(_ arguments: ParsedArguments) -> Int32 {
  let messages: [InitialMessage]
  do throws(InitFileDefect) { messages = try initialMessages(from: arguments) } catch { return refuse(error) }
  return performRun(arguments) { closed throws(SystemError) in
    let workers = arguments[RunOptions.workers] ?? UsableProcessors.count...UsableProcessors.count
    let errors = workerErrors(from: arguments)
    var configuration = runConfiguration(
      from: arguments,
      ledger: ledgerConfiguration(
        from: arguments, queue: arguments[RunOptions.queue] ?? BatchOptions.usualQueue(workers.upperBound, arguments),
        queueTimeout: arguments[RunOptions.queueTimeout]),
      workersShareStderr: errors == .inherited)
    configuration.logsUsage = configuration.keepsDetails && !arguments[RunOptions.noAccounting]
    var pool = workerPoolConfiguration(
      from: arguments, command: workerCommand(of: arguments), workers: workers, initialMessages: messages)
    pool.tellsChecks = configuration.trace != nil || configuration.report != nil
    pool.metersJobs = configuration.logsUsage
    return try run(
      configuration, from: standardInput(from: arguments, closed), on: pool, workerErrors: errors,
      stderrWasClosed: closed.stderr)
  }
}

/// Does what runs the jobs of stdin, and returns the exit status.
func performRun(
  _ arguments: ParsedArguments, _ work: (ClosedDescriptors) throws(SystemError) -> RunEnd
) -> Int32 {
  let closed = openClosedStandardDescriptors()
  if closed.stdout {
    printError("prefork: stdout is closed: there is nowhere to write results\n")
    return ExitCode.outputFailed.rawValue
  }
  prepareSignals()
  do throws(SystemError) {
    let end = try work(closed)
    if case .interrupted(let signal) = end { raiseWithDefaultAction(signal) }
    switch end {
    case .cannotCreateFile(let reason), .sharedFile(let reason): printError("prefork: \(reason)\n")
    default: break
    }
    return exitCode(of: end).rawValue
  } catch {
    printError(message(of: error))
    return ExitCode.systemRefused.rawValue
  }
}

private func exitCode(of end: RunEnd) -> ExitCode {
  switch end {
  case .allOK: .ok
  case .someNotOK: .someJobsNotOK
  case .workersDoNotStart, .serverUnreachable: .unavailable
  case .protocolBroken: .protocolBroken
  case .cannotCreateFile: .cannotCreateOutput
  case .sharedFile: .usage
  case .badInput: .badInput
  case .halted, .serverBusy: .stoppedEarly
  case .notPermitted: .noPermission
  case .inputUnreadable: .inputUnreadable
  case .outputFailed: .outputFailed
  case .internalError: .internalError
  case .interrupted: .interrupted
  }
}

/// The jobs of stdin.
func standardInput(from arguments: ParsedArguments, _ closed: ClosedDescriptors) -> StandardInput {
  let format = StreamFormat(arguments[RunOptions.input])
  return StandardInput(
    InheritedInput(0, wasClosed: closed.stdin), framing: format.framing, form: format.form,
    maximumJobSize: arguments[RunOptions.maxJobSize])
}

/// The configuration of a run that has jobs on stdin, from the options of any command. An option that a command does
/// not have stands at its default.
func runConfiguration(
  from arguments: ParsedArguments, ledger: JobLedger.Configuration, workersShareStderr: Bool
) -> RunConfiguration {
  var configuration = RunConfiguration(
    ledger: ledger,
    output: arguments[RunOptions.results] != nil && !arguments.has(RunOptions.output)
      ? .text : ResultFormat(arguments[RunOptions.output]),
    seed: arguments[RunOptions.seed] ?? UInt64.random(in: 0 ... .max),
    verbosity: arguments[RunOptions.verbosity])
  configuration.tagsLines = arguments[RunOptions.tag]
  configuration.results = arguments[RunOptions.results]
  configuration.keepsJSON = arguments[RunOptions.reply] == .json
  configuration.drainLimit = arguments[RunOptions.drainTimeout]
  configuration.jobLog = arguments[RunOptions.joblog]
  configuration.resumes = arguments[RunOptions.resume]
  configuration.deadLetters = arguments[RunOptions.deadLetter]
  configuration.trace = arguments[RunOptions.trace]
  configuration.report = arguments[RunOptions.report]
  configuration.ledger.seed = configuration.seed
  configuration.progress = progressStyle(from: arguments, workersShareStderr: workersShareStderr)
  return configuration
}

private func workerErrors(from arguments: ParsedArguments) -> WorkerErrors {
  switch arguments[SurroundingsOptions.stderr] {
  case .prefix: .prefixed
  case .inherit: .inherited
  case .file(let path): .file(path)
  }
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

/// The options about jobs: the same for every command that has workers of its own.
func ledgerConfiguration(
  from arguments: ParsedArguments, queue: Int, queueTimeout: Nanoseconds?
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
    configuration.leastMedianLimit = .milliseconds(10)
  case nil: break
  }
  configuration.retryDelay = arguments[RunOptions.retryDelay].map {
    RetryDelay(minimum: $0.lowerBound, maximum: $0.upperBound)
  }
  configuration.halt = arguments[RunOptions.halt]
  configuration.batches = BatchOptions.rule(from: arguments)
  return configuration
}

extension ResultFormat {
  init(_ format: OutputChoice) {
    switch format {
    case .lines: self = .framed(.lines)
    case .nul: self = .framed(.nul)
    case .records: self = .records
    case .text: self = .text
    }
  }
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
