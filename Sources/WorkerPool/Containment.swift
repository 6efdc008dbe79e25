import LinuxIO
import PoolCore
import Time
import WorkerProcess

/// What holds a pool's processes together, so that nothing of a worker survives it, nor any worker us: a control group for
/// each worker where we may make them, the care for orphans, and the guard against our own SIGKILL.
///
/// Everything here is done as far as the machine allows; `shortcomings` tells what it does not allow.
struct Containment: ~Copyable {
  /// Stands in the environment of every worker and its descendants.
  let cookie: PoolCookie
  /// What was asked for and cannot be enforced here, in words for a person.
  private(set) var shortcomings: [String] = []
  /// What would have been better, but was not asked for.
  private(set) var remarks: [String] = []

  private let adoptsOrphans: Bool
  private var orphans: Orphans
  private var group: PoolGroup?
  private var crashGuard: CrashGuard?
  private var witness: OutOfMemoryWitness
  /// We are given the orphans among our workers' descendants: whatever lives of a worker that is gone is a child of ours, or
  /// descends from one.
  private var isGivenOrphans = false
  /// Groups of workers that have died since the last look at our children.
  private var endedGroups: [WorkerGroup] = []
  /// Groups of workers that are dead, which still held a process when they were to be removed.
  private var leftGroups: [WorkerGroup] = []
  /// Groups without limits whose workers are gone with all that they started: making one costs more than a worker does.
  private var vacantGroups: [WorkerGroup] = []

  /// Nothing is done yet.
  init(_ configuration: WorkerPoolConfiguration, now: Instant) {
    cookie = PoolCookie.random()
    adoptsOrphans = configuration.adoptsOrphans
    witness = OutOfMemoryWitness(now: now)
    orphans = Orphans(cookie: cookie)
  }

  /// Sets up what the machine allows. To be called before the first worker is started.
  mutating func begin(_ configuration: WorkerPoolConfiguration) {
    // What is our child by now is not the pool's.
    orphans = Orphans(cookie: cookie)
    if adoptsOrphans {
      do throws(SystemError) {
        try ProcessTable.becomeSubreaper()
        isGivenOrphans = true
      } catch {
        shortcomings.append("orphans of workers cannot be found: \(error)")
      }
    }
    makeGroup(configuration)
    do throws(SystemError) {
      crashGuard = try CrashGuard(cookie: cookie.text, cgroup: groupFolder)
    } catch {
      let survivors = needsDeathSignal ? "descendants of workers" : "workers"
      shortcomings.append("\(survivors) would outlive a SIGKILL of prefork: \(error)")
    }
  }

  private mutating func makeGroup(_ configuration: WorkerPoolConfiguration) {
    let limits = configuration.groupLimits
    do throws(ControlGroupUnavailable) {
      let made = try PoolGroup.make(cookie, limits: limits, in: ControlGroupHost.detect())
      if let reason = made.memory?.reason { shortcomings.append("--memory-max is not enforced: \(reason)") }
      if let reason = made.processes?.reason { shortcomings.append("--pids-max is not enforced: \(reason)") }
      group = consume made
    } catch {
      if limits.memory != nil { shortcomings.append("--memory-max is not enforced: \(error)") }
      if limits.processes != nil { shortcomings.append("--pids-max is not enforced: \(error)") }
      remarks.append("\(error)")
    }
  }

  private var groupFolder: String? {
    switch group {
    case .some(let group): group.folder
    case .none: nil
    }
  }

  /// The list that the guard works through; nil without a guard.
  var guarded: GuardedProcesses? {
    switch crashGuard {
    case .some(let crashGuard): crashGuard.processes
    case .none: nil
    }
  }

  /// Without a guard the kernel has to kill the workers when this process is killed. It takes the end of the thread that
  /// started them for that, so that this is only for a process whose thread is the pool's.
  var needsDeathSignal: Bool { guardPid == nil && adoptsOrphans && ChildProcess.hasLauncher }

  private var guardPid: CInt? {
    switch crashGuard {
    case .some(let crashGuard): crashGuard.pid
    case .none: nil
    }
  }

  /// Once, if somebody has killed the guard: what is not enforced any more.
  mutating func noteDeathOfGuard() -> String? {
    guard let guardPid, ChildProcess.end(of: guardPid, peek: true) != nil else { return nil }
    crashGuard = nil
    return
      "the guard (worker-guard, pid \(guardPid)) was killed: workers and their descendants would now outlive a SIGKILL "
      + "of prefork"
  }

  // MARK: The life of a worker

  /// A group for a worker that is about to be started; nil without groups, or if it cannot be made and no limit depends
  /// on it.
  mutating func makeWorkerGroup(_ worker: WorkerID, now: Instant) throws(SystemError) -> WorkerGroup? {
    witness.look(now: now)
    removeLeftGroups()
    if let vacant = vacantGroups.popLast() { return vacant }
    switch group {
    case .some(let group):
      do throws(SystemError) {
        return try group.makeWorkerGroup(serial: worker.serial)
      } catch {
        if group.memory == .enforced || group.processes == .enforced { throw error }
        return nil
      }
    case .none: return nil
    }
  }

  /// Whether a worker that died of a SIGKILL which we did not send was the victim of the kernel's OOM killer; nil if
  /// nothing says so.
  mutating func outOfMemoryVerdict(_ group: WorkerGroup?, now: Instant) -> String? {
    witness.verdict(events: group?.memoryEvents(), now: now)
  }

  /// The worker is reaped: nothing of it may stay. The next look at our children may spare us the look at its group.
  mutating func workerEnded(_ group: WorkerGroup?) {
    guard let group else { return }
    endedGroups.append(group)
    if !isGivenOrphans { clearEndedGroups(areEmpty: false) }
  }

  private mutating func clearEndedGroups(areEmpty: Bool) {
    guard !endedGroups.isEmpty else { return }
    for group in endedGroups {
      if !group.hasLimits, group.isVacant(isEmpty: areEmpty) {
        vacantGroups.append(group)
      } else {
        if !areEmpty, group.isPopulated() { group.kill() }
        leftGroups.append(group)
      }
    }
    endedGroups.removeAll(keepingCapacity: true)
    removeLeftGroups()
  }

  private mutating func removeLeftGroups() {
    leftGroups.removeAll { group in
      do throws(SystemError) { return try group.remove() } catch { return true }
    }
  }

  /// What a round against remains found.
  enum Remains {
    /// Nothing is left to be done.
    case none
    /// Some whose origin cannot be told: they hide it, or are in the middle of an exec and will show it in a moment.
    case unknown
    /// Another round is due, once what was killed is dead.
    case some
  }

  /// One look at our children, for all workers that have ended since the last one. True if only workers are left, and
  /// everything that is gone has been cleared away.
  mutating func clearUp() -> Bool {
    let areNone = adoptsOrphans && Orphans.areNone
    clearEndedGroups(areEmpty: areNone && isGivenOrphans)
    return areNone && leftGroups.isEmpty
  }

  /// One round against what workers that are gone have left.
  mutating func sweep(workers: [(pid: CInt, serial: UInt64)], everythingGoes: Bool) -> Remains {
    var census = Orphans.Census(
      known: Set(workers.map(\.pid)), liveWorkers: Set(workers.map(\.serial)), everythingGoes: everythingGoes)
    if let guardPid { census.known.insert(guardPid) }
    clearEndedGroups(areEmpty: false)
    let sweep = adoptsOrphans ? orphans.sweepChildren(census) : orphans.sweepEverywhere(census)
    removeLeftGroups()
    if !sweep.killed.isEmpty || !leftGroups.isEmpty { return .some }
    return sweep.unknown.isEmpty ? .none : .unknown
  }

  /// The pool is empty: whatever was set up is taken back.
  mutating func end() {
    crashGuard = nil
    if var group = group.take() { _ = try? group.remove() }
  }
}
