import Chronicle

/// Turns frames into what must be written to a terminal: only the lines that are other than before, in one synchronized
/// update, so that no half of a frame is ever seen.
public struct ScreenWriter: Sendable {
  /// The alternate screen, its cursor hidden, long lines cut rather than broken, pasted text marked.
  public static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[?2004h\u{1B}[0m\u{1B}[H\u{1B}[2J"
  /// All of that undone; also what a frame that was cut off may have left.
  public static let leave = "\u{1B}[?2026l\u{1B}[0m\u{1B}[?2004l\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

  private let style: TerminalStyle
  private var shown: [StyledLine]?

  /// Nothing is known of the screen yet.
  public init(style: TerminalStyle) { self.style = style }

  /// Others may have written there, or the window has changed: the next frame is written whole.
  public mutating func forget() { shown = nil }

  /// What makes the screen show `frame`; empty if it does already.
  public mutating func write(_ frame: [StyledLine]) -> String {
    var text = ""
    if shown?.count != frame.count {
      shown = nil
      text += "\u{1B}[0m\u{1B}[2J"
    }
    for (row, line) in frame.enumerated() {
      if let shown, shown[row] == line { continue }
      // Erased first: after a line that fills the window the cursor stands on its last cell.
      text += "\u{1B}[\(row + 1);1H\u{1B}[K"
      append(line, to: &text)
    }
    shown = frame
    return text.isEmpty ? "" : "\u{1B}[?2026h\(text)\u{1B}[?2026l"
  }

  private func append(_ line: StyledLine, to text: inout String) {
    var column = 1
    var isSure = true
    var code = ""
    for run in line.runs {
      // A terminal may have other thoughts of the width of what stood before.
      if !isSure { text += "\u{1B}[\(column)G" }
      let wanted = parameters(of: run.tint)
      if wanted != code {
        text += (code.isEmpty ? "" : "\u{1B}[0m") + (wanted.isEmpty ? "" : "\u{1B}[\(wanted)m")
        code = wanted
      }
      text += run.text
      column += run.cells
      isSure = run.text.utf8.allSatisfy { $0 < 0x80 }
    }
    if !code.isEmpty { text += "\u{1B}[0m" }
  }

  /// SGR parameters. What is no colour (bold, reversed) is used without colours, too.
  private func parameters(of tint: Tint) -> String {
    switch tint {
    case .plain: ""
    case .strong: "1"
    case .chosen: "7"
    case .faint: style.hasColor ? "2" : ""
    case .good: style.hasColor ? "32" : ""
    case .busy: style.hasColor ? "36" : ""
    case .notice: style.hasColor ? "33" : ""
    case .bad: style.hasColor ? "1;31" : "1"
    }
  }
}
