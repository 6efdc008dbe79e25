import Glibc
import TestSupport
import Testing
import Time

@testable import ObjectPool

/// Lesson 34 (keepalived #1883): a pause of the process is charged to no call of a factory.
@Suite("Standstills") struct StandstillTests {
  private static let start = Instant.origin + .seconds(5)

  @Test("alarms ring when the look at them is in time, or as late as on a busy machine")
  func inTime() {
    for lateness in [Nanoseconds.zero, .milliseconds(1), StandstillGrace.tolerance] {
      var grace = StandstillGrace()
      let first = grace.end(at: Self.start)
      grace.nextLook = Self.start + .seconds(1)
      let second = grace.end(at: Self.start + .seconds(1) + lateness)
      #expect(first == nil && second == nil)
    }
  }

  @Test("after a standstill they wait once, for a moment, however late the next look is", arguments: [0, 3, 7000])
  func afterStandstill(lateness: UInt64) {
    var grace = StandstillGrace()
    grace.nextLook = Self.start + .seconds(1)
    let late = Self.start + .seconds(8)
    let end = late + StandstillGrace.length
    // At the second one somebody has set an alarm.
    let looks = [late, late + .milliseconds(1), end + .milliseconds(lateness)].map { grace.end(at: $0) }
    #expect(looks == [end, end, nil])
    grace.nextLook = end + .seconds(60)
    let early = grace.end(at: end + .seconds(20))
    #expect(early == nil, "it was woken before its time")
  }

  @Test("a clock that has nothing to wait for is never late")
  func nothingToWaitFor() {
    var grace = StandstillGrace()
    let looks = [Self.start, Self.start + .seconds(3600)].map { grace.end(at: $0) }
    #expect(looks == [nil, nil])
  }

  @Test("a validation that a standstill interrupts keeps its object")
  func validation() async {
    await #expect(processExitsWith: .success) {
      // A busy machine may take the moment for itself.
      let isKept = try inOneOfFiveAttempts {
        let pool = BlockingObjectPool(
          .unhurried(size: 1).with { $0.validationTimeout = .milliseconds(400) }, make: { Thing(0) },
          validate: { _ in
            let stop = "kill -STOP \(getpid()); sleep 1; kill -CONT \(getpid())"
            let stopper = try #require(popen(stop, "r"))
            // A tenth of a second in which the process runs.
            for _ in 0..<20 { usleep(5000) }
            return pclose(stopper) == 0
          })
        try pool.withObject { _ in }
        try pool.withObject { _ in }
        return pool.statistics.validationFailures == 0
      }
      #expect(isKept)
    }
  }
}
