import Testing
import Time

@testable import JobRunner

/// How many results may wait for an earlier job before no new jobs are taken for a moment.
@Suite struct RunAheadTests {
  private let start = Instant.origin + .seconds(1)

  @Test func fewResultsMayWaitForAsLongAsTheyLike() {
    var runAhead = RunAhead()
    for second in 0..<10 {
      #expect(!runAhead.mustWait(held: RunAhead.many - 1, at: start + .seconds(UInt64(second))))
      #expect(runAhead.deadline == nil)
    }
  }

  @Test func aJobThatIsSlowIsWaitedForOnceAndNotForLong() {
    var runAhead = RunAhead()
    #expect(runAhead.mustWait(held: RunAhead.many, at: start))
    #expect(runAhead.deadline == start + RunAhead.longestWait)
    #expect(runAhead.mustWait(held: RunAhead.many + 1, at: start + .milliseconds(4)))
    #expect(runAhead.deadline == start + RunAhead.longestWait, "from when it began")
    for milliseconds in [5, 6, 100, 10_000] as [UInt64] {
      #expect(!runAhead.mustWait(held: 3 * RunAhead.many, at: start + .milliseconds(milliseconds)))
      #expect(runAhead.deadline == nil, "nothing to wake up for")
    }
  }

  @Test func theNextSlowJobIsWaitedForAgain() {
    var runAhead = RunAhead()
    #expect(runAhead.mustWait(held: RunAhead.many, at: start))
    #expect(!runAhead.mustWait(held: RunAhead.many, at: start + .seconds(1)))
    #expect(!runAhead.mustWait(held: 0, at: start + .seconds(2)), "its results are out")
    #expect(runAhead.mustWait(held: RunAhead.many, at: start + .seconds(3)))
    #expect(!runAhead.mustWait(held: 5, at: start + .seconds(3)), "the job came before the wait was over")
    #expect(runAhead.deadline == nil)
  }
}
