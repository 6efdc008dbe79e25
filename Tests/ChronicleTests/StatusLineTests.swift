import TestSupport
import Testing
import Time

@testable import Chronicle

@Suite("The line below the messages") struct StatusLineTests {
  @Test("it is erased before messages and drawn again behind them")
  func messages() {
    var status = StatusLine()
    #expect(status.beforeMessage() == "" && status.atEnd() == "", "there is none yet")
    status.set("one")
    #expect(status.atEnd() == "\r\u{1B}[?7lone\u{1B}[K\u{1B}[?7h\r")
    #expect(status.beforeMessage() + "message\n" == "\r\u{1B}[Jmessage\n")
    #expect(status.beforeMessage() + "another\n" == "another\n", "nothing is left to erase")
    #expect(status.atEnd() == "\r\u{1B}[?7lone\u{1B}[K\u{1B}[?7h\r")
  }

  @Test("what is drawn already is not drawn again, and a new text overwrites the old one without erasing it first")
  func redraw() {
    var status = StatusLine()
    status.set("one")
    _ = status.atEnd()
    status.set("one")
    #expect(status.atEnd() == "")
    status.set("two")
    #expect(status.atEnd() == "\r\u{1B}[?7ltwo\u{1B}[K\u{1B}[?7h\r")
  }

  @Test("in a window that has changed it is erased to the end of the screen: it may be broken in two")
  func resized() {
    var status = StatusLine()
    status.windowChanged()
    status.set("one")
    #expect(status.atEnd() == "\r\u{1B}[?7lone\u{1B}[K\u{1B}[?7h\r")
    status.windowChanged()
    #expect(status.atEnd() == "\r\u{1B}[J\u{1B}[?7lone\u{1B}[K\u{1B}[?7h\r")
    #expect(status.atEnd() == "")
  }

  @Test("once it is cleared nothing of it is left, and nothing comes back")
  func cleared() {
    var status = StatusLine()
    status.set("one")
    _ = status.atEnd()
    #expect(status.clear() == "\r\u{1B}[J")
    #expect(status.clear() == "" && status.atEnd() == "")
  }

  @Test("in the background it is left alone, and what others wrote there, too")
  func background() {
    var status = StatusLine()
    status.set("one")
    _ = status.atEnd()
    status.forget()
    #expect(status.beforeMessage() == "" && status.atEnd() == "")
    status.set("one")
    #expect(status.atEnd() == "\r\u{1B}[?7lone\u{1B}[K\u{1B}[?7h\r")
  }
}

@Suite("When the line is drawn") struct ProgressDisplayTests {
  private let plain = TerminalStyle(hasColor: false, hasUnicode: false)
  private let start = Progress(input: .endless, taken: 0, settled: 0, notOK: 0, busy: 0, serving: 8, slots: 8)

  @Test("a run that is over at once shows none")
  func shortRun() {
    var display = ProgressDisplay(style: plain, columns: 80)
    #expect(display.update(start, at: 0) == nil)
    #expect(display.update(start, at: ProgressDisplay.firstDraw - 1) == nil)
    #expect(display.update(start, at: ProgressDisplay.firstDraw) != nil)
  }

  @Test("however much happens, it is drawn ten times a second")
  func limit() {
    var display = ProgressDisplay(style: plain, columns: 80)
    var progress = start
    var draws = 0
    for step in 0..<10_000 as Range<UInt64> {
      progress.settled += 1
      if display.update(progress, at: .origin + second + .milliseconds(step)) != nil { draws += 1 }
    }
    #expect(draws == 100)
  }

  @Test("when nothing happens it is drawn for the clock alone, and looked at less often")
  func resting() {
    var display = ProgressDisplay(style: plain, columns: 80)
    var progress = start
    progress.taken = 8
    var updates = 0
    var draws = 0
    var now = Instant.origin + second
    while now < .origin + 11 * second {
      updates += 1
      if display.update(progress, at: now) != nil { draws += 1 }
      now = display.nextUpdate
    }
    #expect(draws == 10)
    #expect(updates <= 41)
  }

  @Test("in a window of another size it is drawn at once")
  func resize() {
    var display = ProgressDisplay(style: plain, columns: 80)
    var progress = start
    progress.settled = 123_456
    let wide = display.update(progress, at: .origin + second)
    #expect(display.update(progress, at: .origin + second + 1) == nil)
    display.resize(columns: 20)
    let narrow = display.update(progress, at: .origin + second + 2)
    #expect(cells(narrow!) < 20 && cells(wide!) >= 20)
    display.resize(columns: 20)
    #expect(!display.isDue(at: .origin + second + 3))
  }
}

@Suite("What a terminal takes") struct TerminalStyleTests {
  private func style(_ color: DisplayChoice, _ isTerminal: Bool, _ variables: [String: String]) -> TerminalStyle {
    TerminalStyle(color: color, isTerminal: isTerminal) { variables[$0] }
  }

  @Test("colours only on a terminal that is not dumb, and not where NO_COLOR says so")
  func color() {
    #expect(style(.auto, true, [:]).hasColor)
    #expect(style(.auto, true, ["NO_COLOR": ""]).hasColor)
    #expect(!style(.auto, true, ["NO_COLOR": "1"]).hasColor)
    #expect(!style(.auto, true, ["TERM": "dumb"]).hasColor)
    #expect(!style(.auto, false, [:]).hasColor)
    #expect(style(.always, false, ["NO_COLOR": "1", "TERM": "dumb"]).hasColor)
    #expect(!style(.never, true, [:]).hasColor)
  }

  @Test(
    "blocks only where the locale is UTF-8; the first variable that is set counts",
    arguments: [
      (["LANG": "de_DE.UTF-8"], true), (["LC_CTYPE": "C.utf8"], true), (["LANG": "C"], false), ([:], false),
      (["LC_ALL": "C", "LANG": "en_US.UTF-8"], false), (["LC_ALL": "", "LANG": "en_US.UTF-8"], true),
    ] as [([String: String], Bool)])
  func unicode(variables: [String: String], expected: Bool) {
    #expect(style(.auto, true, variables).hasUnicode == expected)
  }

  @Test("a progress line only where it can be redrawn, and nobody writes in between")
  func progress() {
    func shows(_ choice: DisplayChoice, terminal: Bool, shared: Bool = false, term: String = "xterm") -> Bool {
      showsProgress(choice, isTerminal: terminal, isShared: shared) { $0 == "TERM" ? term : nil }
    }
    #expect(shows(.auto, terminal: true))
    #expect(!shows(.auto, terminal: false))
    #expect(!shows(.auto, terminal: true, shared: true))
    #expect(!shows(.auto, terminal: true, term: "dumb"))
    #expect(shows(.always, terminal: false, shared: true, term: "dumb"))
    #expect(!shows(.never, terminal: true))
  }
}
