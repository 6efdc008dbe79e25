/// JSON read in the plainest way there is: decoded first, then by recursion, into a tree. Nothing of it is shared with
/// what it checks.
package indirect enum JSONTree: Equatable {
  case object([(name: String, value: JSONTree)])
  case array([JSONTree])
  case string(String)
  case number(String)
  case word(String)

  /// Nil if the bytes are not JSON, or nested deeper than 512.
  package static func parse(_ bytes: some Collection<UInt8>) -> JSONTree? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    var reader = TreeReader(rest: Array(text.unicodeScalars)[...])
    guard let tree = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    return reader.rest.isEmpty ? tree : nil
  }

  /// The first member of that name.
  package subscript(name: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The names of an object's members, in order.
  package var names: [String] {
    guard case .object(let members) = self else { return [] }
    return members.map(\.name)
  }

  package var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  package static func == (left: JSONTree, right: JSONTree) -> Bool {
    switch (left, right) {
    case (.object(let left), .object(let right)):
      left.elementsEqual(right) { $0.name == $1.name && $0.value == $1.value }
    case (.array(let left), .array(let right)): left == right
    case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
    case (.number(let left), .number(let right)): left == right
    case (.word(let left), .word(let right)): left == right
    default: false
    }
  }
}

private struct TreeReader {
  package var rest: ArraySlice<Unicode.Scalar>

  package mutating func skipSpace() { rest = rest.drop { " \t\n\r".unicodeScalars.contains($0) } }

  package mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard rest.first == scalar else { return false }
    rest.removeFirst()
    return true
  }

  package mutating func value(depth: Int) -> JSONTree? {
    skipSpace()
    switch rest.first {
    case "{": return depth == 512 ? nil : object(depth: depth + 1)
    case "[": return depth == 512 ? nil : array(depth: depth + 1)
    case "\"": return string().map(JSONTree.string)
    case "t": return word("true")
    case "f": return word("false")
    case "n": return word("null")
    default: return number()
    }
  }

  package mutating func object(depth: Int) -> JSONTree? {
    rest.removeFirst()
    skipSpace()
    if take("}") { return .object([]) }
    var members: [(name: String, value: JSONTree)] = []
    while true {
      skipSpace()
      guard rest.first == "\"", let name = string() else { return nil }
      skipSpace()
      guard take(":"), let value = value(depth: depth) else { return nil }
      members.append((name, value))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { return nil }
    }
  }

  package mutating func array(depth: Int) -> JSONTree? {
    rest.removeFirst()
    skipSpace()
    if take("]") { return .array([]) }
    var values: [JSONTree] = []
    while true {
      guard let value = value(depth: depth) else { return nil }
      values.append(value)
      skipSpace()
      if take("]") { return .array(values) }
      guard take(",") else { return nil }
    }
  }

  package mutating func word(_ word: String) -> JSONTree? {
    guard rest.starts(with: word.unicodeScalars) else { return nil }
    rest = rest.dropFirst(word.unicodeScalars.count)
    return .word(word)
  }

  /// The grammar of RFC 8259 as a regular expression, applied to what could be a number.
  package mutating func number() -> JSONTree? {
    let candidate = rest.prefix { "+-.0123456789eE".unicodeScalars.contains($0) }
    let text = String(String.UnicodeScalarView(candidate))
    guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil else { return nil }
    rest = rest.dropFirst(candidate.count)
    return .number(text)
  }

  package mutating func string() -> String? {
    rest.removeFirst()
    var units: [UInt16] = []
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"": return String(validating: units, as: UTF16.self)
      case "\\":
        guard let unit = escape() else { return nil }
        units.append(unit)
      case ..<" ": return nil
      default: units += Array(String(scalar).utf16)
      }
    }
    return nil
  }

  package mutating func escape() -> UInt16? {
    guard let letter = rest.popFirst() else { return nil }
    if letter == "u" {
      let digits = rest.prefix(4)
      guard digits.count == 4, digits.allSatisfy({ $0.isASCII && $0.properties.isASCIIHexDigit }) else { return nil }
      rest = rest.dropFirst(4)
      return UInt16(String(String.UnicodeScalarView(digits)), radix: 16)
    }
    let plain: [Unicode.Scalar: UInt16] = [
      "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
    ]
    return plain[letter]
  }
}
