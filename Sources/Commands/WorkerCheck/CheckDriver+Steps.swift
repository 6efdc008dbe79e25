import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

/// The steps when all goes well: start, probe, first job, rest, resets and warm jobs, rest, stop.
extension CheckDriver {
  /// How long a worker is asked nothing after its first job, to see whether it writes more than one reply.
  private static let firstRest: Nanoseconds = .milliseconds(250)
  /// And how long at the end.
  private static let lastRest: Nanoseconds = .milliseconds(100)
  /// A start that takes longer than this is reported as still awaited.
  private static let patienceLimit: Nanoseconds = .seconds(5)
  /// How many times memory is read in the course of the warm jobs.
  private static let memoryReadings = 100

  mutating func begin() {
    startedAt = loop.now()
    lastLookAt = startedAt
    timers.arm(.patience, at: startedAt + Self.patienceLimit)
    if configuration.pool.readiness != .notified {
      timers.arm(.start, at: startedAt + configuration.pool.pool.startLimit)
    }
    pool.setDemand(1, &loop)
  }

  var firstMessage: Message { configuration.pool.probe == nil ? .job(1) : .probe }

  /// Whether anything proves that the worker is ready, other than its reading.
  var isAssumedReady: Bool { configuration.pool.readiness == .assumed }

  // MARK: Sending

  /// The worker is ready, and free.
  mutating func granted(_ id: WorkerID) {
    switch stage {
    case .starting:
      worker = id
      if !isAssumedReady { started(after: loop.now() - startedAt) }
      send(firstMessage, to: id)
    case .sending(let message): send(message, to: id)
    case .asking, .answered, .resting, .hearing, .stopping: break
    }
  }

  private mutating func send(_ message: Message, to id: WorkerID) {
    stage = .asking(message)
    loop.countTime()
    askedAt = loop.now()
    let job = SentJob(tag: 0, number: UInt64(seen.jobs + 1))
    _ = payload(of: message).withUnsafeBytes { pool.send($0, job, to: id, &loop) }
    if seen.start == nil {
      look()
    } else {
      timers.arm(.reply, at: askedAt + limit(for: message))
    }
  }

  func payload(of message: Message) -> [UInt8] {
    switch message {
    case .probe: configuration.pool.probe?.request ?? []
    case .job: configuration.job
    case .reset: configuration.pool.reset?.request ?? []
    }
  }

  func limit(for message: Message) -> Nanoseconds {
    switch message {
    case .probe: configuration.pool.pool.probeLimit
    case .job: configuration.replyLimit
    case .reset: configuration.pool.pool.resetLimit
    }
  }

  /// How a message is shown.
  func text(of message: Message) -> String { payload(of: message).withUnsafeBytes { quoted($0) } }

  // MARK: The start

  /// Looks whether the worker has begun to read its first message: a worker that need not prove its readiness has
  /// started then. Looked at often, so that the time is right to a few percent.
  mutating func look() {
    guard case .asking(let message) = stage, seen.start == nil, let worker else { return }
    let now = loop.now()
    guard pool.hasBegun(worker) else {
      lastLookAt = now
      return timers.arm(.look, at: now + max(.milliseconds(1), (now - startedAt) / 50))
    }
    started(after: now - startedAt)
    askedAt = now
    timers.arm(.reply, at: now + limit(for: message))
  }

  mutating func started(after elapsed: Nanoseconds) {
    seen.start = elapsed
    for timer in [Timer.look, .start, .patience] { timers.disarm(timer) }
    output.write(report.start(elapsed, pid: pid))
  }

  /// It was asked for nothing but what it can do.
  mutating func listed(_ tools: [WorkerTool]) {
    guard case .starting = stage else { return }
    started(after: loop.now() - startedAt)
    output.write(report.tools(tools))
    stop(.prompt)
  }

  mutating func askForPatience() {
    guard seen.start == nil else { return }
    let what = isAssumedReady ? "has not begun to read its first job" : "is not ready"
    let limit = durationText(configuration.pool.pool.startLimit)
    errorOutput.write("prefork: the worker \(what) yet; it is given \(limit) (--start-timeout)\n")
  }

  // MARK: Replies

  mutating func replied(_ id: WorkerID) {
    guard case .asking(let message) = stage, pool.hasReply(id) else { return }
    let now = loop.now()
    timers.disarm(.reply)
    var reply = Observations.Reply(
      message: message, sent: text(of: message), text: pool.withReply(of: id) { quoted($0) }, elapsed: now - askedAt)
    if seen.start == nil {
      // It has answered since the last look: somewhere in between it began to read.
      reply.elapsed = now - lastLookAt
      reply.isAtMost = true
      started(after: now - startedAt)
    }
    if message == .job(1) { seen.complainsInMessages = pool.withReply(of: id) { Observations.isComplaint($0) } }
    let expected = expectedReply(to: message)
    let isRight = expected.map { right in pool.withReply(of: id) { $0.elementsEqual(right) } } ?? true
    let failure = pool.failure(of: id)
    note(reply)
    stage = .answered(message)
    pool.finishReply(of: id, &loop)
    if let failure {
      fail(.failedAnswer(message, failure.message))
    } else if let expected, !isRight {
      fail(.wrongAnswer(message, text: reply.text, expected: expected.withUnsafeBytes { quoted($0) }))
    }
  }

  private func expectedReply(to message: Message) -> [UInt8]? {
    switch message {
    case .probe: configuration.pool.probe?.reply
    case .job: nil
    case .reset: configuration.pool.reset?.reply
    }
  }

  private mutating func note(_ reply: Observations.Reply) {
    switch reply.message {
    case .probe:
      guard seen.probe == nil else { break }
      seen.probe = reply
      output.write(report.exchange(reply))
    case .job(1):
      seen.firstJob = reply
      output.write(report.exchange(reply))
    case .job: seen.warmJobs.append(reply.elapsed)
    case .reset:
      if seen.reset == nil { seen.reset = reply }
      seen.resets.append(reply.elapsed)
    }
    seen.lastReply = reply
  }

  // MARK: What comes next

  /// Takes the next step, if one is due.
  mutating func goOn() {
    guard case .answered(let message) = stage else { return }
    if asksToGo { return fail(.asksToGo) }
    switch message {
    // The last one shows whether it is still well after all those jobs.
    case .probe: seen.firstJob == nil ? ask(.job(1)) : rest(for: Self.lastRest, next: nil)
    case .job(1): rest(for: Self.firstRest, next: configuration.pool.reset == nil ? nextStep : .reset)
    // Once more: a line that comes late may come only when the worker is warm.
    case .job(2): rest(for: Self.lastRest, next: configuration.pool.reset == nil ? nextStep : .reset)
    case .job:
      readMemory()
      configuration.pool.reset == nil ? takeNextStep() : ask(.reset)
    case .reset: takeNextStep()
    }
  }

  private mutating func takeNextStep() { nextStep.map { ask($0) } ?? rest(for: Self.lastRest, next: nil) }

  /// A job or, when there were enough of them, a last probe.
  private var nextStep: Message? { nextJob ?? (configuration.pool.probe == nil ? nil : .probe) }

  /// Nil when there were enough.
  private var nextJob: Message? {
    if let wanted = configuration.warmJobs {
      guard seen.warmJobs.count < wanted else { return nil }
    } else {
      guard seen.warmJobs.count < CheckConfiguration.usualWarmJobs else { return nil }
      if warmSince > .origin, loop.now() - warmSince > CheckConfiguration.patience { return nil }
    }
    return .job(seen.jobs + 1)
  }

  /// Sends the message at once. A worker that is not free for it has closed a pipe or is dying: then the pool will
  /// report that in a moment, and no other worker is to be started in its place.
  mutating func ask(_ message: Message) {
    stage = .sending(message)
    pool.setDemand(1, &loop)
    pool.setDemand(0, &loop)
  }

  private mutating func rest(for wait: Nanoseconds, next: Message?) {
    stage = .resting(next: next)
    timers.arm(.rest, at: loop.now() + wait)
  }

  mutating func endRest() {
    guard case .resting(let next) = stage else { return }
    if seen.memory.isEmpty {
      if let worker, let pid = pool.pid(of: worker) { memory = try? MemoryReader(pid: pid) }
      readMemory()
    }
    guard let next else { return stop(.graceful) }
    if warmSince == .origin { warmSince = loop.now() }
    ask(next)
  }

  private mutating func readMemory() {
    let wanted = configuration.warmJobs ?? CheckConfiguration.usualWarmJobs
    let isLast = seen.warmJobs.count == wanted
    guard isLast || seen.warmJobs.count.isMultiple(of: max(1, wanted / Self.memoryReadings)) else { return }
    guard let bytes = memory?.residentBytes() else { return }
    seen.memory.append(Observations.Memory(jobs: seen.jobs, bytes: bytes))
  }
}
