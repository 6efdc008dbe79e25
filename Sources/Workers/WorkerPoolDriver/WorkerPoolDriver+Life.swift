import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProtocols
import WorkerProcess

/// The life of a worker: spawn, stop, death.
extension WorkerPoolDriver {
  mutating func spawn(_ id: WorkerID, _ loop: inout EventLoop) {
    starts += 1
    var group: WorkerGroup?
    do throws(SpawnError) {
      var values = ["\(id.slot)", "\(id.serial)"]
      let notifications = try notificationSocket(for: &values)
      let process = try spawn(id, values, &group, loop.now())
      events.append(.started(id, pid: process.pid))
      let terms = WorkerTerms(configuration)
      var worker = Worker(
        id: id, process: process, configuration.workerProtocol, terms: terms, startedAt: loop.now(),
        seed: generator.next())
      worker.notifications = consume notifications
      worker.watchdogLimit = configuration.watchdogLimit
      worker.group = group
      beginMeasuring(&worker, &loop)
      workers.insert(worker)
    } catch {
      containment.workerEnded(group)
      sweepSoon(loop)
      lastFailureWasViolation = false
      events.append(.cannotStart(error))
      return tell(.workerGone(id, error.isPermanent ? .cannotStart : .failedStart), &loop)
    }
    watch(id, &loop)
    workers[id.slot.index].greet()
    continueGreeting(id, &loop)
    awaitReadiness(id, &loop)
  }

  private mutating func spawn(
    _ id: WorkerID, _ values: [String], _ group: inout WorkerGroup?, _ now: Instant
  ) throws(SpawnError) -> WorkerProcess {
    if let simulation = configuration.simulation { return try simulation.start(slot: id.slot.index, serial: id.serial) }
    var entrance: FileDescriptor?
    do throws(SystemError) {
      group = try containment.makeWorkerGroup(id, now: now)
      if let group { entrance = try group.openEntrance() }
    } catch {
      throw SpawnError(
        program: configuration.command.arguments[0], cause: error, surroundings: configuration.surroundings)
    }
    let procs = number(of: entrance)
    return try preparedLaunch().start(
      values, cgroupProcs: procs < 0 ? nil : procs, guarding: containment.guarded,
      diesWithThread: containment.needsDeathSignal)
  }

  /// How all workers are started, until the configuration changes.
  private mutating func preparedLaunch() -> WorkerLaunch {
    if let launch { return launch }
    var ofEach = ["PREFORK_SLOT", PoolCookie.workerVariable]
    var ofAll = [("PREFORK_PROTOCOL", configuration.workerProtocol.name)]
    if let most = configuration.workerProtocol.batch { ofAll.append(("PREFORK_BATCH", "\(most)")) }
    ofAll.append((PoolCookie.variable, containment.cookie.text))
    if configuration.isNotified { ofEach.append("NOTIFY_SOCKET") }
    // WATCHDOG_PID is left out: then it is for any process that reads it (sd_watchdog_enabled(3)).
    if let limit = configuration.watchdogLimit { ofAll.append(("WATCHDOG_USEC", "\(limit / 1000)")) }
    let prepared = WorkerLaunch(
      configuration.command, environment: ofAll, each: ofEach, surroundings: configuration.surroundings,
      errorOutput: configuration.errorOutput)
    launch = prepared
    return prepared
  }

  private mutating func watch(_ id: WorkerID, _ loop: inout EventLoop) {
    let slot = id.slot.index
    // Nothing is asked of its stdin but to tell when nobody reads it any more (EPOLLERR, unasked): a job could stand in
    // that pipe for ever.
    watch(workers[slot].process.input, PoolToken(.input, id, pool: configuration.number), readable: false, &loop)
    watch(workers[slot].process.output, PoolToken(.output, id, pool: configuration.number), once: true, &loop)
    if readsErrorOutput, workers[slot].process.errorOutput >= 0 {
      watch(workers[slot].process.errorOutput, PoolToken(.errorOutput, id, pool: configuration.number), &loop)
    }
    watch(workers[slot].process.pidfd, PoolToken(.exit, id, pool: configuration.number), &loop)
    if let descriptor = workers[slot].notifications?.descriptor {
      watch(descriptor, PoolToken(.notification, id, pool: configuration.number), &loop)
    }
  }

  func watch(
    _ descriptor: CInt, _ token: PoolToken, readable: Bool = true, once: Bool = false, _ loop: inout EventLoop
  ) {
    do {
      try loop.add(descriptor, token: token.rawValue, readable: readable, writable: false, once: once)
    } catch {
      // epoll can refuse a pipe or a pidfd only for want of memory or watches: nothing can be kept alive without it.
      fatalError("cannot watch a worker: \(error)")
    }
  }

  /// A step of the stop ladder. A worker that never took a job has nothing to finish, perhaps is still loading:
  /// it is not waited for until it notices the end of its input.
  mutating func stopStep(_ id: WorkerID, _ step: Int, _ loop: inout EventLoop) {
    guard workers.holds(id) else { return }
    let slot = id.slot.index
    if !workers[slot].isStopping {
      events.append(.stopping(id))
      beginLastOutput(slot, isGraceful: step == 0)
    }
    workers[slot].isStopping = true
    workers[slot].duty = .none
    _ = workers[slot].hand.removeAll()
    workers[slot].collected = CollectedReplies()
    disarmOwnTimers(id)
    let steps = StopStep.allCases
    let isUnused = step == 0 && workers[slot].jobs == 0
    let last = isUnused ? StopStep.terminate : steps[min(step, steps.count - 1)]
    workers[slot].outbound.removeAll()
    if step == 0, workers[slot].encode(.stop) { inputReady(slot, &loop) }
    if last != .closeInput { StopStep.closeInput.apply(to: &workers[slot].process) }
    last.apply(to: &workers[slot].process)
    judgeLastOutput(slot, &loop)
  }

  private mutating func disarmOwnTimers(_ id: WorkerID) {
    timers.disarm(.verdict(id))
    timers.disarm(.start(id))
    timers.disarm(.look(id))
    timers.disarm(.watchdog(id))
    timers.disarm(.memory(id))
    timers.disarm(.progressBar(id))
    timers.disarm(.cancel(id))
    timers.disarm(.errors(id))
    timers.disarm(.greeting(id))
    timers.disarm(.replies(id))
  }

  /// The pidfd is readable: the worker is dead. What it left in its pipes is read first, then it is reaped, then
  /// judged.
  mutating func exited(_ slot: Int, _ loop: inout EventLoop) {
    while !isIgnored(slot), readOutput(slot) == .more { if workers[slot].isStopping { judgeLastOutput(slot, &loop) } }
    readErrorOutput(slot, untilEmpty: true, &loop)
    guard let status = workers[slot].process.reap() else { return }
    workers[slot].exitStatus = status
    advance(slot, &loop)
  }

  /// Nothing more will come from this worker: its job, if any, is given back with the cause, and its slot is freed.
  /// Its descriptors leave the epoll by being closed; an event of theirs that is already on its way has an old serial.
  mutating func bury(_ slot: Int, _ status: ExitStatus, _ loop: inout EventLoop) {
    let id = workers[slot].id
    let hadJob: Bool
    switch workers[slot].duty {
    case .running, .condemned: hadJob = true
    case .starting, .none, .checking, .granted, .replied, .heardOut: hadJob = false
    }
    if let rest = workers[slot].errorLines.finish() {
      if let rule = configuration.errorRule, workers[slot].collectsErrors { workers[slot].jobErrors.append(rest, rule) }
      events.append(.workerLog(id, pid: workers[slot].process.pid, rest))
    }
    let cause = settleAccount(slot, status, &loop)
    disarmOwnTimers(id)
    let group = workers[slot].group
    workers.remove(slot)
    containment.workerEnded(group)
    sweepSoon(loop)
    // The owner settles the lost job first, as with `stopBroken`.
    if hadJob { return timers.arm(.gone(id, cause), at: loop.now()) }
    tell(.workerGone(id, cause), &loop)
  }

  /// Decides what the death means for the job in hand and for the pool.
  private mutating func settleAccount(_ slot: Int, _ status: ExitStatus, _ loop: inout EventLoop) -> GoneCause {
    let id = workers[slot].id
    if workers[slot].isStopping {
      events.append(.stopped(id, pid: workers[slot].process.pid, status))
      return workers[slot].isUnfit ? .cannotStart : .stopped
    }
    let isUnexplainedKill = if case .killed(signal: Signal.kill, _) = status { true } else { false }
    let verdict = isUnexplainedKill ? containment.outOfMemoryVerdict(workers[slot].group, now: loop.now()) : nil
    var report = DeathReport(
      account: workers[slot].account(at: loop.now()), status: status,
      unfinishedReply: workers[slot].inbound.isEmpty ? "" : workers[slot].inbound.withUnsafeBytes { quoted($0) },
      neverTookAJob: false, outOfMemory: verdict)
    switch workers[slot].duty {
    // The signal that asked it to give up its job has ended it. The job has its outcome; others were not begun.
    case .running where configuration.cancelSignal != nil && workers[slot].hand.firstCancelledAt != nil:
      events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))
      events.append(.stopped(id, pid: workers[slot].process.pid, status))
      return .died
    case .running where hasRetiredItself(slot, status):
      hasEndedUnasked = true
      events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))
      events.append(.stopped(id, pid: workers[slot].process.pid, status))
      return .died
    case .running where workers[slot].hasBegunJob || !workers[slot].inbound.isEmpty:
      events.append(.leaseLost(id, .died(report), workers[slot].loseJobs()))
      return .died
    case .running:
      report.account.currentJob = nil
      report.account.jobs -= workers[slot].hand.count
      events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))
    case .granted: events.append(.leaseLost(id, .neverStarted, LostJobs()))
    case .checking(let check): report.check = check
    // What it did was reported, and is why it is no more.
    case .condemned:
      events.append(.stopped(id, pid: workers[slot].process.pid, status))
      return .died
    case .starting, .none, .replied, .heardOut: break
    }
    // One that reports that it is ready and exits at once, job or no job, has not started either.
    let hasSettled = loop.now() - workers[slot].readyAt >= configuration.pool.settleTime
    report.neverTookAJob = !workers[slot].isProved || report.account.jobs == 0 && !hasSettled
    let mayLeave = !report.neverTookAJob && workers[slot].duty != .heardOut
    if mayLeave, status == .exited(code: 0) { return .died }
    if report.neverTookAJob { lastFailureWasViolation = false }
    events.append(.died(report))
    return report.neverTookAJob ? .failedStart : .died
  }

  /// It exited with 0 between two jobs, as a worker does that serves a number of jobs and no more; that it had read the
  /// next ones ahead is not their fault. (Whether a single job was begun cannot be known.)
  private func hasRetiredItself(_ slot: Int, _ status: ExitStatus) -> Bool {
    status == .exited(code: 0) && workers[slot].inbound.isEmpty && workers[slot].hand.count < workers[slot].batch
      && !workers[slot].speaksInMessages
  }

  /// The start limit has passed. A worker that has left a whole job unread all that time is stuck in its start.
  mutating func startOverdue(_ id: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(id) else { return }
    let slot = id.slot.index
    guard !workers[slot].isProved, !workers[slot].isStopping else { return }
    guard workers[slot].duty == .running else {
      // No job yet, so no evidence: looked at again when it has had one for a while.
      return timers.arm(.start(id), at: loop.now() + .seconds(1))
    }
    if workers[slot].hasBegunJob { return }
    let evidence = min(configuration.pool.startLimit, .seconds(1))
    let since = workers[slot].headSince
    if loop.now() - since < evidence { return timers.arm(.start(id), at: since + evidence) }
    events.append(.leaseLost(id, .neverStarted, workers[slot].loseJobs()))
    workers[slot].duty = .none
    events.append(.notice(.retiring(id, .startTimeout)))
    tell(.workerBroken(id), &loop)
  }
}
