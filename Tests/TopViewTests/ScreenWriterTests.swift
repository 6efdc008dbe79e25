import Chronicle
import ControlProtocol
import TestSupport
import Testing
import Time
import TopView

/// From frames to what is written.
@Suite struct ScreenWriterTests {
  private func writer(hasColor: Bool) -> ScreenWriter {
    ScreenWriter(style: TerminalStyle(hasColor: hasColor, hasUnicode: true))
  }

  /// The rows that a text goes to, from 1.
  private func rows(_ text: String) -> [Int] {
    text.split(separator: "\u{1B}").compactMap { part in
      part.hasPrefix("[") && part.hasSuffix(";1H") ? Int(part.dropFirst().dropLast(3)) : nil
    }
  }

  @Test("only lines that have changed are written, all at once")
  func changedLines() {
    var writer = writer(hasColor: false)
    var view = sampleView()
    var pool = samplePool()
    view.take([pool], at: 0)
    #expect(rows(writer.write(view.frame(at: 0))) == Array(1...24))
    #expect(writer.write(view.frame(at: 0)) == "")
    pool.jobs.queued = 4
    view.take([pool], at: 0)
    let change = writer.write(view.frame(at: 0))
    #expect(rows(change) == [4])
    #expect(change.hasPrefix("\u{1B}[?2026h") && change.hasSuffix("\u{1B}[?2026l"))
  }

  @Test("after Ctrl-L or another size everything is written")
  func everything() {
    var writer = writer(hasColor: false)
    var view = sampleView()
    view.take([samplePool()], at: 0)
    _ = writer.write(view.frame(at: 0))
    writer.forget()
    let again = writer.write(view.frame(at: 0))
    #expect(rows(again) == Array(1...24))
    #expect(again.contains("\u{1B}[2J"))
    view.resize(columns: 80, rows: 10)
    #expect(rows(writer.write(view.frame(at: 0))) == Array(1...10))
  }

  @Test("without colours there is none")
  func colours() {
    var view = sampleView()
    view.take([samplePool()], at: 0)
    var plain = writer(hasColor: false)
    let text = plain.write(view.frame(at: 0))
    for code in 30...37 { #expect(!text.contains("\(code)m")) }
    var coloured = writer(hasColor: true)
    #expect(coloured.write(view.frame(at: 0)).contains("\u{1B}[32mserving\u{1B}[0m"))
  }

  @Test("behind a text whose width a terminal may see otherwise, the column is named")
  func columnsAreSure() {
    var writer = writer(hasColor: false)
    var view = sampleView(rows: 12)
    var pool = samplePool()
    pool.clients[1].peer = "漢字"
    view.take([pool], at: 0)
    _ = view.press(.tab, at: 0)
    #expect(writer.write(view.frame(at: 0)).contains("漢字" + String(repeating: " ", count: 30) + "\u{1B}[42G "))
  }
}
