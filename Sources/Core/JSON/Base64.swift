/// Base64 with the alphabet and the padding of RFC 4648 (4), for bytes that are no text.
package enum Base64 {
  package static func append(_ bytes: RawSpan, to buffer: inout [UInt8]) {
    buffer.reserveCapacity(buffer.count + (bytes.byteCount + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.byteCount, by: 3) {
      let count = min(3, bytes.byteCount - start)
      var group: UInt32 = 0
      for place in 0..<count { group |= UInt32(bytes.byte(at: start + place)) << UInt32(16 - 8 * place) }
      for place in 0..<4 {
        buffer.append(place <= count ? letter(group >> UInt32(18 - 6 * place) & 63) : UInt8(ascii: "="))
      }
    }
  }

  /// Whether `text` is the base64 of some bytes. There is one text for any bytes: padding is required, bits that mean
  /// nothing must be 0, white space is refused.
  package static func check(_ text: RawSpan) -> Bool {
    guard text.byteCount % 4 == 0 else { return false }
    guard text.byteCount > 0 else { return true }
    let padding = padding(of: text)
    let end = text.byteCount - padding
    for offset in 0..<end where value(of: text.byte(at: offset)) == nil { return false }
    let meaningless: UInt32 = padding == 2 ? 0b1111 : padding == 1 ? 0b11 : 0
    return value(of: text.byte(at: end - 1)).map { $0 & meaningless == 0 } ?? false
  }

  /// Adds the bytes that `text`, which was checked, stands for.
  package static func appendDecoded(_ text: RawSpan, to buffer: inout [UInt8]) {
    guard text.byteCount > 0 else { return }
    buffer.reserveCapacity(buffer.count + text.byteCount / 4 * 3)
    for start in stride(from: 0, to: text.byteCount, by: 4) {
      var group: UInt32 = 0
      for place in 0..<4 { group = group << 6 | (value(of: text.byte(at: start + place)) ?? 0) }
      for place in 0..<3 { buffer.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
    }
    buffer.removeLast(padding(of: text))
  }

  private static func padding(of text: RawSpan) -> Int {
    guard text.byte(at: text.byteCount - 1) == UInt8(ascii: "=") else { return 0 }
    return text.byte(at: text.byteCount - 2) == UInt8(ascii: "=") ? 2 : 1
  }

  private static func letter(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    case 62: return UInt8(ascii: "+")
    default: return UInt8(ascii: "/")
    }
  }

  private static func value(of letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
