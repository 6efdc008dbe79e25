import JobCore
import PoolCore
import Time

/// A pool, as it is written.
public struct PoolReport: Sendable {
  /// The value of the label `pool`.
  public var name: String
  /// What it has counted.
  public var metrics: PoolMetrics
  /// How it stands.
  public var gauges: PoolGauges

  /// This pool.
  public init(name: String, metrics: PoolMetrics, gauges: PoolGauges) {
    self.name = name
    self.metrics = metrics
    self.gauges = gauges
  }
}

/// What we ourselves take, without the workers.
public struct ProcessReport: Sendable {
  /// Of the tool.
  public var version: String
  /// When the process began, on the wall clock.
  public var began: Instant
  /// CPU time.
  public var cpuTime: Nanoseconds
  /// Resident memory, in bytes.
  public var residentBytes: Int
  /// Open descriptors, if the kernel reports them.
  public var openDescriptors: Int?
  /// The limit on open descriptors.
  public var mostDescriptors: Int

  /// These figures.
  public init(
    version: String, began: Instant, cpuTime: Nanoseconds, residentBytes: Int, openDescriptors: Int?,
    mostDescriptors: Int
  ) {
    self.version = version
    self.began = began
    self.cpuTime = cpuTime
    self.residentBytes = residentBytes
    self.openDescriptors = openDescriptors
    self.mostDescriptors = mostDescriptors
  }
}

/// All metrics as text. The names of pools should differ: each is one label.
public func metricsText(of pools: [PoolReport], _ process: ProcessReport, as format: MetricsFormat) -> [UInt8] {
  var text = MetricsText(pools: pools, writer: MetricsWriter(format))
  text.writeProcess(process)
  if !pools.isEmpty {
    text.writeJobs()
    text.writeWorkers()
    text.writeConnections()
  }
  text.writer.end()
  return text.writer.bytes
}

/// The families, each with the samples of all pools.
private struct MetricsText {
  let pools: [PoolReport]
  var writer: MetricsWriter

  mutating func writeProcess(_ process: ProcessReport) {
    writer.family("prefork_build", .info, "The tool that serves.")
    writer.sample("prefork_build_info", [("version", process.version)], "1")
    writer.family("process_start_time_seconds", .gauge, unit: "seconds", "When the process began, since 1970.")
    writer.sample("process_start_time_seconds", [], seconds(process.began.sinceOrigin))
    writer.family("process_cpu_seconds", .counter, unit: "seconds", "CPU time of the process, without its workers.")
    writer.sample("process_cpu_seconds_total", [], seconds(process.cpuTime))
    writer.family(
      "process_resident_memory_bytes", .gauge, unit: "bytes", "Resident memory of the process, without its workers.")
    writer.sample("process_resident_memory_bytes", [], "\(process.residentBytes)")
    if let open = process.openDescriptors {
      writer.family("process_open_fds", .gauge, "Open file descriptors.")
      writer.sample("process_open_fds", [], "\(open)")
    }
    writer.family("process_max_fds", .gauge, "The most file descriptors that may be open.")
    writer.sample("process_max_fds", [], "\(process.mostDescriptors)")
  }

  mutating func writeJobs() {
    counter("prefork_jobs_accepted", "Jobs that were taken in.") { $0.jobsAccepted }
    counter("prefork_jobs_refused", "Jobs that were not taken in, because too many were waiting.") { $0.jobsRefused }
    counters("prefork_jobs", by: "outcome", "Jobs that have ended, by outcome.") { pool in
      Outcome.allCases.map { ($0.description, pool.jobs[Int($0.rawValue)]) }
    }
    gauges("prefork_jobs_pending", by: "state", "Jobs that have not ended, by where they are.") {
      [("queued", $0.queued), ("delayed", $0.delayed), ("running", $0.running)]
    }
    histogram(
      "prefork_job_queue_seconds", "Time that jobs waited for a worker, those that never got one included.",
      \.queueTimes)
    histogram("prefork_job_run_seconds", "Time that workers took for a job, in its last attempt.", \.runTimes)
    counter("prefork_job_input_bytes", unit: "bytes", "Bytes of the jobs that have ended.") { $0.inputBytes }
    counter("prefork_job_output_bytes", unit: "bytes", "Bytes of their answers.") { $0.outputBytes }
    counter("prefork_answers_dropped", "Answers that were thrown away, because their client was gone.") {
      $0.answersDropped
    }
    counter(
      "prefork_answers_in_doubt",
      "Jobs counted as ok whose worker then wrote more: their answers were withdrawn, or were sent before."
    ) { $0.answersInDoubt }
  }

  mutating func writeWorkers() {
    gauges("prefork_slots", by: "state", "Slots, by what their worker is doing.") {
      [
        ("empty", $0.slots.empty), ("backing_off", $0.slots.backingOff), ("starting", $0.slots.starting),
        ("idle", $0.slots.idle), ("probing", $0.slots.probing), ("leased", $0.slots.leased),
        ("resetting", $0.slots.resetting), ("stopping", $0.slots.stopping),
      ]
    }
    gauge("prefork_workers_min", "Workers that are kept at least.") { $0.minimum }
    gauge("prefork_workers_max", "Workers that are kept at most.") { $0.maximum }
    gauge("prefork_breaker_open", "1 while starts fail and are held back.") { $0.isBreakerOpen ? 1 : 0 }
    gauge("prefork_draining", "1 while nothing new is accepted.") { $0.isDraining ? 1 : 0 }
    counter("prefork_worker_starts", "Workers that were started.") { $0.starts }
    counter("prefork_worker_start_failures", "Starts that failed.") { $0.failedStarts }
    counters("prefork_worker_deaths", by: "cause", "Workers that died, or were stopped for what they did.") { pool in
      DeathCause.allCases.map { ($0.word, pool.deaths[Int($0.rawValue)]) }
    }
    counters(
      "prefork_worker_retirements", by: "reason",
      "Workers that got no more jobs. Those with jobs, age, memory, requested and own were recycled."
    ) { pool in RetireReason.all.map { ($0.label.word, pool.retirements[$0.label.place]) } }
  }

  mutating func writeConnections() {
    gauge("prefork_connections", "Clients connected.") { $0.connections }
    counter("prefork_connections_opened", "Clients that were let in.") { $0.connectionsOpened }
    counters("prefork_connections_closed", by: "reason", "Connections that have ended.") { pool in
      ConnectionEnd.allCases.map { ($0.word, pool.connectionsClosed[Int($0.rawValue)]) }
    }
    counters("prefork_connections_refused", by: "reason", "Clients that were turned away.") { pool in
      ConnectionRefusal.allCases.map { ($0.word, pool.connectionsRefused[Int($0.rawValue)]) }
    }
    counter("prefork_received_bytes", unit: "bytes", "Bytes that came from clients.") { $0.bytesReceived }
    counter("prefork_sent_bytes", unit: "bytes", "Bytes that went to clients.") { $0.bytesSent }
  }

  private mutating func counter(
    _ name: String, unit: String? = nil, _ help: String, _ value: (PoolMetrics) -> UInt64
  ) {
    writer.family(name, .counter, unit: unit, help)
    for pool in pools { writer.sample("\(name)_total", [("pool", pool.name)], "\(value(pool.metrics))") }
  }

  private mutating func counters(
    _ name: String, by label: String, _ help: String, _ values: (PoolMetrics) -> [(word: String, value: UInt64)]
  ) {
    writer.family(name, .counter, help)
    for pool in pools {
      for (word, value) in values(pool.metrics) {
        writer.sample("\(name)_total", [("pool", pool.name), (label, word)], "\(value)")
      }
    }
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: (PoolGauges) -> Int) {
    writer.family(name, .gauge, help)
    for pool in pools { writer.sample(name, [("pool", pool.name)], "\(value(pool.gauges))") }
  }

  private mutating func gauges(
    _ name: String, by label: String, _ help: String, _ values: (PoolGauges) -> [(word: String, value: Int)]
  ) {
    writer.family(name, .gauge, help)
    for pool in pools {
      for (word, value) in values(pool.gauges) {
        writer.sample(name, [("pool", pool.name), (label, word)], "\(value)")
      }
    }
  }

  private mutating func histogram(_ name: String, _ help: String, _ times: (PoolMetrics) -> Histogram) {
    writer.family(name, .histogram, unit: "seconds", help)
    for pool in pools {
      writer.histogram(name, [("pool", pool.name)], times(pool.metrics), began: pool.metrics.began)
    }
  }
}
