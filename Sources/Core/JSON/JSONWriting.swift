import Time

/// Objects, member by member, into a buffer.
extension [UInt8] {
  package mutating func append(_ text: String) { append(text.utf8.span.bytes) }

  /// The name of the next member: `,"name":`, without the comma behind an opening brace.
  package mutating func appendName(_ name: String) {
    if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
    append(UInt8(ascii: "\""))
    append(name)
    append(UInt8(ascii: "\""))
    append(UInt8(ascii: ":"))
  }

  package mutating func appendMember(_ name: String, _ text: String) {
    appendName(name)
    let isText = appendString(text.utf8.span.bytes)
    assert(isText, "a String is UTF-8")
  }

  package mutating func appendMember(_ name: String, _ number: some FixedWidthInteger) {
    appendName(name)
    appendNumber(number)
  }

  package mutating func appendNumber(_ number: some FixedWidthInteger) {
    if number < 0 { append(UInt8(ascii: "-")) }
    appendDigits(UInt64(number.magnitude))
  }

  package mutating func appendMember(_ name: String, ifAny number: (some FixedWidthInteger)?) {
    if let number { appendMember(name, number) }
  }

  /// A time in seconds with six decimals, rounded: always in that form, so that no reader meets an exponent.
  package mutating func appendMember(_ name: String, seconds time: Nanoseconds?) {
    guard let time else { return }
    appendName(name)
    let microseconds = time.microseconds + (time.count % 1000 < 500 ? 0 : 1)
    appendDigits(microseconds / 1_000_000)
    append(UInt8(ascii: "."))
    appendDigits(microseconds % 1_000_000, atLeast: 6)
  }

  /// A number in decimal, with zeros before it if it has fewer digits than it must have.
  package mutating func appendDigits(_ number: UInt64, atLeast count: Int = 1) {
    var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
    var rest = number
    var start = 20
    while rest > 0 {
      start -= 1
      digits[start] += UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    append(digits.span.bytes.extracting(Swift.min(start, 20 - count)..<20))
  }

  /// A value as it stands, byte for byte. Only a line feed, which in JSON can be nothing but white space, becomes a
  /// space: it would end the record that the value stands in.
  package mutating func appendMember(_ name: String, json value: RawSpan) {
    appendName(name)
    appendLine(value)
  }

  package mutating func appendLine(_ value: RawSpan) {
    let start = count
    append(value)
    for offset in start..<count where self[offset] == 0x0A { self[offset] = 0x20 }
  }

  /// Bytes as a string; if they are not UTF-8, as base64 under the name with `_base64` behind: nothing is lost, nothing
  /// is guessed.
  package mutating func appendMember(_ name: String, bytes: RawSpan) {
    let start = count
    appendName(name)
    if appendString(bytes) { return }
    removeLast(count - start)
    appendName(name + "_base64")
    append(UInt8(ascii: "\""))
    Base64.append(bytes, to: &self)
    append(UInt8(ascii: "\""))
  }
}
