import JobCore
import JobEngine
import PoolCore
import TestSupport
import Time
import WorkerProcess

/// What each step of a script does.
extension Pipeline {
  /// Longer than it takes to see that a worker with parked jobs stands still.
  private static let longestWait = Nanoseconds.milliseconds(400)

  /// With this many in the queue no more jobs come in while all workers do theirs.
  private static let manyJobs = 150

  mutating func perform(_ step: Step) throws {
    guard !isClosed else { return }
    dice = SplitMix64(state: step.dice)
    switch step.act {
    case .accept: try accept(1 + dice.below(8))
    case .turn: try turn()
    case .glimpse: try turn(inPart: true)
    case .work: if let worker = someWorker() { try work(worker) }
    case .round: for _ in 0..<4 { try round() }
    case .read: if let worker = someWorker() { _ = try read(worker, atMost: 1 + dice.below(200)) }
    case .answer: if let worker = someWorker() { answer(worker) }
    case .drip: if let worker = someWorker() { drip(worker) }
    case .log where setting.speech == .requests && dice.oneIn(2): notify()
    case .log: someWorker()?.log(dice.pick(["a line\n", "no end", "90 %\r", "two\nlines\n"]))
    case .die, .omit:
      if dice.oneIn(2) { try park() }
      try fault(step.act)
    case .leave, .closeInput, .closeOutput, .shout, .stray, .surplus, .garble: try fault(step.act)
    case .tick: try skip(dice.span(upTo: .microseconds(20)))
    case .timer: try skipToTimer(late: dice.oneIn(3) ? dice.span(upTo: .milliseconds(50)) : .zero)
    case .wait: try skip(dice.span(upTo: Self.longestWait))
    case .ambush: ambush = SplitMix64(state: dice.next())
    case .cancel, .recycle, .recycleOne, .resize, .reconfigure, .takeBack, .holdLog: try command(step.act)
    case .reject: try acceptNone(refused: false)
    case .refuse: try acceptNone(refused: true)
    case .join: if setting.isServing { join(dice.below(4)) }
    case .part: try part(dice.below(4))
    case .pause: try pause(dice.below(4))
    case .drain: if !engine.jobs.ledger.isDraining { try drain() }
    case .abort: try abandon(dice.pick([.prompt, .immediate]), because: .signal(15))
    }
    if !isClosed { try settle() }
  }

  /// Jobs come in: more than there are workers, so that some are parked, where that is allowed.
  private mutating func park() throws {
    try accept(8)
    try settle()
  }

  /// Jobs come in, and the loop turns; all workers read what they were sent, and answer, most of them all of it.
  private mutating func round() throws {
    if engine.jobs.ledger.counts.queued < Self.manyJobs { try accept(dice.pick([2, 8, 40])) }
    try settle()
    for worker in processes.living {
      if dice.oneIn(4) {
        try read(worker, atMost: .max)
        answer(worker)
      } else {
        try work(worker)
      }
    }
    // Where no worker lives, nothing happens before the next one is started.
    if processes.living.isEmpty { try skipToTimer(late: .zero) } else { try skip(dice.span(upTo: .microseconds(5))) }
  }

  /// The engine has just reported something, and is not asked for more yet.
  mutating func spring() throws {
    let acts: [Step.Act] =
      switch setting.conduct {
      case .honest, .forgetful: [.read, .answer, .drip]
      case .mortal: [.read, .answer, .die, .leave, .closeInput, .closeOutput]
      case .wild: [.read, .answer, .die, .surplus, .omit]
      }
    switch dice.pick(acts) {
    case .read: if let worker = someWorker() { _ = try read(worker, atMost: 1 + dice.below(200)) }
    case .answer: if let worker = someWorker() { answer(worker) }
    case .drip: if let worker = someWorker() { drip(worker) }
    case let act: try fault(act)
    }
  }

  // MARK: Workers

  func someWorker() -> ScriptedWorker? {
    let living = processes.living
    return living.isEmpty ? nil : living[Int(dice.peek() % UInt64(living.count))]
  }

  /// It reads all that is there, and answers all that it has read.
  mutating func work(_ worker: ScriptedWorker) throws {
    worker.greet()
    _ = try read(worker, atMost: .max)
    while let message = worker.answer(size: dice.below(setting.longestReply)) { try check(message) }
    worker.flush()
    if worker.hasSeenEnd, !worker.habits.ignoresEnd, !worker.isWriting { worker.leave() }
  }

  @discardableResult
  mutating func read(_ worker: ScriptedWorker, atMost limit: Int) throws -> Bool {
    let (serial, wasOwing, now) = (worker.serial, worker.owed.count, loop.now())
    let hasRead = worker.read(atMost: limit) { number in
      guard number <= model.jobs.count else { return }
      model[number].readers.append(serial)
      model[number].readAt = now
    }
    events += worker.owed.count - wasOwing
    return hasRead
  }

  private mutating func answer(_ worker: ScriptedWorker) {
    worker.greet()
    if worker.answer(size: dice.below(setting.longestReply)) != nil { events += 1 }
    worker.flush()
  }

  /// It writes only the beginning of what it has to say.
  private mutating func drip(_ worker: ScriptedWorker) {
    if worker.answer(size: dice.below(setting.longestReply)) != nil { events += 1 }
    worker.flush(atMost: 1 + dice.below(8))
  }

  private mutating func notify() {
    events += 1
    someWorker()?.notify()
    someWorker()?.flush()
  }

  /// A worker must be sent what came in, byte for byte.
  private mutating func check(_ message: ScriptedWorker.Message) throws {
    events += 1
    switch message {
    case .job(let number): try require(number <= model.jobs.count, "job \(number) was sent, and never came in")
    case .probe: try require(setting.engine.pool.probe != nil, "a probe was sent")
    case .reset: try require(setting.engine.pool.reset != nil, "a reset was sent")
    case .count, .notification: throw Violation("\(message) was answered")
    case .broken: throw Violation("a worker was sent what is neither a job nor a probe nor a reset")
    }
  }

  /// A worker does what it should not.
  private mutating func fault(_ act: Step.Act) throws {
    guard let worker = someWorker() else { return }
    events += 1
    switch act {
    case .die:
      if dice.oneIn(2) { try read(worker, atMost: .max) }
      worker.die(dice.oneIn(3) ? .exited(code: 3) : .killed(signal: dice.pick([9, 11]), coreDumped: false))
    case .leave: worker.die(.exited(code: 0))
    case .closeInput: worker.closeInput()
    case .closeOutput: worker.closeOutput()
    case .shout:
      worker.markBroken()
      let size = setting.longestReply + 100
      if worker.answer(size: size) == nil { worker.speakUnasked(size: size, isFree: isFree(worker)) }
      worker.flush()
    case .stray:
      worker.speakUnasked(size: dice.below(40), isFree: isFree(worker))
      worker.flush()
      // If it is sent a job now, it reads that before what it wrote is seen.
      if dice.oneIn(2) {
        try accept(1)
        try settle()
        try read(worker, atMost: .max)
      }
    case .surplus:
      _ = worker.answer(size: dice.below(40))
      worker.speakUnasked(size: dice.below(40), isFree: isFree(worker))
      worker.flush()
    case .garble:
      worker.garble()
      worker.flush()
    case .omit:
      try read(worker, atMost: .max)
      // One that has only that job waits for ever, and can do nothing else any more.
      if worker.owed.count > 1 || dice.oneIn(20) { if worker.omit() { seen["omitted", default: 0] += 1 } }
    default: throw Violation("\(act) is no fault")
    }
  }

  /// The pool has nothing for it, or has taken the answer to the last that it had.
  private func isFree(_ worker: ScriptedWorker) -> Bool {
    let id = WorkerID(slot: SlotID(worker.slot), serial: UInt64(worker.serial))
    let count = engine.pool.jobsInHand(of: id)
    if count == 0 { return engine.pool.unreadInput(of: id) == 0 }
    guard count == 1, engine.pool.hasReply(id), let head = engine.pool.head(of: id) else { return false }
    return model[Int(head.number)].outcome != nil
  }

  // MARK: Operators

  private mutating func command(_ act: Step.Act) throws {
    events += 1
    switch act {
    case .cancel:
      if !model.jobs.isEmpty { cancel(someJob()) }
    case .recycle: engine.pool.recycleAll(&loop)
    case .recycleOne: if let worker = engine.pool.busyWorkers.first { engine.pool.recycle(worker, &loop) }
    case .resize:
      isResized = true
      engine.resize(by: dice.oneIn(2) ? 1 : -1, &loop, &reporter)
    case .reconfigure: reconfigure()
    case .takeBack: if engine.jobs.ledger.isDraining { engine.takeBackUnstarted(&loop) }
    case .holdLog: engine.pool.setReadsErrorOutput(dice.oneIn(2), &loop)
    default: throw Violation("\(act) is no command")
    }
  }

  mutating func cancel(_ number: Int) {
    if model[number].outcome == nil { model[number].isCancelled = true }
    engine.jobs.cancel(model[number].id, because: .cancelCommand)
  }

  /// One that a worker has, or any that is not settled, or is settled since a moment.
  private mutating func someJob() -> Int {
    if dice.oneIn(2), let worker = engine.pool.busyWorkers.first, let head = engine.pool.head(of: worker) {
      return min(Int(head.number) + dice.below(engine.pool.jobsInHand(of: worker)), model.jobs.count)
    }
    return model.jobs.count - dice.below(min(model.unsettled + 3, model.jobs.count))
  }

  private mutating func reconfigure() {
    var (pool, ledger) = (engine.configuration.pool, engine.configuration.ledger)
    isReconfigured = true
    pool.mostSeats = dice.pick([1, 2, 256])
    pool.pool.maximumJobs = dice.pick([0, 0, 1, 50])
    pool.pool.maximum = 1 + dice.below(4)
    pool.pool.minimum = min(pool.pool.minimum, pool.pool.maximum)
    ledger.retries = dice.below(3)
    ledger.runLimit = dice.pick([nil, .milliseconds(5)])
    mostSeats = max(mostSeats, pool.mostSeats)
    engine.reconfigure(pool, ledger, &loop)
  }

  // MARK: The end

  /// The script is over: there are no faults any more, and everything must come to its end within a bounded time.
  mutating func finish() throws {
    dice = SplitMix64(state: setting.seed &+ 2)
    ambush = nil
    processes.neverFails = true
    engine.pool.setReadsErrorOutput(true, &loop)
    for place in clients.indices where isPaused[place] && isThere(place) { try pause(place) }
    if !isClosed {
      switch dice.below(4) {
      case 0: try drain()
      case 1: try abandon(.prompt, because: .signal(15))
      default: try endInput()
      }
      try settle()
    }
    let began = loop.now()
    while !isClosed {
      let took = loop.now() - began
      try require(took < .seconds(24 * 3600), "the pipeline does not come to its end: \(engine.jobs.ledger.counts)")
      try finishTurn(after: took)
    }
    try checkEnd()
  }

  mutating func finishTurn(after took: Nanoseconds) throws {
    let before = events
    for worker in processes.living {
      // That an answer was left out is found out only where jobs are parked.
      if worker.omitted > 0, took > .seconds(1) { worker.die(.exited(code: 4)) }
      try work(worker)
    }
    try turn()
    guard events == before, !isClosed else { return }
    try require(engine.nextDeadline != nil, "the pipeline stands still: \(engine.jobs.ledger.counts)")
    try skipToTimer(late: .zero)
  }
}
