import JobCore
import JobEngine
import LinuxIO
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

/// Everything `prefork serve` needs to know.
public struct ServeConfiguration: Sendable {
  /// The pools, at least one and at most `mostPools`.
  public var pools: [ServedPool]
  /// What is reported on stderr.
  public var verbosity: Verbosity
  /// Where the workers' stderr goes.
  public var workerErrors = WorkerErrors.prefixed
  /// Where metrics are served by HTTP; nil for nowhere.
  public var metricsListen: SocketAddress?
  /// Where the pools are controlled; nil for beside the first unix job socket, if there is one.
  public var control: SocketAddress?
  /// The service manager passes a control socket: no path is derived for one.
  public var controlIsPassed = false
  /// Sockets of TCP may be reached from other machines.
  public var allowsRemote = false
  /// How long a stop may wait for the jobs that were accepted.
  public var drainLimit: Nanoseconds = .seconds(30)
  /// Our version, as control and metrics report it.
  public var version = ""

  /// Where people find out more.
  static let url = "prefork(1)"

  /// The most pools that can share a process.
  public static let mostPools = 200

  /// What is wrong with it, in words, and the place in `pools` of the one that it is about, if it is about one.
  public var defects: [(pool: Int?, sentence: String)] {
    var defects: [(pool: Int?, sentence: String)] = []
    if pools.count > Self.mostPools {
      defects.append((nil, "there are \(pools.count) pools, and the most is \(Self.mostPools)"))
    }
    var users: [SocketAddress: String] = [:]
    if let control { users[control] = "--control" }
    if case .tcp? = control {
      defects.append((nil, "--control must be a unix socket: TCP does not reveal the user of a client"))
    }
    if let metricsListen {
      if let other = users[metricsListen] {
        defects.append((nil, "\(metricsListen) is given for \(other) and --metrics-listen"))
      }
      users[metricsListen] = "--metrics-listen"
    }
    defects += derivedDefects
    for (number, pool) in pools.enumerated() {
      // Port 0 is another port for each.
      for address in pool.listens where !address.isAnyPort {
        let user = "the pool \(pool.name)"
        if let other = users[address] {
          defects.append((number, "\(address) is given " + (other == user ? "twice" : "for \(other) and \(user)")))
        }
        users[address] = user
      }
    }
    return defects
  }

  /// What is wrong with the control socket whose path is derived, not given.
  private var derivedDefects: [(pool: Int?, sentence: String)] {
    guard control == nil, case .unix(let path)? = controlAddress else { return [] }
    let number = pools.firstIndex { $0.listens.contains { if case .unix = $0 { true } else { false } } }
    let advice = "give it another path with --control unix:/PATH"
    if path.utf8.count > SocketAddress.longestName {
      return [
        (
          number,
          "the path of the control socket, unix:\(path), is too long: \(path.utf8.count) bytes, and the system takes "
            + "at most \(SocketAddress.longestName); \(advice), or listen on a shorter one"
        )
      ]
    }
    let isTaken = metricsListen == controlAddress || pools.contains { $0.listens.contains(.unix(path: path)) }
    return isTaken ? [(number, "unix:\(path) is the control socket, too; \(advice)")] : []
  }

  /// Where the pools are controlled: beside the first job socket in the file system, unless an address was given; nil
  /// if that socket is passed.
  public var controlAddress: SocketAddress? {
    if let control { return control }
    if controlIsPassed { return nil }
    for pool in pools {
      for case .unix(let path) in pool.listens { return .unix(path: path + ".control") }
    }
    return nil
  }

  /// The same with no more connections than there are descriptors for, when workers have those that they and their
  /// replacements need: a crowd of clients must not keep a dead worker from being replaced.
  func leavingDescriptors(of limit: ResourceLimit?) -> ServeConfiguration {
    guard let limit else { return self }
    var reserved = Self.ownDescriptors
    for pool in pools { reserved += Self.descriptorsPerWorker * (pool.pool.pool.maximum + 2 * pool.pool.pool.surge) }
    let all = Int(clamping: limit.hard)
    let room = max(1, max(all / 2, all - reserved) / pools.count)
    var copy = self
    for number in copy.pools.indices {
      copy.pools[number].maximumConnections = min(copy.pools[number].maximumConnections, room)
    }
    return copy
  }

  /// For sockets that listen, control, metrics and files.
  private static let ownDescriptors = 48
  /// Three pipes, a pidfd, a notification socket; and some while it is started.
  private static let descriptorsPerWorker = 8

  /// The same, but for the limit on open files that workers get, if they were not given one: what ours was before we
  /// raised it, nil if that is not known.
  func givingWorkers(_ limit: ResourceLimit?) -> ServeConfiguration {
    guard let limit, limit.soft != limit.hard else { return self }
    var copy = self
    for number in copy.pools.indices
    where !copy.pools[number].pool.surroundings.limits.contains(where: { $0.resource == .nofile }) {
      copy.pools[number].pool.surroundings.limits.append(limit)
    }
    return copy
  }

  /// Serves these pools.
  public init(pools: [ServedPool], verbosity: Verbosity) {
    self.pools = pools
    self.verbosity = verbosity
  }
}

/// One pool, and the users that may use it.
public struct ServedPool: Sendable {
  /// Its name.
  public var name: String
  /// The workers and how they are kept.
  public var pool: WorkerPoolConfiguration
  /// Queue, retries, limits of the jobs. Order is kept per connection, not here.
  public var ledger: JobLedger.Configuration
  /// How jobs stand in a connection.
  public var input: StreamFormat
  /// How answers stand in it.
  public var output: StreamFormat
  /// In records, a reply that is JSON stands as the JSON that it is.
  public var keepsJSON = false
  /// The running jobs of a client that goes away are cancelled.
  public var cancelsOnDisconnect = false
  /// Longest job in bytes; a longer one fails alone.
  public var maximumJobSize: Int
  /// Seed of all jitter.
  public var seed: UInt64
  /// Where it listens.
  public var listens: [SocketAddress] = []
  /// The mode and group of its sockets in the file system.
  public var rights = SocketFileRights()
  /// The users whose processes may connect to its unix sockets; nil for all users that the mode of the file lets in:
  /// with the usual mode 0600 only root and our own.
  public var allowedUsers: [UInt32]?
  /// The most connections at once.
  public var maximumConnections = 16384
  /// A connection without traffic for this time that waits for no job is closed; nil for never.
  public var connectionIdleLimit: Nanoseconds?
  /// A job for which there is no room in the queue is refused at once instead of waiting unread.
  public var refusesWhenFull = false

  /// A pool that listens nowhere yet.
  public init(
    name: String, pool: WorkerPoolConfiguration, ledger: JobLedger.Configuration, input: StreamFormat,
    output: StreamFormat, maximumJobSize: Int, seed: UInt64
  ) {
    self.name = name
    self.pool = pool
    self.ledger = ledger
    self.input = input
    self.output = output
    self.maximumJobSize = maximumJobSize
    self.seed = seed
  }

  /// Why its workers cannot be started, as far as files show that by now; nil if they do not.
  public var foreseenStartFailure: SpawnError? { SpawnError.foreseen(pool.command, pool.surroundings) }

  /// What its engine needs to know.
  var engine: JobEngineConfiguration {
    var engine = JobEngineConfiguration(pool: pool, ledger: ledger, seed: seed)
    engine.keepsDetails = true
    return engine
  }

  /// Whether this peer may connect. The file of a socket that was passed to us has the mode that its creator gave it.
  func admits(_ peer: Peer, over address: SocketAddress, isInherited: Bool, owner: UInt32) -> Bool {
    switch peer {
    case .host: return true
    case .unknown: return false
    case .process(_, let uid, _):
      if let allowedUsers { return uid == owner || allowedUsers.contains(uid) }
      // A name without a file has no mode that could have kept anybody out.
      if case .unix = address, isInherited || rights != SocketFileRights() { return true }
      return uid == owner || uid == 0
    }
  }
}

/// What reading the configuration again has given.
public enum Reloading: Sendable {
  case configuration(ServeConfiguration)
  /// It has mistakes, in lines for people.
  case unusable([String])
}

/// How serving ended; the command turns it into an exit status.
public enum ServeEnd: Sendable, Equatable {
  /// It was stopped, and everything that was accepted has been answered.
  case stopped
  /// It was stopped, and some jobs were given up because they took too long.
  case gaveUpJobs
  /// It was interrupted at a terminal.
  case interrupted(signal: CInt)
  /// There is no socket where this pool (if there are several) could get jobs from.
  case noJobSocket(pool: String?)
  /// It cannot listen, for this reason, with this advice.
  case cannotListen(String, hint: String?)
  /// A file that was to be written cannot be, for this reason.
  case cannotCreateFile(String)
  /// The workers of a pool cannot be started, which was noticed before anything was; this reason and this advice.
  case cannotStart(String, hint: String?)
  /// The first worker of a pool could not be started, which was reported on stderr.
  case workersDoNotStart
  /// Our own bug was noticed.
  case internalError
}
