/// Text of workers and clients, made fit for a screen: what it may hold, and how many cells it takes.
///
/// Terminals disagree about sequences (joined emoji, flags, skin tones, variation selectors), and some characters turn
/// the direction of a whole line. Of those only what every terminal shows alike is kept.
struct CellText {
  /// Nothing in it moves the cursor by other than its width.
  private(set) var text = ""
  /// The cells that it takes.
  private(set) var cells = 0

  private static let mostMarks = 2

  /// As much of `raw` as goes into `room` cells; a mark at the end stands for what does not.
  init(_ raw: String, room: Int, hasUnicode: Bool) {
    guard room > 0 else { return }
    let isPlain = raw.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    if isPlain, raw.utf8.count <= room {
      text = raw
      cells = raw.utf8.count
      return
    }
    // What still fits when the mark has to be added.
    var cut: (end: String.Index, cells: Int) = (text.startIndex, 0)
    var marks = 0
    for scalar in raw.unicodeScalars {
      let (shown, width) = Self.shown(scalar, hasUnicode: hasUnicode)
      guard let shown else { continue }
      if width == 0 {
        marks += 1
        // A mark needs something to stand on, and a tower of them reaches into other lines.
        guard marks <= Self.mostMarks, cells > 0 else { continue }
        text.unicodeScalars.append(shown)
        if cells < room { cut = (text.endIndex, cells) }
        continue
      }
      marks = 0
      if cells + width > room {
        text = String(text[..<cut.end]) + (hasUnicode ? "\u{2026}" : "~")
        cells = cut.cells + 1
        return
      }
      text.unicodeScalars.append(shown)
      cells += width
      if cells < room { cut = (text.endIndex, cells) }
    }
  }

  /// What stands on the screen for a scalar, and its width; nil if nothing.
  private static func shown(_ scalar: Unicode.Scalar, hasUnicode: Bool) -> (Unicode.Scalar?, Int) {
    let value = scalar.value
    if value >= 0x20, value < 0x7F { return (scalar, 1) }
    let replacement: Unicode.Scalar = hasUnicode ? "\u{FFFD}" : "?"
    switch value {
    case 0x09: return (" ", 1)
    // Flags are pairs of these: their letters are shown.
    case 0x1F1E6...0x1F1FF: return (Unicode.Scalar(0x41 + value - 0x1F1E6), 1)
    // Skin tones and variation selectors.
    case 0x1F3FB...0x1F3FF, 0xFE00...0xFE0F, 0xE0100...0xE01EF: return (nil, 0)
    // Vowels and finals of Hangul that are not composed.
    case 0x1160...0x11FF, 0xD7B0...0xD7FF: return (replacement, 1)
    default: break
    }
    switch scalar.properties.generalCategory {
    case .format: return (nil, 0)
    case .enclosingMark: return (nil, 0)
    case .nonspacingMark: return hasUnicode ? (scalar, 0) : (nil, 0)
    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned, .spacingMark:
      return (replacement, 1)
    default: return hasUnicode ? (scalar, width(of: scalar)) : (replacement, 1)
    }
  }

  /// 2 for what East Asian Width (UAX 11) calls wide, and for emoji that are pictures by themselves.
  private static func width(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case ..<0x1100: 1
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
      0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x20000...0x3FFFD:
      2
    default: scalar.properties.isEmojiPresentation ? 2 : 1
    }
  }
}
