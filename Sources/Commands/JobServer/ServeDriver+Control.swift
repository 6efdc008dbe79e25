import ControlProtocol
import EventLoop
import JobEngine
import LinuxIO
import Metrics
import MetricsServer
import PoolCore
import Text
import Time
import WorkerPoolDriver

/// A session of the control socket that waits for the end of pools.
struct EndWaiter {
  /// Its place, and which session in that place.
  let session: Int
  let generation: UInt32
  /// Pools that are not over yet.
  var pools: Set<Int>
}

/// What is asked at the control socket and of the metrics, and what is answered.
extension ServeDriver {
  /// More workers than this are asked for by mistake.
  private static let mostWorkers = 10_000

  mutating func controlReady(_ token: ServerToken, readable: Bool, hangup: Bool) {
    guard control != nil, control!.sessions.holds(token.index),
      control!.sessions[token.index].generation == token.generation
    else { return }
    let isThere = !readable || control!.sessions[token.index].inputIsOver || control!.read(token.index)
    // A client that wants no answer may be gone before its call is read.
    if isThere || hangup { answerControl(token.index) }
    if !isThere || hangup, control!.sessions.holds(token.index) { control!.close(token.index, &loop) }
  }

  /// Answers what a client asks, as far as it reads.
  private mutating func answerControl(_ index: Int) {
    while true {
      while let request = control!.sessions[index].protocolSession.nextRequest() { answer(request, of: index) }
      if let failure = control!.sessions[index].protocolSession.failure, !control!.sessions[index].hasComplained {
        control!.sessions[index].hasComplained = true
        reporter.repeated(
          .refusedClient, cause: "control: \(failure)", "a client of the control socket is not understood: \(failure)")
      }
      let before = control!.sessions[index].protocolSession.output.count
      guard control!.write(index, &loop) else { return control!.close(index, &loop) }
      // What was written may make room for the next request.
      if before == control!.sessions[index].protocolSession.output.count || before < ControlSession.outputLimit {
        return
      }
    }
  }

  private mutating func answer(_ request: ControlRequest, of index: Int) {
    do throws(ControlError) {
      if let reply = try carryOut(request, for: index) { control!.sessions[index].protocolSession.reply(reply) }
    } catch {
      control!.sessions[index].protocolSession.refuse(error)
    }
  }

  /// Does what is asked; nil when the answer comes later.
  private mutating func carryOut(_ request: ControlRequest, for index: Int) throws(ControlError) -> ControlReply? {
    switch request {
    case .status(let pool): return .status(try statuses(pool))
    case .watch(let pool, let interval):
      let statuses = try statuses(pool)
      control!.sessions[index].nextState = loop.now() + interval
      return .status(statuses)
    case .scale(let pool, let minimum, let maximum):
      try scale(try one(pool), minimum, maximum ?? minimum)
      return .done
    case .recycle(let pool, let slots):
      try recycle(pool, slots)
      return .done
    case .drain(let pool, let waits):
      let pools = try several(pool)
      for number in pools where !services[number].isDraining {
        report("no new connections", "; finishing", number, for: index)
        drain(number)
      }
      return ending(pools, waits, index)
    case .stop(let pool, let waits):
      let pools = try several(pool)
      let answer = ending(pools, waits, index)
      for number in pools where !services[number].engine.isStopping {
        report("stopping now", ", giving up", number, for: index)
      }
      for number in pools { abandon(number, .prompt, because: .stopCommand, grace: Self.stopGrace) }
      return answer
    case .metrics: return .metrics(String(decoding: metrics(as: .openMetrics), as: UTF8.self))
    case .cancelJob(let pool, let job):
      let number = try one(pool)
      guard let id = services[number].engine.jobs.ledger.find(sequence: job) else { throw .noSuchJob(job) }
      services[number].engine.jobs.cancel(id, because: .cancelCommand)
      return .done
    case .jobs(let pool, let limit): return .jobs(services[try one(pool)].jobs(atMost: limit, loop))
    case .reload:
      beginReload(for: ReloadState.Asker(session: index, generation: control!.sessions[index].generation))
      return nil
    }
  }

  // MARK: Pools by name

  private func several(_ name: String?) throws(ControlError) -> [Int] {
    let living = services.indices.filter { services.holds($0) }
    guard let name else { return living }
    guard let number = living.first(where: { services[$0].configuration.name == name }) else {
      throw .noSuchPool(name, pools: living.map { services[$0].configuration.name })
    }
    return [number]
  }

  private func one(_ name: String?) throws(ControlError) -> Int {
    let pools = try several(name)
    guard pools.count == 1 else { throw .noSuchPool(nil, pools: pools.map { services[$0].configuration.name }) }
    if services[pools[0]].engine.isStopping { throw .stopping }
    return pools[0]
  }

  private func statuses(_ name: String?) throws(ControlError) -> [PoolStatus] {
    try several(name).map { services[$0].status(loop) }
  }

  private mutating func scale(_ number: Int, _ minimum: Int, _ maximum: Int) throws(ControlError) {
    guard minimum <= maximum, maximum >= 1, maximum <= Self.mostWorkers else {
      throw .invalidSize(minimum: minimum, maximum: maximum, most: Self.mostWorkers)
    }
    reporter.pool = poolName(number)
    services[number].engine.resize(to: minimum...maximum, &loop, &reporter, askedBy: "control")
    reporter.pool = nil
  }

  private mutating func recycle(_ name: String?, _ slots: [Int]?) throws(ControlError) {
    guard let slots else {
      for number in try several(name) { services[number].engine.pool.recycleAll(&loop) }
      return
    }
    let number = try one(name)
    let workers = services[number].engine.pool.snapshot.slots
    for slot in slots where !workers.contains(where: { $0.slot.index == slot && $0.worker != nil }) {
      throw .noSuchSlot(slot)
    }
    for slot in workers where slots.contains(slot.slot.index) {
      if let worker = slot.worker { services[number].engine.pool.recycle(worker, &loop) }
    }
  }

  /// Logs why a pool ends.
  private mutating func report(_ what: String, _ consequence: String, _ number: Int, for session: Int) {
    reporter.pool = poolName(number)
    let jobs = services[number].engine.jobs.ledger.counts.unsettled
    let rest = jobs > 0 ? "\(consequence) \(plural(jobs, "job"))" : ""
    reporter.note("control (uid \(control!.sessions[session].uid)): \(what)\(rest)")
    reporter.pool = nil
  }

  private mutating func ending(_ pools: [Int], _ waits: Bool, _ index: Int) -> ControlReply {
    if waits {
      waiting.append(
        EndWaiter(session: index, generation: control!.sessions[index].generation, pools: Set(pools)))
    }
    return .accepted
  }

  /// The configuration was read again, or not, for this reason.
  mutating func answerReload(_ asker: ReloadState.Asker, _ refusal: String?) {
    let index = asker.session
    guard control != nil, control!.sessions.holds(index), control!.sessions[index].generation == asker.generation
    else { return }
    if let refusal {
      control!.sessions[index].protocolSession.refuse(.reloadFailed(refusal))
    } else {
      control!.sessions[index].protocolSession.reply(.done)
    }
    answerControl(index)
  }

  /// The pool is over.
  mutating func tellThoseWhoWait(_ number: Int) {
    for place in waiting.indices { waiting[place].pools.remove(number) }
    let done = waiting.filter(\.pools.isEmpty)
    waiting.removeAll(where: \.pools.isEmpty)
    for waiter in done where control != nil && control!.sessions.holds(waiter.session) {
      guard control!.sessions[waiter.session].generation == waiter.generation else { continue }
      control!.sessions[waiter.session].protocolSession.reply(.done)
      answerControl(waiter.session)
    }
  }

  // MARK: Watching clients

  mutating func tellThoseWhoWatch() {
    guard control != nil else { return }
    for index in control!.sessions.indices where control!.sessions.holds(index) {
      guard let due = control!.sessions[index].nextState, due <= loop.now() else { continue }
      guard case .watch(let pool, let interval)? = control!.sessions[index].protocolSession.request else {
        control!.sessions[index].nextState = nil
        continue
      }
      control!.sessions[index].nextState = loop.now() + interval
      // A client that does not read gets no further status.
      guard control!.sessions[index].protocolSession.output.count < ControlSession.outputLimit else { continue }
      do throws(ControlError) {
        control!.sessions[index].protocolSession.reply(.status(try statuses(pool)))
      } catch {
        control!.sessions[index].protocolSession.refuse(error)
        control!.sessions[index].nextState = nil
      }
      answerControl(index)
    }
  }

  /// The last words at the control socket.
  mutating func finishControl() {
    guard control != nil else { return }
    for index in control!.sessions.indices where control!.sessions.holds(index) {
      _ = control!.write(index, &loop)
      control!.close(index, &loop)
    }
  }

  // MARK: Metrics

  mutating func serveMetrics() {
    guard metricsServer != nil else { return }
    metricsServer!.run()
    while let question = metricsServer!.nextQuestion() {
      switch question {
      case .metrics(let format): metricsServer!.answer(metrics: metrics(as: format))
      case .readiness: metricsServer!.answer(notReady: reasonNotReady)
      }
    }
  }

  private func metrics(as format: MetricsFormat) -> [UInt8] {
    var reports: [PoolReport] = []
    for number in services.indices where services.holds(number) { reports.append(services[number].report) }
    let usage = OwnUsage()
    let process = ProcessReport(
      version: configuration.version, began: OwnUsage.began, cpuTime: usage.cpuTime, residentBytes: usage.residentBytes,
      openDescriptors: usage.openDescriptors, mostDescriptors: usage.mostDescriptors)
    return metricsText(of: reports, process, as: format)
  }

  /// Why not every pool can serve jobs; nil if each can.
  var reasonNotReady: String? {
    for number in services.indices where services.holds(number) && !services[number].isReady {
      let service = services[number].configuration.name
      return "\(service) is \(services[number].phase.rawValue): \(services[number].summary.text)"
    }
    return nil
  }
}
