import Chronicle
import ControlProtocol
import Text
import Time

/// The lines above the table.
extension TopView {
  private static let labelCells = 10

  func header() -> StyledLine {
    var line = line()
    guard let pool else {
      line.add(parts: [Part("prefork top", .strong, rank: 0), Part(address, .faint, rank: 1)])
      return line
    }
    var parts = [
      Part(pool.name, .strong, rank: 0), Part(pool.phase.rawValue, pool.phase.tint, rank: 1),
      Part("up \(clockText(pool.age))", rank: 2),
    ]
    if frozen != nil { parts.append(Part("PAUSED", .notice, rank: 1)) }
    if reading.pools.count > 1, let place = reading.pools.firstIndex(where: { $0.name == pool.name }) {
      parts.append(Part("pool \(place + 1) of \(reading.pools.count)", rank: 3))
    }
    parts.append(Part(address, .faint, rank: 4))
    line.add(parts: parts)
    return line
  }

  /// What must not be overlooked.
  func alerts(at now: Instant) -> [StyledLine] {
    var alerts: [(String, Tint)] = []
    switch link {
    case .connecting: alerts.append(("connecting to \(address)", .notice))
    case .connected: break
    case .lost(let reason, let at):
      alerts.append(("lost the connection \((now - at).wholeSeconds) s ago, trying again (\(reason))", .bad))
    }
    if let pool {
      let waiting = pool.slots.count { $0.state == .backingOff }
      if pool.isBreakerOpen {
        alerts.append(("BREAKER OPEN: workers fail to start, starts are held back, \(waiting) wait", .bad))
      }
      switch pool.phase {
      case .draining:
        let rest = pool.jobs.queued &+ pool.jobs.delayed &+ pool.jobs.running
        alerts.append(("DRAINING: no new jobs are taken, \(rest) to finish", .notice))
      case .stopping: alerts.append(("STOPPING: the workers are being stopped", .bad))
      case .starting, .serving: break
      }
    }
    return alerts.map { text, tint in
      var line = line()
      line.add(text, tint)
      return line
    }
  }

  func commandLine(_ pool: PoolStatus) -> StyledLine {
    labelled("command", [Part(pool.command.joined(separator: " "), rank: 0)])
  }

  func workersLine(_ pool: PoolStatus) -> StyledLine {
    func count(_ states: SlotStatus.State...) -> Int { pool.slots.count { states.contains($0.state) } }
    let busy = count(.leased, .resetting)
    let idle = count(.idle, .probing)
    let bounds = pool.minimum == pool.maximum ? "\(pool.minimum)" : "\(pool.minimum)..\(pool.maximum)"
    var parts = [
      Part(columns < 60 ? "\(bounds) \(counted(pool.maximum, "worker"))" : bounds, .strong, rank: 0),
      Part("\(busy + idle) serving", rank: 1), Part("\(busy) busy", .busy, rank: 1),
      Part("\(idle) idle", .good, rank: 1),
    ]
    for (state, word) in [
      (SlotStatus.State.starting, "starting"), (.backingOff, "backing off"), (.stopping, "stopping"),
    ] {
      let number = count(state)
      if number > 0 { parts.append(Part("\(number) \(word)", state.tint, rank: 2)) }
    }
    parts.append(Part("\(compactCountText(pool.starts)) started", rank: 5))
    parts.append(Part("\(compactCountText(pool.deaths)) died", pool.deaths > 0 ? .bad : .plain, rank: 3))
    parts.append(Part("\(compactCountText(pool.recycled)) recycled", rank: 4))
    return labelled("workers", parts)
  }

  func jobsLine(_ pool: PoolStatus) -> StyledLine {
    let jobs = pool.jobs
    var parts = [
      Part("\(compactCountText(jobs.queued)) queued", rank: 1),
      Part("\(compactCountText(jobs.running)) running", .busy, rank: 1),
    ]
    if jobs.delayed != 0 { parts.append(Part("\(compactCountText(jobs.delayed)) delayed", .notice, rank: 4)) }
    parts.append(Part("\(compactCountText(jobs.ok)) ok", .good, rank: 1))
    if jobs.inDoubt != 0 { parts.append(Part("\(compactCountText(jobs.inDoubt)) in doubt", .bad, rank: 1)) }
    if jobs.notOK != 0 {
      parts.append(Part("\(compactCountText(jobs.notOK)) not ok", .bad, rank: 1))
    }
    parts.append(Part(rate(of: pool) { $0.settled }, .strong, rank: 2))
    return labelled("jobs", parts)
  }

  /// How the jobs ended that did not end well, and how often they do now.
  func outcomesLine(_ pool: PoolStatus) -> StyledLine {
    let outcomes = pool.jobs.badOutcomes
    guard !outcomes.isEmpty else { return labelled("not ok", [Part("none", .faint, rank: 0)]) }
    let parts = outcomes.map { word, count in
      let speed = rate(of: pool) { jobs in jobs.badOutcomes.first { $0.word == word }?.count ?? 0 }
      let now = speed == "0/s" || speed == "-/s" ? "" : " (\(speed))"
      return Part("\(compactCountText(count)) \(word)\(now)", .bad, rank: now.isEmpty ? 1 : 0)
    }
    return labelled("not ok", parts)
  }

  func runTimeLine(_ pool: PoolStatus) -> StyledLine {
    guard let times = pool.runTimes else {
      return labelled("run time", [Part("no job was answered yet", .faint, rank: 0)])
    }
    let parts = [
      Part("median \(measuredText(times.median))", rank: 0), Part("90 % \(measuredText(times.p90))", rank: 2),
      Part("99 % \(measuredText(times.p99))", rank: 1),
    ]
    return labelled("run time", parts, short: "run")
  }

  /// The speed of the last minutes.
  func rateLine(_ pool: PoolStatus) -> StyledLine {
    guard let history = reading.rates[pool.name] else { return line() }
    let cells = max(10, min(120, columns / 2))
    let shown = history.bars.suffix(cells)
    let parts = [
      Part(sparkline(history.bars, cells: cells, hasUnicode: style.hasUnicode), .good, rank: 0),
      Part("peak \(rateText(perSecond: shown.max() ?? 0)) in \(clockText(UInt64(cells) * history.barTime))", rank: 1),
    ]
    return labelled("rate", parts)
  }

  /// Which table is shown, how it is sorted, and which part of it is seen.
  func tabsLine(_ pool: PoolStatus, seen: Int) -> StyledLine {
    var line = line()
    let slots = plural(pool.slots.count, "slot")
    let clients = plural(pool.connections, "client")
    line.add(pane == .slots ? "[\(slots)]" : " \(slots) ", pane == .slots ? .strong : .faint)
    line.add(" ")
    line.add(pane == .clients ? "[\(clients)]" : " \(clients) ", pane == .clients ? .strong : .faint)
    var parts: [Part] = []
    if pane == .slots, sort != .slot { parts.append(Part("by \(sort.rawValue)", rank: 1)) }
    if pane == .clients, pool.connections > pool.clients.count {
      parts.append(Part("the \(pool.clients.count) with most jobs", rank: 1))
    }
    if rowCount > seen {
      parts.append(Part("\(min(offset + 1, rowCount))-\(min(offset + seen, rowCount)) of \(rowCount)", rank: 0))
    }
    if !parts.isEmpty {
      line.add("  ")
      line.add(parts: parts)
    }
    return line
  }

  private func labelled(_ label: String, _ parts: [Part], short: String? = nil) -> StyledLine {
    var line = line()
    if columns >= 60 {
      line.add(label, .faint, field: Self.labelCells, toRight: false)
    } else if let short {
      line.add("\(short) ", .faint)
    }
    line.add(parts: parts)
    return line
  }

  private func rate(of pool: PoolStatus, _ count: (JobTotals) -> Int) -> String {
    reading.rates[pool.name]?.rate(count).map(rateText(perSecond:)) ?? "-/s"
  }
}

extension JobTotals {
  /// The outcomes that are not ok, with their words, those that there were.
  var badOutcomes: [(word: String, count: Int)] {
    [
      ("failed", failed), ("timeout", timeout), ("crashed", crashed), ("quarantined", quarantined),
      ("cancelled", cancelled), ("expired", expired),
    ].filter { $0.1 != 0 }
  }
}

extension PoolStatus.Phase {
  var tint: Tint {
    switch self {
    case .starting, .draining: .notice
    case .serving: .good
    case .stopping: .bad
    }
  }
}
