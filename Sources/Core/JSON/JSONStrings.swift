/// Text out of JSON strings, and into them.
extension RawSpan {
  /// The UTF-16 unit that the escape `\uXXXX` at `offset` stands for; nil if there is no such escape.
  package func codeUnit(at offset: Int) -> UInt16? {
    guard byteCount &- offset >= 6, byte(at: offset) == UInt8(ascii: "\\"), byte(at: offset &+ 1) == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt16 = 0
    for place in 2..<6 {
      let byte = byte(at: offset &+ place)
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte &- UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte &- UInt8(ascii: "a") &+ 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte &- UInt8(ascii: "A") &+ 10)
      default: return nil
      }
    }
    return unit
  }
}

extension JSONValue {
  /// Adds the content of the value to `buffer`: a string's text in UTF-8, without quotes and escapes; the bytes of any
  /// other value as they stand. `bytes` are those in which the value was found.
  public func appendText(of bytes: RawSpan, to buffer: inout [UInt8]) {
    guard case .string(let hasEscapes) = kind else { return buffer.append(bytes.extracting(range)) }
    let text = bytes.extracting((range.lowerBound + 1)..<(range.upperBound - 1))
    guard hasEscapes else { return buffer.append(text) }
    var offset = 0
    while offset < text.byteCount {
      let end = text.nextBackslash(from: offset)
      buffer.append(text.extracting(offset..<end))
      offset = end
      if offset < text.byteCount { offset += text.appendEscape(at: offset, to: &buffer) }
    }
  }
}

extension JSONValue {
  /// Lends the text of a string. It is copied only if it has escapes.
  package func withText<R>(of bytes: RawSpan, _ body: (RawSpan) -> R) -> R {
    guard kind == .string(hasEscapes: true) else {
      return body(bytes.extracting((range.lowerBound + 1)..<(range.upperBound - 1)))
    }
    var text: [UInt8] = []
    appendText(of: bytes, to: &text)
    return body(text.span.bytes)
  }

  /// Whether a string is `word`, however it is written: `"j\u006fb"` is `"job"`.
  package func says(_ word: String, in bytes: RawSpan) -> Bool {
    withText(of: bytes) { $0.equals(word) }
  }
}

extension RawSpan {
  fileprivate func nextBackslash(from start: Int) -> Int {
    var offset = start
    while offset < byteCount, byte(at: offset) != UInt8(ascii: "\\") { offset &+= 1 }
    return offset
  }

  /// Adds what the escape at `offset` stands for, and returns its length. It was checked before.
  fileprivate func appendEscape(at offset: Int, to buffer: inout [UInt8]) -> Int {
    switch byte(at: offset + 1) {
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"): return appendCodeUnits(at: offset, to: &buffer)
    case let byte: buffer.append(byte)
    }
    return 2
  }

  private func appendCodeUnits(at offset: Int, to buffer: inout [UInt8]) -> Int {
    guard let unit = codeUnit(at: offset) else { preconditionFailure("the string was not checked") }
    if let scalar = Unicode.Scalar(unit) {
      buffer.append(contentsOf: UTF8.encode(scalar)!)
      return 6
    }
    guard let second = codeUnit(at: offset + 6),
      let scalar = Unicode.Scalar(0x1_0000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(second) & 0x3FF)
    else { preconditionFailure("the string was not checked") }
    buffer.append(contentsOf: UTF8.encode(scalar)!)
    return 12
  }
}

extension [UInt8] {
  /// Adds a JSON string that holds `text`, and returns true; false if `text` is not UTF-8: then the caller removes what
  /// is there of it.
  ///
  /// Escaped is what must be: quotes, backslashes and bytes under 0x20. All else goes in as it is.
  package mutating func appendString(_ text: RawSpan) -> Bool {
    append(UInt8(ascii: "\""))
    guard appendText(text) else { return false }
    append(UInt8(ascii: "\""))
    return true
  }

  /// The same without the quotes, for text inside a string.
  @discardableResult
  package mutating func appendText(_ text: RawSpan) -> Bool {
    var copied = 0
    var offset = text.endOfPlainText(from: 0)
    while offset < text.byteCount {
      let byte = text.byte(at: offset)
      if byte >= 0x80 {
        guard let count = text.countOfSequence(at: offset) else { return false }
        offset += count
      } else {
        append(text.extracting(copied..<offset))
        appendEscape(of: byte)
        offset += 1
        copied = offset
      }
      offset = text.endOfPlainText(from: offset)
    }
    append(text.extracting(copied..<offset))
    return true
  }

  private mutating func appendEscape(of byte: UInt8) {
    append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: append(UInt8(ascii: "b"))
    case 0x09: append(UInt8(ascii: "t"))
    case 0x0A: append(UInt8(ascii: "n"))
    case 0x0C: append(UInt8(ascii: "f"))
    case 0x0D: append(UInt8(ascii: "r"))
    case 0..<0x20:
      append(contentsOf: "u00".utf8)
      append(UInt8(ascii: "0") + byte >> 4)
      append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
    default: append(byte)
    }
  }
}
