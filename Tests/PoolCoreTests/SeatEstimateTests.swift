import TestSupport
import Testing
import Time

@testable import PoolCore

/// How many jobs a worker is sent at once.
@Suite("Seats of one worker") struct SeatEstimateTests {
  private let microsecond: Nanoseconds = .microseconds(1)

  /// A worker that has answered `jobs` jobs one at a time, each in `time`.
  private func worker(jobs: Int, each time: Nanoseconds, now: inout Instant) -> SeatEstimate {
    var estimate = SeatEstimate()
    for _ in 0..<jobs {
      estimate.began(at: now)
      now += time
      estimate.replied(at: now)
    }
    return estimate
  }

  @Test("nothing is parked at a worker that has not proved itself one job at a time")
  func probation() {
    var now = Instant.origin
    var estimate = worker(jobs: SeatEstimate.probation - 1, each: microsecond, now: &now)
    #expect(estimate.seats(atMost: 100) == 1)
    estimate.began(at: now)
    estimate.replied(at: now + microsecond)
    #expect(estimate.seats(atMost: 100) == 100)
  }

  @Test(
    "as many as it does in a millisecond, no more than it may have, and never a job of a millisecond",
    arguments: [
      (time: 10, seats: 100), (time: 100, seats: 10), (time: 600, seats: 1), (time: 1000, seats: 1),
      (time: 50_000, seats: 1),
      (time: 1, seats: SeatEstimate.mostSeats),
    ])
  func seats(time: Int, seats: Int) {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: .microseconds(UInt64(time)), now: &now)
    #expect(estimate.seats(atMost: .max) == seats)
    #expect(estimate.seats(atMost: 1) == 1)
  }

  @Test("replies that come together are measured together; slower is believed at once, faster little by little")
  func changes() {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: 10 * microsecond, now: &now)
    estimate.began(at: now)
    now += microsecond * 5000
    for _ in 0..<50 { estimate.replied(at: now) }
    #expect(estimate.seats(atMost: .max) == 10, "100 µs each")
    now += microsecond * 100
    for _ in 0..<10 { estimate.replied(at: now) }
    let after = estimate.seats(atMost: .max)
    #expect(after > 10 && after < 100)
  }

  @Test("the time without a job does not count")
  func idle() {
    var now = Instant.origin
    var estimate = worker(jobs: 100, each: 10 * microsecond, now: &now)
    now += .seconds(1)
    estimate.began(at: now)
    now += microsecond * 10
    estimate.replied(at: now)
    #expect(estimate.seats(atMost: .max) == 100)
  }
}
