import EventLoop
import LinuxIO
import PoolCore
import Time
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

/// Finds out what a worker speaks that does not speak what it was asked to, with a fresh worker for each candidate.
extension CheckDriver {
  /// What is known of a trial.
  private struct Trial {
    let candidate: Candidate
    var guess: Guess?
    /// It was stopped, or has ended.
    var isOver = false
    var isStopped = false
    var isClosed = false
    var worker: WorkerID?
    /// How often it was seen in a row to wait for more, with everything read.
    var idleLooks = 0

    mutating func end(_ guess: Guess? = nil) {
      if self.guess == nil { self.guess = guess }
      isOver = true
    }
  }

  /// How often the worker of a trial is looked at.
  private static let trialLook: Nanoseconds = .milliseconds(50)
  /// One that has read everything, and that this many looks in a row show to wait for more, will not answer. (Looks,
  /// and not time: a busy machine may have let nobody run.)
  private static let mostIdleLooks = 20
  /// A trial ends after this time, or after three times the time that the worker took to start.
  private static let trialLimit: Nanoseconds = .seconds(10)
  /// The most that is read of a file.
  private static let sourceLimit = 256 * 1024

  /// Nil if there is nothing to guess, or nothing was found.
  mutating func makeGuess() throws(SystemError) -> Guess? {
    let words = configuration.pool.command.arguments
    guard signal == nil, var evidence = SpeechEvidence(seen, words: words) else { return nil }
    if let preset = evidence.preset { return .repl(preset) }
    evidence.sources = words.compactMap { word in
      let bytes = (try? contents(ofRegularFile: word, atMost: Self.sourceLimit)) ?? nil
      return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
    for candidate in evidence.candidates {
      if let guess = try guess(by: candidate) { return guess }
      if signal != nil { return nil }
    }
    return evidence.hasPrompt ? .prompt : nil
  }

  private mutating func guess(by candidate: Candidate) throws(SystemError) -> Guess? {
    let trial = configuration.trial(of: candidate)
    if let guess = try attempt(candidate, trial) { return guess }
    // An old server may not survive the first question; then the next one is asked in another way.
    return candidate == .lineMessages && signal == nil ? try attempt(candidate, trial) : nil
  }

  private mutating func attempt(
    _ candidate: Candidate, _ configuration: WorkerPoolConfiguration
  ) throws(SystemError) -> Guess? {
    var trial = Trial(candidate: candidate)
    pool = WorkerPoolDriver(configuration, seed: 0)
    pool.start(&loop)
    pool.setDemand(1, &loop)
    let limit = loop.now() + max(Self.trialLimit, 3 * (seen.start ?? .zero))
    while !trial.isClosed {
      settleEvents(of: &trial)
      if signal != nil || loop.now() >= limit { trial.end() }
      if trial.isOver, !trial.isStopped {
        trial.isStopped = true
        pool.stop(.immediate, &loop)
      }
      if pool.events.isEmpty, !trial.isClosed { try waitForEvents(of: &trial) }
    }
    return trial.guess
  }

  private mutating func waitForEvents(of trial: inout Trial) throws(SystemError) {
    let nextLook = trial.isStopped ? nil : loop.now() + Self.trialLook
    try loop.setAlarm(at: [pool.nextDeadline, nextLook].compactMap { $0 }.min())
    loopEvents.removeAll(keepingCapacity: true)
    try loop.wait(into: &loopEvents)
    for event in loopEvents {
      switch event {
      case .ready(let token, _, _, let hangup): _ = pool.handle(token: token, hangup: hangup, &loop)
      case .signal(Signal.child): pool.childrenChanged(&loop)
      case .signal(let number), .terminal(let number):
        if number == Signal.interrupt || number == Signal.terminate || number == Signal.hangup { signal = number }
      case .alarm: pool.fireTimers(&loop)
      }
    }
    if !trial.isOver { look(at: &trial) }
  }

  /// Gives up a worker that has read everything and waits for more.
  private mutating func look(at trial: inout Trial) {
    guard let worker = trial.worker, let pid = pool.pid(of: worker) else { return }
    let runs = ([pid] + ProcessTable.descendants(of: pid, limit: 8)).contains { process in
      switch ProcessTable.activity(of: process) {
      case .running, .uninterruptible: true
      case .stopped, .traced, .frozen, .reading, .waitingForEvents, .waitingForChild, .sleeping, .ended: false
      }
    }
    trial.idleLooks = runs || pool.unreadInput(of: worker) > 0 ? 0 : trial.idleLooks + 1
    if trial.idleLooks >= Self.mostIdleLooks { trial.end() }
  }

  private mutating func settleEvents(of trial: inout Trial) {
    var next = 0
    while next < pool.events.count {
      take(pool.events[next], &trial)
      next += 1
    }
    pool.events.removeAll(keepingCapacity: true)
  }

  private mutating func take(_ event: WorkerPoolEvent, _ trial: inout Trial) {
    switch event {
    case .started(let worker, _): trial.worker = worker
    case .offered(let worker):
      let job = SentJob(tag: 0, number: 1)
      _ = trial.candidate.job.withUnsafeBytes { pool.send($0, job, to: worker, &loop) }
    case .replied: trial.end(trial.candidate.guess)
    case .noticed(_, _, .tools(let tools), _): trial.end(.mcp(tools: tools.map(\.name)))
    // It answers requests, but is no MCP server.
    case .protocolBroken(_, .unfit): trial.end(.jsonrpc(.newline))
    case .protocolBroken, .leaseLost, .died, .cannotStart, .demandRefused, .stopped, .offended, .checkFailed:
      trial.end()
    case .closed:
      trial.end()
      trial.isClosed = true
    case .notEnforced, .remark, .ready, .banner, .checked, .stopping, .noticed, .foreignNotification, .workerLog,
      .notice:
      break
    }
  }
}

extension CheckConfiguration {
  /// One worker that is spoken to like this.
  fileprivate func trial(of candidate: Candidate) -> WorkerPoolConfiguration {
    var one = poolOfOne()
    one.workerProtocol = candidate.workerProtocol
    one.command = one.command.adding(candidate.workerProtocol.workerArguments)
    one.readiness = candidate.workerProtocol.announcesReady ? .announced : .assumed
    // The rest of what the asked protocol needs would only be in the way of another one.
    one.probe = nil
    one.initialMessages = []
    one.failPrefix = []
    one.errorRule = nil
    one.watchdogLimit = nil
    return one
  }
}

extension Candidate {
  /// How a worker is spoken to that may speak it.
  fileprivate var workerProtocol: any WorkerProtocol {
    switch self {
    case .lineMessages: MCPProtocol(tool: nil)
    // The first request of a language server; others have no such method, and answer that.
    case .headedMessages:
      JSONRPCProtocol(method: "initialize", parameters: .capabilities, messageFraming: .contentLength)
    case .bazel(let form): BazelProtocol(form)
    }
  }

  /// A job that fits.
  fileprivate var job: [UInt8] {
    switch self {
    case .lineMessages, .headedMessages: Array("{}".utf8)
    case .bazel: Array("test".utf8)
    }
  }

  /// What a worker is that answers it.
  fileprivate var guess: Guess? {
    switch self {
    case .lineMessages: nil
    case .headedMessages: .jsonrpc(.contentLength)
    case .bazel(let form): .bazel(form)
    }
  }
}

extension ParameterTemplate {
  /// `{"capabilities": {json}}`
  fileprivate static let capabilities =
    (try? ParameterTemplate(#"{"processId": null, "rootUri": null, "capabilities": {json}}"#)) ?? .job
}
