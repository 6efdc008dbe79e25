import Chronicle
import ControlProtocol
import Testing
import TestSupport
import Time
import TopView

/// Workers and clients that write what could spoil a screen.
@Suite struct HostileTests {
  /// What the first slot's line says at its end when its worker says `said`.
  private func shown(_ said: String) -> String {
    var view = sampleView(columns: 100, rows: 24)
    var pool = samplePool()
    pool.slots[0].worker?.said = said
    view.take([pool], at: 0)
    let line = screen(view).split(separator: "\n").first { $0.hasPrefix(">") }!
    return line.split(separator: " ", omittingEmptySubsequences: true).dropFirst(11).joined(separator: " ")
  }

  @Test(
    "no text moves the cursor, changes colours, or turns the line around",
    arguments: [
      ("\u{1B}[2J\u{1B}[31mred", "\u{FFFD}[2J\u{FFFD}[31mred"), ("a\u{9B}1mb", "a\u{FFFD}1mb"),
      ("a\nb\rc\td", "a\u{FFFD}b\u{FFFD}c d"),
      ("\u{202E}evil\u{2066}", "evil"), ("a\u{2028}b", "a\u{FFFD}b"), ("\u{E000}\u{10FFFF}", "\u{FFFD}\u{FFFD}"),
      ("\u{301}\u{301}x", "x"), ("e\u{301}\u{301}\u{301}\u{301}!", "e\u{301}\u{301}!"),
      ("\u{1F469}\u{200D}\u{1F4BB}\u{1F44D}\u{1F3FD}", "\u{1F469}\u{1F4BB}\u{1F44D}"), ("\u{1F1E9}\u{1F1EA}", "DE"),
      (String(decoding: [0x61, 0xFF, 0x62], as: UTF8.self), "a\u{FFFD}b"),
    ])
  func harmless(said: String, expected: String) { #expect(shown(said) == expected) }

  @Test("wide characters take two cells: what does not fit is cut before, and columns stay in line")
  func wideCharacters() {
    var view = sampleView(columns: 80, rows: 12)
    var pool = samplePool()
    pool.clients[0].peer = String(repeating: "漢", count: 40)
    view.take([pool], at: 0)
    _ = view.press(.tab, at: 0)
    let line = view.frame(at: 0)[6]
    #expect(line.cells == 80)
    #expect(line.text == ">   40 " + String(repeating: "漢", count: 16) + "…     30s      3       2      60     0 B ")
  }

  @Test("no line is ever wider than the window, whatever is told and whatever size it has", arguments: 0..<40)
  func neverTooWide(seed: UInt64) {
    var random = SplitMix64(state: seed)
    for _ in 0..<10 {
      let columns = Int.random(in: 1...120, using: &random)
      let rows = Int.random(in: 1...50, using: &random)
      let hasUnicode = Bool.random(using: &random)
      var view = sampleView(columns: columns, rows: rows, hasUnicode: hasUnicode)
      for time in 0..<4 as Range<UInt64> {
        view.take(
          (0..<Int.random(in: 0...3, using: &random)).map { _ in randomPool(&random) }, at: .origin + time * second)
        for _ in 0..<5 { _ = view.press(randomKey(&random), at: .origin + time * second) }
        if Bool.random(using: &random) { view.lost(randomText(&random), at: .origin + time * second) }
        let frame = view.frame(at: .origin + time * second)
        #expect(frame.count == rows)
        for line in frame {
          #expect(line.cells <= columns)
          #expect(cells(line.text) == line.cells, "\(line.text.unicodeScalars.map(\.value))")
          #expect(line.text.unicodeScalars.allSatisfy { isHarmless($0) && (hasUnicode || $0.isASCII) })
        }
      }
    }
  }

  private func randomKey(_ random: inout SplitMix64) -> Key {
    let keys: [Key] = [
      .up, .down, .pageUp, .pageDown, .home, .end, .tab, .character("s"), .character("p"), .character("?"),
      .character("d"),
      .character("+"), .character(" "), .character("r"), .escape,
    ]
    return keys.randomElement(using: &random)!
  }

  private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: false
    default: true
    }
  }

  /// The width, by a rule that is other than that of the code: all ideographs, Hangul, kana, full-width forms and emoji
  /// are wide.
  private func cells(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      if scalar.properties.generalCategory == .nonspacingMark { return sum }
      let wide: [ClosedRange<UInt32>] = [
        0x3041...0x33FF, 0x4E00...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
        0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x20000...0x3FFFD,
      ]
      let isWide = scalar.properties.isEmojiPresentation || wide.contains { $0.contains(scalar.value) }
      return sum + (isWide ? 2 : 1)
    }
  }
}
