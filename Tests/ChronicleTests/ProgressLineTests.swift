import TestSupport
import Testing
import Time

@testable import Chronicle

@Suite("The progress line") struct ProgressLineTests {
  /// A file of 1000 jobs, 420 of which are settled after 42 s.
  private func midway() -> Story {
    var story = Story(.over, taken: 1000)
    story.runs(10, perSecondFor: 42)
    return story
  }

  @Test("with room it says all: bar, share, rate, time to go, busy slots, jobs")
  func wide() {
    #expect(
      midway().line(100) == "[#########--------------]   42%  10/s  ETA 58s  8/8 busy  420/1000 jobs")
  }

  @Test("at 80 columns there is room for failures, too, and at 40 for all that matters")
  func narrow() {
    var story = midway()
    story.progress.notOK = 3
    #expect(story.line(80) == "[#######-----------]   42%  10/s  ETA 58s  3 not ok  8/8 busy  420/1000 jobs")
    #expect(story.line(40) == " 42% 10/s ETA 58s 3 not ok 8/8 busy")
    #expect(story.line(20) == " 42% ETA 58s 3 bad")
    #expect(story.line(5) == " 42%")
    #expect(story.line(4) == "42%")
    #expect(story.line(0) == "")
  }

  @Test("no line is ever as wide as the window", arguments: [1, 2, 3] as [UInt64])
  func neverTooWide(seed: UInt64) {
    var chance = SplitMix64(state: seed)
    for _ in 0..<300 {
      let size = UInt64.random(in: 0...(1 << UInt64.random(in: 0...50, using: &chance)), using: &chance)
      let inputs: [Progress.Input] = [.endless, .over, .bytes(taken: size / 2, of: size)]
      var story = Story(
        inputs.randomElement(using: &chance)!, taken: size, slots: .random(in: 0...9999, using: &chance))
      for _ in 0..<Int.random(in: 0...30, using: &chance) {
        let most = story.progress.open
        story.after(.random(in: 0...1000, using: &chance), settled: .random(in: 0...most / 2, using: &chance))
      }
      story.progress.notOK = .random(in: 0...story.progress.settled, using: &chance)
      story.progress.phase = [.running, .draining, .breakerOpen].randomElement(using: &chance)!
      for columns in 0...200 {
        let color = Bool.random(using: &chance)
        let line = story.line(columns, color: color, unicode: .random(using: &chance))
        #expect(cells(line) <= max(0, columns - 1), "\(columns): \(line)")
        if !color { #expect(!line.contains("\u{1B}")) }
      }
    }
  }

  @Test("when the length of the input is not known it counts, and tells how long it has been going on")
  func counter() {
    var story = Story(.endless, taken: 500)
    story.runs(10, perSecondFor: 42)
    #expect(story.line(80) == "420 jobs  10/s  42s  8/8 busy")
  }

  @Test("the end of the input is when its length is known")
  func inputEnds() {
    var story = Story(.endless, taken: 500)
    story.runs(10, perSecondFor: 42)
    story.progress.input = .over
    story.after(1, settled: 10)
    #expect(story.line(40) == " 86% 10/s ETA 7s 8/8 busy 430/500 jobs")
  }

  @Test("workers that take their time to start are what is waited for")
  func starting() {
    var story = Story(.endless, taken: 16)
    story.progress.serving = 0
    story.progress.busy = 0
    story.after(3)
    #expect(story.line(80) == "0 jobs  3s  workers start  0/8 busy")
  }

  @Test("what keeps a run from going on is said in place of the rest")
  func phases() {
    var story = midway()
    story.progress.phase = .breakerOpen
    #expect(story.line(80).contains("workers fail to start"))
    #expect(story.line(40).contains("no workers"))
    story.progress.phase = .draining
    #expect(story.line(40) == " 42% 10/s 42s finishing 8/8 busy")
  }

  @Test("100% is said when nothing is left, and no sooner")
  func hundred() {
    var story = Story(.bytes(taken: 1000, of: 1000), taken: 1000)
    story.after(1, settled: 999)
    #expect(story.line(20).hasPrefix(" 99%"))
    story.after(1, settled: 1)
    #expect(story.line(20).hasPrefix(" 99%"))
    story.progress.input = .over
    #expect(story.line(20).hasPrefix("100%"))
  }

  @Test("failures are red, the bar is green, and colours take no room")
  func colors() {
    var story = midway()
    story.progress.notOK = 3
    let line = story.line(80, color: true, unicode: true)
    #expect(line.contains("\u{1B}[31m3 not ok\u{1B}[0m"))
    #expect(line.hasPrefix("\u{1B}[32m\u{2595}"))
    #expect(cells(line) == cells(story.line(80)))
  }

  @Test("a bar of blocks grows by eighths of a cell")
  func eighths() {
    var story = Story(.over, taken: 144)
    story.after(1, settled: 11)
    #expect(story.line(80, unicode: true).hasPrefix("\u{2595}\u{2588}\u{258D}                \u{258F}"))
  }
}

@Suite("How much is done") struct ProgressTests {
  @Test("a file is measured in bytes, less those of the jobs that are still open")
  func bytes() {
    var progress = Progress(
      input: .bytes(taken: 5000, of: 10000), taken: 100, settled: 80, notOK: 0, busy: 4, serving: 4, slots: 4)
    #expect(progress.open == 20 && progress.done == 0.4)
    progress.input = .bytes(taken: 20000, of: 10000)
    #expect(progress.done == 0.8, "the file has grown")
  }

  @Test("what was done in an earlier run counts as done, but not as work of this one")
  func skipped() {
    let progress = Progress(
      input: .over, taken: 1000, skipped: 900, settled: 50, notOK: 0, busy: 4, serving: 4, slots: 4)
    #expect(progress.done == 0.95 && progress.worked == 0.05)
  }

  @Test("an empty file is no division by nothing")
  func empty() {
    let progress = Progress(
      input: .bytes(taken: 0, of: 0), taken: 0, settled: 0, notOK: 0, busy: 0, serving: 0, slots: 4)
    #expect(progress.done == 0 && progress.worked == 0)
  }
}
