import EventLoop
import SystemEvents
import Time
import Timers
import LinuxIO
import PoolCore
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// Starts one worker, sends it what a pool would send it, and reports on stdout what was seen and what is wrong.
/// `closed`: which standard descriptors we were started without. Throws only when the system refuses what the loop
/// itself needs.
public func check(_ configuration: CheckConfiguration, closed: ClosedDescriptors) throws(SystemError) -> CheckEnd {
  var driver = try CheckDriver(configuration, closed: closed)
  return try driver.run()
}

/// The check, step by step, on a pool of one worker: what is seen is what `prefork run` would see.
struct CheckDriver: ~Copyable {
  /// Descriptors of our own in the loop; the pool's tokens have other kinds.
  enum Token: UInt64 {
    case output = 0x1000_0000_0000_0000
    case errorOutput = 0x1100_0000_0000_0000
  }

  enum Timer: TimerKey {
    /// Looks whether a worker that need not prove its readiness has begun to read.
    case look
    /// The worker must be ready, or have begun to read, by now.
    case start
    /// Time to report that the start is still awaited.
    case patience
    /// The reply must be there by now.
    case reply
    /// The worker was listened to for long enough.
    case rest
    /// It had its chance to read on.
    case reading
    /// It was heard out for long enough.
    case hearing
  }

  enum Stage {
    /// Waiting for the worker to be ready.
    case starting
    /// A message is to be sent as soon as the worker is free.
    case sending(Message)
    /// A reply is waited for.
    case asking(Message)
    /// It is there: time for the next step.
    case answered(Message)
    /// Nothing is asked, to see whether the worker speaks all the same. Then comes `next`, or the end.
    case resting(next: Message?)
    /// A worker that does not answer is sent the message once more, then the end of its input, to see what it sends.
    case hearing(Inquiry)
    /// The worker is on the stop ladder.
    case stopping(since: Instant, StopUrgency)
  }

  /// Why a worker is being heard out.
  struct Inquiry {
    /// What it did not answer; nil if it did not become ready.
    var message: Message?
    /// How long it had for that.
    var limit: Nanoseconds
    var isUnread: Bool
    /// What it had written before, as `shown` shows it.
    var before: String
    var since: Instant
    /// It has read of a second message; a worker that is still busy with the first does not.
    var wasReading = false
    /// The size of the second message as it was sent, in bytes.
    var sentMore = 0
    /// When its stdin was closed; nil before.
    var endedAt: Instant?
  }

  /// The last messages for people may take this long.
  private static let messagesLimit: Nanoseconds = .seconds(1)

  let configuration: CheckConfiguration
  let report: Report
  var loop: EventLoop
  var pool: WorkerPoolDriver
  var timers = TimerQueue<Timer>()
  var output: TextOutput
  var errorOutput: TextOutput
  var loopEvents: [LoopEvent] = []

  var stage = Stage.starting
  var seen = Observations()
  var worker: WorkerID?
  var pid: CInt = 0
  var memory: MemoryReader?
  /// Its descendants when it was asked to stop, and which of them were there when it was last looked.
  var descendants: [NamedProcess] = []
  /// Our own children before the worker was started.
  var otherChildren: Set<CInt> = []
  /// It has asked to be replaced.
  var asksToGo = false
  var poolIsClosed = false
  var signalsTaken = 0
  var signal: CInt?

  var startedAt: Instant = .origin
  /// When the message in hand was sent; for the first one of a worker that need not prove its readiness, when it was
  /// seen to read it.
  var askedAt: Instant = .origin
  /// When a worker was last seen that had not begun to read.
  var lastLookAt: Instant = .origin
  var warmSince: Instant = .origin

  init(_ configuration: CheckConfiguration, closed: ClosedDescriptors) throws(SystemError) {
    precondition(configuration.ladder.count == 3, "end of input, SIGTERM, SIGKILL")
    self.configuration = configuration
    report = Report(configuration: configuration)
    loop = try EventLoop()
    pool = WorkerPoolDriver(configuration.poolOfOne(), seed: 0)
    output = TextOutput(InheritedOutput(1, wasClosed: closed.stdout))
    errorOutput = TextOutput(InheritedOutput(2, wasClosed: closed.stderr))
  }

  mutating func run() throws(SystemError) -> CheckEnd {
    try loop.watchSignals([
      Signal.interrupt, Signal.terminate, Signal.hangup, Signal.child, Signal.stop, Signal.oneMore, Signal.oneFewer,
    ])
    pool.start(&loop)
    otherChildren = Set(ProcessTable.children(of: ProcessTable.ownPid))
    begin()
    while !poolIsClosed {
      workOff()
      if poolIsClosed { break }
      flush()
      try loop.setAlarm(at: [pool.nextDeadline, timers.earliest].compactMap { $0 }.min())
      loopEvents.removeAll(keepingCapacity: true)
      try loop.wait(into: &loopEvents)
      for index in loopEvents.indices { handle(loopEvents[index]) }
    }
    let guess = try makeGuess()
    if let guess { seen.take(guess, workerProtocol: configuration.pool.workerProtocol) }
    let end = conclude()
    finishOutput()
    guard let error = output.failure else { return end }
    errorOutput.write("prefork: cannot write stdout: \(error)\n")
    finishOutput()
    return .outputFailed
  }

  /// Goes as far as it can without waiting.
  private mutating func workOff() {
    repeat {
      settleEvents()
      listen()
      noticeThatItIsGone()
      goOn()
    } while !pool.events.isEmpty
  }

  private mutating func handle(_ event: LoopEvent) {
    switch event {
    case .ready(let token, _, _, let hangup):
      lookForDescendants()
      if pool.handle(token: token, hangup: hangup, &loop) { return workOff() }
      switch Token(rawValue: token) {
      case .output: output.flush()
      case .errorOutput: errorOutput.flush()
      case nil: break
      }
    case .signal(Signal.child): pool.childrenChanged(&loop)
    case .signal(Signal.stop), .terminal(Signal.stop), .terminal(Signal.oneMore), .terminal(Signal.oneFewer):
      stop()
    case .signal(Signal.oneMore), .signal(Signal.oneFewer): break
    case .terminal(let signal): interrupted(by: signal)
    case .signal(let signal): interrupted(by: signal)
    case .alarm:
      pool.fireTimers(&loop)
      settleEvents()
      while let timer = timers.popExpired(at: loop.now()) { fire(timer) }
    }
  }

  /// ^Z, and the like: we stop, and the worker with us.
  private mutating func stop() {
    pool.suspendWorkers()
    _ = loop.stop(by: Signal.stop)
    pool.resumeWorkers()
  }

  private mutating func fire(_ timer: Timer) {
    switch timer {
    case .look: look()
    case .start: startOverdue()
    case .patience: askForPatience()
    case .reply: replyOverdue()
    case .rest: endRest()
    case .reading: lookWhetherItReads()
    case .hearing: endHearing()
    }
  }

  /// First: SIGTERM to the worker. Second: SIGKILL.
  private mutating func interrupted(by signal: CInt) {
    signalsTaken += 1
    if self.signal == nil { self.signal = signal }
    stop(.prompt)
    // It may be on the ladder already, and only on its first step.
    pool.stop(signalsTaken == 1 ? .prompt : .immediate, &loop)
  }

  // MARK: The end

  private mutating func conclude() -> CheckEnd {
    if let signal { return .interrupted(signal: signal) }
    let judgement = Judge(seen: seen, configuration: configuration).judgement()
    output.write(report.judgement(judgement))
    if pool.internalErrors > 0 { return .internalError }
    switch judgement.verdict {
    case .nothingWrong: return .nothingWrong
    case .hurts: return .hurts
    case .breaksProtocol: return .breaksProtocol
    case .doesNotStart: return .doesNotStart
    }
  }

  private mutating func finishOutput() {
    flush()
    // The report is waited for like the results of a run; what is only for people is not.
    loop.countTime()
    let deadline = loop.now() + Self.messagesLimit
    let signalsBefore = signalsTaken
    while output.isBlocked || (errorOutput.isBlocked && loop.now() < deadline), signalsTaken == signalsBefore {
      loopEvents.removeAll(keepingCapacity: true)
      do throws(SystemError) {
        try loop.setAlarm(at: output.isBlocked ? nil : deadline)
        try loop.wait(into: &loopEvents)
        for event in loopEvents where event != .signal(Signal.child) {
          if case .ready = event { flush() } else { handle(event) }
        }
      } catch {
        return
      }
    }
  }

  /// Writes what can be written, and watches for the rest.
  private mutating func flush() {
    Self.flush(&output, .output, &loop)
    Self.flush(&errorOutput, .errorOutput, &loop)
  }

  private static func flush(_ text: inout TextOutput, _ token: Token, _ loop: inout EventLoop) {
    let wasBlocked = text.isBlocked
    text.flush()
    guard text.isBlocked != wasBlocked, !text.isAlwaysReady else { return }
    if text.isBlocked {
      try? loop.add(text.descriptor, token: token.rawValue, readable: false, writable: true)
    } else {
      loop.remove(text.descriptor)
    }
  }
}
