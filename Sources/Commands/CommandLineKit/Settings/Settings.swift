import Text

/// The options of a command that one section of a configuration file sets.
public struct Settings: Sendable {
  /// The uses of each option that the section sets, by its key; none if it turns a switch off or gives an empty list.
  var uses: [String: [OptionUse]] = [:]
  /// Options, by their key, and other names that it sets to something that cannot be understood, perhaps because a name
  /// is misspelt: they count as given where they are needed, so that one mistake is not reported twice.
  var refused: Set<String> = []

  /// No option set.
  public init() {}

  /// True if a mistake in the section may have been meant for `name`.
  public func mayMean(_ name: String) -> Bool { refused.contains(name) }
}

extension ParsedArguments {
  /// These arguments, and from `layers`, the strongest first, the options that are not given: an option comes as a
  /// whole from the strongest that speaks of it.
  public func filled(from layers: [Settings]) -> ParsedArguments {
    var uses = uses
    for layer in layers { uses.merge(layer.uses) { stronger, _ in stronger } }
    return ParsedArguments(commandName: commandName, operands: operands, uses: uses.filter { !$0.value.isEmpty })
  }

  /// Where the option stands in the file, the last of several; nil if it is not given, or on the command line.
  public func place<Value>(of option: Option<Value>) -> FilePlace? { place(of: option.declaration) }

  func place(of option: OptionDeclaration) -> FilePlace? { uses[option.key]?.last?.place }
}

extension Command {
  /// Finds the options that mean nothing without another one (``Requirement``), or not together with another one
  /// (``Exclusion``), once all settings are together.
  ///
  /// - Parameters:
  ///   - scope: the scope of the options in `arguments`. Those of a pool may need some of the process; not the
  ///     other way round.
  ///   - layers: what was put into `arguments`.
  ///   - section: where they stand, for the sentence: ` in pool "a"`; empty for the whole file.
  public func checkRequirements(
    of scope: SettingScope, in arguments: ParsedArguments, from layers: [Settings], section: String,
    into mistakes: inout MistakeList
  ) {
    guard let settingsFile else { return }
    let refused = layers.reduce(into: Set<String>()) { $0.formUnion($1.refused) }
    for requirement in requirements where settingsFile.scope(of: requirement.option) == scope {
      guard requirement.applies(arguments), !requirement.isMet(arguments),
        refused.isDisjoint(with: [requirement.option.key] + requirement.companions.map(\.option.key))
      else { continue }
      let place = arguments.place(of: requirement.option)
      mistakes.add(at: place, requirement.sentence(inFile: place != nil) + section + requirement.fileExample)
    }
    for exclusion in exclusions where settingsFile.scope(of: exclusion.option) == scope && exclusion.applies(arguments)
    {
      mistakes.add(
        at: arguments.place(of: exclusion.option),
        "\(exclusion.subjects.0) and \(exclusion.subjects.1) exclude each other" + section)
    }
  }
}

extension Requirement {
  fileprivate func sentence(inFile: Bool) -> String {
    let names = companions.map { inFile ? quoted($0.option.key) : "--\($0.option.key)" }.joined(separator: " or ")
    if !inFile { return "\(subject) means nothing without \(names)" }
    let words = words.map { "\(option.key): \($0)" } ?? option.key
    return "\(quoted(words)) means nothing without \(names)"
  }

  fileprivate var fileExample: String {
    let examples = companions.map { "\($0.option.key): \($0.option.placeholder == nil ? "true" : $0.value)" }
    return "; for example " + examples.joined(separator: " or ")
  }
}
