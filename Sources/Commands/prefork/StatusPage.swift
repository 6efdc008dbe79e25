import ControlProtocol
import Text
import Time

/// What `prefork status` shows of one pool, in lines of at most 80 characters.
func statusPage(_ status: PoolStatus) -> String {
  var lines = ["pool \(withoutControls(status.name)): \(status.phase.rawValue), up \(clockText(status.age))"]
  lines.append(labelled("command", status.command.joined(separator: " ")))
  for address in status.listens { lines.append(labelled("listens", address)) }
  lines.append(labelled("workers", workers(status)))
  if status.isBreakerOpen { lines.append(labelled("trouble", "workers do not start; attempts are held back")) }
  lines.append(labelled("jobs", jobs(status.jobs)))
  lines.append(labelled("ended", ended(status.jobs)))
  lines.append(labelled("rate", rates(status)))
  lines.append(labelled("clients", "\(status.connections) connected, \(status.connectionsAccepted) came so far"))
  if !status.slots.isEmpty {
    lines += ["", row(["slot", "state", "pid", "age", "jobs", "memory"], slotWidths, "job, or what it says")]
    lines += status.slots.map(line)
  }
  if !status.clients.isEmpty {
    lines += ["", row(["client", "age", "queued", "running", "settled", "unread"], clientWidths, "peer")]
    lines += status.clients.map(line)
  }
  return lines.map { $0 + "\n" }.joined()
}

/// What `prefork jobs` shows.
func jobsPage(_ jobs: [JobStatus]) -> String {
  var lines = [row(["job", "state", "age", "attempts", "priority", "slot", "client"], jobWidths, "begins with")]
  for job in jobs {
    let cells = [
      "\(job.job)", job.state.rawValue, clockText(job.age, tight: true), "\(job.attempts)", "\(job.priority)",
      job.slot.map { "\($0)" } ?? "-", "\(job.connection)",
    ]
    lines.append(row(cells, jobWidths, job.beginning))
  }
  return lines.map { $0 + "\n" }.joined()
}

/// Of the columns; what is negative stands at the left.
private let slotWidths = [4, -10, 8, 7, 8, 8]
private let clientWidths = [6, 7, 7, 7, 9, 8]
private let jobWidths = [8, -7, 7, 8, 8, 4, 6]
private let pageWidth = 80

private func workers(_ status: PoolStatus) -> String {
  let busy = status.slots.count { $0.state == .leased }
  let living = status.slots.count { $0.worker != nil }
  let wanted = status.minimum == status.maximum ? "\(status.maximum)" : "\(status.minimum)..\(status.maximum)"
  return "\(living) of \(wanted), \(busy) with a job; \(status.starts) started, \(status.deaths) died, "
    + "\(status.recycled) recycled"
}

private func jobs(_ jobs: JobTotals) -> String {
  "\(jobs.accepted) came in; \(jobs.queued) wait, \(jobs.running) run"
    + (jobs.delayed > 0 ? ", \(jobs.delayed) wait for another attempt" : "")
}

/// How many ended how; what never happened is not shown, but ok and failed always are.
private func ended(_ jobs: JobTotals) -> String {
  let rare = [
    ("timeout", jobs.timeout), ("crashed", jobs.crashed), ("quarantined", jobs.quarantined),
    ("cancelled", jobs.cancelled), ("expired", jobs.expired),
  ]
  let doubt = jobs.inDoubt > 0 ? " (\(jobs.inDoubt) in doubt)" : ""
  let shown = [("ok" + doubt, jobs.ok), ("failed", jobs.failed)] + rare.filter { $0.1 > 0 }
  return shown.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
}

private func rates(_ status: PoolStatus) -> String {
  let jobs = status.jobs
  let ended =
    Double(jobs.ok) + Double(jobs.failed) + Double(jobs.timeout) + Double(jobs.crashed) + Double(jobs.quarantined)
  let rate = status.age == .zero ? 0 : ended / status.age.seconds
  let mean = ended == 0 ? "no job has run yet" : "\(rateText(perSecond: rate)) on average"
  guard let times = status.runTimes else { return mean }
  return "\(mean); half run under \(measuredText(times.median)), "
    + "90% \(measuredText(times.p90)), 99% \(measuredText(times.p99))"
}

private func line(_ slot: SlotStatus) -> String {
  let worker = slot.worker
  var cells = ["\(slot.slot)", slot.state.rawValue]
  if let worker {
    let memory = worker.memory.map { compactSizeText($0) }
    cells += ["\(worker.pid)", clockText(worker.age, tight: true), "\(worker.jobs)", memory ?? "-"]
  } else {
    cells += ["-", "-", "-", "-"]
  }
  var notes: [String] = []
  if let job = worker?.job { notes.append("#\(job)" + (worker?.jobElapsed.map { " for \(measuredText($0))" } ?? "")) }
  if let reason = slot.retiring { notes.append("goes: \(reason)") }
  if slot.failures > 0 { notes.append("\(plural(slot.failures, "failed start")) in a row") }
  if let said = worker?.said, !said.isEmpty { notes.append(said) }
  return row(cells, slotWidths, notes.joined(separator: "; "))
}

private func line(_ client: ClientStatus) -> String {
  let cells = [
    "\(client.connection)", clockText(client.age, tight: true), "\(client.queued)", "\(client.running)",
    "\(client.settled)", compactSizeText(client.unread),
  ]
  return row(cells, clientWidths, client.peer)
}

private func labelled(_ label: String, _ text: String) -> String {
  cut(padded(label, -9) + " " + withoutControls(text))
}

/// Cells side by side, and a last one of any length.
private func row(_ cells: [String], _ widths: [Int], _ last: String) -> String {
  let columns = zip(cells, widths).map(padded).joined(separator: " ")
  let text = last.isEmpty ? columns : columns + "  " + withoutControls(last)
  return cut(text)
}

private func padded(_ text: String, _ width: Int) -> String {
  let room = String(repeating: " ", count: max(0, abs(width) - text.count))
  return width < 0 ? text + room : room + text
}

private func cut(_ text: String) -> String {
  let fitting = text.count <= pageWidth ? text : text.prefix(pageWidth - 3) + "..."
  return String(fitting.reversed().drop { $0 == " " }.reversed())
}
