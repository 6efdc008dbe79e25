import CommandLineKit
import ConfigurationFile
import JobCore
import JobEngine
import JobServer
import LinuxIO
import ServiceManager
import WorkerPoolDriver
import WorkerProcess

/// Serves jobs from sockets until it is asked to stop, and returns the exit status.
func serveCommand(_ arguments: ParsedArguments) -> Int32 {
  let closed = openClosedStandardDescriptors()
  prepareSignals()
  do throws(ServeFailure) {
    if arguments[ServeOptions.checkConfig] { return try checkConfiguration(of: arguments) }
    // Taking them changes the environment, in which a reload would not find them.
    let controlIsPassed = passesControlSocket()
    let configuration = try serveConfiguration(from: arguments, controlIsPassed: controlIsPassed)
    let reload: @Sendable () -> Reloading = {
      // What --check-config would not let pass is not put in the place of something that works.
      do throws(ServeFailure) {
        return .configuration(
          try serveConfiguration(from: arguments, foreseeing: true, controlIsPassed: controlIsPassed))
      } catch {
        return .unusable(error.lines)
      }
    }
    return try perform(configuration, isFromFile: arguments[ServeOptions.config] != nil, closed, reload)
  } catch {
    // There is no messenger any more, or not yet: journald takes the priority from the stream, too (sd-daemon(3)).
    let lines = error.message.split(separator: "\n").map { "<3>\($0)\n" }
    printError(stderrIsJournal() ? lines.joined() : error.message)
    return error.code.rawValue
  }
}

/// Why serving cannot begin.
struct ServeFailure: Error {
  let code: ExitCode
  /// For stderr, with its newlines.
  let message: String

  /// The message line by line, without our name.
  var lines: [String] {
    message.split(separator: "\n").map { String($0.hasPrefix("prefork: ") ? $0.dropFirst("prefork: ".count) : $0) }
  }
}

private func perform(
  _ configuration: ServeConfiguration, isFromFile: Bool, _ closed: ClosedDescriptors,
  _ reload: @escaping @Sendable () -> Reloading
) throws(ServeFailure) -> Int32 {
  let end: ServeEnd
  do throws(SystemError) {
    end = try serve(configuration, closed: closed, reload: reload)
  } catch {
    throw ServeFailure(code: .systemRefused, message: message(of: error))
  }
  switch end {
  case .stopped: return ExitCode.ok.rawValue
  case .gaveUpJobs: return ExitCode.someJobsNotOK.rawValue
  case .interrupted(let signal): raiseWithDefaultAction(signal)
  case .noJobSocket(let pool):
    let who = pool.map { "the pool \($0) has" } ?? "there is"
    throw ServeFailure(
      code: isFromFile ? .badConfiguration : .usage,
      message: "prefork: \(who) no socket to take jobs from\nhint: give one with --listen unix:/PATH or "
        + "tcp:HOST:PORT, or let a systemd .socket unit pass one\n")
  case .cannotListen(let reason, let hint):
    let advice = hint.map { "hint: \($0)\n" } ?? ""
    throw ServeFailure(code: .systemRefused, message: "prefork: \(reason)\n\(advice)")
  case .cannotStart(let reason, let hint):
    let advice = hint.map { "hint: \($0)\n" } ?? ""
    throw ServeFailure(code: .unavailable, message: "prefork: \(reason)\n\(advice)")
  case .workersDoNotStart: return ExitCode.unavailable.rawValue
  case .cannotCreateFile(let reason): throw ServeFailure(code: .cannotCreateOutput, message: "prefork: \(reason)\n")
  case .internalError: return ExitCode.internalError.rawValue
  }
}

/// Everything in the command line and its file; with `foreseeing`, what is bound to fail is a mistake, too.
func serveConfiguration(
  from arguments: ParsedArguments, foreseeing: Bool = false, controlIsPassed: Bool = false
) throws(ServeFailure) -> ServeConfiguration {
  let settings = try settings(from: arguments)
  var mistakes = MistakeList()
  var configuration = serveConfiguration(of: settings, into: &mistakes)
  configuration.controlIsPassed = controlIsPassed
  if let path = arguments[ServeOptions.config], let user = logWriter(to: path, configuration.workerErrors) {
    mistakes.add(
      at: settings.process.place(of: SurroundingsOptions.stderr),
      "\(user) is the configuration file itself: messages would be appended to it")
  }
  for defect in configuration.defects {
    mistakes.add(at: defect.pool.flatMap { settings.pools[$0].placeOfListen }, defect.sentence)
  }
  if foreseeing { foresee(configuration, settings, into: &mistakes) }
  if mistakes.isEmpty { return configuration }
  let error = ConfigurationError.mistakes(
    path: arguments[ServeOptions.config] ?? "", mistakes.first, others: mistakes.others)
  throw ServeFailure(
    code: arguments[ServeOptions.config] == nil ? .usage : .badConfiguration, message: error.message(of: "prefork"))
}

/// What would write messages into the configuration file; nil if nothing would.
private func logWriter(to path: String, _ workerErrors: WorkerErrors) -> String? {
  guard let file = FileIdentity(path: path) else { return nil }
  if case .file(let log) = workerErrors, FileIdentity(path: log) == file { return "--stderr \(log)" }
  return FileIdentity(descriptor: 2) == file ? "stderr" : nil
}

private func serveConfiguration(of settings: ServeSettings, into mistakes: inout MistakeList) -> ServeConfiguration {
  let process = settings.process
  var pools: [ServedPool] = []
  for pool in settings.pools { pools.append(servedPool(pool, into: &mistakes)) }
  var configuration = ServeConfiguration(pools: pools, verbosity: process[RunOptions.verbosity])
  switch pools.count == 1
    ? settings.pools[0].arguments[SurroundingsOptions.stderr] : process[SurroundingsOptions.stderr]
  {
  case .prefix: configuration.workerErrors = .prefixed
  case .inherit: configuration.workerErrors = .inherited
  case .file(let path): configuration.workerErrors = .file(path)
  }
  configuration.control = process[ServeOptions.control]
  configuration.metricsListen = process[ServeOptions.metricsListen]
  configuration.allowsRemote = process[ServeOptions.allowRemote]
  configuration.drainLimit = process[ServeOptions.drainTimeout]
  configuration.version = preforkTool.version
  return configuration
}

private func settings(from arguments: ParsedArguments) throws(ServeFailure) -> ServeSettings {
  guard let path = arguments[ServeOptions.config] else { return ServeSettings(commandLine: arguments) }
  do throws(ConfigurationError) {
    return try loadConfiguration(path, for: ServeOptions.command, commandLine: arguments)
  } catch {
    let code: ExitCode
    switch error {
    case .unreadable: code = .inputUnreadable
    case .mistakes: code = .badConfiguration
    }
    throw ServeFailure(code: code, message: error.message(of: "prefork"))
  }
}

private func servedPool(_ settings: PoolSettings, into mistakes: inout MistakeList) -> ServedPool {
  let arguments = settings.arguments
  var messages: [InitialMessage] = []
  do throws(InitFileDefect) { messages = try initialMessages(from: arguments) } catch {
    mistakes.add(at: arguments.place(of: ProtocolOptions.initFile), error.description)
  }
  let workers = arguments[RunOptions.workers] ?? UsableProcessors.count...UsableProcessors.count
  let command: WorkerCommand
  switch settings.command {
  case .commandLine: command = workerCommand(of: arguments)
  case .words(let words): command = WorkerCommand(words: words.map { Array($0.utf8) })
  }
  var ledger = ledgerConfiguration(
    from: arguments, queue: arguments[ServeOptions.queue], queueTimeout: arguments[ServeOptions.queueTimeout])
  ledger.keepOrder = false
  ledger.ordersEachClient = true
  ledger.halt = nil
  ledger.clientLimit =
    arguments[ServeOptions.clientJobs] ?? max(64, BatchOptions.usualQueue(workers.upperBound, arguments))
  ledger.clientsFillSeats = arguments[ServeOptions.clientJobs] == nil
  let seed = arguments[RunOptions.seed] ?? UInt64.random(in: 0 ... .max)
  ledger.seed = seed
  var pool = ServedPool(
    name: settings.name,
    pool: workerPoolConfiguration(from: arguments, command: command, workers: workers, initialMessages: messages),
    ledger: ledger, input: StreamFormat(arguments[ServeOptions.input]),
    output: StreamFormat(arguments[ServeOptions.output]), maximumJobSize: arguments[RunOptions.maxJobSize], seed: seed)
  pool.cancelsOnDisconnect = arguments[ServeOptions.onDisconnect] == .cancel
  pool.keepsJSON = arguments[RunOptions.reply] == .json
  pool.pool.pool.blamesJobs = true
  pool.listens = arguments[ServeOptions.listen]
  pool.rights = SocketFileRights(mode: arguments[ServeOptions.socketMode], group: arguments[ServeOptions.socketGroup])
  let allowed = arguments[ServeOptions.allowUser]
  pool.allowedUsers = allowed.isEmpty ? nil : allowed
  pool.maximumConnections = arguments[ServeOptions.maxConnections]
  pool.connectionIdleLimit = arguments[ServeOptions.idleConnectionTimeout]
  pool.refusesWhenFull = arguments[ServeOptions.whenFull] == .refuse
  return pool
}
