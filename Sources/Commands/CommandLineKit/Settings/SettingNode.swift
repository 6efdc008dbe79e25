import Text

/// Where something stands in a file.
public struct FilePlace: Comparable, Hashable, Sendable {
  /// The line, from 1.
  public let line: Int
  /// The character in the line, from 1.
  public let column: Int

  /// A line and a column, both from 1.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// By line, then by column.
  public static func < (first: FilePlace, second: FilePlace) -> Bool {
    (first.line, first.column) < (second.line, second.column)
  }
}

/// A piece of a configuration file, whatever the format of the file is. Everything in it is text: the option that
/// it is a value of decides what it means.
public struct SettingNode: Sendable {
  /// What it is.
  public enum Content: Sendable {
    /// One value.
    case text(String)
    /// Values, in order.
    case list([SettingNode])
    /// Names with their values, in the order of the file. No name stands there twice.
    case section([SettingEntry])
  }

  /// What it is.
  public let content: Content
  /// Where it begins.
  public let place: FilePlace

  /// A piece of a file.
  public init(_ content: Content, at place: FilePlace) {
    self.content = content
    self.place = place
  }

  /// The values of a list, each of which must be a text; a text is a list of one. Anything else is a mistake, reported
  /// for `name`.
  public func texts(of name: String, into mistakes: inout MistakeList) -> [(text: String, place: FilePlace)]? {
    let nodes =
      switch content {
      case .text, .section: [self]
      case .list(let nodes): nodes
      }
    var texts: [(text: String, place: FilePlace)] = []
    for node in nodes {
      guard case .text(let text) = node.content else {
        mistakes.add(at: node.place, "\(quoted(name)) takes texts, not \(node.kind)")
        return nil
      }
      texts.append((text, node.place))
    }
    return texts
  }

  /// `a text`, `a list`, `a section`.
  public var kind: String {
    switch content {
    case .text: "a text"
    case .list: "a list"
    case .section: "a section"
    }
  }
}

/// A name and its value in a section of a configuration file.
public struct SettingEntry: Sendable {
  /// The name.
  public let name: String
  /// Where the name begins.
  public let place: FilePlace
  /// What it is given.
  public let value: SettingNode

  /// A name at its place, and its value.
  public init(_ name: String, at place: FilePlace, _ value: SettingNode) {
    self.name = name
    self.place = place
    self.value = value
  }
}
