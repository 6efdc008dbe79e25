import Text

/// Reads sections of a configuration file as options of a command.
public struct SettingsReader: Sendable {
  private let file: SettingsFile
  private let options: [OptionDeclaration]
  /// Where each name is declared.
  private let spellings: [String: (option: Int, spelling: Int)]

  /// For a command that was declared with a ``SettingsFile``; another one is a programming error.
  public init(_ command: Command) {
    guard let file = command.settingsFile else { preconditionFailure("\(command.name) takes no settings from a file") }
    self.file = file
    options = command.options
    var spellings: [String: (option: Int, spelling: Int)] = [:]
    for (number, option) in options.enumerated() {
      for (spelling, words) in option.spellings.enumerated() { spellings[words.long] = (number, spelling) }
    }
    self.spellings = spellings
  }

  /// The options that a section sets.
  ///
  /// - Parameters:
  ///   - scopes: the scopes of the options that may stand in it.
  ///   - section: what it is, for the sentence: ` in pool "a"`; empty for the top of the file.
  ///   - otherNames: names that the caller knows, to be proposed for a name that is unknown.
  public func settings(
    from entries: [SettingEntry], scopes: Set<SettingScope>, section: String, otherNames: [String] = [],
    into mistakes: inout MistakeList
  ) -> Settings {
    var settings = Settings()
    for entry in entries {
      guard let found = spellings[entry.name] else {
        mistakes.add(
          at: entry.place, unknown(entry, scopes, otherNames, section: section, refused: &settings.refused))
        continue
      }
      let option = options[found.option]
      if let reason = misplaced(option, scopes) {
        mistakes.add(at: entry.place, "\(quoted(entry.name)) \(reason)")
        settings.refused.insert(option.key)
      } else if option.placeholder == nil {
        readSwitch(entry, option, found.spelling, into: &settings, &mistakes)
      } else {
        readValues(entry, option, into: &settings, &mistakes)
      }
    }
    return settings
  }

  private func misplaced(_ option: OptionDeclaration, _ scopes: Set<SettingScope>) -> String? {
    if file.commandLineOnly.contains(option.key) { return "means something only on the command line" }
    switch file.scope(of: option) {
    case let scope where scopes.contains(scope): return nil
    case .process: return "is for the whole process: it belongs at the top of the file"
    case .pool: return "belongs into a pool or into defaults"
    }
  }

  private func unknown(
    _ entry: SettingEntry, _ scopes: Set<SettingScope>, _ otherNames: [String], section: String,
    refused: inout Set<String>
  ) -> String {
    // Written as on the command line, with dashes or by its letter, an option is known all the same.
    let bare = String(entry.name.drop { $0 == "-" })
    var names: [String] = []
    if spellings[bare] != nil {
      names = [bare]
    } else if bare.count == 1, let option = options.first(where: { $0.spellings.contains { $0.short == bare.first } }) {
      names = option.spellings.filter { $0.short == bare.first }.map(\.long)
    } else {
      names = nearestNames(
        to: entry.name,
        among: options.filter { misplaced($0, scopes) == nil }
          .flatMap { $0.spellings.map(\.long) } + otherNames)
      if names.isEmpty { names = nearestNames(to: entry.name, among: spellings.keys.sorted()) }
    }
    for name in names { refused.insert(spellings[name].map { options[$0.option].key } ?? name) }
    let advice = names.isEmpty ? "" : "; did you mean \(names.map(quoted).joined(separator: " or "))?"
    return "unknown key \(quoted(entry.name))\(section)\(advice)"
  }

  /// `true` gives the switch; `false` takes back what weaker layers set.
  private func readSwitch(
    _ entry: SettingEntry, _ option: OptionDeclaration, _ spelling: Int, into settings: inout Settings,
    _ mistakes: inout MistakeList
  ) {
    func refuse(at place: FilePlace, _ sentence: @autoclosure () -> String) {
      mistakes.add(at: place, sentence())
      settings.refused.insert(option.key)
    }
    guard case .text(let text) = entry.value.content else {
      return refuse(at: entry.value.place, "\(quoted(entry.name)) takes true or false, not \(entry.value.kind)")
    }
    let given = settings.uses[option.key, default: []]
    switch text {
    case "true":
      // Of two switches for one value the last one wins on a command line; the keys of a section have no order.
      if let other = given.first {
        let names = [other.spelling, spelling].map { quoted(option.spellings[$0].long) }
        return refuse(at: entry.place, "\(names.joined(separator: " and ")) exclude each other; give one of them")
      }
      settings.uses[option.key] = [OptionUse(spelling: spelling, text: "", place: entry.place)]
    case "false":
      let others = option.spellings.indices.filter { $0 != spelling }.map { quoted(option.spellings[$0].long) }
      if option.spellings[spelling].isDefault, !others.isEmpty {
        return refuse(
          at: entry.place,
          "\(quoted(entry.name)) is what happens anyway and cannot be false; set \(others.joined(separator: " or "))")
      }
      settings.uses[option.key] = given
    default: refuse(at: entry.value.place, "\(quoted(entry.name)) takes true or false, not \(quoted(text))")
    }
  }

  private func readValues(
    _ entry: SettingEntry, _ option: OptionDeclaration, into settings: inout Settings, _ mistakes: inout MistakeList
  ) {
    if case .list = entry.value.content, !option.isRepeatable {
      mistakes.add(at: entry.value.place, "\(quoted(entry.name)) takes one value, not a list")
      settings.refused.insert(option.key)
      return
    }
    guard let values = entry.value.texts(of: entry.name, into: &mistakes) else {
      settings.refused.insert(option.key)
      return
    }
    var uses: [OptionUse] = []
    for (text, place) in values {
      let use = OptionUse(spelling: 0, text: text, place: place)
      do throws(ValueError) {
        try option.check([use])
        uses.append(use)
      } catch {
        mistakes.add(at: place, "\(quoted(entry.name)): \(error.sentence(about: text))")
        settings.refused.insert(option.key)
      }
    }
    settings.uses[option.key] = uses
  }
}
