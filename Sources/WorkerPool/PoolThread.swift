import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import Time
import WorkerPoolDriver

/// The thread of a pool: its loop, its workers, and the jobs of all tasks.
struct PoolThread: ~Copyable {
  /// The token of the inbox, which no worker's descriptor has.
  private static let inboxToken = UInt64.max - 2

  private var loop: EventLoop
  private var reporter: Reporter
  private var engine: JobEngine
  private let inbox: Inbox
  private let hub: EventHub
  /// The jobs in the engine, by its index.
  private var jobs: [Job?] = []
  private var jobIDs: [ObjectIdentifier: JobID] = [:]
  /// Who waits for the first worker.
  private var starter: Waiter<Void>?
  /// Who waits for the end.
  private var stoppers: [Waiter<Void>] = []
  /// A worker process was started, or was ready.
  private var (hasStarted, wasReady) = (false, false)
  private var isStopping = false
  private var isClosed = false

  /// The life of a pool, on this thread. Returns why it is over.
  static func run(_ configuration: WorkerPool.Configuration, _ inbox: Inbox, _ hub: EventHub) -> any Error {
    do throws(SystemError) {
      var thread = try PoolThread(configuration, inbox, hub)
      do throws(SystemError) {
        try thread.run()
      } catch {
        thread.end(error)
        return error
      }
      thread.end(WorkerPoolError.stopped)
      return WorkerPoolError.stopped
    } catch {
      return error
    }
  }

  private init(_ configuration: WorkerPool.Configuration, _ inbox: Inbox, _ hub: EventHub) throws(SystemError) {
    var loop = try EventLoop()
    try loop.add(inbox.descriptor, token: Self.inboxToken, readable: true, writable: false)
    self.loop = loop
    reporter = Reporter(InheritedOutput(2), log: nil, verbosity: .normal, journal: hub)
    var engine = JobEngineConfiguration(
      pool: configuration.workers, ledger: configuration.ledger, seed: .random(in: 0 ... .max))
    engine.ledger.seed = engine.seed
    engine.keepsDetails = true
    self.engine = JobEngine(engine)
    self.inbox = inbox
    self.hub = hub
  }

  /// Works until the pool is stopped and no worker is left.
  private mutating func run() throws(SystemError) {
    var events: [LoopEvent] = []
    while true {
      settle()
      if isClosed { break }
      try loop.setAlarm(at: engine.nextDeadline)
      events.removeAll(keepingCapacity: true)
      try loop.wait(into: &events)
      var hasRequests = false
      for case .ready(let token, _, _, let hangup) in events {
        if token == Self.inboxToken {
          hasRequests = true
        } else {
          _ = engine.pool.handle(token: token, hangup: hangup, &loop)
        }
      }
      // A reply that has come is an answer, however late it is looked at.
      settle()
      if let deadline = engine.nextDeadline, deadline <= loop.now() { engine.fireTimers(&loop, &reporter) }
      if hasRequests { for request in inbox.take() { handle(request) } }
    }
  }

  /// Answers whatever still waits, for this reason.
  private mutating func end(_ error: any Error) {
    starter?.resume(throwing: error)
    starter = nil
    for job in jobs { job?.answer(.failure(error)) }
    jobs.removeAll()
    for stopper in stoppers { stopper.resume() }
    stoppers.removeAll()
  }

  // MARK: Requests

  private mutating func handle(_ request: Request) {
    switch request {
    case .start(let waiter): start(waiter)
    case .run(let job): accept(job)
    case .cancel(let job):
      guard let id = jobIDs[ObjectIdentifier(job)] else { return }
      engine.jobs.cancel(id, because: .taskCancelled)
    case .status(let waiter): waiter.resume(returning: status)
    case .resize(let size): if !isStopping { engine.resize(to: size, &loop, &reporter) }
    case .recycle: if !isStopping { engine.pool.recycleAll(&loop) }
    case .stop(let urgency, let waiter):
      if let waiter { stoppers.append(waiter) }
      stop(urgency)
    }
    settle()
  }

  private mutating func start(_ waiter: Waiter<Void>) {
    if isStopping { return waiter.resume(throwing: WorkerPoolError.stopped) }
    engine.pool.start(&loop)
    if engine.pool.size.lowerBound == 0 { return waiter.resume() }
    starter = waiter
  }

  private mutating func accept(_ job: Job) {
    if isStopping { return job.answer(.failure(WorkerPoolError.stopped)) }
    let terms = JobTerms(runLimit: job.timeout, priority: job.priority)
    let id = job.bytes.withUnsafeBytes { engine.jobs.accept($0, terms, answer: nil, at: loop.now()) }
    guard let id else { return job.answer(.failure(WorkerPoolError.stopped)) }
    while jobs.count <= Int(id.index) { jobs.append(nil) }
    jobs[Int(id.index)] = job
    jobIDs[ObjectIdentifier(job)] = id
  }

  private mutating func stop(_ urgency: StopUrgency) {
    isStopping = true
    switch urgency {
    case .graceful: engine.jobs.handle(.inputEnded)
    case .prompt, .immediate:
      engine.jobs.abandon(because: .stopCommand)
      settle()
      engine.stopPool(urgency, &loop)
    }
  }

  private var status: WorkerPool.Status {
    let (counts, snapshot) = (engine.jobs.ledger.counts, engine.pool.snapshot)
    return WorkerPool.Status(
      ready: snapshot.serving, starting: snapshot.starting, stopping: snapshot.stopping,
      startsFail: snapshot.isBreakerOpen, isStopping: isStopping, running: counts.leased,
      waiting: counts.queued + counts.delayed,
      settled: Dictionary(uniqueKeysWithValues: Outcome.allCases.map { ($0, counts[$0]) }))
  }

  // MARK: What the engine reports

  private mutating func settle() {
    while let output = engine.advance(&loop, &reporter) { handle(output) }
  }

  private mutating func handle(_ output: JobEngineOutput) {
    switch output {
    case .job(.emit(let job, let outcome)): answer(job, outcome)
    case .job(.idle): if isStopping, !engine.isStopping { engine.stopPool(.graceful, &loop) }
    case .worker(let event): handle(event)
    case .closed: isClosed = true
    case .job(.settled), .job(.withdrawn), .attemptStarted, .attemptEnded, .firstReply, .workerGivenUp: break
    }
  }

  private mutating func answer(_ id: JobID, _ outcome: Outcome) {
    guard let job = jobs[Int(id.index)] else { return }
    jobs[Int(id.index)] = nil
    jobIDs[ObjectIdentifier(job)] = nil
    switch outcome {
    case .ok: job.answer(.success(engine.withResult(of: id) { Array($0) }))
    case .cancelled: job.answer(.failure(isStopping ? WorkerPoolError.stopped : CancellationError()))
    case .failed, .timeout, .crashed, .quarantined, .expired:
      let failure = JobFailure(
        outcome, engine.jobs.facts[id].failure, attempts: engine.jobs.ledger.attempts(of: id))
      job.answer(.failure(WorkerPoolError.jobFailed(failure)))
    }
  }

  private mutating func handle(_ event: WorkerPoolEvent) {
    switch event {
    case .started(let worker, let pid):
      hasStarted = true
      hub.report(.started(WorkerPool.Worker(slot: worker.slot.index, pid: pid)))
    case .ready(let worker):
      wasReady = true
      starter?.resume()
      starter = nil
      guard let pid = engine.pool.pid(of: worker) else { return }
      hub.report(.ready(WorkerPool.Worker(slot: worker.slot.index, pid: pid)))
    case .stopped(let worker, let pid, let status):
      let worker = WorkerPool.Worker(slot: worker.slot.index, pid: pid)
      hub.report(.stopped(worker, "\(worker) \(status.whenStopped)"))
    case .cannotStart(let error): if error.isPermanent, !hasStarted { startsFail() }
    case .notice(.breakerOpened):
      engine.sayWorkersDoNotStart(&reporter)
      startsFail()
    case .demandRefused(.startsFail): engine.giveUpWaiting()
    case .notEnforced, .remark, .banner, .checked, .stopping, .offered, .demandRefused, .replied, .leaseLost, .noticed,
      .protocolBroken, .checkFailed, .offended, .foreignNotification, .died, .workerLog, .notice, .closed:
      break
    }
  }

  /// The pool that never had a worker is over; any other tries again.
  private mutating func startsFail() {
    guard !wasReady, let starter else { return }
    self.starter = nil
    starter.resume(throwing: WorkerPoolError.cannotStart(engine.startFailure.message))
    stop(.prompt)
  }
}
