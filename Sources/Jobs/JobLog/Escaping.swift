// How bytes that anybody may have chosen stand in a column: never a tab, a newline, a NUL or anything that a terminal
// obeys.
//
//   \\ \t \n \r   a backslash, tab, newline, carriage return
//   \xHH          any other byte that is not printable UTF-8, with two lower-case hexadecimal digits
//   \...          at the end: the rest was cut

/// Appends `text`, escaped; of a text longer than `limit` bytes only the whole characters within the limit, and the
/// mark `\...`.
func appendEscaped(_ text: RawSpan, limit: Int, to bytes: inout [UInt8]) {
  let end = min(limit, text.byteCount)
  var offset = lengthOfPlain(text, upTo: end)
  text.withUnsafeBytes { unsafe bytes.append(contentsOf: $0[..<offset]) }
  while offset < end {
    let byte = text.byte(at: offset)
    switch byte {
    case UInt8(ascii: "\\"), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(shortEscape(of: byte))
      offset &+= 1
    case 0x20..<0x7F:
      bytes.append(byte)
      offset &+= 1
    default:
      guard let length = lengthOfPrintable(text, at: offset) else {
        bytes.append(contentsOf: "\\x".utf8)
        bytes.append(hexadecimalDigit(byte >> 4))
        bytes.append(hexadecimalDigit(byte & 0xF))
        offset &+= 1
        continue
      }
      if length > end &- offset { return appendCutMark(to: &bytes) }
      for place in offset..<offset &+ length { bytes.append(text.byte(at: place)) }
      offset &+= length
    }
  }
  if end < text.byteCount { appendCutMark(to: &bytes) }
}

/// How many bytes at the front of a text stand for themselves: most jobs are nothing else. Sixteen are looked at at
/// once.
private func lengthOfPlain(_ text: RawSpan, upTo end: Int) -> Int {
  var offset = 0
  let (space, delete) = (SIMD16<UInt8>(repeating: 0x20), SIMD16<UInt8>(repeating: 0x7F))
  let backslash = SIMD16<UInt8>(repeating: UInt8(ascii: "\\"))
  while offset &+ 16 <= end {
    let lanes = unsafe text.unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    let special = (lanes .< space) .| (lanes .>= delete) .| (lanes .== backslash)
    // As two words, since `any` is not inlined.
    let words = unsafe unsafeBitCast(special, to: SIMD2<UInt64>.self)
    if words[0] | words[1] != 0 { break }
    offset &+= 16
  }
  while offset < end {
    let byte = text.byte(at: offset)
    guard byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") else { break }
    offset &+= 1
  }
  return offset
}

/// The bytes that an escaped text stands for, which may have been cut nowhere; nil if it is not one.
func unescaped(_ text: RawSpan) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.byteCount)
  var offset = 0
  while offset < text.byteCount {
    let byte = text.byte(at: offset)
    offset &+= 1
    guard byte == UInt8(ascii: "\\") else {
      bytes.append(byte)
      continue
    }
    guard offset < text.byteCount else { return nil }
    switch text.byte(at: offset) {
    case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "t"): bytes.append(UInt8(ascii: "\t"))
    case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
    case UInt8(ascii: "r"): bytes.append(UInt8(ascii: "\r"))
    case UInt8(ascii: "x"):
      guard offset &+ 2 < text.byteCount, let high = valueOfHexadecimal(text.byte(at: offset &+ 1)),
        let low = valueOfHexadecimal(text.byte(at: offset &+ 2))
      else { return nil }
      bytes.append(high << 4 | low)
      offset &+= 2
    default: return nil
    }
    offset &+= 1
  }
  return bytes
}

/// The lower-case hexadecimal digit of 0...15.
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// What a lower-case hexadecimal digit stands for; nil if it is not one.
func valueOfHexadecimal(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  default: nil
  }
}

private func shortEscape(of byte: UInt8) -> UInt8 {
  switch byte {
  case UInt8(ascii: "\t"): UInt8(ascii: "t")
  case UInt8(ascii: "\n"): UInt8(ascii: "n")
  case UInt8(ascii: "\r"): UInt8(ascii: "r")
  default: byte
  }
}

/// No escape looks like it, so nobody takes a cut text for a whole one.
private func appendCutMark(to bytes: inout [UInt8]) {
  bytes.append(contentsOf: "\\...".utf8)
}

/// How many bytes the character of two or more bytes at `offset` has; nil if there is none in valid UTF-8 (RFC 3629),
/// or it is one that must not reach a terminal or that some readers take for the end of a line: controls, line
/// separators, and the format characters that turn the direction of writing.
private func lengthOfPrintable(_ text: RawSpan, at offset: Int) -> Int? {
  let first = text.byte(at: offset)
  let length: Int
  var value: UInt32
  let smallest: UInt32
  switch first {
  case 0xC2...0xDF: (length, value, smallest) = (2, UInt32(first & 0x1F), 0x80)
  case 0xE0...0xEF: (length, value, smallest) = (3, UInt32(first & 0x0F), 0x800)
  case 0xF0...0xF4: (length, value, smallest) = (4, UInt32(first & 0x07), 0x1_0000)
  default: return nil
  }
  guard length <= text.byteCount &- offset else { return nil }
  for place in offset &+ 1..<offset &+ length {
    let byte = text.byte(at: place)
    guard byte & 0xC0 == 0x80 else { return nil }
    value = value << 6 | UInt32(byte & 0x3F)
  }
  // Unicode.Scalar refuses surrogates and what is above U+10FFFF.
  guard value >= smallest, let scalar = Unicode.Scalar(value) else { return nil }
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator: return nil
  default: return length
  }
}
