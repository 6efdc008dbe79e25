/// Text and numbers as bytes at the end of a buffer; nothing is allocated but the room in it.
extension [UInt8] {
  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  mutating func append(text: String) { append(contentsOf: text.utf8) }

  /// A number in decimal, with zeros before it if it has fewer digits than it must have.
  mutating func append(digits number: UInt64, atLeast least: Int = 1) {
    var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
    var rest = number
    var start = 20
    while rest > 0 {
      start &-= 1
      digits[start] &+= UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    for place in Swift.min(start, 20 - least)..<20 { append(digits[place]) }
  }

  mutating func append(number: Int64) {
    if number < 0 { append(UInt8(ascii: "-")) }
    append(digits: number.magnitude)
  }

  /// A JSON string that holds `text`, with its quotes. A `String` is UTF-8, so that only what RFC 8259 forbids is
  /// escaped.
  mutating func append(json text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0..<0x20:
        append("\\u00")
        append(UInt8(ascii: "0") + byte >> 4)
        append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  /// Text between tags or in an attribute in double quotes. What HTML cannot hold (NUL and its like) is shown as
  /// U+FFFD.
  mutating func append(html text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): append("&amp;")
      case UInt8(ascii: "<"): append("&lt;")
      case UInt8(ascii: ">"): append("&gt;")
      case UInt8(ascii: "\""): append("&quot;")
      case UInt8(ascii: "'"): append("&#39;")
      case 0x09, 0x0A: append(byte)
      case 0..<0x20, 0x7F: append("\u{FFFD}")
      default: append(byte)
      }
    }
  }
}
