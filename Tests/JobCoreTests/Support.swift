import TestSupport
import Time

@testable import JobCore

extension SplitMix64 {
  /// 0..<limit. The bias does not matter here; speed in debug builds does.
  mutating func below(_ limit: Int) -> Int {
    Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(limit)) >> 32)
  }
}

extension JobAction: Equatable {
  /// By their words: a `StaticString` is not equatable, and stories are short.
  public static func == (left: JobAction, right: JobAction) -> Bool { "\(left)" == "\(right)" }
}

/// A ledger whose answers are told event by event.
struct Story {
  var ledger: JobLedger

  init(_ configure: (inout JobLedger.Configuration) -> Void = { _ in }) {
    var configuration = JobLedger.Configuration()
    configure(&configuration)
    ledger = JobLedger(configuration: configuration)
  }

  mutating func tell(_ event: JobEvent) -> [JobAction] {
    var actions: [JobAction] = []
    ledger.handle(event, into: &actions)
    return actions
  }

  /// A job comes, or is refused. What becomes of it is compared with `Arrival`.
  mutating func arrive(_ terms: JobTerms = .usual, refused: Bool = false) -> Arrival {
    var actions: [JobAction] = []
    let job = refused ? ledger.refuse(terms, into: &actions) : ledger.accept(terms, into: &actions)
    return Arrival(job: job, actions: actions)
  }

  /// A worker is there for one job, or has room for one behind the others that it has.
  mutating func send(parked: Bool = false) -> Sending {
    var actions: [JobAction] = []
    let assignment = ledger.send(parked: parked, into: &actions)
    return Sending(assignment: assignment, actions: actions)
  }

  /// Accepts jobs; no worker has them yet.
  mutating func accept(_ count: Int = 1, _ terms: JobTerms = .usual) -> [JobID] {
    (0..<count).compactMap { _ in arrive(terms).job }
  }

  /// A client with the only generation of its place.
  mutating func join(_ index: UInt32) -> ClientID {
    let client = ClientID(index: index, generation: 1)
    _ = tell(.clientJoined(client))
    return client
  }

  /// Accepts jobs of one client; no worker has them yet.
  mutating func accept(_ count: Int = 1, from client: ClientID, priority: Int32 = 0) -> [JobID] {
    accept(count, JobTerms(priority: priority, client: client))
  }

  /// The jobs that get one worker each, while nothing ends.
  mutating func grant(_ count: Int = 1) -> [JobID] { (0..<count).compactMap { _ in send().assignment?.job } }

  /// The jobs that one worker gets at once, all but the first parked behind it.
  mutating func grantSeats(_ count: Int) -> [JobID] {
    (0..<count).compactMap { send(parked: $0 > 0).assignment?.job }
  }

  /// Accepts jobs, and each gets a worker.
  mutating func lease(_ count: Int = 1) -> [JobID] {
    let jobs = accept(count)
    for _ in jobs { _ = send() }
    return jobs
  }
}

/// What came of a job that came in.
struct Arrival: Equatable {
  var job: JobID?
  var actions: [JobAction]
}

/// What came of a worker that was there.
struct Sending: Equatable {
  /// No job was sent, and nothing is to be done.
  static let nothing = Sending(assignment: nil, actions: [])

  var assignment: Assignment?
  var actions: [JobAction]

  init(assignment: Assignment?, actions: [JobAction]) {
    self.assignment = assignment
    self.actions = actions
  }

  /// A job was sent, and this is to be done.
  init(_ job: JobID, attempt: Int, _ actions: JobAction...) {
    self.init(assignment: Assignment(job: job, attempt: attempt), actions: actions)
  }
}
