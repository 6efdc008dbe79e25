import TestSupport
import Testing
import Time

@testable import Chronicle

@Suite("How fast, and until when") struct ProgressMeterTests {
  @Test("the time that workers took to start is no part of the rate")
  func startIsNoPart() {
    var story = Story(.over, taken: 1000)
    story.after(60, settled: 8)
    #expect(story.meter.rate == nil)
    story.runs(4, perSecondFor: 10)
    #expect(abs(story.meter.rate! - 4) < 0.01)
  }

  @Test("a time to go is told only when enough was seen to know it")
  func worthTelling() {
    var story = Story(.over, taken: 1000)
    story.after(1, settled: 1)
    story.after(1, settled: 1)
    story.after(1, settled: 1)
    #expect(story.meter.timeToGo(at: story.now) == nil, "two results after the first say nothing yet")
    story.after(1, settled: 1)
    let rest = story.meter.timeToGo(at: story.now)
    #expect(rest!.wholeSeconds == 996)
  }

  @Test("between results the time to go runs like a clock, and never below nothing")
  func countsDown() {
    var story = Story(.over, taken: 100)
    story.runs(1, perSecondFor: 90)
    #expect(story.meter.timeToGo(at: story.now)!.wholeSeconds == 10)
    #expect(story.meter.timeToGo(at: story.now + 4 * second)!.wholeSeconds == 6)
    #expect(story.meter.timeToGo(at: story.now + 40 * second) == 0)
  }

  @Test("jobs of very different length do not make the time to go jump", arguments: [1, 2, 3, 4] as [UInt64])
  func doesNotJump(seed: UInt64) {
    var chance = SplitMix64(state: seed)
    var story = Story(.over, taken: 100_000)
    var last: Double?
    for turn in 0..<6000 {
      // 10 a second on average, in bursts.
      story.after(0.1, settled: UInt64.random(in: 0...2, using: &chance))
      guard turn > 1200, let rest = story.meter.timeToGo(at: story.now).map({ Double($0.count) }) else { continue }
      if let last { #expect(abs(rest - last) < last * 0.02, "\(turn): from \(last / 1e9) s to \(rest / 1e9) s") }
      last = rest
    }
    #expect(abs(last! / 1e9 - 9400) < 940)
  }

  @Test("a run that becomes slower is known to be slower before long")
  func follows() {
    var story = Story(.over, taken: 100_000)
    story.runs(100, perSecondFor: 60)
    story.runs(10, perSecondFor: 40)
    #expect(story.meter.rate! < 20)
    story.runs(10, perSecondFor: 60)
    #expect(story.meter.rate! < 11)
  }

  @Test("rare results: the rate is the average of several, not the last gap")
  func rareResults() {
    var story = Story(.over, taken: 1000, slots: 1)
    for gap in [60.0, 30, 90, 60, 45, 75, 60, 20, 100, 60] { story.after(gap, settled: 1) }
    #expect(story.meter.rate! * 60 > 0.7 && story.meter.rate! * 60 < 1.4)
    #expect(story.line(80).contains("/min"))
  }

  @Test("a file's time to go follows its bytes: the jobs that are left may be larger")
  func bytes() {
    var story = Story(.bytes(taken: 0, of: 1_000_000))
    for step in 1...100 as ClosedRange<UInt64> {
      story.progress.taken = step * 10
      story.progress.input = .bytes(taken: step * 1000, of: 1_000_000)
      story.after(1, settled: 10)
    }
    #expect(abs(story.meter.timeToGo(at: story.now)!.seconds - 900) < 10)
  }

  @Test("jobs that were skipped in the middle do not make it look fast")
  func skipped() {
    var story = Story(.bytes(taken: 0, of: 1_000_000))
    for step in 1...100 as ClosedRange<UInt64> {
      if step == 50 { story.progress.skipped = 5000 }
      story.progress.taken = story.progress.settled + story.progress.skipped + 10
      story.progress.input = .bytes(taken: story.progress.taken * 100, of: 1_000_000)
      story.after(1, settled: 10)
    }
    #expect(abs(story.meter.timeToGo(at: story.now)!.seconds - 400) < 40)
  }

  @Test("nothing for long is a stall; but long is more when results are rare")
  func stall() {
    var quick = Story(.over, taken: 1000)
    quick.runs(10, perSecondFor: 20)
    quick.after(9)
    #expect(quick.meter.stall(at: quick.now) == nil)
    quick.after(14)
    #expect(quick.meter.stall(at: quick.now) == 23 * second)
    #expect(quick.line(80).contains("stalled 23s") && !quick.line(80).contains("/s "))
    var rare = Story(.over, taken: 1000)
    for _ in 0..<10 { rare.after(60, settled: 1) }
    #expect(rare.meter.stall(at: rare.now + 290 * second) == nil)
    #expect(rare.meter.stall(at: rare.now + 300 * second) != nil)
  }

  @Test("no input is no stall")
  func noInput() {
    var story = Story(.endless, taken: 100)
    story.runs(10, perSecondFor: 10)
    story.after(30)
    #expect(story.line(80) == "100 jobs  waiting for input  8/8 busy")
  }
}
