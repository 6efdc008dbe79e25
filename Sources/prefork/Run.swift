import CommandLineKit
import Glibc
import JobCore
import JobRunner
import LinuxIO
import PoolCore
import WireFormats
import WorkerPool
import WorkerProcess

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
    if case .cannotCreateFile(let error) = end { printError("prefork: \(error)\n") }
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
  case .inputUnreadable: .inputUnreadable
  case .outputFailed: .outputFailed
  case .internalError: .internalError
  case .interrupted: .interrupted
  }
}

private func configuration(from arguments: ParsedArguments) -> RunConfiguration {
  let workers = arguments[RunOptions.workers] ?? processorCount()...processorCount()
  var configuration = RunConfiguration(
    pool: workerPoolConfiguration(from: arguments, workers: workers),
    ledger: ledgerConfiguration(from: arguments, workers: workers.upperBound),
    input: Framing(arguments[RunOptions.input]), output: Framing(arguments[RunOptions.output]),
    maximumJobSize: arguments[RunOptions.maxJobSize],
    seed: arguments[RunOptions.seed] ?? UInt64.random(in: 0 ... .max),
    verbosity: JobRunner.Verbosity(arguments[RunOptions.verbosity]))
  switch arguments[SurroundingsOptions.stderr] {
  case .prefix: configuration.workerErrors = .prefixed
  case .inherit: configuration.workerErrors = .inherited
  case .file(let path): configuration.workerErrors = .file(path)
  }
  return configuration
}

/// The worker's words are the last of our own. They are taken from the raw command line: Swift's `CommandLine.arguments`
/// mends what is not UTF-8, and file names need not be.
private func workerCommand(of arguments: ParsedArguments) -> WorkerCommand {
  let raw = CommandLine.unsafeArgv
  let words = (0..<Int(CommandLine.argc)).suffix(arguments.operands.count).compactMap { raw[$0] }
  return WorkerCommand(
    words: words.map { word in Array(UnsafeRawBufferPointer(start: word, count: strlen(word))) })
}

private func workerPoolConfiguration(
  from arguments: ParsedArguments, workers: ClosedRange<Int>
) -> WorkerPoolConfiguration {
  var configuration = WorkerPoolConfiguration(
    command: workerCommand(of: arguments), framing: Framing(arguments[RunOptions.workerProtocol]),
    maximumReplySize: arguments[RunOptions.maxReplySize], pool: poolConfiguration(from: arguments, workers: workers))
  configuration.surroundings = SurroundingsOptions.surroundings(from: arguments)
  if arguments[SurroundingsOptions.stderr] == .inherit { configuration.errorOutput = .inherited }
  configuration.maximumMemory = arguments[RunOptions.maxRss]
  configuration.killMemory = arguments[RunOptions.killRss]
  configuration.groupLimits = GroupLimits(
    memory: arguments[RunOptions.memoryMax], processes: arguments[RunOptions.pidsMax])
  configuration.adoptsOrphans = true
  configuration.probe = arguments[RunOptions.probe]
  configuration.reset = arguments[RunOptions.reset]
  configuration.watchdogLimit = arguments[RunOptions.workerWatchdog]
  switch arguments[RunOptions.ready] {
  case .some(.none): configuration.readiness = .assumed
  case .notify: configuration.readiness = .notified
  case .line(let text): configuration.readiness = .line(prefix: text.map { Array($0.utf8) })
  case .probe: configuration.readiness = .probed
  case nil: configuration.readiness = configuration.probe == nil ? .assumed : .probed
  }
  return configuration
}

private func poolConfiguration(from arguments: ParsedArguments, workers: ClosedRange<Int>) -> PoolConfiguration {
  var pool = PoolConfiguration(minimum: workers.lowerBound, maximum: workers.upperBound)
  switch arguments[RunOptions.leaseOrder] {
  case .lifo: pool.leaseOrder = .lifo
  case .fifo: pool.leaseOrder = .fifo
  }
  pool.maximumJobs = arguments[RunOptions.maxJobs]
  pool.maximumAge = arguments[RunOptions.maxAge]
  pool.jitter = arguments[RunOptions.jitter]
  pool.surge = arguments[RunOptions.surge]
  pool.idleLimit = arguments[RunOptions.idleTimeout]
  pool.probeInterval = arguments[RunOptions.probeInterval] ?? 0
  pool.probeBeforeLeaseUnlessUsedWithin = arguments[RunOptions.probeBeforeLease] ? 500_000_000 : nil
  pool.probeLimit = arguments[RunOptions.probeTimeout]
  pool.resetLimit = arguments[RunOptions.probeTimeout]
  pool.maximumStarting = arguments[RunOptions.maxStarting] ?? max(8, 2 * processorCount())
  pool.startLimit = arguments[RunOptions.startTimeout]
  let backoff = arguments[RunOptions.backoff]
  pool.backoff = Backoff(minimum: backoff.lowerBound, maximum: backoff.upperBound)
  let budget = arguments[RunOptions.restartBudget]
  pool.restartBudget = RestartBudget(failures: budget.count, period: budget.period)
  // Half of the patience after the end of input, half after SIGTERM; then SIGKILL, again each second.
  let patience = arguments[RunOptions.stopTimeout]
  pool.stopLadder = [patience / 2, patience - patience / 2, 1_000_000_000]
  return pool
}

private func ledgerConfiguration(from arguments: ParsedArguments, workers: Int) -> JobLedger.Configuration {
  JobLedger.Configuration(
    keepOrder: arguments[RunOptions.order] == .input, queueLimit: arguments[RunOptions.queue] ?? 2 * workers,
    retries: arguments[RunOptions.retries], runLimit: arguments[RunOptions.timeout],
    queueLimitTime: arguments[RunOptions.queueTimeout], orderWindow: arguments[RunOptions.orderWindow],
    quarantineAfter: arguments[RunOptions.quarantineAfter])
}

/// CPUs that this process may run on.
private func processorCount() -> Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

extension Framing {
  fileprivate init(_ workerProtocol: WorkerProtocol) {
    switch workerProtocol {
    case .lines: self = .lines
    case .nul: self = .nul
    case .length4: self = .length4
    case .netstring: self = .netstring
    }
  }

  fileprivate init(_ format: StreamFormat) {
    switch format {
    case .lines: self = .lines
    case .nul: self = .nul
    }
  }
}

extension JobRunner.Verbosity {
  fileprivate init(_ verbosity: Verbosity) {
    switch verbosity {
    case .quiet: self = .quiet
    case .normal: self = .normal
    case .verbose: self = .verbose
    }
  }
}
