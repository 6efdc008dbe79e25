import ControlProtocol
import EventLoop
import JobEngine
import LinuxIO
import WorkerPool

/// Reading the configuration again while everything goes on: all of it is used, or nothing of it.
///
/// What can fail is done first: sockets are opened, files get their new rights. Then pools are matched by name. One that is new
/// starts; one that is gone finishes what it has accepted, and ends; one that stays gets its new values, and its workers are
/// replaced. A connection keeps the formats and the largest job that it began with. No job that was accepted is lost by any of it.
extension ServeDriver {
  /// Does what SIGHUP and control ask for, and tells people. Nil when the new configuration is in use; else why nothing has
  /// changed, in one line.
  mutating func reloadConfiguration() -> String? {
    serviceReloads()
    // Also of a configuration that cannot be used: what rotates logs relies on it.
    reporter.reopenLog()
    defer { serviceIsReady() }
    do throws(ReloadRefusal) {
      try useNewConfiguration()
      return nil
    } catch {
      for line in error.lines { reporter.fatal(line) }
      reporter.fatal("the configuration was not reloaded: the old one goes on, and no worker is replaced")
      return error.lines.joined(separator: "; ")
    }
  }

  private mutating func useNewConfiguration() throws(ReloadRefusal) {
    if stopsAsked > 0 { throw ReloadRefusal("it is stopping") }
    let new: ServeConfiguration
    switch reload() {
    case .configuration(let configuration): new = configuration
    case .unusable(let lines): throw ReloadRefusal(lines: lines)
    }
    if let option = needsRestart(new) {
      throw ReloadRefusal("\(option) cannot be changed while it runs: a restart is needed for that")
    }
    var plan = ReloadPlan()
    for pool in new.pools { plan.pools.append(try place(pool, among: plan.pools)) }
    try openSockets(new, &plan)
    try changeRights(plan)
    use(new, &plan)
  }

  // MARK: What can fail

  /// The option that a living process cannot follow; nil if there is none.
  private func needsRestart(_ new: ServeConfiguration) -> String? {
    if new.metricsListen != configuration.metricsListen { return "--metrics-listen" }
    if new.workerErrors != configuration.workerErrors { return "--stderr" }
    for pool in new.pools {
      guard let number = service(named: pool.name), !services[number].isDraining else { continue }
      if let option = services[number].engine.pool.cannotChange(to: pool.pool) {
        return "\(option) of the pool \(pool.name)"
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

  private mutating func openSockets(_ new: ServeConfiguration, _ plan: inout ReloadPlan) throws(ReloadRefusal) {
    do throws(SocketError) {
      for index in plan.pools.indices where plan.pools[index].fate != .isEnding {
        try openSockets(of: &plan.pools[index], new, &plan.opened)
      }
      let isKept = controlIsPassed && new.control == configuration.control
      if let address = new.controlAddress, address != configuration.controlAddress, !isKept {
        plan.control = try ListeningSocket(address)
      }
    } catch {
      throw ReloadRefusal(lines: [error.description] + (error.hint.map { ["hint: \($0)"] } ?? []))
    }
    for pool in plan.pools where pool.fate != .isEnding && pool.pool.listens.isEmpty && !hasPassedSocket(pool) {
      throw ReloadRefusal("the pool \(pool.pool.name) has no socket to take jobs from (--listen)")
    }
  }

  private func openSockets(
    of planned: inout PlannedPool, _ new: ServeConfiguration, _ opened: inout Slab<ListeningSocket>
  ) throws(SocketError) {
    for address in planned.pool.listens {
      guard let (owner, index) = listener(at: address) else {
        let place = opened.firstEmpty
        opened.insert(
          try ListeningSocket(address, rights: planned.pool.rights, allowsRemote: new.allowsRemote), at: place)
        planned.additions.append(.opened(address, place))
        continue
      }
      if services[owner].listeners[index].isRemote, !new.allowsRemote {
        throw .remote(address, resolved: services[owner].listeners[index].address)
      }
      if planned.fate == .isNew || owner != planned.number { planned.additions.append(.moved(address, owner, index)) }
    }
  }

  /// The pool that listens there by now, and which of its sockets it is.
  private func listener(at address: SocketAddress) -> (pool: Int, index: Int)? {
    for number in services.indices where services.holds(number) {
      if let place = services[number].listens.first(where: { $0.value == address }) { return (number, place.key) }
    }
    return nil
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
    for planned in plan.pools { addListeners(planned, &plan.opened) }
    moveControl(&plan)
    let named = Set(new.pools.map(\.name))
    for number in services.indices where services.holds(number) && !named.contains(services[number].configuration.name)
    {
      sayThatItIsGone(number)
      drain(number)
    }
    for planned in plan.pools { goOn(planned) }
    reporter.pool = nil
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

  private mutating func sayThatItIsGone(_ number: Int) {
    guard !services[number].isDraining else { return }
    reporter.pool = services[number].configuration.name
    let jobs = services[number].engine.ledger.counts.unsettled
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
  var control: ListeningSocket?
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
