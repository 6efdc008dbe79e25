import ControlProtocol
import EventLoop
import JobEngine
import LinuxIO
import Slabs
import WorkerPoolDriver

/// Reading the configuration again while everything goes on: all of it is used, or nothing of it.
///
/// What can fail is done first: sockets are opened, files get their new rights. Then pools are matched by name. One
/// that is new starts; one that is gone finishes what it has accepted, and ends; one that stays gets its new values,
/// and its workers are replaced. A connection keeps the formats and the largest job that it began with. No job that was
/// accepted is lost by any of it.
extension ServeDriver {
  /// SIGHUP or a client of control asks for a reload: the file is read on a thread of its own. One that is asked for
  /// meanwhile is done after it.
  mutating func beginReload(for asker: ReloadState.Asker? = nil) {
    if reloadState.isPreparing {
      reloadState.isWantedAgain = true
      if let asker { reloadState.nextAskers.append(asker) }
      return
    }
    if let asker { reloadState.askers.append(asker) }
    reloadState.isPreparing = true
    serviceReloads()
    // Also of a configuration that cannot be used: what rotates logs relies on it.
    reporter.reopenLog()
    reloadInbox.begin(reload)
  }

  /// The new configuration was read: uses it, or reports why not.
  mutating func finishReload() {
    guard let prepared = reloadInbox.take() else { return }
    var refusal: String?
    do throws(ReloadRefusal) {
      try useNewConfiguration(prepared)
    } catch {
      for line in error.lines { reporter.fatal(line) }
      reporter.fatal("the configuration was not reloaded: the old one goes on, and no worker is replaced")
      refusal = error.lines.joined(separator: "; ")
    }
    serviceIsReady()
    for asker in reloadState.askers { answerReload(asker, refusal) }
    reloadState.isPreparing = false
    (reloadState.askers, reloadState.nextAskers) = (reloadState.nextAskers, [])
    guard reloadState.isWantedAgain else { return }
    reloadState.isWantedAgain = false
    beginReload()
  }

  private mutating func useNewConfiguration(_ prepared: PreparedReload) throws(ReloadRefusal) {
    if stopsAsked > 0 { throw ReloadRefusal("it is stopping") }
    let new: ServeConfiguration
    switch prepared.reloading {
    case .configuration(var configuration):
      // The passed socket may have been given up for another since.
      if !controlIsPassed { configuration.controlIsPassed = false }
      new = configuration
    case .unusable(let lines): throw ReloadRefusal(lines: lines)
    }
    if let option = needsRestart(new) {
      throw ReloadRefusal("\(option) cannot be changed while it runs: a restart is needed for that")
    }
    var plan = ReloadPlan()
    for pool in new.pools { plan.pools.append(try place(pool, among: plan.pools)) }
    try openSockets(new, prepared.resolution, &plan)
    try changeRights(plan)
    use(new, &plan)
  }

  // MARK: What can fail

  /// The loop does not wait longer, in milliseconds, for another process that holds the lock of a socket file.
  private static let lockPatience = 20

  /// The option that a living process cannot follow; nil if there is none.
  private func needsRestart(_ new: ServeConfiguration) -> String? {
    if new.metricsListen != configuration.metricsListen { return "--metrics-listen" }
    if new.workerErrors != configuration.workerErrors { return "--stderr" }
    for pool in new.pools {
      guard let number = service(named: pool.name), !services[number].isDraining else { continue }
      if let option = services[number].engine.pool.cannotChange(to: pool.pool) {
        return "\(option) of the pool \(pool.name)"
      }
      if services[number].engine.configuration.ledger.batches != pool.ledger.batches {
        return "--batch-wait, --batch-bytes or --batch-by of the pool \(pool.name)"
      }
    }
    return nil
  }

  private func service(named name: String) -> Int? {
    services.indices.first { services.holds($0) && services[$0].configuration.name == name }
  }

  /// Which of the services the pool is, or becomes.
  private func place(_ pool: ServedPool, among others: [PlannedPool]) throws(ReloadRefusal) -> PlannedPool {
    if let number = service(named: pool.name) {
      return PlannedPool(pool, number, services[number].isDraining ? .isEnding : .stays)
    }
    let taken = others.filter { $0.fate == .isNew }.map(\.number)
    let free = (0..<ServeConfiguration.mostPools).first { !services.holds($0) && !taken.contains($0) }
    guard let free else {
      throw ReloadRefusal("there is no room for the pool \(pool.name) before others that are draining have ended")
    }
    return PlannedPool(pool, free, .isNew)
  }

  private mutating func openSockets(
    _ new: ServeConfiguration, _ resolution: Resolution, _ plan: inout ReloadPlan
  ) throws(ReloadRefusal) {
    do throws(SocketError) {
      for index in plan.pools.indices where plan.pools[index].fate != .isEnding {
        try openSockets(of: index, new, resolution, &plan)
      }
      let isKept = controlIsPassed && new.control == configuration.control
      let isThere = new.controlAddress == configuration.controlAddress && hasItsFile(control)
      if let address = new.controlAddress, !isThere, !isKept {
        plan.control = try ListeningSocket(address, lockPatience: Self.lockPatience)
      }
      if let address = new.metricsListen, !hasItsFile(metricsListener) {
        plan.metrics = try ListeningSocket(address, lockPatience: Self.lockPatience)
      }
    } catch {
      throw ReloadRefusal(lines: [error.description] + (error.hint.map { ["hint: \($0)"] } ?? []))
    }
    for pool in plan.pools where pool.fate != .isEnding && pool.pool.listens.isEmpty && !hasPassedSocket(pool) {
      throw ReloadRefusal("the pool \(pool.pool.name) has no socket to take jobs from (--listen)")
    }
  }

  private func openSockets(
    of place: Int, _ new: ServeConfiguration, _ resolution: Resolution, _ plan: inout ReloadPlan
  ) throws(SocketError) {
    let planned = plan.pools[place]
    var kept: Set<Int> = []
    for address in planned.pool.listens {
      let present = address.isAnyPort ? ownListener(at: address, of: planned, besides: kept) : listener(at: address)
      if let (owner, index) = present, !services[owner].listeners[index].hasItsFile {
        plan.lost.append((owner, index))
      } else if let (owner, index) = present {
        kept.insert(index)
        if services[owner].listeners[index].isRemote, !new.allowsRemote {
          throw .remote(address, resolved: services[owner].listeners[index].address)
        }
        if planned.fate == .isNew || owner != planned.number {
          plan.pools[place].additions.append(.moved(address, owner, index))
        }
        continue
      }
      let socket = try ListeningSocket(
        address, rights: planned.pool.rights, allowsRemote: new.allowsRemote, resolution: resolution,
        lockPatience: Self.lockPatience)
      plan.pools[place].additions.append(.opened(address, plan.opened.firstEmpty))
      plan.opened.insert(socket, at: plan.opened.firstEmpty)
    }
  }

  /// The pool that listens there by now, and which of its sockets it is.
  private func listener(at address: SocketAddress) -> (pool: Int, index: Int)? {
    for number in services.indices where services.holds(number) {
      if let place = services[number].listens.first(where: { $0.value == address }) { return (number, place.key) }
    }
    return nil
  }

  /// The same of a port that the system chooses, which other pools, and the same one, may have several times.
  private func ownListener(
    at address: SocketAddress, of planned: PlannedPool, besides kept: Set<Int>
  ) -> (pool: Int, index: Int)? {
    guard planned.fate == .stays else { return nil }
    let own = services[planned.number].listens.filter { $0.value == address && !kept.contains($0.key) }
    return own.keys.min().map { (planned.number, $0) }
  }

  private func hasPassedSocket(_ pool: PlannedPool) -> Bool {
    pool.fate == .stays && services[pool.number].listeners.count > services[pool.number].listens.count
  }

  /// Gives the files of sockets that stay the rights that they are to have; all of them, or none.
  private func changeRights(_ plan: borrowing ReloadPlan) throws(ReloadRefusal) {
    var changed: [(owner: Int, index: Int)] = []
    do throws(SocketError) {
      for planned in plan.pools where planned.fate != .isEnding {
        for address in planned.pool.listens {
          guard let (owner, index) = listener(at: address) else { continue }
          let (old, new) = (services[owner].configuration.rights, planned.pool.rights)
          guard old != new else { continue }
          changed.append((owner, index))
          try services[owner].listeners[index].change(new.replacing(old))
        }
      }
    } catch {
      for (owner, index) in changed {
        // It had them: to take them back fails only if somebody has taken the file away, too.
        try? services[owner].listeners[index].change(services[owner].configuration.rights)
      }
      throw ReloadRefusal(lines: [error.description] + (error.hint.map { ["hint: \($0)"] } ?? []))
    }
  }

  // MARK: What cannot

  private mutating func use(_ new: ServeConfiguration, _ plan: inout ReloadPlan) {
    configuration = new
    reporter.verbosity = new.verbosity
    reporter.note("the configuration was read again: replacing all workers")
    for planned in plan.pools where planned.fate == .isNew {
      let service = PoolService(
        planned.pool, number: planned.number, owner: owner, version: new.version, at: loop.now())
      services.insert(service, at: planned.number)
      talk.moves[planned.number] = nil
    }
    for (owner, index) in plan.lost { closeLost(owner, index) }
    for planned in plan.pools { addListeners(planned, &plan.opened) }
    moveControl(&plan)
    moveMetrics(&plan)
    let named = Set(new.pools.map(\.name))
    for number in services.indices where services.holds(number) && !named.contains(services[number].configuration.name)
    {
      sayThatItIsGone(number)
      drain(number)
    }
    for planned in plan.pools { goOn(planned) }
    reporter.pool = nil
  }

  /// A socket whose file was removed or replaced: clients that connected before are let in.
  private mutating func closeLost(_ owner: Int, _ index: Int) {
    reporter.pool = poolName(owner)
    reporter.note("the file of \(services[owner].listeners[index].address) was removed or replaced: it is made anew")
    services[owner].letIn(at: index, &loop, &reporter)
    _ = services[owner].giveAway(index, &loop)
  }

  private mutating func addListeners(_ planned: PlannedPool, _ opened: inout Slab<ListeningSocket>) {
    let number = planned.number
    reporter.pool = poolName(number)
    for addition in planned.additions {
      let index = services[number].listeners.firstEmpty
      switch addition {
      case .opened(let address, let place):
        services[number].listeners.insert(opened.take(place), at: index)
        services[number].listens[index] = address
      case .moved(let address, let owner, let place):
        let socket = services[owner].giveAway(place, &loop)
        services[number].listeners.insert(socket, at: index)
        services[number].listens[index] = address
      }
      guard planned.fate == .stays else { continue }
      services[number].watchNewListener(index, &loop, &reporter)
    }
  }

  private mutating func moveControl(_ plan: inout ReloadPlan) {
    guard let listener = plan.control.take() else { return }
    let descriptor = listener.descriptor
    reporter.note("control on \(listener.address)")
    if control == nil {
      control = ControlEndpoint(listener, service: ServiceInfo(configuration))
    } else {
      control!.move(to: listener, &loop)
    }
    do {
      try loop.add(descriptor, token: ServerToken(.controlListener).rawValue, readable: true, writable: false)
    } catch {
      reporter.fatal("cannot watch the control socket: \(error)")
    }
  }

  private mutating func moveMetrics(_ plan: inout ReloadPlan) {
    guard let listener = plan.metrics.take() else { return }
    if let old = descriptor(of: metricsServer) { loop.remove(old) }
    reporter.note("the file of \(listener.address) was removed or replaced: it is made anew")
    if case .cannotListen(let reason, _)? = listenForMetrics(listener) { return reporter.fatal(reason) }
    guard let new = descriptor(of: metricsServer) else { return }
    do {
      try loop.add(new, token: ServerToken(.metrics).rawValue, readable: true, writable: false)
    } catch {
      reporter.fatal("cannot watch the socket of the metrics: \(error)")
    }
  }

  private mutating func sayThatItIsGone(_ number: Int) {
    guard !services[number].isDraining else { return }
    reporter.pool = services[number].configuration.name
    let jobs = services[number].engine.jobs.ledger.counts.unsettled
    reporter.note("the pool is gone from the configuration: it ends when its jobs are done (\(jobs) left)")
  }

  /// One that stays gets its new values, one that is new begins.
  private mutating func goOn(_ planned: PlannedPool) {
    let number = planned.number
    reporter.pool = poolName(number)
    switch planned.fate {
    case .stays: services[number].reconfigure(planned.pool, &loop, &reporter)
    case .isEnding: reporter.note("the pool is draining, and is left to end; reload once more to start it anew")
    case .isNew:
      sayWhereItListens(number)
      reporter.pool = poolName(number)
      do {
        try services[number].start(&loop)
      } catch {
        reporter.fatal("cannot watch a socket: \(error)")
      }
    }
  }
}

/// Why a new configuration cannot be used, in lines for people.
private struct ReloadRefusal: Error {
  let lines: [String]

  init(lines: [String]) { self.lines = lines }
  init(_ line: String) { lines = [line] }
}

/// What becomes of the pools, and the sockets that are open for that.
private struct ReloadPlan: ~Copyable {
  var pools: [PlannedPool] = []
  var opened = Slab<ListeningSocket>()
  /// Sockets whose files are gone: the pool, and the place there.
  var lost: [(owner: Int, index: Int)] = []
  var control: ListeningSocket?
  var metrics: ListeningSocket?
}

/// A pool of the new configuration.
private struct PlannedPool {
  enum Fate { case stays, isNew, isEnding }

  /// A socket that it does not have yet.
  enum Addition {
    /// Opened for it: its place in the plan.
    case opened(SocketAddress, Int)
    /// Another pool has it, and no longer wants it: that one's number, and the place there.
    case moved(SocketAddress, Int, Int)
  }

  let pool: ServedPool
  /// The number of its service.
  let number: Int
  let fate: Fate
  var additions: [Addition] = []

  init(_ pool: ServedPool, _ number: Int, _ fate: Fate) {
    self.pool = pool
    self.number = number
    self.fate = fate
  }
}

extension SocketFileRights {
  /// For a file that has `old`: without a group it goes back to ours.
  fileprivate func replacing(_ old: SocketFileRights) -> SocketFileRights {
    SocketFileRights(mode: mode, group: group ?? (old.group == nil ? nil : ProcessTable.ownGroup))
  }
}
