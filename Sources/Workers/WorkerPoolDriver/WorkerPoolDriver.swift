import EventLoop
import Time
import Timers
import LinuxIO
import PoolCore
import WireFormats
import WorkerProcess
import Slabs

/// A pool of worker processes: runs the decisions of `PoolStateMachine` on real processes and pipes.
///
/// One thread, no callbacks: the owner runs the `EventLoop`, hands its events in, and takes what happened out of
/// `events`. The owner says how many jobs wait (`setDemand`); `offered` names a worker for one of them; `send` gives it
/// the job; `replied` and `finishReply` end it. A worker that fails instead is reported by `leaseLost`, exactly once.
/// While it runs a short job, more can be parked behind that one (`seats`).
public struct WorkerPoolDriver: ~Copyable {
  /// The timers of the pool: those of its core, and its own.
  enum Timer: TimerKey {
    case core(TimerID)
    /// A worker that closed a pipe is given this moment to show whether it is dying: exit status before blame (bazel
    /// #5767).
    case verdict(WorkerID)
    /// The worker is taken to hang then.
    case watchdog(WorkerID)
    /// Workers with parked jobs are looked at then: see `lookForStalls`.
    case stall
    /// The worker's memory is to be read then.
    case memory(WorkerID)
    /// What workers that are gone have left is to be looked for then.
    case sweep
    /// The same, after deaths in the turn of the loop that armed it.
    case cleanUp
    /// The core must be informed of the end of a worker that had a job.
    case gone(WorkerID, GoneCause)
    /// The core is to learn that a worker with a job is to be stopped for what it did.
    case broken(WorkerID, jobUntouched: Bool)
    /// A worker that has not even begun to read its first job by then has failed to start.
    case start(WorkerID)
    /// Whether the worker waits for its first job is looked at then.
    case look(WorkerID)
    /// What the worker's progress bar shows by then is passed on.
    case progressBar(WorkerID)
    /// A job that the worker was asked to give up must be answered by then.
    case cancel(WorkerID)
    /// A reply is held back until then: see `ErrorRule`.
    case errors(WorkerID)
    /// A worker that is not ready may have to be sent more by then.
    case greeting(WorkerID)
    /// Whether a worker counts the jobs of a message is looked at again then: see `collectsReplies`.
    case replies(WorkerID)

    /// The timers of each slot: ten of the core, and those that follow here.
    private static let perSlot = 22

    var place: Int? {
      switch self {
      case .core(.slot(let slot, let timer, _)): Self.perSlot * slot.index + timer.rawValue
      case .verdict(let worker): Self.perSlot * worker.slot.index + 10
      case .watchdog(let worker): Self.perSlot * worker.slot.index + 11
      case .memory(let worker): Self.perSlot * worker.slot.index + 12
      case .gone(let worker, _): Self.perSlot * worker.slot.index + 13
      case .broken(let worker, _): Self.perSlot * worker.slot.index + 14
      case .start(let worker): Self.perSlot * worker.slot.index + 15
      case .look(let worker): Self.perSlot * worker.slot.index + 16
      case .progressBar(let worker): Self.perSlot * worker.slot.index + 17
      case .cancel(let worker): Self.perSlot * worker.slot.index + 18
      case .errors(let worker): Self.perSlot * worker.slot.index + 19
      case .replies(let worker): Self.perSlot * worker.slot.index + 20
      case .greeting(let worker): Self.perSlot * worker.slot.index + 21
      case .core(.waiter), .core(.breaker), .core(.review), .stall, .sweep, .cleanUp: nil
      }
    }
  }

  /// How long the exit status may lag behind a closed pipe. Less than the usual `settleTime`: a worker that reports
  /// that it is ready and then reads nothing has not settled.
  static let verdictWait = Nanoseconds.milliseconds(900)
  /// A progress bar on a worker's stderr is passed on no more often than this.
  static let progressBarInterval: Nanoseconds = .seconds(3)

  var configuration: WorkerPoolConfiguration
  /// The most jobs that a worker runs at once, if its answers name them; nil if it answers in the order of its jobs.
  public let concurrency: Int?
  var core: PoolStateMachine
  var actions: [PoolAction] = []
  var workers = Slab<Worker>()
  var timers = TimerQueue<Timer>()
  /// Workers with jobs in `outbound` that are to be written together.
  var gatheredSlots: [Int] = []
  var isWatchingForStalls = false
  /// A worker has ended by itself, as if it had done all its jobs, while some were parked at it. Nothing is parked any
  /// more.
  var hasEndedUnasked = false
  var containment: Containment
  /// How workers are started; nil until the first one, and again when the configuration has changed.
  var launch: WorkerLaunch?
  /// For what the core does not draw.
  var generator: SeededGenerator
  /// The core is done; what workers have left may not be.
  var isEnding = false
  /// When that was.
  var endedAt: Instant = .origin
  /// When remains of workers were last looked for.
  var lastSweep: Instant = .origin
  /// Rounds in a row that found only processes of unknown origin.
  var unknownRounds = 0
  /// Timed rounds in a row that found something to kill.
  var killingRounds = 0
  /// A worker that was to be measured could not be, and that was reported.
  var hasSaidUnmeasured = false
  /// How fresh workers behave before their first job.
  var startManner = StartManner.unknown
  /// How many jobs may be measured.
  var meterBudget = MeterBudget()
  /// What was found out about how they do their jobs.
  var kind = WorkerKind()
  /// How many replies come together.
  var pace = ReplyPace()
  /// False while the reader of our own stderr is too slow: then the workers' stderr is not read either.
  var readsErrorOutput = true

  /// What happened since the owner last emptied it.
  public var events: [WorkerPoolEvent] = []
  /// Workers started so far.
  public internal(set) var starts = 0
  /// Set when the last failed start was a breach of the protocol.
  public internal(set) var lastFailureWasViolation = false

  /// A pool that starts nothing until `start`. The same seed gives the same jitter.
  public init(_ configuration: WorkerPoolConfiguration, seed: UInt64) {
    precondition(configuration.pool.capacity == 1, "one outstanding job per worker")
    precondition(configuration.readiness != .probed || configuration.probe != nil, "readiness by probe needs a probe")
    self.configuration = configuration.completed()
    concurrency = configuration.workerProtocol.concurrency
    size = configuration.pool.minimum...configuration.pool.maximum
    containment = Containment(configuration)
    generator = SeededGenerator(seed: seed &+ 1)
    core = PoolStateMachine(configuration: self.configuration.pool, generator: SeededGenerator(seed: seed))
  }

  /// Impossible events that the core received; each was reported and is a defect of ours.
  public var internalErrors: Int { core.internalErrors }

  /// Starts the workers.
  ///
  /// SIGPIPE is ignored from now on in the whole program, if nothing else was done about it: a worker that no longer
  /// reads its stdin must not be the program's end. (Workers get the default back.) With SIGCHLD ignored, nobody can
  /// learn how a worker ended: that is reported by `notEnforced`.
  public mutating func start(_ loop: inout EventLoop) {
    ignoreBrokenPipes()
    if exitStatusesAreLost {
      events.append(
        .notEnforced("how workers end is not known: this program ignores SIGCHLD; set it to SIG_DFL before the start"))
    }
    containment.begin(configuration, now: loop.now())
    for text in containment.shortcomings { events.append(.notEnforced(text)) }
    if let text = memoryShortcoming { events.append(.notEnforced(text)) }
    for text in containment.remarks { events.append(.remark(text)) }
    tell(.start, &loop)
  }

  /// The number of jobs that wait for a worker now, 0 or more. Each is answered by one `offered`, which counts it down,
  /// or all of them by one `demandRefused`.
  public mutating func setDemand(_ jobs: Int, _ loop: inout EventLoop) {
    guard core.demand != jobs else { return }
    let isOutermost = actions.isEmpty
    core.setDemand(jobs, at: loop.now(), into: &actions)
    if isOutermost { performAll(&loop) }
  }

  /// The last number that was set, less the offers since then.
  public var demand: Int { core.demand }

  /// Workers that have at least one job.
  public var busyWorkers: [WorkerID] {
    workers.indices.compactMap { slot in
      workers.holds(slot) && !workers[slot].hand.isEmpty ? workers[slot].id : nil
    }
  }

  /// Whether a worker is free: then none is given a second job.
  public var hasIdleWorker: Bool { core.hasIdleWorker }

  /// Gives back a lease that was not used.
  public mutating func returnLease(_ worker: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(worker), workers[worker.slot.index].duty == .granted else { return }
    workers[worker.slot.index].duty = .none
    tell(.leaseReleased(worker, .unused), &loop)
  }

  /// Stops the worker in spite of its jobs. They are its holder's to settle: no `leaseLost` follows. Returns them.
  public mutating func interrupt(_ worker: WorkerID, _ loop: inout EventLoop) -> LostJobs {
    guard workers.holds(worker) else { return LostJobs() }
    let jobs = workers[worker.slot.index].loseJobs()
    workers[worker.slot.index].duty = .none
    tell(.workerBroken(worker, interrupted: true), &loop)
    return jobs
  }

  /// Replaces every worker, make-before-break as far as `surge` allows.
  public mutating func recycleAll(_ loop: inout EventLoop) {
    kind.forget()
    tell(.recycleAll, &loop)
  }

  /// Replaces one worker, like `recycleAll`.
  public mutating func recycle(_ worker: WorkerID, _ loop: inout EventLoop) { tell(.recycle(worker), &loop) }

  /// The least and the most workers that the pool keeps.
  public internal(set) var size: ClosedRange<Int>

  /// Changes them. Idle workers that are too many retire at once, busy ones when they are free.
  public mutating func resize(to size: ClosedRange<Int>, _ loop: inout EventLoop) {
    self.size = size
    tell(.resized(minimum: size.lowerBound, maximum: size.upperBound), &loop)
  }

  /// No lease will be requested any more: waiting requests are refused, idle workers stop, busy ones when they are
  /// free, and none is replaced. Ends with `closed`.
  public mutating func close(_ loop: inout EventLoop) { tell(.close, &loop) }

  /// Refuses all that wait and stops every worker; ends with `closed`. Jobs in hand are lost without a report: their
  /// holder knows.
  public mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop) {
    tell(.stop(urgency), &loop)
  }

  /// Stops every worker with its process group as ^Z stops the processes of a job (SIGTSTP), until `resumeWorkers`. The
  /// owner's loop must not turn in between, or the workers would be found silent.
  public func suspendWorkers() { signalWorkers(Signal.stop) }

  /// Has them go on.
  public func resumeWorkers() { signalWorkers(Signal.proceed) }

  private func signalWorkers(_ signal: CInt) {
    for slot in workers.indices where workers.holds(slot) { workers[slot].process.signalGroup(signal) }
  }

  /// When `fireTimers` wants to be called, by the clock of the loop; nil for never.
  public var nextDeadline: Instant? { timers.earliest }

  /// Handles the timers that have run out.
  public mutating func fireTimers(_ loop: inout EventLoop) {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .core(let id): tell(.timerFired(id), &loop)
      case .verdict(let worker): verdict(worker, &loop)
      case .watchdog(let worker): watchdogExpired(worker, &loop)
      case .stall: lookForStalls(&loop)
      case .memory(let worker): memoryDue(worker, &loop)
      case .cleanUp: sweep(&loop)
      case .sweep: sweep(isTimed: true, &loop)
      case .start(let worker): startOverdue(worker, &loop)
      case .look(let worker): lookAtStart(worker, &loop)
      case .gone(let worker, let cause): tell(.workerGone(worker, cause), &loop)
      case .broken(let worker, let jobUntouched):
        // By now it may have ended, or be stopped together with all others.
        guard workers.holds(worker), !workers[worker.slot.index].isStopping else { continue }
        tell(.workerBroken(worker, jobUntouched: jobUntouched), &loop)
      case .progressBar(let worker): passOnProgressBar(worker)
      case .cancel(let worker): cancelOverdue(worker, &loop)
      case .errors(let worker): errorGraceIsOver(worker, &loop)
      case .greeting(let worker): continueGreeting(worker, &loop)
      case .replies(let worker): if workers.holds(worker) { advance(worker.slot.index, &loop) }
      }
    }
  }

  /// True once the worker has proved itself, or has at least begun to read its job: from then on its run clock runs.
  public func hasBegun(_ worker: WorkerID) -> Bool {
    guard workers.holds(worker) else { return true }
    return workers[worker.slot.index].isProved || workers[worker.slot.index].hasBegunJob
  }

  /// True once the worker has proved itself, be it by its first reply.
  public func isProved(_ worker: WorkerID) -> Bool { !workers.holds(worker) || workers[worker.slot.index].isProved }

  /// What is known of one worker at a time; nil when it is gone.
  public func account(of worker: WorkerID, _ now: Instant) -> WorkerAccount? {
    workers.holds(worker) ? workers[worker.slot.index].account(at: now) : nil
  }

  /// True when no worker lives at this moment, in whatever state.
  public var isEmpty: Bool { workers.count == 0 }

  /// Workers that serve: ready, and not on their way out.
  public var serving: Int { core.serving }

  /// True while starts fail and are held back.
  public var isBreakerOpen: Bool { core.isBreakerOpen }

  /// The state of every slot.
  public var snapshot: PoolSnapshot { core.snapshot }

  /// The worker's process; nil when it is gone.
  public func pid(of worker: WorkerID) -> CInt? {
    workers.holds(worker) ? workers[worker.slot.index].process.pid : nil
  }

  /// Hands an event to the core and carries out what it decides.
  mutating func tell(_ event: PoolEvent, _ loop: inout EventLoop) {
    let isOutermost = actions.isEmpty
    core.handle(event, at: loop.now(), into: &actions)
    if isOutermost { performAll(&loop) }
  }

  /// An action can lead to another event (a spawn that fails at once): its actions are appended and done by this same
  /// loop, after those before them.
  mutating func performAll(_ loop: inout EventLoop) {
    var next = 0
    while next < actions.count {
      perform(actions[next], &loop)
      next += 1
    }
    if next > 0 { actions.removeAll(keepingCapacity: true) }
  }

  /// The only place that acts on the core's decisions.
  private mutating func perform(_ action: PoolAction, _ loop: inout EventLoop) {
    switch action {
    case .startWorker(let worker): spawn(worker, &loop)
    case .stopWorker(let worker, let step): stopStep(worker, step, &loop)
    case .abandonWorker: break  // never asked for: a process is watched until its death is confirmed
    case .offer(let worker):
      workers[worker.slot.index].duty = .granted
      events.append(.offered(worker))
    case .refuseDemand(let refusal): events.append(.demandRefused(refusal))
    case .grantLease, .refuseLease: break  // never asked for: jobs have no names here
    case .probeWorker(let worker): ask(worker, .probe, &loop)
    case .prepareWorker: break  // never asked for: `completed` sees to it
    case .resetWorker(let worker): ask(worker, .reset, &loop)
    case .arm(let timer, let wait): timers.arm(.core(timer), at: loop.now() + wait)
    case .disarm(let timer): timers.disarm(.core(timer))
    case .report(let notice):
      if case .retiring(let worker, .probe) = notice { noteLate(worker, .probe, &loop) }
      if case .retiring(let worker, .reset) = notice { noteLate(worker, .reset, &loop) }
      if case .retiring(let worker, .startTimeout) = notice { noteLateInitialization(worker, loop) }
      events.append(.notice(notice))
    case .closed: end(&loop)
    }
  }
}
