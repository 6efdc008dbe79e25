/// Reads the words after a command's name, by the GNU conventions: `--name=value`, `--name value`, `-w4`, `-w 4`,
/// bundled switches (`-qv`), `--` ends the options. Abbreviated long options are refused: they would change their
/// meaning with the next option that begins alike.
struct ArgumentParser {
  private let command: Command
  private let options: [OptionDeclaration]
  private var rest: ArraySlice<String>
  /// Set by `--help`, which ends parsing at once.
  private(set) var wantsHelp = false
  private(set) var operands: [String] = []
  private(set) var uses: [String: [OptionUse]] = [:]

  init(_ command: Command, _ arguments: ArraySlice<String>) {
    self.command = command
    options = command.options
    rest = arguments
  }

  mutating func parse() throws(UsageProblem) {
    while let word = rest.popFirst(), !wantsHelp {
      if word == "--" {
        operands += rest
        break
      } else if word.hasPrefix("--") {
        try parseLong(word)
      } else if word.hasPrefix("-"), word != "-" {
        try parseShort(word)
      } else {
        operands.append(word)
        if case .commandLine = command.operands {
          operands += rest
          break
        }
      }
    }
    if !wantsHelp { try checkOperands() }
  }

  /// True if a file is still to be read that may give what is missing.
  private var namesFile: Bool { command.settingsFile.map { uses[$0.option.key] != nil } ?? false }

  /// What was parsed, if each option has what it needs.
  func parsedArguments() throws(UsageProblem) -> ParsedArguments {
    let parsed = ParsedArguments(commandName: command.name, operands: operands, uses: uses)
    if namesFile { return parsed }
    for exclusion in command.exclusions where exclusion.applies(parsed) {
      throw .conflict(exclusion.subjects.0, exclusion.subjects.1)
    }
    for requirement in command.requirements where requirement.applies(parsed) && !requirement.isMet(parsed) {
      let companions = requirement.companions
      throw .missingCompanion(
        requirement.subject, needs: companions.map { "--\($0.option.key)" }, values: companions.map(\.value))
    }
    return parsed
  }

  private mutating func parseLong(_ word: String) throws(UsageProblem) {
    let name = String(word.dropFirst(2).prefix { $0 != "=" })
    let attached = word.contains("=") ? String(word[word.index(after: word.firstIndex(of: "=")!)...]) : nil
    guard let (option, spelling) = find(long: name) else {
      throw unknown("--\(name)", suggestions: suggestions(for: name))
    }
    if option.placeholder == nil {
      if let attached { throw .unexpectedValue(option: "--\(name)", text: attached) }
      return try add(OptionUse(spelling: spelling, text: ""), to: option, as: "--\(name)")
    }
    let text = if let attached { attached } else { try nextValue(for: option, as: "--\(name)") }
    try add(OptionUse(spelling: spelling, text: text), to: option, as: "--\(name)")
  }

  /// `-w4`, `-w 4`, `-qv`: switches may be bundled; the first option that takes a value takes the rest of the word.
  private mutating func parseShort(_ word: String) throws(UsageProblem) {
    let name = word.dropFirst().prefix { $0 != "=" }
    if name.count > 1, find(long: String(name)) != nil {
      // Otherwise -workers would be -w with the value "orkers".
      throw .unknownOption("-\(name)", suggestions: ["--\(name)"])
    }
    var letters = word.dropFirst()
    while let letter = letters.popFirst(), !wantsHelp {
      guard let (option, spelling) = find(short: letter) else {
        throw unknown("-\(letter)", in: word.count > 2 ? word : nil, suggestions: [])
      }
      var text = ""
      if option.placeholder != nil {
        text = letters.isEmpty ? try nextValue(for: option, as: "-\(letter)") : String(letters)
        letters = ""
      } else if letters.first == "=" {
        throw .unexpectedValue(option: "-\(letter)", text: String(letters.dropFirst()))
      }
      try add(OptionUse(spelling: spelling, text: text), to: option, as: "-\(letter)")
    }
  }

  /// The next word, unless it shows that the value was forgotten. A value that looks like one of our options can be
  /// given as `--name=value`.
  private mutating func nextValue(for option: OptionDeclaration, as name: String) throws(UsageProblem) -> String {
    let placeholder = option.placeholder ?? ""
    let missing = { (found: String?) in
      UsageProblem.missingValue(option: name, placeholder: placeholder, example: option.example, found: found)
    }
    guard let word = rest.first else { throw missing(nil) }
    let long = String(word.dropFirst(2).prefix { $0 != "=" })
    if word == "--" || word.hasPrefix("--") && find(long: long) != nil { throw missing(word) }
    rest.removeFirst()
    return word
  }

  private mutating func add(_ use: OptionUse, to option: OptionDeclaration, as name: String) throws(UsageProblem) {
    if option.key == helpOption.declaration.key {
      wantsHelp = true
      return
    }
    do throws(ValueError) {
      try option.check([use])
    } catch {
      throw .badValue(option: name, text: use.text, error)
    }
    let earlier = uses[option.key, default: []]
    if option.isExclusive, let other = earlier.first(where: { $0.spelling != use.spelling }) {
      throw .conflict("--\(option.spellings[other.spelling].long)", "--\(option.spellings[use.spelling].long)")
    }
    uses[option.key] = earlier + [use]
  }

  private func checkOperands() throws(UsageProblem) {
    switch command.operands {
    case .none:
      if let extra = operands.first { throw .unexpectedOperand(extra) }
    case .choice(let name, let choices, let isRequired):
      guard let word = operands.first else {
        if isRequired { throw .missingOperand(name) }
        return
      }
      if operands.count > 1 { throw .unexpectedOperand(operands[1]) }
      if !choices.contains(word) {
        throw .badOperand(name, word, choices: choices, suggestions: nearestNames(to: word, among: choices))
      }
    case .words(let declared): try check(declared)
    case .commandLine(let program, _):
      guard let word = operands.first else {
        if namesFile || command.programOption.map({ uses[$0.key] != nil }) == true { return }
        throw .missingOperand(program)
      }
      if word.isEmpty { throw .emptyProgram(program) }
    }
  }

  private func check(_ declared: [Operand]) throws(UsageProblem) {
    var words = operands[...]
    for operand in declared {
      if !operand.isRepeated, words.isEmpty { throw .missingOperand(operand.name) }
      while let word = words.popFirst() {
        do throws(ValueError) {
          try operand.check(word)
        } catch {
          throw .badValue(option: operand.name, text: word, error)
        }
        if !operand.isRepeated { break }
      }
    }
    if let extra = words.first { throw .unexpectedOperand(extra) }
  }

  private func find(long name: String) -> (OptionDeclaration, spelling: Int)? {
    for option in options {
      if let spelling = option.spellings.firstIndex(where: { $0.long == name }) { return (option, spelling) }
    }
    return nil
  }

  private func find(short letter: Character) -> (OptionDeclaration, spelling: Int)? {
    for option in options {
      if let spelling = option.spellings.firstIndex(where: { $0.short == letter }) { return (option, spelling) }
    }
    return nil
  }

  /// An option of another program gets that advice, not the name of a similar option of ours.
  private func unknown(_ option: String, in bundle: String? = nil, suggestions: [String]) -> UsageProblem {
    let advice = command.advice(for: option)
    return .unknownOption(option, in: bundle, suggestions: advice == nil ? suggestions : [], advice: advice)
  }

  private func suggestions(for name: String) -> [String] {
    nearestNames(to: name, among: options.flatMap(\.spellings).map(\.long)).map { "--\($0)" }
  }
}
