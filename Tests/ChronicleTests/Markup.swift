import TestSupport
import Time

/// What a strict reader sees in a page: tags in pairs, attributes in quotes, text without markup.
struct Markup {
  /// The names of all elements.
  var elements: [String] = []
  /// The names and values of all attributes, values as they were before they were escaped.
  var attributes: [(name: String, value: String)] = []
  /// All text but that of the style sheet, as it was before it was escaped.
  var text = ""
  /// What is wrong with it.
  var errors: [String] = []

  private static let void: Set<String> = ["meta"]
  private var open: [String] = []

  init(_ page: [UInt8]) {
    let page = String(decoding: page, as: UTF8.self).unicodeScalars
    var rest = page[...]
    while let first = rest.first {
      if first == "<" {
        let end = rest.firstIndex(of: ">") ?? rest.endIndex
        read(tag: String(rest[rest.index(after: rest.startIndex)..<end]))
        rest = end < rest.endIndex ? rest[rest.index(after: end)...] : rest[end...]
      } else {
        let end = rest.firstIndex(of: "<") ?? rest.endIndex
        if open.last != "style" { text += unescaped(String(rest[..<end])) }
        rest = rest[end...]
      }
    }
    if !open.isEmpty { errors.append("open at the end: \(open)") }
  }

  private mutating func read(tag: String) {
    if tag == "!DOCTYPE html" { return }
    if tag.hasPrefix("/") {
      if open.popLast() != String(tag.dropFirst()) { errors.append("closed, but not open: \(tag)") }
      return
    }
    let isClosed = tag.hasSuffix("/")
    var rest = Substring(isClosed ? String(tag.dropLast()) : tag)
    let name = String(rest.prefix { $0.isLetter || $0.isNumber })
    rest = rest.dropFirst(name.count)
    if name.isEmpty { errors.append("a tag without a name: \(tag)") }
    elements.append(name)
    while !rest.isEmpty {
      let attribute = rest.drop { $0 == " " }
      let label = attribute.prefix { $0.isLetter || $0 == "-" }
      let value = attribute.dropFirst(label.count)
      guard !label.isEmpty, attribute.count < rest.count, value.hasPrefix("=\""),
        let end = value.dropFirst(2).firstIndex(of: "\"")
      else {
        errors.append("not an attribute: \(rest)")
        break
      }
      attributes.append((String(label), unescaped(String(value[..<end].dropFirst(2)))))
      rest = value[value.index(after: end)...]
    }
    if !isClosed, !Self.void.contains(name) { open.append(name) }
  }

  private mutating func unescaped(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "&") {
      result += rest[..<start]
      rest = rest[start...]
      let names = ["&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "\"", "&#39;": "'"]
      guard let name = names.first(where: { rest.hasPrefix($0.key) }) else {
        errors.append("a bare ampersand: \(rest.prefix(20))")
        return result + rest
      }
      result += name.value
      rest = rest.dropFirst(name.key.count)
    }
    return result + rest
  }
}
