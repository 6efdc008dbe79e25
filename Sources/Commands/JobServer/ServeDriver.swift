import ControlProtocol
import EventLoop
import JobEngine
import LinuxIO
import MetricsServer
import PoolCore
import ServiceManager
import Slabs
import SystemEvents
import Time
import WorkerPoolDriver

/// Serves the jobs of sockets until it is asked to stop, and returns how it ended. Throws only when the system refuses
/// what the loop itself needs. `reload` reads the configuration again; it is called when SIGHUP or control asks for it.
public func serve(
  _ configuration: ServeConfiguration, closed: ClosedDescriptors, reload: @escaping @Sendable () -> Reloading
) throws(SystemError) -> ServeEnd {
  // First of all: what was passed stands where the next file would, and the environment is changed before there are
  // threads.
  let passed = try takePassedSockets()
  let messenger = try ServiceMessenger()
  defer { _ = messenger.flush() }
  var log: WorkerLog?
  if case .file(let path) = configuration.workerErrors {
    do throws(SystemError) { log = try WorkerLog(path: path) } catch { return .cannotCreateFile("\(error)") }
  }
  returnLargeBlocks()
  let descriptors = try? raiseDescriptorLimit()
  let keepLimit: @Sendable (ServeConfiguration) -> ServeConfiguration = {
    $0.givingWorkers(descriptors).leavingDescriptors(of: descriptors)
  }
  let inbox = try ReloadInbox()
  var driver = try ServeDriver(keepLimit(configuration), log, closed: closed, messenger, inbox) {
    switch reload() {
    case .configuration(let configuration): .configuration(keepLimit(configuration))
    case .unusable(let reason): .unusable(reason)
    }
  }
  driver.sayLoweredLimits(configuration)
  if let failure = driver.foreseenStartFailure { return failure }
  if let failure = driver.take(passed) ?? driver.listen() { return failure }
  return try driver.run()
}

/// The life of `prefork serve`: one loop, any number of pools, their clients, and control and metrics.
struct ServeDriver: ~Copyable {
  var configuration: ServeConfiguration
  let reload: @Sendable () -> Reloading
  let reloadInbox: ReloadInbox
  var reloadState = ReloadState()
  var loop: EventLoop
  var reporter: Reporter
  let messenger: ServiceMessenger
  var talk = ServiceTalk()
  var services = Slab<PoolService>()
  var control: ControlEndpoint?
  var metricsServer: MetricsServer?
  /// Keeps the file of its socket, if it has one.
  var metricsListener: ListeningSocket?
  var loopEvents: [LoopEvent] = []
  let startedAt: Instant
  /// The user that we run as.
  let owner = ProcessTable.ownUser
  var errorOutputIsWatched = false
  /// How many times we were asked to stop.
  var stopsAsked = 0
  /// When the jobs that are not done are given up.
  var givesUpAt: Instant?
  var hasGivenUp = false
  /// The signal that stopped us, if it came from a terminal.
  var interruptedBy: CInt?
  var hadInternalError = false
  /// The first worker of a pool could not be started: nothing was ever served.
  var couldNotStart = false
  /// The sessions of the control socket that wait for the end of pools.
  var waiting: [EndWaiter] = []

  init(
    _ configuration: ServeConfiguration, _ log: consuming WorkerLog?, closed: ClosedDescriptors,
    _ messenger: ServiceMessenger, _ reloadInbox: ReloadInbox, reload: @escaping @Sendable () -> Reloading
  ) throws(SystemError) {
    self.reloadInbox = reloadInbox
    self.reload = reload
    self.configuration = configuration
    loop = try EventLoop()
    startedAt = loop.now()
    reporter = Reporter(
      InheritedOutput(2, wasClosed: closed.stderr), log: log, verbosity: configuration.verbosity,
      journal: messenger.journals ? messenger : nil)
    reporter.showsLevels = true
    self.messenger = messenger
    if messenger.notifies { talk.nextLook = startedAt }
    for (number, pool) in configuration.pools.enumerated() {
      let service = PoolService(pool, number: number, owner: owner, version: configuration.version, at: loop.now())
      services.insert(service, at: number)
    }
  }

  // MARK: Listening

  /// Opens all sockets before anything is started, or reports which one cannot be opened.
  mutating func listen() -> ServeEnd? {
    do throws(SocketError) {
      for (number, pool) in configuration.pools.enumerated() {
        for address in pool.listens {
          let socket = try ListeningSocket(
            address, rights: pool.rights, allowsRemote: configuration.allowsRemote)
          let index = services[number].listeners.firstEmpty
          services[number].listeners.insert(socket, at: index)
          services[number].listens[index] = address
        }
      }
      if let address = controlIsPassed ? nil : configuration.controlAddress {
        control = ControlEndpoint(try ListeningSocket(address), service: ServiceInfo(configuration))
      }
      if let address = configuration.metricsListen {
        return listenForMetrics(try ListeningSocket(address, allowsRemote: configuration.allowsRemote))
      }
    } catch {
      return .cannotListen(error.description, hint: error.hint)
    }
    return nil
  }

  mutating func listenForMetrics(_ listener: consuming ListeningSocket) -> ServeEnd? {
    let address = listener.address
    do {
      metricsServer = try MetricsServer(on: listener.duplicate())
    } catch let error as MetricsServerError {
      return .cannotListen("\(error)", hint: nil)
    } catch {
      return .cannotListen("cannot serve metrics on \(address): \(error)", hint: nil)
    }
    metricsListener = consume listener
    if case .tcp = address {
      reporter.note("metrics on http://\(address.description.dropFirst(4))/metrics")
    } else {
      reporter.note("metrics by HTTP on \(address)")
    }
    return nil
  }

  /// Whether the control socket was passed to us: then it is used where it is, as we may have no right to make another
  /// beside it.
  var controlIsPassed: Bool { isInherited(control) }

  // MARK: The loop

  mutating func run() throws(SystemError) -> ServeEnd {
    try loop.watchSignals([
      Signal.interrupt, Signal.terminate, Signal.hangup, Signal.user1, Signal.oneMore, Signal.oneFewer, Signal.child,
      Signal.stop,
    ])
    for (descriptor, kind) in [
      (listener(of: control), ServerToken.Kind.controlListener), (descriptor(of: metricsServer), .metrics),
      (reloadInbox.descriptor, .reload),
    ] {
      guard let descriptor else { continue }
      try loop.add(descriptor, token: ServerToken(kind).rawValue, readable: true, writable: false)
    }
    for number in services.indices where services.holds(number) {
      sayWhereItListens(number)
      try services[number].start(&loop)
    }
    while services.count > 0 {
      let patience = work()
      tellWhenReady()
      flush()
      if services.count == 0 { break }
      try loop.setAlarm(at: nextDeadline)
      loopEvents.removeAll(keepingCapacity: true)
      try loop.wait(into: &loopEvents, atMost: patience)
      for index in loopEvents.indices { handle(loopEvents[index]) }
      fireTimers()
    }
    finishControl()
    finishMessages()
    return end
  }

  /// Does what can be done, and returns how long the loop may wait at most: not at all when there is more to do.
  private mutating func work() -> LoopPatience {
    var patience = LoopPatience.endless
    for number in services.indices where services.holds(number) {
      reporter.pool = poolName(number)
      services[number].work(&loop, &reporter)
      endIfItCannotStart(number)
      services[number].reportFailingStarts(&reporter)
      goOnEnding(number)
      guard services.holds(number) else { continue }
      if services[number].hasNews {
        patience = .none
      } else if services[number].gathersAnswers, patience == .endless {
        patience = .millisecond
      }
    }
    reporter.pool = nil
    return patience
  }

  /// Named in messages when there are several.
  func poolName(_ number: Int) -> String? {
    configuration.pools.count > 1 || services.count > 1 ? services[number].configuration.name : nil
  }

  private var nextDeadline: Instant? {
    var deadline = givesUpAt
    for number in services.indices where services.holds(number) {
      deadline = earliest(deadline, services[number].nextDeadline)
    }
    deadline = earliest(deadline, nextState(of: control))
    deadline = earliest(deadline, earliest(talk.nextLook, reporter.nextDeadline))
    return earliest(deadline, nextRun(of: metricsServer, loop.now()))
  }

  private mutating func fireTimers() {
    for number in services.indices where services.holds(number) {
      guard let deadline = services[number].nextDeadline, deadline <= loop.now() else { continue }
      reporter.pool = poolName(number)
      // An answer that has come is an answer, however late we look at it.
      services[number].settle(&loop, &reporter)
      services[number].fireTimers(&loop, &reporter)
    }
    if let givesUpAt, givesUpAt <= loop.now() { giveUp() }
    if control != nil { control!.resumeListening(&loop) }
    tellThoseWhoWatch()
    talkToServiceManager()
    serveMetrics()
  }

  private mutating func handle(_ event: LoopEvent) {
    switch event {
    case .ready(let token, let readable, let writable, let hangup):
      guard let ours = ServerToken(token) else {
        let number = Int(token >> 48 & 0xFF)
        guard services.holds(number) else { return }
        reporter.pool = poolName(number)
        _ = services[number].engine.pool.handle(token: token, hangup: hangup, &loop)
        return
      }
      handle(ours, readable: readable, writable: writable, hangup: hangup)
    case .signal(let signal): take(signal: signal)
    case .terminal(let signal): handleTerminal(signal: signal)
    case .alarm: break  // What is due is looked for after each turn.
    }
  }

  private mutating func handle(_ token: ServerToken, readable: Bool, writable: Bool, hangup: Bool) {
    switch token.kind {
    case .errorOutput: reporter.flush()
    case .jobListener:
      guard services.holds(token.pool) else { return }
      reporter.pool = poolName(token.pool)
      services[token.pool].letIn(at: token.index, &loop, &reporter)
    case .connection:
      guard services.holds(token.pool) else { return }
      reporter.pool = poolName(token.pool)
      services[token.pool].handle(
        token, readable: readable, writable: writable, hangup: hangup, &loop)
    case .refused: if services.holds(token.pool) { services[token.pool].refused.handle(token, &loop) }
    case .controlListener: if control != nil { control!.letIn(&loop, owner: owner, &reporter) }
    case .control: controlReady(token, readable: readable, hangup: hangup)
    case .metrics: serveMetrics()
    case .reload: finishReload()
    }
  }

  mutating func flush() {
    reporter.flush()
    if reporter.isBlocked != errorOutputIsWatched, !reporter.isAlwaysReady {
      errorOutputIsWatched = reporter.isBlocked
      let token = ServerToken(.errorOutput).rawValue
      if errorOutputIsWatched {
        try? loop.add(reporter.descriptor, token: token, readable: false, writable: true)
      } else {
        loop.remove(reporter.descriptor)
      }
    }
    let holdsWorkers = reporter.holdsWorkers(at: loop.now())
    for number in services.indices where services.holds(number) {
      services[number].engine.pool.setReadsErrorOutput(!holdsWorkers, &loop)
    }
  }
}

// What may be there or not, and cannot be copied, can be looked at only like this.

private func listener(of control: borrowing ControlEndpoint?) -> CInt? {
  switch control {
  case .some(let control): control.listener.descriptor
  case .none: nil
  }
}

private func isInherited(_ control: borrowing ControlEndpoint?) -> Bool {
  switch control {
  case .some(let control): control.listener.isInherited
  case .none: false
  }
}

private func nextState(of control: borrowing ControlEndpoint?) -> Instant? {
  switch control {
  case .some(let control): control.nextDeadline
  case .none: nil
  }
}

func hasItsFile(_ control: borrowing ControlEndpoint?) -> Bool {
  switch control {
  case .some(let control): control.listener.hasItsFile
  case .none: false
  }
}

func hasItsFile(_ listener: borrowing ListeningSocket?) -> Bool {
  switch listener {
  case .some(let listener): listener.hasItsFile
  case .none: true
  }
}

func descriptor(of server: borrowing MetricsServer?) -> CInt? {
  switch server {
  case .some(let server): server.descriptor
  case .none: nil
  }
}

private func nextRun(of server: borrowing MetricsServer?, _ now: Instant) -> Instant? {
  switch server {
  case .some(let server): server.deadline(at: now)
  case .none: nil
  }
}
