import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Metrics
import PoolCore
import Slabs
import Time
import Timers
import WireFormats
import WorkerPoolDriver

/// One pool and its clients: connections feed the engine, and the engine's answers find their way back.
///
/// Connections that have something to be taken stand in one line, and a few jobs of each are taken in turn: a client
/// with a million jobs cannot lock out one with a single job. No socket is read further than its jobs may come in.
struct PoolService: ~Copyable {
  /// The timers of connections.
  enum Timer: TimerKey {
    /// Those on which nothing moves are looked for.
    case idle
    /// Those whose last answers are on their way are looked at.
    case delivery
    /// The workers that have answered those that wait for their end are looked at.
    case workers
    /// Descriptors were used up: listening is tried again.
    case listen
  }

  /// Where a job came from, by the job's index.
  struct Origin {
    var client = ClientID(index: .max, generation: 0)
    /// Its number in its connection, from 1.
    var number: UInt64 = 0
  }

  /// What a worker answered last: what it writes behind that puts it in doubt.
  struct LastAnswer {
    /// The number of the job; 0 for none.
    var job: UInt64 = 0
    var origin = Origin()
    /// What the client calls the job, if it came in a record.
    var id: [UInt8]?
  }

  var configuration: ServedPool
  /// Which of the process's pools it is.
  let number: Int
  /// The user that may always connect: the one that we run as.
  let owner: UInt32
  let version: String
  var engine: JobEngine
  var connections = ConnectionTable()
  var refused = RefusedClients()
  var listeners = Slab<ListeningSocket>()
  /// Where those listeners that were asked for were to listen; the others were passed to us.
  var listens: [Int: SocketAddress] = [:]
  var timers = TimerQueue<Timer>()
  var origins: [Origin] = []
  /// The last answer of the worker in each slot.
  var lastAnswers: [LastAnswer] = []
  /// Indices of connections that have something to be taken, the first in line first.
  var line: [Int] = []
  private var lineHead = 0
  /// Connections whose answers are to be sent.
  var touched: [Int] = []
  /// Clients that have gone while a worker had jobs of theirs.
  var departed: Set<ClientID> = []
  /// Bytes read and not taken, of all connections.
  var unreadBytes = 0
  /// There may be room again for jobs that are not complete.
  var releasesAll = false
  /// The connection with the most of them, once it was looked for in this turn.
  var longestUnread: Int?

  var metrics: PoolMetrics
  /// Workers that died unasked, and workers that were recycled.
  var deaths = 0
  var recycled = 0
  /// Jobs that count as ok, and whose worker then wrote more.
  var answersInDoubt = 0
  let startedAt: Instant
  /// No new connections, and nothing more is read.
  var isDraining = false
  var poolIsClosed = false
  /// How long a client may take to read its last answers while we drain.
  var deliveryLimit: Nanoseconds = .zero
  /// Connections are closed as soon as everything is delivered.
  var hurries = false
  var isLookingAtDeliveries = false
  var isLookingAtWorkers = false
  /// What was lost because clients did not read it in time.
  var undelivered = (connections: 0, answers: 0)
  /// It once had its minimum of ready workers, which may be none.
  var wasReady: Bool
  var startsFail = false
  /// That they do is to be reported.
  var owesStartReport = false
  /// A worker process of it was once started.
  var hasStarted = false
  /// Not even its first worker process could be started, and trying again is pointless.
  var cannotStart = false
  /// Listening is suspended: descriptors are used up.
  var listenersAreSuspended = false

  init(_ configuration: ServedPool, number: Int, owner: UInt32, version: String, at now: Instant) {
    var configuration = configuration
    configuration.pool.number = UInt8(number)
    self.configuration = configuration
    self.number = number
    self.owner = owner
    self.version = version
    startedAt = now
    metrics = PoolMetrics(began: timeOfDay())
    engine = JobEngine(configuration.engine)
    wasReady = engine.pool.size.lowerBound == 0
  }

  /// When `fireTimers` is wanted.
  var nextDeadline: Instant? {
    earliest(engine.nextDeadline, earliest(timers.earliest, refused.nextDeadline))
  }

  /// Whether there is something to do before the loop may wait.
  var hasNews: Bool { engine.hasNews || releasesAll || (lineHead < line.count && mayTakeJobs) }

  /// Answers wait to be sent together with those of the next moment.
  var gathersAnswers: Bool { !touched.isEmpty }

  var mayTakeJobs: Bool { !isDraining && (configuration.refusesWhenFull || engine.jobs.ledger.canAccept) }

  // MARK: The line

  mutating func standInLine(_ index: Int) {
    guard !connections[index].isInLine else { return }
    connections[index].isInLine = true
    line.append(index)
  }

  /// The first in line that is still there.
  mutating func popLine() -> Int? {
    while lineHead < line.count {
      let index = line[lineHead]
      lineHead += 1
      if lineHead == line.count {
        line.removeAll(keepingCapacity: true)
        lineHead = 0
      } else if lineHead > 4096 {
        line.removeFirst(lineHead)
        lineHead = 0
      }
      guard connections.holds(index), connections[index].isInLine else { continue }
      connections[index].isInLine = false
      return index
    }
    return nil
  }

  // MARK: A turn of the loop

  /// Starts workers and watches the sockets.
  mutating func start(_ loop: inout EventLoop) throws(SystemError) {
    engine.pool.start(&loop)
    noteReadiness()
    try watchListeners(&loop)
    lookForIdle(loop)
  }

  /// Looks for connections on which nothing moves, from time to time, if there is a limit to that.
  mutating func lookForIdle(_ loop: borrowing EventLoop) {
    timers.disarm(.idle)
    if let limit = configuration.connectionIdleLimit {
      timers.arm(.idle, at: loop.now() + max(limit / 4, .milliseconds(1)))
    }
  }

  /// Does what can be done now.
  mutating func work(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    repeat {
      settle(&loop, &reporter)
      takeJobs(&loop, &reporter)
    } while engine.hasNews
    sendAnswers(&loop)
  }

  mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    engine.fireTimers(&loop, &reporter)
    refused.closeOverdue(&loop)
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .idle: closeIdle(&loop, &reporter)
      case .delivery: lookAtDeliveries(&loop, &reporter)
      case .workers: lookAtWorkers(&loop)
      case .listen: resumeListening(&loop)
      }
    }
  }

  /// Takes what the engine reports, until nothing is left to be done.
  mutating func settle(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    while let output = engine.advance(&loop, &reporter) { take(output, &loop, &reporter) }
  }

  /// Takes what follows from what was decided: what became of jobs must be known before their places are used again.
  mutating func settleActions(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    while let output = engine.nextOutput(&loop, &reporter) { take(output, &loop, &reporter) }
  }

  private mutating func take(_ output: JobEngineOutput, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    switch output {
    case .job(.settled(let job, let outcome)): settled(job, outcome, loop, &reporter)
    case .job(.emit(let job, let outcome)): answer(job, outcome, &loop)
    case .worker(let event): take(event, loop, &reporter)
    case .closed: poolIsClosed = true
    // It has failed, and does not count as ok any more.
    case .job(.withdrawn): answersInDoubt -= 1
    case .job(.idle), .attemptStarted, .attemptEnded, .firstReply, .workerGivenUp: break
    }
  }
}
