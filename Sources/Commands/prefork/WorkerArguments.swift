import CommandLineKit
import Glibc
import PoolCore
import Time
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

// The worker and the pool of a command line: the same for every command that starts a pool. An option that a command
// does not have stands at its default.

/// The worker's words are the last of our own. They are taken from the raw command line: Swift's
/// `CommandLine.arguments` mends what is not UTF-8, and file names need not be.
func workerCommand(of arguments: ParsedArguments) -> WorkerCommand {
  if arguments.operands.isEmpty, let preset = arguments[ProtocolOptions.repl] { return WorkerCommand(preset.command) }
  let raw = CommandLine.unsafeArgv
  let words = (0..<Int(CommandLine.argc)).suffix(arguments.operands.count).compactMap { raw[$0] }
  return WorkerCommand(
    words: words.map { word in Array(UnsafeRawBufferPointer(start: word, count: strlen(word))) })
}

/// The worker, how it speaks, how it is kept, what it is sent at its start, and the range of the number of workers.
func workerPoolConfiguration(
  from arguments: ParsedArguments, command: WorkerCommand, workers: ClosedRange<Int>,
  initialMessages: [InitialMessage]
) -> WorkerPoolConfiguration {
  let workerProtocol = ProtocolOptions.workerProtocol(from: arguments)
  var configuration = WorkerPoolConfiguration(
    command: command.adding(workerProtocol.workerArguments), protocol: workerProtocol,
    maximumReplySize: arguments[RunOptions.maxReplySize], pool: poolConfiguration(from: arguments, workers: workers))
  configuration.surroundings = SurroundingsOptions.surroundings(from: arguments)
  if arguments[SurroundingsOptions.stderr] == .inherit { configuration.errorOutput = .inherited }
  configuration.maximumMemory = arguments[RunOptions.maxRss]
  configuration.killMemory = arguments[RunOptions.killRss]
  configuration.groupLimits = GroupLimits(
    memory: arguments[RunOptions.memoryMax], processes: arguments[RunOptions.pidsMax])
  configuration.adoptsOrphans = true
  configuration.mostSeats = arguments[RunOptions.prefetch] ?? SeatEstimate.mostSeats
  configuration.parksInOrderOnly = arguments[RunOptions.prefetch] == nil
  configuration.cancelGrace = arguments[ProtocolOptions.cancelGrace]
  if case .signal(let number) = arguments[ProtocolOptions.cancel] {
    configuration.cancelSignal = number
    if !arguments.has(ProtocolOptions.cancelGrace) { configuration.cancelGrace = ProtocolOptions.usualCancelGrace }
  }
  configuration.probe = arguments[RunOptions.probe]
  configuration.reset = arguments[RunOptions.reset]
  configuration.watchdogLimit = arguments[RunOptions.workerWatchdog]
  configuration.failPrefix = arguments[ProtocolOptions.failPrefix].map { Array($0.utf8) } ?? []
  configuration.initialMessages = initialMessages
  configuration.errorRule = ProtocolOptions.errorRule(from: arguments)
  switch arguments[RunOptions.ready] {
  case nil where configuration.workerProtocol.announcesReady: configuration.readiness = .announced
  case .some(.none): configuration.readiness = .assumed
  case .notify: configuration.readiness = .notified
  case .line(let text): configuration.readiness = .line(prefix: text.map { Array($0.utf8) })
  case .probe: configuration.readiness = .probed
  case .message: configuration.readiness = .announced
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
  pool.probeInterval = arguments[RunOptions.probeInterval] ?? .zero
  pool.probeBeforeLeaseUnlessUsedWithin = arguments[RunOptions.probeBeforeLease] ? .milliseconds(500) : nil
  pool.probeLimit = arguments[RunOptions.probeTimeout]
  pool.resetLimit = arguments[RunOptions.probeTimeout]
  pool.maximumStarting = arguments[RunOptions.maxStarting] ?? max(8, 2 * UsableProcessors.count)
  pool.startLimit = arguments[RunOptions.startTimeout]
  let backoff = arguments[RunOptions.backoff]
  pool.backoff = Backoff(minimum: backoff.lowerBound, maximum: backoff.upperBound)
  let budget = arguments[RunOptions.restartBudget]
  pool.restartBudget = RestartBudget(failures: budget.count, period: budget.period)
  // Half of the patience after the end of input, half after SIGTERM; then SIGKILL, again each second.
  let patience = arguments[RunOptions.stopTimeout]
  pool.stopLadder = [patience / 2, patience - patience / 2, .seconds(1)]
  return pool
}
