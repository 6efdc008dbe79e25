import TestSupport
import Time

@testable import ControlProtocol

/// A client at the end of a session: what it sends is text, NUL included, and what it gets, too.
struct Client {
  var session = ControlSession(service: ServiceInfo(version: "1.2.3", url: "https://example.org"))

  /// Sends bytes and gives the first request that comes out.
  mutating func send(_ text: String) -> ControlRequest? {
    session.receive(Array(text.utf8).span.bytes)
    return session.nextRequest()
  }

  /// The answers so far, each without its NUL; they are gone then.
  mutating func answers() -> [String] {
    let text = String(decoding: session.output, as: UTF8.self)
    session.removeOutput(session.output.count)
    return text.split(separator: "\0").map(String.init)
  }
}

/// A call of our interface.
func call(_ method: String, _ parameters: String = "{}", _ flags: String = "") -> String {
  #"{"method":"io.prefork.Pool.\#(method)","parameters":\#(parameters)\#(flags)}"# + "\0"
}

/// The one parameter that was not accepted.
func invalid(_ parameter: String) -> String {
  #"{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"\#(parameter)"}}"#
}

extension SplitMix64 {
  /// A number below 2^`bits`, small ones as likely as big ones.
  mutating func number<Number: FixedWidthInteger>(_ bits: Int = 63) -> Number {
    let width = Int.random(in: 0...bits, using: &self)
    return Number(truncatingIfNeeded: next() & (1 << UInt64(width) &- 1))
  }

  mutating func time() -> Nanoseconds { Nanoseconds(number(64)) }

  mutating func maybe<Value>(_ make: (inout SplitMix64) -> Value) -> Value? {
    Bool.random(using: &self) ? make(&self) : nil
  }

  mutating func some<Value>(_ make: (inout SplitMix64) -> Value) -> [Value] {
    var values: [Value] = []
    for _ in 0..<Int.random(in: 0...4, using: &self) { values.append(make(&self)) }
    return values
  }

  mutating func text() -> String {
    let pieces = ["a", "\"", "\\", "\n", "\u{0}", "\u{1F}", "é", "😀", "/", " ", "{", "]", ",", "\u{7F}", "\u{2028}"]
    return (0..<Int.random(in: 0...9, using: &self)).map { _ in pieces.randomElement(using: &self)! }.joined()
  }

  mutating func status() -> PoolStatus {
    var status = PoolStatus(name: text(), phase: PoolStatus.Phase.allCases.randomElement(using: &self)!)
    status.age = time()
    status.command = some { $0.text() }
    status.minimum = number()
    status.maximum = number()
    status.isBreakerOpen = Bool.random(using: &self)
    status.starts = number()
    status.deaths = number()
    status.recycled = number()
    status.jobs.accepted = number()
    status.jobs.queued = number()
    status.jobs.delayed = number()
    status.jobs.running = number()
    status.jobs.ok = number()
    status.jobs.inDoubt = number()
    status.jobs.failed = number()
    status.jobs.timeout = number()
    status.jobs.crashed = number()
    status.jobs.quarantined = number()
    status.jobs.cancelled = number()
    status.jobs.expired = number()
    status.runTimes = maybe { Percentiles(median: $0.time(), p90: $0.time(), p99: $0.time()) }
    status.slots = some { $0.slot() }
    status.connections = number()
    status.connectionsAccepted = number()
    status.clients = some { $0.client() }
    status.listens = some { $0.text() }
    return status
  }

  private mutating func slot() -> SlotStatus {
    var slot = SlotStatus(slot: number(), state: SlotStatus.State.allCases.randomElement(using: &self)!)
    slot.retiring = maybe { $0.text() }
    slot.failures = number()
    slot.worker = maybe { generator in
      var worker = WorkerStatus(pid: generator.number(31), age: generator.time(), jobs: generator.number())
      worker.memory = generator.maybe { $0.number() }
      worker.job = generator.maybe { $0.number(64) }
      worker.jobElapsed = generator.maybe { $0.time() }
      worker.said = generator.text()
      return worker
    }
    return slot
  }

  private mutating func client() -> ClientStatus {
    var client = ClientStatus(connection: number(64), peer: text(), age: time())
    client.queued = number()
    client.running = number()
    client.settled = number()
    client.unread = number()
    return client
  }

  mutating func job() -> JobStatus {
    var job = JobStatus(
      job: number(64), state: JobStatus.State.allCases.randomElement(using: &self)!, connection: number(64),
      age: time())
    job.attempts = number()
    job.priority = number() &- number()
    job.slot = maybe { $0.number() }
    job.beginning = text()
    return job
  }

  mutating func request() -> ControlRequest {
    let pool = maybe { $0.text() }
    switch Int.random(in: 0..<10, using: &self) {
    case 0: return .status(pool: pool)
    case 1: return .watch(pool: pool, interval: Nanoseconds.random(in: PoolInterface.intervals, using: &self))
    case 2: return .scale(pool: pool, minimum: number(), maximum: maybe { $0.number() })
    case 3: return .recycle(pool: pool, slots: maybe { generator in generator.some { $0.number() } })
    case 4: return .drain(pool: pool, waits: Bool.random(using: &self))
    case 5: return .stop(pool: pool, waits: Bool.random(using: &self))
    case 6: return .metrics
    case 7: return .cancelJob(pool: pool, job: number(64))
    case 8: return .jobs(pool: pool, limit: Int.random(in: 1...PoolInterface.maximumJobs, using: &self))
    default: return .reload
    }
  }

  mutating func error() -> ControlError {
    switch Int.random(in: 0..<13, using: &self) {
    case 0: .noSuchPool(maybe { $0.text() }, pools: some { $0.text() })
    case 1: .noSuchSlot(number())
    case 2: .noSuchJob(number(64))
    case 3: .notPermitted(uid: number(32))
    case 4: .invalidSize(minimum: number(), maximum: number(), most: number())
    case 5: .stopping
    case 6: .reloadFailed(text())
    case 7: .interfaceNotFound(text())
    case 8: .methodNotFound(text())
    case 9: .methodNotImplemented(text())
    case 10: .invalidParameter(text())
    case 11: .permissionDenied
    default: .expectedMore
    }
  }
}
