import Testing
import Time

@testable import JobRunner

/// How many results may wait for an earlier job.
@Suite struct RunAheadTests {
  private let start = Instant.origin + .seconds(1)

  /// The decision when `held` results wait, this long after the start.
  private func mustWait(_ runAhead: inout RunAhead, held: Int, after time: Nanoseconds) -> Bool {
    runAhead.mustWait(held: held, at: start + time)
  }

  @Test func fewResultsMayWaitForAsLongAsTheyLike() {
    var runAhead = RunAhead()
    for second in 0..<10 {
      let waits = mustWait(&runAhead, held: RunAhead.many - 1, after: .seconds(UInt64(second)))
      #expect(!waits && runAhead.deadline == nil)
    }
  }

  @Test func manyMayWaitOnlyIfTheyTookTheirTime() {
    var runAhead = RunAhead()
    var waits = mustWait(&runAhead, held: RunAhead.many, after: .zero)
    #expect(!waits && runAhead.deadline == nil)
    waits = mustWait(&runAhead, held: RunAhead.many + 1000, after: .milliseconds(1))
    #expect(waits && runAhead.deadline == start + .milliseconds(10), "a hundred for each millisecond")
    waits = mustWait(&runAhead, held: RunAhead.many + 1500, after: .milliseconds(2))
    #expect(waits && runAhead.deadline == start + .milliseconds(15))
    waits = mustWait(&runAhead, held: RunAhead.many + 1500, after: .milliseconds(15))
    #expect(!waits && runAhead.deadline == nil, "nothing to wake up for")
    waits = mustWait(&runAhead, held: 100_000, after: .seconds(1))
    #expect(!waits && runAhead.deadline == nil, "a slow job does not stop the others")
  }

  @Test func whenTheyAreOutAllBeginsAnew() {
    var runAhead = RunAhead()
    var waits = mustWait(&runAhead, held: RunAhead.many + 500, after: .zero)
    #expect(waits && runAhead.deadline == start + .milliseconds(5))
    waits = mustWait(&runAhead, held: 0, after: .milliseconds(1))
    #expect(!waits && runAhead.deadline == nil, "the job came before the wait was over")
    waits = mustWait(&runAhead, held: RunAhead.many + 500, after: .seconds(3))
    #expect(waits && runAhead.deadline == start + .milliseconds(3005))
  }
}
