import TestSupport

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

  /// Accepts jobs, and each gets a lease.
  mutating func lease(_ count: Int = 1) -> [JobID] {
    let jobs = accept(count)
    for _ in jobs { _ = tell(.leaseGranted) }
    return jobs
  }
}
