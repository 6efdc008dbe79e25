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

  /// Accepts jobs; their leases are not there yet.
  mutating func accept(_ count: Int = 1) -> [JobID] {
    (0..<count).map { _ in
      let job = ledger.nextID
      _ = tell(.accepted(job))
      return job
    }
  }

  /// A client with the only generation of its place.
  mutating func join(_ index: UInt32) -> ClientID {
    let client = ClientID(index: index, generation: 1)
    _ = tell(.clientJoined(client))
    return client
  }

  /// Accepts jobs of one client; their leases are not there yet.
  mutating func accept(_ count: Int = 1, from client: ClientID, priority: Int32 = 0) -> [JobID] {
    (0..<count).map { _ in
      let job = ledger.nextID
      _ = tell(.accepted(job, JobTerms(priority: priority, client: client)))
      return job
    }
  }

  /// Whom so many leases go to, while nothing ends.
  mutating func grant(_ count: Int = 1) -> [JobID] {
    (0..<count).flatMap { _ in
      tell(.leaseGranted).compactMap { if case .send(let job, _) = $0 { job } else { nil } }
    }
  }

  /// Accepts jobs, and each gets a lease.
  mutating func lease(_ count: Int = 1) -> [JobID] {
    let jobs = accept(count)
    for _ in jobs { _ = tell(.leaseGranted) }
    return jobs
  }
}
