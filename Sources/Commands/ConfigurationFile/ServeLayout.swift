import CommandLineKit
import Text

/// Most pools of one process. Each has workers of its own: more is a mistake, or a file made by a program gone wild.
private let mostPools = 1000

/// Knows what stands where in the file of a server: the process at the top, `defaults`, `pools`, `command`.
struct ServeLayout {
  private(set) var mistakes: MistakeList
  private let command: Command
  private let commandLine: ParsedArguments
  private let reader: SettingsReader

  init(_ command: Command, _ commandLine: ParsedArguments, _ mistakes: MistakeList) {
    self.command = command
    self.commandLine = commandLine
    self.mistakes = mistakes
    reader = SettingsReader(command)
  }

  /// Nil only if there are mistakes.
  mutating func read(_ tree: SettingNode) -> ServeSettings? {
    guard case .section(let top) = tree.content else {
      mistakes.add(at: tree.place, "want keys with values, such as \(quoted("workers: 4")), not \(tree.kind)")
      return nil
    }
    let defaults = top.first { $0.name == "defaults" }.map { section($0, "defaults", title: " in defaults") }
    if let pools = top.first(where: { $0.name == "pools" }) { return read(top, defaults, pools) }
    let only = body(
      of: top.filter { $0.name != "defaults" }, scopes: [.process, .pool], title: "",
      otherNames: ["command", "defaults", "pools"])
    let layers = [only.settings, defaults?.settings ?? Settings()]
    checkRequirements(of: .process, layers, title: "")
    checkRequirements(of: .pool, layers, title: "")
    let words = commandLine.operands.isEmpty ? only.command ?? defaults?.command : .given(.commandLine)
    if words == nil, !layers.contains(where: { $0.mayMean("command") || $0.mayMean("pools") }) {
      mistakes.add(at: tree.place, "there is neither a command nor a section pools: nothing to run")
    }
    guard case .given(let words)? = words else { return nil }
    let arguments = commandLine.filled(from: layers)
    let pool = PoolSettings(name: PoolSettings.onlyName, place: tree.place, arguments: arguments, command: words)
    return ServeSettings(process: arguments, pools: [pool])
  }

  /// A file with several pools.
  private mutating func read(_ top: [SettingEntry], _ defaults: Body?, _ pools: SettingEntry) -> ServeSettings? {
    if let word = commandLine.operands.first {
      mistakes.add(
        at: nil, "\(wordText(word)) stands on the command line, but each pool of the file has its own command")
    }
    if let stray = top.first(where: { $0.name == "command" }) {
      mistakes.add(at: stray.place, "\(quoted("command")) belongs into a pool or into defaults")
    }
    let process = reader.settings(
      from: top.filter { !["defaults", "pools", "command"].contains($0.name) }, scopes: [.process], section: "",
      otherNames: ["defaults", "pools"], into: &mistakes)
    checkRequirements(of: .process, [process], title: "")
    guard let entries = entries(of: pools, "pools") else { return nil }
    if entries.isEmpty { mistakes.add(at: pools.place, "there is no pool in pools: nothing to run") }
    if entries.count > mostPools {
      mistakes.add(at: entries[mostPools].place, "more than \(mostPools) pools")
    }
    var settings: [PoolSettings] = []
    for entry in entries.prefix(mostPools) {
      if let pool = pool(entry, defaults, process) { settings.append(pool) }
    }
    return ServeSettings(process: commandLine.filled(from: [process]), pools: settings)
  }

  private mutating func pool(_ entry: SettingEntry, _ defaults: Body?, _ process: Settings) -> PoolSettings? {
    if !isPoolName(entry.name) {
      mistakes.add(
        at: entry.place, "\(quoted(entry.name)) is no name for a pool: want 1 to 64 of the characters A-Z a-z 0-9 . _ -"
      )
    }
    let title = " in pool \(quoted(entry.name))"
    let body = section(entry, "a pool", title: title)
    let layers = [body.settings, defaults?.settings ?? Settings(), process]
    checkRequirements(of: .pool, layers, title: title)
    let words = body.command ?? defaults?.command
    if words == nil, !layers.contains(where: { $0.mayMean("command") }) {
      mistakes.add(at: entry.place, "there is no command\(title)")
    }
    guard case .given(let words)? = words else { return nil }
    return PoolSettings(
      name: entry.name, place: entry.place, arguments: commandLine.filled(from: layers), command: words)
  }

  /// The content of a section for a pool.
  private struct Body {
    var settings = Settings()
    /// Nil if there is none.
    var command: FoundCommand?
  }

  private enum FoundCommand: Equatable {
    case given(PoolCommand)
    /// There is one, but it is wrong.
    case refused
  }

  private mutating func section(_ entry: SettingEntry, _ what: String, title: String) -> Body {
    guard let entries = entries(of: entry, what) else { return Body(command: .refused) }
    return body(of: entries, scopes: [.pool], title: title, otherNames: ["command"])
  }

  private mutating func body(
    of entries: [SettingEntry], scopes: Set<SettingScope>, title: String, otherNames: [String]
  ) -> Body {
    let found = entries.first { $0.name == "command" }.map { words(of: $0) }
    let settings = reader.settings(
      from: entries.filter { $0.name != "command" }, scopes: scopes, section: title, otherNames: otherNames,
      into: &mistakes)
    return Body(settings: settings, command: found)
  }

  /// The entries of a section; that of a name with nothing behind it is an empty one.
  private mutating func entries(of entry: SettingEntry, _ what: String) -> [SettingEntry]? {
    switch entry.value.content {
    case .section(let entries): return entries
    case .text(""): return []
    case .text, .list:
      mistakes.add(at: entry.value.place, "\(what) must be a section, with indented keys, not \(entry.value.kind)")
      return nil
    }
  }

  /// A list is taken word by word. A text is one word; that it has a space in it most likely means that somebody takes
  /// us for a shell.
  private mutating func words(of entry: SettingEntry) -> FoundCommand {
    guard let texts = entry.value.texts(of: entry.name, into: &mistakes) else { return .refused }
    guard let program = texts.first, !program.text.isEmpty else {
      mistakes.add(
        at: texts.first?.place ?? entry.value.place, "the command is empty; want the name of a program, such as [cat]")
      return .refused
    }
    if case .text(let text) = entry.value.content, text.contains(where: \.isWhitespace) {
      mistakes.add(
        at: program.place, "\(quoted(text)) would be the name of the program; want a list: [PROGRAM, ARG, ...]")
      return .refused
    }
    return .given(.words(texts.map(\.text)))
  }

  private mutating func checkRequirements(of scope: SettingScope, _ layers: [Settings], title: String) {
    command.checkRequirements(
      of: scope, in: commandLine.filled(from: layers), from: layers, section: title, into: &mistakes)
  }
}

private func isPoolName(_ name: String) -> Bool {
  (1...64).contains(name.utf8.count)
    && name.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "-": true
      default: false
      }
    }
}
