/// `text` in double quotes, safe to print on a terminal and in a line of a log: `"plain"`, `"two\nlines"`,
/// `"\u{1b}[2J"`, `"a long one"… (5000 bytes)`. See `quoted(_:limit:)`; the limit is 60 bytes.
public func quoted(_ text: String) -> String { quoted(text.utf8) }

/// Bytes as a text in double quotes, safe to print on a terminal and in a line of a log.
///
/// Nothing in it can drive the terminal, reverse the direction of writing or fake another line: controls, format
/// characters and code points without a meaning are escaped (`\n`, `\r`, `\t`, `\0`, `\u{1b}`), and so are quotes and
/// backslashes. A byte that is not UTF-8 is shown as `\xff`.
///
/// - Parameter limit: How many bytes are shown. A longer text is cut between two code points, and its length follows:
///   `"abc"… (5000 bytes)`.
public func quoted(_ bytes: some Collection<UInt8>, limit: Int = 60) -> String {
  var text = "\""
  var (rest, shown) = (bytes[...], 0)
  var (parser, source) = (Unicode.UTF8.ForwardParser(), bytes.makeIterator())
  while !rest.isEmpty {
    let (piece, length): (String, Int)
    switch parser.parseScalar(from: &source) {
    case .valid(let encoded): (piece, length) = (escaped(Unicode.UTF8.decode(encoded)), encoded.count)
    case .error(let count):
      (piece, length) = (rest.prefix(count).map { "\\x" + zeroPadded($0, to: 2, radix: 16) }.joined(), count)
    case .emptyInput: return text + "\""
    }
    shown += length
    if shown > limit { return text + "\"… (\(plural(bytes.count, "byte")))" }
    text += piece
    rest = rest.dropFirst(length)
  }
  return text + "\""
}

/// A word as part of a sentence: bare if it is short and plain ASCII, else `quoted`: `--workers`, `"two words"`, `""`.
public func wordText(_ word: String) -> String {
  let isPlain = !word.isEmpty && word.utf8.count <= 60 && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }
  return isPlain ? word : quoted(word)
}

/// A byte as people read it: its character if it has one, else its escape or its value: `"x"`, `a quote`, `"\n"`,
/// `byte 0x1b`.
public func byteText(_ byte: UInt8) -> String {
  switch byte {
  case UInt8(ascii: "\n"): "\"\\n\""
  case UInt8(ascii: "\r"): "\"\\r\""
  case UInt8(ascii: "\""): "a quote"
  case 0x20..<0x7F: "\"\(Unicode.Scalar(byte))\""
  default: "byte 0x" + zeroPadded(byte, to: 2, radix: 16)
  }
}

/// `text` with a blank in place of each control, format character and code point without a meaning: safe to print
/// without quotes.
public func withoutControls(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { isPrintable($0) ? $0 : " " }))
}

private func escaped(_ scalar: Unicode.Scalar) -> String {
  switch scalar {
  case "\n": "\\n"
  case "\r": "\\r"
  case "\t": "\\t"
  case "\0": "\\0"
  case "\"", "\\": "\\\(scalar)"
  default: isPrintable(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
  }
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
  default: true
  }
}
