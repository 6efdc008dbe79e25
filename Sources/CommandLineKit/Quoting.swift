/// `text` in double quotes, safe to print: control and format characters are escaped, so that a pasted escape sequence
/// cannot drive the terminal or fake a line of a log, and what is longer than 60 characters is cut.
public func quoted(_ text: String) -> String {
  "\"" + escaped(text) + "\""
}

/// A word of the command line as part of a sentence: bare if it is plain, else quoted.
public func shown(_ word: String) -> String {
  let isPlain = !word.isEmpty && word.utf8.count <= 60 && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }
  return isPlain ? word : quoted(word)
}

private func escaped(_ text: String) -> String {
  var result = ""
  for (count, scalar) in text.unicodeScalars.enumerated() {
    if count == 60 { return result + "..." }
    switch scalar {
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\"", "\\": result += "\\\(scalar)"
    default: result += isPrintable(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
  }
  return result
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
  default: true
  }
}
