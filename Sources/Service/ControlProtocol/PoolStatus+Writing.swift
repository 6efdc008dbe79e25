import JSON

extension PoolStatus {
  /// Adds the members of the type `Status` of the interface.
  func write(to writer: inout JSONWriter) {
    writer.member("name", name)
    writer.member("phase", phase.rawValue)
    writer.member("age", seconds: age)
    writer.member("command", command) { $0.element($1) }
    writer.member("minimum", minimum)
    writer.member("maximum", maximum)
    writer.member("breakerOpen", isBreakerOpen)
    writer.member("starts", starts)
    writer.member("deaths", deaths)
    writer.member("recycled", recycled)
    writer.member("jobs", object: jobs.write)
    if let runTimes { writer.member("runTimes", object: runTimes.write) }
    writer.member("slots", slots) { $0.element(object: $1.write) }
    writer.member("connections", connections)
    writer.member("connectionsAccepted", connectionsAccepted)
    writer.member("clients", clients) { $0.element(object: $1.write) }
    writer.member("listens", listens) { $0.element($1) }
  }
}

extension JobTotals {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("accepted", accepted)
    writer.member("queued", queued)
    writer.member("delayed", delayed)
    writer.member("running", running)
    writer.member("ok", ok)
    writer.member("inDoubt", inDoubt)
    writer.member("failed", failed)
    writer.member("timeout", timeout)
    writer.member("crashed", crashed)
    writer.member("quarantined", quarantined)
    writer.member("cancelled", cancelled)
    writer.member("expired", expired)
  }
}

extension Percentiles {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("median", seconds: median)
    writer.member("p90", seconds: p90)
    writer.member("p99", seconds: p99)
  }
}

extension SlotStatus {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("slot", slot)
    writer.member("state", state.rawValue)
    writer.member("retiring", retiring)
    writer.member("failures", failures)
    if let worker { writer.member("worker", object: worker.write) }
  }
}

extension WorkerStatus {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("pid", pid)
    writer.member("age", seconds: age)
    writer.member("jobs", jobs)
    writer.member("memory", memory)
    writer.member("job", job)
    writer.member("jobElapsed", seconds: jobElapsed)
    writer.member("said", said)
  }
}

extension ClientStatus {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("connection", connection)
    writer.member("peer", peer)
    writer.member("age", seconds: age)
    writer.member("queued", queued)
    writer.member("running", running)
    writer.member("settled", settled)
    writer.member("unread", unread)
  }
}

extension JobStatus {
  /// Adds the members of the type `Job` of the interface.
  func write(to writer: inout JSONWriter) {
    writer.member("job", job)
    writer.member("state", state.rawValue)
    writer.member("connection", connection)
    writer.member("age", seconds: age)
    writer.member("attempts", attempts)
    writer.member("priority", priority)
    writer.member("slot", slot)
    writer.member("beginning", beginning)
  }
}
