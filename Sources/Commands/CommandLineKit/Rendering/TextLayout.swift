/// `text` broken at spaces into lines of at most `width` characters. A word that is longer stands alone on its line.
func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    if !line.isEmpty, line.count + 1 + word.count > width {
      lines.append(line)
      line = ""
    }
    line += (line.isEmpty ? "" : " ") + word
  }
  if !line.isEmpty { lines.append(line) }
  return lines.map { String($0.map { $0 == noBreakSpace ? " " : $0 }) }
}

/// `text` with spaces at which `wrapped` does not break; they come out as ordinary spaces.
func unbroken(_ text: String) -> String { String(text.map { $0 == " " ? noBreakSpace : $0 }) }

private let noBreakSpace: Character = "\u{A0}"

func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

/// Two columns: labels, and texts wrapped beside them. A label that does not fit its column has a line of its own.
struct TwoColumns {
  /// Where the texts begin.
  let column: Int
  let width: Int

  func rendered(_ label: String, _ text: String) -> String {
    let lines = wrapped(text, width: max(20, width - column))
    var result = "  " + label
    var isBesideLabel = result.count + 2 <= column
    for line in lines {
      result += isBesideLabel ? spaces(column - result.count) : "\n" + spaces(column)
      result += line
      isBesideLabel = false
    }
    return result + "\n"
  }
}

extension OptionDeclaration {
  /// What to type for a spelling: `-w, --workers N`.
  func label(_ spelling: OptionSpelling, aligned: Bool) -> String {
    spelling.label(aligned: aligned) + (placeholder.map { " \($0)" } ?? "")
  }

  /// The default as it stands behind the help of a spelling; nil where there is none to show.
  func defaultNote(_ spelling: OptionSpelling) -> String? {
    if let defaultText { return "default: \(defaultText)" }
    return spelling.isDefault ? "default" : nil
  }
}
