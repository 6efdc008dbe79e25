import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Records
import Time
import Timers
import WireFormats

/// Jobs in a pool that is served elsewhere: to the ledger each place in the window of jobs that may be on their way is
/// a lease, and an answer settles the job as the other pool has settled it.
///
/// It calls nobody back. Its owner runs the loop, hands jobs in with `accept` and events of the loop with `handle`, and
/// after each calls `advance` until it has nothing more to report, just as with a `JobEngine`. While a result is
/// reported (`emit`), it can be read with `withResult`.
///
/// A job that was answered is settled, and never sent again. One that was on its way when the connection was lost may
/// have been run or not: it is sent again over the next connection, or ends with the run.
package struct RemotePool: ~Copyable {
  /// Our connection in the loop.
  static let token: UInt64 = 0x2000_0000_0000_0000
  /// The most jobs that may be on their way, whatever the server allows.
  static let mostSent = 65536
  /// Bytes of jobs that may be on their way, unless it is a single job.
  static let mostSentBytes = 16 << 20
  /// Bytes of jobs that are kept, waiting or on their way, before no more come in.
  static let mostKeptBytes = 32 << 20
  /// The longest time that one attempt to connect may block; signals are handled before the next attempt.
  static let longestBlock: Nanoseconds = .milliseconds(250)
  /// How long a server that has answered everything may take to close.
  static let endLimit: Nanoseconds = .milliseconds(500)

  enum Timer: TimerKey {
    /// To connect again.
    case connect
    /// The greeting should have come.
    case greeting
    /// The server should have closed.
    case end
  }

  /// How far a connection is.
  enum Phase: Equatable {
    /// There is none, and none is needed yet.
    case away
    /// There is none; the next attempt has its timer.
    case waiting
    /// Connected, but not greeted.
    case greeting
    /// Jobs may go: at most `mostSent` at once, each at most `maximumJobSize` bytes as a line.
    case open(mostSent: Int, maximumJobSize: Int)
    /// Everything is answered, and our side is shut down: before the server closes it may still withdraw an answer.
    case ending
    /// There will be none any more.
    case over

    /// Whether the lines that come are answers.
    var isGreeted: Bool {
      switch self {
      case .open, .ending: true
      case .away, .waiting, .greeting, .over: false
      }
    }
  }

  package let configuration: RemotePoolConfiguration
  package var jobs: JobTable
  var timers = TimerQueue<Timer>()
  var reconnection: Reconnection
  var connection: Connection?
  var phase = Phase.away
  /// Since when it is tried to connect this time.
  var connectingSince: Instant?

  /// What is to be reported before anything else is done.
  var outputs: [RemotePoolOutput] = []
  private var nextOutput = 0

  /// The jobs that are on their way, by their number in the input, which is their id there.
  var sent: [UInt64: JobID] = [:]
  var sentBytes = 0
  /// What is asked for each job, by its index: members of its record.
  var terms: [[UInt8]] = []
  /// Whether the job is JSON and to stay so, by its index.
  var isJSON: [Bool] = []
  let usualTerms: [UInt8]
  /// The line of the job that is being sent, so that its memory is used again.
  var line: [UInt8] = []
  /// The reply of the job that is being answered.
  var reply: [UInt8] = []

  /// Jobs that the server had no room for.
  package internal(set) var busyJobs = 0
  /// Answers that the server has withdrawn.
  package internal(set) var withdrawnAnswers = 0
  /// The connection is given up for good.
  package private(set) var isStopping = false
  /// Answers are not wanted at the moment: their reader is slow.
  private var isHeld = false
  var hasSaidSilence = false

  package init(_ configuration: RemotePoolConfiguration, _ keeping: JobKeeping) {
    self.configuration = configuration
    jobs = JobTable(keeping.ledger, to: .servedPool, keepsDetails: keeping.keepsDetails, keepsJobs: keeping.keepsJobs)
    reconnection = Reconnection(
      delay: configuration.reconnectDelay, limit: configuration.reconnectLimit, seed: keeping.seed)
    var usualTerms: [UInt8] = []
    InputRecord.appendTerms(timeout: configuration.runLimit, retries: configuration.retries, to: &usualTerms)
    self.usualTerms = usualTerms
  }

  /// When `fireTimers` is wanted, by the clock of the loop; nil for never.
  package var nextDeadline: Instant? { timers.earliest }

  /// Whether `advance` has something to do.
  package var hasNews: Bool {
    !jobs.actions.isEmpty || !outputs.isEmpty || jobs.answering != nil || isReadable || canSend
      || (phase == .away && jobs.ledger.demand > 0)
  }

  /// Whether another job may come in.
  package var canAccept: Bool { jobs.ledger.canAccept && jobs.unsettledBytes < Self.mostKeptBytes }

  /// How many jobs may be on their way at this moment.
  package var places: Int {
    if case .open(let mostSent, _) = phase { mostSent } else { 0 }
  }

  // MARK: Going on

  /// Works until there is something to report; nil when nothing is left to do.
  package mutating func advance(_ loop: inout EventLoop, _ reporter: inout Reporter) -> RemotePoolOutput? {
    while true {
      if let output = nextOutput(&loop, &reporter) { return output }
      if isReadable {
        takeLine(&loop, &reporter)
      } else if canSend, let next = jobs.ledger.send(into: &jobs.actions) {
        send(next.job, &reporter)
      } else if phase == .away, jobs.ledger.demand > 0 {
        connect(&loop, &reporter)
      } else if jobs.actions.isEmpty, outputs.isEmpty {
        return nil
      }
    }
  }

  /// What follows from what was decided; nil when that is done. No answer is looked at and no job sent: more jobs can
  /// come in first, and the most urgent of them is sent.
  package mutating func nextOutput(_ loop: inout EventLoop, _ reporter: inout Reporter) -> RemotePoolOutput? {
    while true {
      if nextOutput < outputs.count {
        nextOutput += 1
        return outputs[nextOutput - 1]
      }
      outputs.removeAll(keepingCapacity: true)
      nextOutput = 0
      if let step = jobs.next(at: loop.now()) {
        switch step {
        case .output(let output): return .job(output)
        case .decision(let action): perform(action, loop, &reporter)
        }
        continue
      }
      guard jobs.answering != nil else { return nil }
      jobs.answering = nil
      if reply.capacity > 1 << 20 { reply = [] }
    }
  }

  private mutating func perform(_ action: JobAction, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    switch action {
    case .interrupt(let job, _): giveUp(job, at: loop.now())
    case .interruptBatch: break  // Batches are the affair of the pool that serves.
    case .hold(let job): jobs.hold(job) { keep in reply.withUnsafeBytes(keep) }
    case .reportInternalError(let text):
      reporter.fatal("internal error: \(text); please report it")
      assertionFailure(text.description)
    // The clocks of jobs are all in the other pool.
    case .arm, .disarm: break
    case .settled, .emit, .withdrawn, .forget, .idle: break  // `JobTable.next` has seen to it.
    }
  }

  /// At the end of each turn of the loop: writes, and returns whether answers are wanted.
  package mutating func endTurn(
    holdingResults: Bool, holdingMessages: Bool, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    isHeld = holdingResults
    guard connection != nil else { return }
    connection!.write()
    do throws(SystemError) {
      try connection!.watch(&loop, token: Self.token, reading: !isHeld || phase == .ending)
    } catch {
      lose(.broken(error), &loop, &reporter)
    }
  }

  /// An event of the loop; false if it is not ours.
  package mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool {
    guard token == Self.token else { return false }
    // Of a connection that is gone already, perhaps.
    if connection != nil { connection!.read() }
    return true
  }

  /// Ends the connection when all is answered: the server closes it once no worker has more to write; ends with
  /// `closed`.
  package mutating func end(_ loop: inout EventLoop) {
    guard case .open = phase, jobs.ledger.counts.unsettled == 0, jobs.ledger.counts[.ok] > 0 else { return stop(&loop) }
    isStopping = true
    phase = .ending
    connection!.shutdownWrite()
    timers.arm(.end, at: loop.now() + Self.endLimit)
  }

  /// Gives the connection up at once; ends with `closed`.
  package mutating func stop(_ loop: inout EventLoop) {
    guard phase != .over || !isStopping else { return }
    isStopping = true
    disconnect(&loop)
    phase = .over
    outputs.append(.closed)
  }
}

/// What a remote pool reports to its owner.
package enum RemotePoolOutput: Equatable {
  /// What becomes of a job.
  case job(JobOutput)
  /// There is no connection, and none will be. It was reported to people.
  case lost(Loss.Verdict)
  /// The connection is given up: the pool is finished.
  case closed
}
