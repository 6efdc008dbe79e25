import TestSupport
import Testing
import Time
import Timers

/// Virtual time, in milliseconds: nothing sleeps.
@Suite struct LoopClockTests {
  private static let millisecond: Nanoseconds = 1_000_000
  /// What the kernel's clock shows in the beginning.
  private static let start = Instant.origin + 5000 * millisecond

  /// A loop that plans its turns as the real one does, on a machine whose clock is set by hand.
  private struct Loop {
    var clock = LoopClock(at: start)
    var reading = start

    var now: UInt64 { (clock.now - start) / millisecond }

    /// Waits for the timer at `deadline`, looking at the clock as often as it should, but stands still for `pause`
    /// after `moment` of the wait. True if that was noticed.
    mutating func wait(until deadline: UInt64, pause: UInt64 = 0, after moment: UInt64 = 0) -> Bool {
      var wasNoticed = false
      var left = moment
      var pause = pause
      while now < deadline {
        let planned = clock.longestWait(until: start + deadline * millisecond)!
        var span: UInt64 = (planned + millisecond - 1) / millisecond
        if pause > 0, left < span {
          // The kernel's timer goes on meanwhile: the wait ends with the pause, or as planned.
          span = max(span, left + pause)
          pause = 0
        }
        left -= min(left, span)
        reading += span * millisecond
        if clock.beginTurn(at: reading, planned: planned) { wasNoticed = true }
      }
      return wasNoticed
    }
  }

  @Test("while nothing stands still it shows what the kernel's clock does")
  func ordinary() {
    var loop = Loop()
    let stoodStill = loop.wait(until: 3000)
    #expect(!stoodStill)
    #expect(loop.clock.now == loop.reading)
    #expect(loop.clock.leftOut == 0)
  }

  @Test(
    "a standstill is charged with no more than the wait that it was in, and a little: whenever it came",
    arguments: [0, 50, 150, 400, 700, 900, 990])
  func standstill(moment: UInt64) {
    var loop = Loop()
    let stoodStill = loop.wait(until: 1000, pause: 20_000, after: moment)
    #expect(stoodStill)
    let charged = 20_000 - loop.clock.leftOut.milliseconds
    #expect(charged <= 125 + 100, "\(charged) ms of 20 s")
    #expect(loop.clock.now + loop.clock.leftOut == loop.reading)
  }

  @Test("a long standstill costs an hour's timer no more than an eighth of what is left")
  func longTimers() {
    var loop = Loop()
    let stoodStill = loop.wait(until: 3_600_000, pause: 100_000_000, after: 1_800_000)
    #expect(stoodStill)
    #expect(100_000_000 - loop.clock.leftOut.milliseconds <= 3_600_000 / 8 + 100)
  }

  @Test("a busy machine that is a little late is not a standstill")
  func late() {
    var clock = LoopClock(at: 0)
    let stoodStill = clock.beginTurn(
      at: .origin + 10 * Self.millisecond + LoopClock.tolerance, planned: 10 * Self.millisecond)
    #expect(!stoodStill)
    #expect(clock.now == .origin + 10 * Self.millisecond + LoopClock.tolerance)
  }

  @Test("a loop whose every turn takes long is still on its way: no timer is put off for ever")
  func slowTurns() {
    var clock = LoopClock(at: 0)
    for turn in 1...100 { _ = clock.beginTurn(at: .origin + UInt64(turn) * 400 * Self.millisecond, planned: 0) }
    #expect(clock.now == .origin + 100 * LoopClock.tolerance)
  }

  @Test("one that was continued has no excuse of being late")
  func interrupted() {
    var clock = LoopClock(at: 0)
    let stoodStill = clock.beginTurn(
      at: .origin + 150 * Self.millisecond, planned: 100 * Self.millisecond, interrupted: true)
    #expect(stoodStill)
    #expect(clock.now == .origin + 100 * Self.millisecond)
  }

  @Test("without a timer there is nothing to be wronged: all counts")
  func untimed() {
    var clock = LoopClock(at: 0)
    let late = Instant(nanoseconds: .max / 2)
    #expect(clock.longestWait(until: nil) == nil)
    let stoodStill = clock.beginTurn(at: late, planned: nil)
    #expect(!stoodStill)
    #expect(clock.now == late)
  }

  @Test("what waited on purpose counts, and what is known to have stood still does not")
  func byHand() {
    var clock = LoopClock(at: 100)
    clock.count(until: 5000)
    clock.leaveOut(until: 6000)
    clock.count(until: 6500)
    #expect(clock.now == 5500)
    #expect(clock.leftOut == 1000)
  }

  @Test("a time of this clock is found again on the kernel's: before, between and after pauses")
  func readings() {
    var clock = LoopClock(at: 0)
    for turn in 0..<3 as Range<UInt64> {
      clock.count(until: Instant(nanoseconds: turn * 1100 + 100))
      clock.leaveOut(until: Instant(nanoseconds: turn * 1100 + 1100))
    }
    #expect(clock.now == 300)
    #expect([0, 99, 100, 150, 200, 250, 300].map { clock.reading(at: $0) } == [0, 99, 1100, 1150, 2200, 2250, 3300])
    #expect(clock.reading(at: .distantFuture) == .distantFuture)
  }

  @Test("the oldest of many pauses are dropped: recent times stay exact")
  func manyPauses() {
    var clock = LoopClock(at: 0)
    for turn in 0..<1000 as Range<UInt64> {
      clock.count(until: Instant(nanoseconds: turn * 30 + 10))
      clock.leaveOut(until: Instant(nanoseconds: turn * 30 + 30))
    }
    #expect(clock.leftOut == 20_000)
    #expect(clock.reading(at: clock.now) == 30_000)
    #expect(clock.reading(at: clock.now - 15) == 29_945)
    #expect(clock.reading(at: 5000) >= 15_000, "those that are dropped stay left out")
  }

  @Test("a clock that goes back, or to the end of time, breaks nothing")
  func absurd() {
    var clock = LoopClock(at: 1000)
    let stoodStill = clock.beginTurn(at: 10, planned: 5)
    #expect(!stoodStill)
    #expect(clock.now == 1000)
    clock.count(until: 3)
    clock.leaveOut(until: 4)
    #expect(clock.now == 1000 && clock.leftOut == 0)
    #expect(clock.longestWait(until: 0) == 0)
    #expect(clock.longestWait(until: .distantFuture).map { $0 > .seconds(1 << 20) } == true)
    let stoodStillToTheEnd = clock.beginTurn(at: .distantFuture, planned: 5)
    #expect(stoodStillToTheEnd)
  }

  @Test("random turns: it never goes back, never ahead of the kernel's, and what is left out is the difference")
  func simulated() {
    var generator = SplitMix64(state: 5)
    for _ in 0..<200 {
      var clock = LoopClock(at: 1_000_000)
      var reading: Instant = 1_000_000
      for _ in 0..<200 {
        let before = clock.now
        reading += Nanoseconds.random(in: 0...1_000_000_000, using: &generator)
        switch Int.random(in: 0...3, using: &generator) {
        case 0: clock.count(until: reading)
        case 1: clock.leaveOut(until: reading)
        default:
          let planned = Nanoseconds.random(in: 0...500_000_000, using: &generator)
          _ = clock.beginTurn(at: reading, planned: planned, interrupted: Bool.random(using: &generator))
        }
        #expect(clock.now >= before && clock.now + clock.leftOut == reading)
        #expect(clock.reading(at: clock.now) == reading)
      }
    }
  }
}
