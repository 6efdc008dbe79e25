/// When something is shown that is meant for terminals: `--progress`, `--color`.
public enum DisplayChoice: String, Sendable, CaseIterable {
  /// On a terminal that can show it.
  case auto
  /// Anywhere.
  case always
  /// Nowhere.
  case never
}

/// What may be written to a terminal.
public struct TerminalStyle: Sendable, Equatable {
  /// Colours (SGR sequences).
  public var hasColor: Bool
  /// Block characters; else ASCII alone.
  public var hasUnicode: Bool

  /// A terminal that takes these.
  public init(hasColor: Bool, hasUnicode: Bool) {
    self.hasColor = hasColor
    self.hasUnicode = hasUnicode
  }

  /// What the environment says. `NO_COLOR` (https://no-color.org: any value but the empty one) and `TERM=dumb` are
  /// obeyed, unless the user asked for colour explicitly; block characters need a UTF-8 locale.
  public init(color: DisplayChoice, isTerminal: Bool, environment: (_ name: String) -> String?) {
    switch color {
    case .always: hasColor = true
    case .never: hasColor = false
    case .auto: hasColor = isTerminal && !isDumb(environment) && (environment("NO_COLOR") ?? "").isEmpty
    }
    // The first of them that is set and not empty counts (locale(7)).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
    let codeset = locale.lowercased()
    hasUnicode = codeset.hasSuffix("utf-8") || codeset.hasSuffix("utf8")
  }
}

/// Whether there is to be a progress line. It makes no sense where it cannot be redrawn in place, or where others
/// write in between (`isShared`): results on a stdout that is a terminal, workers that have our stderr as theirs.
public func showsProgress(
  _ choice: DisplayChoice, isTerminal: Bool, isShared: Bool, environment: (_ name: String) -> String?
) -> Bool {
  switch choice {
  case .always: true
  case .never: false
  case .auto: isTerminal && !isShared && !isDumb(environment)
  }
}

private func isDumb(_ environment: (_ name: String) -> String?) -> Bool { environment("TERM") == "dumb" }
