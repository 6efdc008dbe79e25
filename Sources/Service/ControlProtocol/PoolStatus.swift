import Time

/// The state of one served pool at a moment: what `GetStatus` returns and `prefork status` and `prefork top` show. All
/// sizes are bytes.
public struct PoolStatus: Equatable, Sendable {
  /// What the pool is doing as a whole.
  public enum Phase: String, Sendable, CaseIterable {
    /// It has not had its minimum of ready workers yet.
    case starting
    /// It takes jobs.
    case serving
    /// It takes no new jobs and finishes those that it has.
    case draining
    /// Its workers are being stopped.
    case stopping
  }

  /// Its name: that of its section in the configuration file, `default` without one.
  public var name: String
  /// What it does.
  public var phase: Phase
  /// How long it has been up.
  public var age: Nanoseconds
  /// The program and arguments of its workers.
  public var command: [String]
  /// It keeps at least this many workers.
  public var minimum: Int
  /// And at most this many.
  public var maximum: Int
  /// Whether starts fail and are held back.
  public var isBreakerOpen: Bool
  /// Workers started so far.
  public var starts: Int
  /// Workers that died unasked, so far.
  public var deaths: Int
  /// Workers that were recycled, so far.
  public var recycled: Int
  /// Its jobs.
  public var jobs: JobTotals
  /// Median, 90th and 99th percentile of the run times of the jobs answered so far; nil before there are any.
  public var runTimes: Percentiles?
  /// Every slot, in order.
  public var slots: [SlotStatus]
  /// Clients connected at this moment.
  public var connections: Int
  /// Clients that came, so far.
  public var connectionsAccepted: Int
  /// The connections with most jobs in hand, at most 100 of them.
  public var clients: [ClientStatus]
  /// Where it listens for jobs.
  public var listens: [String]

  /// A state with no jobs, slots and clients.
  public init(name: String, phase: Phase) {
    self.name = name
    self.phase = phase
    age = .zero
    command = []
    minimum = 0
    maximum = 0
    isBreakerOpen = false
    starts = 0
    deaths = 0
    recycled = 0
    jobs = JobTotals()
    runTimes = nil
    slots = []
    connections = 0
    connectionsAccepted = 0
    clients = []
    listens = []
  }
}

/// How many jobs are where, and how many ended how, since the pool is up.
public struct JobTotals: Equatable, Sendable {
  /// Jobs that came in.
  public var accepted = 0
  /// Jobs that wait for a worker.
  public var queued = 0
  /// Jobs that wait for their next attempt.
  public var delayed = 0
  /// Jobs that a worker has.
  public var running = 0
  /// Ended well.
  public var ok = 0
  /// Of those that ended well: their worker then wrote more, so their answers were withdrawn, or may be wrong.
  public var inDoubt = 0
  /// The worker refused the job, or broke its protocol.
  public var failed = 0
  /// Ran longer than they may.
  public var timeout = 0
  /// Their worker died.
  public var crashed = 0
  /// Set aside, because they killed too many workers.
  public var quarantined = 0
  /// Nobody wanted them any more.
  public var cancelled = 0
  /// Waited too long for a worker.
  public var expired = 0

  /// None.
  public init() {}
}

/// Three points of a distribution.
public struct Percentiles: Equatable, Sendable {
  /// Half are shorter.
  public var median: Nanoseconds
  /// 90 of 100 are shorter.
  public var p90: Nanoseconds
  /// 99 of 100 are shorter.
  public var p99: Nanoseconds

  /// These points.
  public init(median: Nanoseconds, p90: Nanoseconds, p99: Nanoseconds) {
    self.median = median
    self.p90 = p90
    self.p99 = p99
  }
}

/// One slot.
public struct SlotStatus: Equatable, Sendable {
  /// What its worker is doing.
  public enum State: String, Sendable, CaseIterable {
    /// No worker, and none is wanted.
    case empty
    /// Waits to be started again.
    case backingOff
    case starting
    case idle
    case probing
    case leased
    case resetting
    /// Being stopped.
    case stopping
  }

  /// Its number, from 0.
  public var slot: Int
  /// What it does.
  public var state: State
  /// Why its worker is to go: a word such as `jobs` or `requested`; nil if it stays.
  public var retiring: String?
  /// Failed starts in a row.
  public var failures: Int
  /// Of its worker; nil without one.
  public var worker: WorkerStatus?

  /// A slot without a worker.
  public init(slot: Int, state: State) {
    self.slot = slot
    self.state = state
    retiring = nil
    failures = 0
    worker = nil
  }
}

/// One living worker.
public struct WorkerStatus: Equatable, Sendable {
  /// Its process.
  public var pid: Int32
  /// How long it has lived.
  public var age: Nanoseconds
  /// Jobs that it was given, the one in hand included.
  public var jobs: Int
  /// Its resident memory in bytes, if it could be read.
  public var memory: Int?
  /// The number of the job that it has.
  public var job: UInt64?
  /// For how long it has had it.
  public var jobElapsed: Nanoseconds?
  /// What it last reported of itself (`STATUS=` of sd_notify(3)); empty if nothing.
  public var said: String

  /// A worker without a job.
  public init(pid: Int32, age: Nanoseconds, jobs: Int) {
    self.pid = pid
    self.age = age
    self.jobs = jobs
    memory = nil
    job = nil
    jobElapsed = nil
    said = ""
  }
}

/// One connection that jobs come from.
public struct ClientStatus: Equatable, Sendable {
  /// Its number, from 1, in the order in which they came.
  public var connection: UInt64
  /// Its other end: `pid 812 (uid 1000)` or `127.0.0.1:51234`.
  public var peer: String
  /// How long it has been connected.
  public var age: Nanoseconds
  /// Jobs of it that wait.
  public var queued: Int
  /// Jobs of it that run.
  public var running: Int
  /// Jobs of it that are settled.
  public var settled: Int
  /// Bytes of answers that it has not read yet.
  public var unread: Int

  /// A client that has sent nothing yet.
  public init(connection: UInt64, peer: String, age: Nanoseconds) {
    self.connection = connection
    self.peer = peer
    self.age = age
    queued = 0
    running = 0
    settled = 0
    unread = 0
  }
}

/// One job that is not settled.
public struct JobStatus: Equatable, Sendable {
  /// Where it is.
  public enum State: String, Sendable, CaseIterable {
    case queued
    /// Waits for its next attempt.
    case delayed
    case running
  }

  /// Its number in the pool, from 1: what `CancelJob` takes.
  public var job: UInt64
  /// Where it is.
  public var state: State
  /// The connection that it came from.
  public var connection: UInt64
  /// How long it has been here.
  public var age: Nanoseconds
  /// Attempts so far, the running one included.
  public var attempts: Int
  /// Its priority.
  public var priority: Int
  /// The slot that has it.
  public var slot: Int?
  /// The beginning of its bytes, at most 80 of them; what is not UTF-8 is replaced.
  public var beginning: String

  /// A job that waits.
  public init(job: UInt64, state: State, connection: UInt64, age: Nanoseconds) {
    self.job = job
    self.state = state
    self.connection = connection
    self.age = age
    attempts = 0
    priority = 0
    slot = nil
    beginning = ""
  }
}
