import JSON

extension PoolStatus {
  /// Reads the type `Status` of the interface. Members that a newer server may add are passed over.
  init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(name: try object.text("name"), phase: try object.word("phase"))
    age = try object.nanoseconds("age")
    command = try object.textsIfAny("command") ?? []
    minimum = try object.number("minimum")
    maximum = try object.number("maximum")
    isBreakerOpen = try object.flag("breakerOpen")
    starts = try object.number("starts")
    deaths = try object.number("deaths")
    recycled = try object.number("recycled")
    jobs = try JobTotals(try object.object("jobs"))
    if let times = try object.objectIfAny("runTimes") { runTimes = try Percentiles(times) }
    slots = try object.objectsIfAny("slots", SlotStatus.init) ?? []
    connections = try object.number("connections")
    connectionsAccepted = try object.number("connectionsAccepted")
    clients = try object.objectsIfAny("clients", ClientStatus.init) ?? []
    listens = try object.textsIfAny("listens") ?? []
  }
}

extension JobTotals {
  fileprivate init(_ object: JSONObject) throws(JSONObjectError) {
    accepted = try object.number("accepted")
    queued = try object.number("queued")
    delayed = try object.number("delayed")
    running = try object.number("running")
    ok = try object.number("ok")
    inDoubt = try object.numberIfAny("inDoubt") ?? 0
    failed = try object.number("failed")
    timeout = try object.number("timeout")
    crashed = try object.number("crashed")
    quarantined = try object.number("quarantined")
    cancelled = try object.number("cancelled")
    expired = try object.number("expired")
  }
}

extension Percentiles {
  fileprivate init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(
      median: try object.nanoseconds("median"), p90: try object.nanoseconds("p90"), p99: try object.nanoseconds("p99"))
  }
}

extension SlotStatus {
  fileprivate init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(slot: try object.number("slot"), state: try object.word("state"))
    retiring = try object.textIfAny("retiring")
    failures = try object.number("failures")
    if let worker = try object.objectIfAny("worker") { self.worker = try WorkerStatus(worker) }
  }
}

extension WorkerStatus {
  fileprivate init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(pid: try object.number("pid"), age: try object.nanoseconds("age"), jobs: try object.number("jobs"))
    memory = try object.numberIfAny("memory")
    job = try object.numberIfAny("job")
    jobElapsed = try object.nanosecondsIfAny("jobElapsed")
    said = try object.text("said")
  }
}

extension ClientStatus {
  fileprivate init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(
      connection: try object.number("connection"), peer: try object.text("peer"), age: try object.nanoseconds("age"))
    queued = try object.number("queued")
    running = try object.number("running")
    settled = try object.number("settled")
    unread = try object.number("unread")
  }
}

extension JobStatus {
  /// Reads the type `Job` of the interface.
  init(_ object: JSONObject) throws(JSONObjectError) {
    self.init(
      job: try object.number("job"), state: try object.word("state"), connection: try object.number("connection"),
      age: try object.nanoseconds("age"))
    attempts = try object.number("attempts")
    priority = try object.number("priority")
    slot = try object.numberIfAny("slot")
    beginning = try object.text("beginning")
  }
}

extension JSONObject {
  /// One word out of the list that an enumeration of the interface is.
  fileprivate func word<Word: RawRepresentable & CaseIterable>(_ name: String) throws(JSONObjectError) -> Word
  where Word.RawValue == String {
    guard let word = Word(rawValue: try text(name)) else {
      throw .mismatch(name, wanted: "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }
}
