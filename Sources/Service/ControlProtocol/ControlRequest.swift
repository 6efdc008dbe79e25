import JSON
import Time

/// What a client may ask of a served pool. A pool that is nil means all of them, or in `scale`, `cancelJob` and `jobs`
/// the only one.
public enum ControlRequest: Equatable, Sendable {
  /// The state, once.
  case status(pool: String?)
  /// The state at once and then every `interval`, which is one of `PoolInterface.intervals`.
  case watch(pool: String?, interval: Nanoseconds)
  /// Keep `minimum` to `maximum` workers; a maximum of nil is the minimum. Neither is negative; all else is unchecked.
  case scale(pool: String?, minimum: Int, maximum: Int?)
  /// Replace the workers of these slots; nil means all. Not negative.
  case recycle(pool: String?, slots: [Int]?)
  /// Finish what is there, then end. A client that `waits` gets a second answer then.
  case drain(pool: String?, waits: Bool)
  /// End. A client that `waits` gets a second answer then.
  case stop(pool: String?, waits: Bool)
  /// The metrics of all pools.
  case metrics
  /// Cancel one job.
  case cancelJob(pool: String?, job: UInt64)
  /// The jobs that are not settled, at most `limit`: 1...`PoolInterface.maximumJobs`.
  case jobs(pool: String?, limit: Int)
  /// Read the configuration again.
  case reload

  /// The name of its method.
  public var method: String {
    switch self {
    case .status: "GetStatus"
    case .watch: "Watch"
    case .scale: "Scale"
    case .recycle: "Recycle"
    case .drain: "Drain"
    case .stop: "Stop"
    case .metrics: "GetMetrics"
    case .cancelJob: "CancelJob"
    case .jobs: "ListJobs"
    case .reload: "Reload"
    }
  }

  /// The call as it goes over the wire, NUL included.
  public var message: [UInt8] {
    JSONWriter.object { call in
      call.member("method", "\(PoolInterface.name).\(method)")
      call.member("parameters", object: write)
      if wantsMore { call.member("more", true) }
    } + [0]
  }

  /// Whether more than one answer may come.
  var wantsMore: Bool {
    switch self {
    case .watch: true
    case .drain(_, let waits), .stop(_, let waits): waits
    case .status, .scale, .recycle, .metrics, .cancelJob, .jobs, .reload: false
    }
  }

  private func write(to parameters: inout JSONWriter) {
    switch self {
    case .status(let pool), .drain(let pool, _), .stop(let pool, _): parameters.member("pool", pool)
    case .watch(let pool, let interval):
      parameters.member("pool", pool)
      parameters.member("interval", seconds: interval)
    case .scale(let pool, let minimum, let maximum):
      parameters.member("pool", pool)
      parameters.member("minimum", minimum)
      parameters.member("maximum", maximum)
    case .recycle(let pool, let slots):
      parameters.member("pool", pool)
      parameters.member("slots", slots) { $0.element($1) }
    case .cancelJob(let pool, let job):
      parameters.member("pool", pool)
      parameters.member("job", job)
    case .jobs(let pool, let limit):
      parameters.member("pool", pool)
      parameters.member("limit", limit)
    case .metrics, .reload: break
    }
  }
}

// MARK: - Read by the server

extension ControlRequest {
  /// What a call of our interface asks for, or the error that it is answered with.
  init(_ call: Call, method: String) throws(ControlError) {
    let parameters = Parameters(call.parameters)
    switch method {
    case "GetStatus": self = .status(pool: try parameters.pool(andNothingElse: true))
    case "Watch": self = try Self.watch(parameters)
    case "Scale": self = try Self.scale(parameters)
    case "Recycle": self = try Self.recycle(parameters)
    case "Drain":
      self = .drain(pool: try parameters.pool(andNothingElse: true), waits: call.wantsMore && !call.isOneway)
    case "Stop": self = .stop(pool: try parameters.pool(andNothingElse: true), waits: call.wantsMore && !call.isOneway)
    case "GetMetrics":
      try parameters.allow()
      self = .metrics
    case "CancelJob": self = try Self.cancelJob(parameters)
    case "ListJobs": self = try Self.jobs(parameters)
    case "Reload":
      try parameters.allow()
      self = .reload
    default: throw .methodNotFound("\(PoolInterface.name).\(method)")
    }
    if case .watch = self, !call.wantsMore { throw .expectedMore }
  }

  private static func watch(_ parameters: Parameters) throws(ControlError) -> ControlRequest {
    try parameters.allow("pool", "interval")
    let interval = try parameters.value("interval") { object, name throws(JSONObjectError) in
      try object.nanosecondsIfAny(name)
    }
    let wanted = interval ?? PoolInterface.defaultInterval
    guard PoolInterface.intervals.contains(wanted) else { throw .invalidParameter("interval") }
    return .watch(pool: try parameters.pool(), interval: wanted)
  }

  private static func scale(_ parameters: Parameters) throws(ControlError) -> ControlRequest {
    try parameters.allow("pool", "minimum", "maximum")
    guard let minimum = try parameters.count("minimum") else { throw .invalidParameter("minimum") }
    return .scale(pool: try parameters.pool(), minimum: minimum, maximum: try parameters.count("maximum"))
  }

  private static func recycle(_ parameters: Parameters) throws(ControlError) -> ControlRequest {
    try parameters.allow("pool", "slots")
    let slots: [Int]? = try parameters.value("slots") { object, name throws(JSONObjectError) in
      try object.numbersIfAny(name)
    }
    if let slots, slots.contains(where: { $0 < 0 }) { throw .invalidParameter("slots") }
    return .recycle(pool: try parameters.pool(), slots: slots)
  }

  private static func cancelJob(_ parameters: Parameters) throws(ControlError) -> ControlRequest {
    try parameters.allow("pool", "job")
    let job: UInt64? = try parameters.value("job") { object, name throws(JSONObjectError) in
      try object.numberIfAny(name)
    }
    guard let job else { throw .invalidParameter("job") }
    return .cancelJob(pool: try parameters.pool(), job: job)
  }

  private static func jobs(_ parameters: Parameters) throws(ControlError) -> ControlRequest {
    try parameters.allow("pool", "limit")
    let limit = try parameters.count("limit") ?? PoolInterface.defaultJobs
    guard (1...PoolInterface.maximumJobs).contains(limit) else { throw .invalidParameter("limit") }
    return .jobs(pool: try parameters.pool(), limit: limit)
  }
}
