import LinuxIO

/// Processes that were started by workers and have lost their parent: found, killed when their worker is gone, and
/// reaped, so that neither they nor their zombies stay behind.
///
/// A process that calls `ProcessTable.becomeSubreaper()`, or is process 1 of a container, is given all orphans below it
/// as children; then `sweepChildren` after each SIGCHLD is all that is needed. A program that merely embeds a pool
/// should not become a subreaper, and uses `sweepEverywhere`.
public struct Orphans: Sendable {
  /// The processes that must not be touched at this moment.
  public struct Census: Sendable {
    /// The pids of children that somebody else looks after: workers that are not reaped yet, helpers of our own. They
    /// are neither killed nor reaped.
    public var known: Set<CInt>
    /// The serial numbers of the workers that live: their orphans are theirs, such as a daemon that one of them uses.
    public var liveWorkers: Set<UInt64>
    /// The pool is ending: whatever came from it goes, and whatever else was adopted, too.
    public var everythingGoes: Bool

    /// Spares `known` and what belongs to `liveWorkers`.
    public init(known: Set<CInt>, liveWorkers: Set<UInt64>, everythingGoes: Bool = false) {
      self.known = known
      self.liveWorkers = liveWorkers
      self.everythingGoes = everythingGoes
    }
  }

  /// What a sweep did. As long as something was killed, another one is due when it is dead: its children become ours.
  public struct Sweep: Equatable, Sendable {
    /// Dead ones, reaped: no zombie stays.
    public var reaped: [CInt] = []
    /// Sent SIGKILL.
    public var killed: [CInt] = []
    /// Adopted by us, alive, and of unknown origin. One that is in the middle of an exec does not show its origin: look
    /// again a moment later.
    public var unknown: [CInt] = []
  }

  /// What is to be done with a living process.
  enum Verdict: Equatable { case leave, kill, unknown }

  private let cookie: PoolCookie
  /// Children that are not the pool's, as long as they are not reaped.
  private var inherited: Set<CInt>
  /// Nobody else was there: whatever we are given to adopt comes from the pool.
  private let isAlone: Bool
  /// Another pool lives in this process: what was adopted may come from that.
  private var isShared = false

  /// For the pool with this cookie. To be made before the first worker or helper is started: the children that we have
  /// now are not the pool's (a shell gives us its own when it execs us: `generate & exec prefork ...`), and are never
  /// killed.
  public init(cookie: PoolCookie) {
    self.init(cookie: cookie, inherited: Set(ProcessTable.children(of: ProcessTable.ownPid)))
  }

  init(cookie: PoolCookie, inherited: Set<CInt>) {
    self.cookie = cookie
    self.inherited = inherited
    isAlone = inherited.isEmpty
  }

  /// One round among our children: reaps dead strangers, kills what belongs to workers that are gone. To be repeated
  /// after each SIGCHLD. For a process that starts no children but those it knows: in a program that embeds a pool it
  /// would take the exit status of others' children.
  ///
  /// It asks for each child by its number, because asking for any dead one (waitid(2) with P_ALL) would name the same
  /// dead worker again and again, and never what lies behind it.
  public mutating func sweepChildren(_ census: Census) -> Sweep {
    var sweep = Sweep()
    // Workers of another pool in this process are that pool's affair.
    let owned = OwnedChildren.all
    var census = census
    isShared = !owned.isSubset(of: census.known)
    census.known.formUnion(owned)
    for child in ProcessTable.ownChildren() where !census.known.contains(child) {
      if reapIfDead(child) {
        sweep.reaped.append(child)
        continue
      }
      switch verdict(on: child, from: origin(of: child), census) {
      case .leave: continue
      case .kill:
        // It cannot have become another's number: only we could have reaped it.
        ProcessTable.kill(child)
        sweep.killed.append(child)
      case .unknown: sweep.unknown.append(child)
      }
    }
    return sweep
  }

  /// Whether `sweepChildren` would find no process, unless everything must go: then it need not be called. False if
  /// that is unknown: the list of our children reads as empty when it cannot be read.
  public static var areNone: Bool {
    let children = ProcessTable.ownChildren()
    if children.isEmpty { return ProcessTable.tellsChildren && OwnedChildren.all.isEmpty }
    return OwnedChildren.include(children)
  }

  private mutating func reapIfDead(_ child: CInt) -> Bool {
    guard let end = ChildProcess.end(of: child, peek: false), end != .unknown else { return false }
    // The number may be given to another now.
    inherited.remove(child)
    return true
  }

  /// One round among all processes of the machine, which takes some milliseconds: kills those that bear the cookie and
  /// whose worker is gone, whatever their parent. To be repeated, with a pause of some milliseconds, until it has
  /// killed none twice: one that is in the middle of an exec is not recognised.
  public func sweepEverywhere(_ census: Census) -> Sweep {
    var sweep = Sweep()
    for pid in ProcessTable.all() where pid != ProcessTable.ownPid {
      func isMeant(_ pid: CInt) -> Bool {
        let origin = origin(of: pid)
        return origin != .unknown && verdict(on: pid, from: origin, census) == .kill
      }
      if isMeant(pid), ProcessTable.signal(pid, Signal.kill, if: isMeant) { sweep.killed.append(pid) }
    }
    return sweep
  }

  /// The rule itself.
  func verdict(on pid: CInt, from origin: Origin, _ census: Census) -> Verdict {
    if census.known.contains(pid) || inherited.contains(pid) { return .leave }
    switch origin {
    case .pool(let worker?):
      return census.everythingGoes || !census.liveWorkers.contains(worker) ? .kill : .leave
    case .pool(worker: nil): return census.everythingGoes ? .kill : .unknown
    case .unknown:
      // A process that was adopted is the pool's or comes from a child that was there before; never kill the latter's.
      return census.everythingGoes && isAlone && !isShared ? .kill : .unknown
    }
  }

  private func origin(of pid: CInt) -> Origin {
    ProcessTable.environment(of: pid).map(cookie.origin) ?? .unknown
  }
}
