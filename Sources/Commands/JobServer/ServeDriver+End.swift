import EventLoop
import JobEngine
import LinuxIO
import PoolCore
import Text
import Time
import WorkerPoolDriver

/// Signals, and how serving ends.
extension ServeDriver {
  /// The last messages may take this long.
  private static let messagesLimit: Nanoseconds = .seconds(1)

  /// INT, TERM: finish what was accepted; again: end now. HUP: reload, and replace every worker. USR1: the state. TTIN,
  /// TTOU: one worker more, one fewer, where there is one pool. TSTP: stop with the workers.
  mutating func take(signal: CInt) {
    switch signal {
    case Signal.interrupt, Signal.terminate: stopAsked(by: signal)
    case Signal.stop: stop(by: signal)
    case Signal.hangup: beginReload()
    case Signal.user1: sayState()
    case Signal.child:
      for number in services.indices where services.holds(number) {
        services[number].engine.pool.childrenChanged(&loop)
      }
    case Signal.oneMore: resize(by: 1)
    default: resize(by: -1)
    }
  }

  /// A terminal that is gone ends us; else it wants us to be stopped.
  mutating func handleTerminal(signal: CInt) {
    if signal == Signal.hangup { stopAsked(by: signal) } else { stop(by: signal) }
  }

  /// We are stopped, and the workers with us, until we are continued.
  private mutating func stop(by signal: CInt) {
    reporter.flush()
    for number in services.indices where services.holds(number) { services[number].engine.pool.suspendWorkers() }
    _ = loop.stop(by: signal)
    for number in services.indices where services.holds(number) { services[number].engine.pool.resumeWorkers() }
  }

  private mutating func stopAsked(by signal: CInt) {
    stopsAsked += 1
    if signal == Signal.interrupt { interruptedBy = signal }
    guard stopsAsked == 1 else {
      var unsettled = 0
      for number in services.indices where services.holds(number) {
        unsettled += services[number].engine.jobs.ledger.counts.unsettled
      }
      reporter.note("\(signalName(signal)): stopping now; \(plural(unsettled, "job")) given up")
      for number in services.indices where services.holds(number) {
        abandon(number, stopsAsked == 2 ? .prompt : .immediate, because: .signal(signal))
      }
      return
    }
    var unsettled = 0
    for number in services.indices where services.holds(number) {
      unsettled += services[number].engine.jobs.ledger.counts.unsettled
      drain(number)
    }
    givesUpAt = loop.now() + configuration.drainLimit
    let limit = durationText(configuration.drainLimit)
    reporter.note(
      "\(signalName(signal)): no new connections; finishing \(plural(unsettled, "job")), at most \(limit) "
        + "(--drain-timeout); once more to stop now")
  }

  /// The pool takes nothing new, finishes what it has, and ends.
  mutating func drain(_ number: Int) {
    reporter.pool = poolName(number)
    services[number].drain(limit: configuration.drainLimit, &loop)
    reporter.pool = nil
    tellWhenStopping()
  }

  /// How long clients may take to read the last answers of a pool that is stopped: when we were asked once, and
  /// when there is no time left.
  static let (stopGrace, lastGrace): (Nanoseconds, Nanoseconds) = (.seconds(2), .milliseconds(200))

  /// The pool ends now: what is not settled is cancelled, and its clients learn it, as far as they read within `grace`.
  mutating func abandon(
    _ number: Int, _ urgency: StopUrgency, because cause: CancelCause, grace: Nanoseconds = lastGrace
  ) {
    if services[number].engine.jobs.ledger.counts.unsettled > 0 { hasGivenUp = true }
    drain(number)
    services[number].engine.jobs.abandon(because: cause)
    services[number].hurry(within: urgency == .immediate ? .zero : grace, loop)
    services[number].work(&loop, &reporter)
    services[number].engine.stopPool(urgency, &loop)
  }

  mutating func giveUp() {
    givesUpAt = nil
    for number in services.indices where services.holds(number) && !services[number].engine.isStopping {
      let unsettled = services[number].engine.jobs.ledger.counts.unsettled
      reporter.pool = poolName(number)
      if unsettled > 0 { reporter.note("\(plural(unsettled, "job")) given up: not done within --drain-timeout") }
      abandon(number, .prompt, because: .drainTimeout)
    }
  }

  /// Answers that nobody has read are as good as jobs given up.
  private mutating func sayWhatWasNotDelivered(_ number: Int) {
    let (connections, answers) = services[number].undelivered
    guard connections > 0 else { return }
    hasGivenUp = true
    let who = plural(connections, "connection") + " did not read \(connections == 1 ? "its" : "their") answers"
    reporter.note("\(who) in time (--drain-timeout): about \(plural(answers, "answer")) not delivered")
  }

  /// The pool whose program cannot be executed; nil if each can, as far as files show it.
  var foreseenStartFailure: ServeEnd? {
    for (number, pool) in configuration.pools.enumerated() {
      guard let error = pool.foreseenStartFailure else { continue }
      return .cannotStart((poolName(number).map { "the pool \($0): " } ?? "") + "\(error)", hint: error.hint)
    }
    return nil
  }

  /// Before we are ready, a pool whose very first worker cannot be executed ends us, as it ends `prefork run`. Later,
  /// others are served, and the file may come back.
  mutating func endIfItCannotStart(_ number: Int) {
    guard services[number].cannotStart, !talk.hasSaidReady, !couldNotStart else { return }
    couldNotStart = true
    services[number].engine.reportThatFirstStartFailed(&reporter)
    for number in services.indices where services.holds(number) {
      services[number].owesStartReport = false
      abandon(number, .prompt, because: .noWorker)
    }
  }

  /// A pool that has answered everything stops its workers; one whose workers are gone is over.
  mutating func goOnEnding(_ number: Int) {
    if services[number].isDrained, !services[number].engine.isStopping {
      services[number].engine.stopPool(.graceful, &loop)
      services[number].settle(&loop, &reporter)
    }
    guard services[number].poolIsClosed, !services[number].isDelivering else { return }
    services[number].closeAll(&loop)
    reporter.pool = poolName(number)
    sayWhatWasNotDelivered(number)
    if services[number].engine.jobs.ledger.internalErrors > 0 || services[number].engine.pool.internalErrors > 0 {
      hadInternalError = true
    }
    services.remove(number)
    tellThoseWhoWait(number)
  }

  private mutating func sayState() {
    for number in services.indices where services.holds(number) {
      reporter.pool = poolName(number)
      reporter.answer("\(services[number].phase.rawValue): \(services[number].summary.text)")
      services[number].engine.sayState(loop, &reporter)
    }
    reporter.pool = nil
  }

  private mutating func resize(by change: Int) {
    guard services.count == 1, let number = services.indices.first(where: { services.holds($0) }) else { return }
    services[number].engine.resize(by: change, &loop, &reporter)
  }

  /// Fewer connections than were asked for, as there are too few descriptors.
  mutating func sayLoweredLimits(_ asked: ServeConfiguration) {
    for (number, pool) in configuration.pools.enumerated() {
      guard pool.maximumConnections < asked.pools[number].maximumConnections else { continue }
      reporter.pool = poolName(number)
      reporter.detail(
        "at most \(plural(pool.maximumConnections, "connection")): the limit on open files (ulimit -n) has room for "
          + "no more"
      )
    }
    reporter.pool = nil
  }

  mutating func sayWhereItListens(_ number: Int) {
    reporter.pool = poolName(number)
    let service = services[number].listeners.indices
    for index in service where services[number].listeners.holds(index) {
      let origin = services[number].listeners[index].isInherited ? ", which was passed to us" : ""
      reporter.note("listening on \(services[number].listeners[index].address)\(origin)")
      if services[number].listeners[index].isRemote {
        reporter.note("that can be reached from other machines, without encryption and by anyone")
      }
    }
    reporter.pool = nil
  }

  /// The last messages. A log that is not read must not keep a server from its end.
  mutating func finishMessages() {
    reporter.sayWhatWasCounted()
    flush()
    loop.countTime()
    let deadline = loop.now() + Self.messagesLimit
    while reporter.isBlocked, stopsAsked < 2, loop.now() < deadline {
      loopEvents.removeAll(keepingCapacity: true)
      do {
        try loop.setAlarm(at: deadline)
        try loop.wait(into: &loopEvents)
      } catch {
        return
      }
      for case .signal(Signal.interrupt) in loopEvents { stopsAsked += 1 }
      for case .signal(Signal.terminate) in loopEvents { stopsAsked += 1 }
      flush()
    }
  }

  var end: ServeEnd {
    if hadInternalError { return .internalError }
    if couldNotStart { return .workersDoNotStart }
    if let interruptedBy { return .interrupted(signal: interruptedBy) }
    return hasGivenUp ? .gaveUpJobs : .stopped
  }
}
