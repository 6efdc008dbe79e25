import CommandLineKit
import Text

/// How deep lists and sections may stand in each other. Nothing that we understand is deeper than four: a list of a
/// pool.
private let deepest = 8

/// A YAML text as a tree of texts; nil if it is empty, or so wrong that the rest cannot be checked.
///
/// Only what a configuration needs: one document, keys that are texts and stand once in their section, every value
/// taken as the text that it is. Anchors, aliases, merge keys and tags are refused: pools share what is in `defaults`,
/// and a text that refers to itself a billion times cannot be written.
func yamlTree(_ text: [UInt8], into mistakes: inout MistakeList) -> SettingNode? {
  let builder = TreeBuilder(events: YamlEvents(text))
  do throws(SettingMistake) {
    return try builder.onlyDocument(&mistakes)
  } catch {
    mistakes.add(error)
    return nil
  }
}

/// What is thrown ends the reading; what is added to the mistakes does not.
private struct TreeBuilder: ~Copyable {
  let events: YamlEvents

  func onlyDocument(_ mistakes: inout MistakeList) throws(SettingMistake) -> SettingNode? {
    var root: SettingNode?
    while true {
      let event = try events.next()
      switch event.kind {
      case .streamStart, .documentEnd: continue
      case .streamEnd:
        if root == nil, mistakes.isEmpty { throw SettingMistake(at: event.place, "the file says nothing") }
        return root
      case .documentStart where root != nil:
        throw SettingMistake(at: event.place, "a second document begins here; a configuration is one")
      case .documentStart: root = try node(try events.next(), depth: 1, &mistakes)
      case .text, .alias, .listStart, .listEnd, .sectionStart, .sectionEnd:
        preconditionFailure("a node outside a document")
      }
    }
  }

  private func node(_ event: YamlEvent, depth: Int, _ mistakes: inout MistakeList) throws(SettingMistake) -> SettingNode
  {
    if let decoration = event.decoration {
      mistakes.add(at: event.place, "\(quoted(decoration)) is neither needed nor taken: \(undecorated(decoration))")
    }
    switch event.kind {
    case .text(let text):
      if text.utf8.contains(0) { mistakes.add(at: event.place, "a text cannot hold a NUL byte") }
      return SettingNode(.text(text), at: event.place)
    case .alias(let name):
      throw SettingMistake(
        at: event.place,
        "\(quoted("*\(name)")) is not taken: what pools share belongs into defaults; a text needs quotes")
    case .listStart: return SettingNode(.list(try items(below: event, depth, &mistakes)), at: event.place)
    case .sectionStart: return SettingNode(.section(try entries(below: event, depth, &mistakes)), at: event.place)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .listEnd, .sectionEnd:
      preconditionFailure("no node where one must be")
    }
  }

  private func items(
    below start: YamlEvent, _ depth: Int, _ mistakes: inout MistakeList
  ) throws(SettingMistake) -> [SettingNode] {
    try checkDepth(depth, start)
    var nodes: [SettingNode] = []
    while true {
      let event = try events.next()
      if case .listEnd = event.kind { return nodes }
      nodes.append(try node(event, depth: depth + 1, &mistakes))
    }
  }

  private func entries(
    below start: YamlEvent, _ depth: Int, _ mistakes: inout MistakeList
  ) throws(SettingMistake) -> [SettingEntry] {
    try checkDepth(depth, start)
    var entries: [SettingEntry] = []
    var lines: [String: Int] = [:]
    while true {
      let key = try events.next()
      if case .sectionEnd = key.kind { return entries }
      guard case .text(let name) = try node(key, depth: depth + 1, &mistakes).content else {
        throw SettingMistake(at: key.place, "a key must be a text")
      }
      if name == "<<" {
        throw SettingMistake(at: key.place, "a merge key (<<) is not taken: what pools share belongs into defaults")
      }
      let value = try node(try events.next(), depth: depth + 1, &mistakes)
      if let line = lines[name] {
        mistakes.add(at: key.place, "key \(quoted(name)) is given twice, first in line \(line)")
      } else {
        lines[name] = key.place.line
        entries.append(SettingEntry(name, at: key.place, value))
      }
    }
  }

  private func checkDepth(_ depth: Int, _ event: YamlEvent) throws(SettingMistake) {
    if depth > deepest { throw SettingMistake(at: event.place, "lists and sections stand more than \(deepest) deep") }
  }

  private func undecorated(_ decoration: String) -> String {
    decoration.hasPrefix("&") ? "what pools share belongs into defaults" : "every value is taken as text"
  }
}
