import LinuxIO
import PoolCore
import Time
import WorkerProcess

/// What holds a pool's processes together, so that nothing of a worker survives it, nor any worker us: the care for
/// orphans, the guard against our own SIGKILL, and control groups where we may make them: one for each worker if its
/// use of the machine is limited, else, in a process that is the pool's, one that this process and all its workers are
/// in.
///
/// Everything here is done as far as the machine allows; `shortcomings` lists what it does not allow.
struct Containment: ~Copyable {
  /// Stands in the environment of every worker and its descendants.
  let cookie: PoolCookie
  /// What was asked for and cannot be enforced here, in words for a person.
  private(set) var shortcomings: [String] = []
  /// What would have been better, but was not asked for.
  private(set) var remarks: [String] = []

  private let adoptsOrphans: Bool
  /// There are no processes, and so nothing to be done.
  private let isSimulated: Bool
  private var orphans: Orphans
  /// With limits.
  private var group: PoolGroup?
  /// This process is in a control group of its own, for this pool, too.
  private var isResident = false
  private var crashGuard: CrashGuard?
  private var witness: OutOfMemoryWitness
  /// Groups of workers that are dead, which still held a process when they were to be removed.
  private var leftGroups: [WorkerGroup] = []

  /// Nothing is done yet.
  init(_ configuration: WorkerPoolConfiguration) {
    cookie = PoolCookie.random()
    adoptsOrphans = configuration.adoptsOrphans
    isSimulated = configuration.simulation != nil
    witness = OutOfMemoryWitness(now: monotonicNow())
    orphans = Orphans(cookie: cookie)
  }

  /// Sets up what the machine allows. To be called before the first worker is started.
  mutating func begin(_ configuration: WorkerPoolConfiguration, now: Instant) {
    if isSimulated { return }
    // What is our child by now is not the pool's.
    orphans = Orphans(cookie: cookie)
    if adoptsOrphans {
      do throws(SystemError) {
        try ProcessTable.becomeSubreaper()
      } catch {
        shortcomings.append("orphans of workers cannot be found: \(error)")
      }
    }
    startGuard(of: makeGroup(configuration.groupLimits))
    enterResidence()
    witness = OutOfMemoryWitness(now: now)
  }

  /// Where what must not outlive us will be: the folder of a group, which is empty yet; nil without groups.
  private mutating func makeGroup(_ limits: GroupLimits) -> String? {
    guard adoptsOrphans || limits != GroupLimits() else { return nil }
    do throws(ControlGroupUnavailable) {
      let host = try ControlGroupHost.detect()
      if let folder = try makeGroup(limits, in: host) { return folder }
      guard adoptsOrphans else { return nil }
      let folder = try Residence.ofProcess.join(cookie, from: host)
      isResident = true
      return folder
    } catch {
      if limits.memory != nil { shortcomings.append("--memory-max is not enforced: \(error)") }
      if limits.processes != nil { shortcomings.append("--pids-max is not enforced: \(error)") }
      remarks.append("\(error)")
      return nil
    }
  }

  /// The same for a pool with limits; nil if none can be enforced.
  private mutating func makeGroup(
    _ limits: GroupLimits, in host: ControlGroupHost
  ) throws(ControlGroupUnavailable) -> String? {
    if limits == GroupLimits() { return nil }
    var made = try PoolGroup.make(cookie, limits: limits, in: host)
    if let reason = made.memory?.reason { shortcomings.append("--memory-max is not enforced: \(reason)") }
    if let reason = made.processes?.reason { shortcomings.append("--pids-max is not enforced: \(reason)") }
    guard made.hasLimits else {
      _ = try? made.remove()
      return nil
    }
    let folder = made.folder
    group = consume made
    return folder
  }

  /// It must be outside of the group that it kills, and of the one that the guards of other pools kill.
  private mutating func startGuard(of group: String?) {
    do throws(SystemError) {
      let started = try CrashGuard(cookie: cookie.text, cgroup: group)
      Residence.ofProcess.putOut(started.pid)
      crashGuard = consume started
    } catch {
      let survivors = needsDeathSignal ? "descendants of workers" : "workers"
      shortcomings.append("\(survivors) would outlive a SIGKILL of prefork: \(error)")
    }
  }

  private mutating func enterResidence() {
    guard isResident else { return }
    do throws(SystemError) {
      try Residence.ofProcess.enter()
    } catch {
      isResident = !Residence.ofProcess.leave()
      remarks.append("no control groups: \(error)")
    }
  }

  /// The list that the guard works through; nil without a guard.
  var guarded: GuardedProcesses? {
    switch crashGuard {
    case .some(let crashGuard): crashGuard.processes
    case .none: nil
    }
  }

  /// Without a guard the kernel has to kill the workers when this process is killed. It takes the end of the thread
  /// that started them for that, so that this is only for a process whose thread is the pool's.
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

  /// A group for a worker that is about to be started; nil without limits.
  mutating func makeWorkerGroup(_ worker: WorkerID, now: Instant) throws(SystemError) -> WorkerGroup? {
    witness.look(now: now)
    removeLeftGroups()
    switch group {
    case .some(let group): return try group.makeWorkerGroup(serial: worker.serial)
    case .none: return nil
    }
  }

  /// Whether a worker that died of a SIGKILL which we did not send was the victim of the kernel's OOM killer; nil if
  /// nothing indicates it.
  mutating func outOfMemoryVerdict(_ group: WorkerGroup?, now: Instant) -> String? {
    isSimulated ? nil : witness.verdict(events: group?.memoryEvents(), now: now)
  }

  /// The worker is reaped: nothing of it may stay.
  mutating func workerEnded(_ group: WorkerGroup?) {
    guard let group else { return }
    leftGroups.append(group)
    removeLeftGroups()
  }

  private mutating func removeLeftGroups() {
    leftGroups.removeAll { group in
      do throws(SystemError) { if try group.remove() { return true } } catch { return true }
      group.kill()
      return false
    }
  }

  /// What a round against remains found.
  enum Remains {
    /// Nothing is left to be done.
    case none
    /// Processes of unknown origin: they hide it, or are in the middle of an exec and will show it in a moment.
    case unknown
    /// Another round is due, once what was killed is dead.
    case some
  }

  /// One look at our children, for all workers that have ended since the last one. True if only workers are left, and
  /// everything that is gone has been cleared away.
  mutating func clearUp() -> Bool {
    if isSimulated { return true }
    removeLeftGroups()
    return adoptsOrphans && Orphans.areNone && leftGroups.isEmpty
  }

  /// One round against what workers that are gone have left.
  mutating func sweep(workers: [(pid: CInt, serial: UInt64)], everythingGoes: Bool) -> Remains {
    if isSimulated { return .none }
    var census = Orphans.Census(
      known: Set(workers.map(\.pid)), liveWorkers: Set(workers.map(\.serial)), everythingGoes: everythingGoes)
    if let guardPid { census.known.insert(guardPid) }
    let isLeft = !everythingGoes || leaveResidence()
    let sweep = adoptsOrphans ? orphans.sweepChildren(census) : orphans.sweepEverywhere(census)
    removeLeftGroups()
    if !sweep.killed.isEmpty || !leftGroups.isEmpty || !isLeft { return .some }
    return sweep.unknown.isEmpty ? .none : .unknown
  }

  private mutating func leaveResidence() -> Bool {
    if isResident { isResident = !Residence.ofProcess.leave() }
    return !isResident
  }

  /// The pool is empty: whatever was set up is taken back.
  mutating func end() {
    crashGuard = nil
    if var group = group.take() { _ = try? group.remove() }
  }
}
