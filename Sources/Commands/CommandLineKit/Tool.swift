/// A program made of commands.
public struct Tool: Sendable {
  /// Its name on the command line.
  public let name: String
  /// Its version, such as `0.1.0`.
  public let version: String
  /// What it is, in one line without a full stop.
  public let summary: String
  /// A few paragraphs of detail.
  public let discussion: [String]
  /// The names of its commands, the most important one first.
  public let commandNames: [String]
  /// Makes the declaration of the command of that name.
  private let declaration: @Sendable (_ name: String) -> Command

  /// A tool. The declaration of a command is made only when it is asked for: a start needs one of them, and all
  /// together take longer than all the rest of it.
  public init(
    name: String, version: String, summary: String, discussion: [String], commandNames: [String],
    declaration: @escaping @Sendable (_ commandName: String) -> Command
  ) {
    self.name = name
    self.version = version
    self.summary = summary
    self.discussion = discussion
    self.commandNames = commandNames
    self.declaration = declaration
  }

  /// A tool of commands that are declared already.
  public init(name: String, version: String, summary: String, discussion: [String], commands: [Command]) {
    self.init(
      name: name, version: version, summary: summary, discussion: discussion, commandNames: commands.map(\.name)
    ) { name in commands.first { $0.name == name }! }
  }

  /// Its commands, the most important one first.
  public var commands: [Command] { commandNames.map(declaration) }

  /// The command of that name.
  public func command(named name: String) -> Command? { commandNames.contains(name) ? declaration(name) : nil }

  /// What the arguments (without the program's name) ask for.
  public func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
    guard let first = arguments.first else { throw UsageError(.missingCommand, of: self, nil) }
    if first == "--version" || first == "-V" { return .version }
    if first == "--help" || first == "-h" { return .help(nil) }
    if first.hasPrefix("-") { throw UsageError(misplaced(first), of: self, nil) }
    guard let command = command(named: first) else {
      let suggestions = nearestNames(to: first, among: commandNames)
      throw UsageError(.unknownCommand(first, suggestions: suggestions), of: self, nil)
    }
    var parser = ArgumentParser(command, arguments.dropFirst())
    do throws(UsageProblem) {
      try parser.parse()
      if parser.wantsHelp { return .help(command) }
      return .command(try parser.parsedArguments())
    } catch {
      throw UsageError(error, of: self, command)
    }
  }

  /// An option where a command should stand: right but too early, or unknown.
  private func misplaced(_ word: String) -> UsageProblem {
    let isOption = { (command: Command) in
      command.options.flatMap(\.spellings).contains { spelling in
        if word.hasPrefix("--") { return word.dropFirst(2).prefix { $0 != "=" } == spelling.long }
        return spelling.short != nil && word.dropFirst().first == spelling.short
      }
    }
    if let owner = commands.first(where: isOption) { return .optionBeforeCommand(word, command: owner.name) }
    let name = word.hasPrefix("--") ? String(word.prefix { $0 != "=" }) : String(word.prefix(2))
    if let advice = commands.lazy.compactMap({ $0.advice(for: name) }).first {
      return .unknownOption(name, suggestions: [], advice: advice)
    }
    let suggestions = nearestNames(to: String(word.drop { $0 == "-" }), among: ["help", "version"])
    return .unknownOption(word, suggestions: suggestions.map { "--\($0)" })
  }
}

/// What a command line asks for.
public enum Invocation: Sendable {
  /// Run this command.
  case command(ParsedArguments)
  /// Show the help of a command; nil for that of the tool.
  case help(Command?)
  /// Show the version.
  case version
}

/// What was given to a command, by its command line and perhaps a configuration file (``filled(from:)``).
public struct ParsedArguments: Sendable {
  /// The command.
  public let commandName: String
  /// The words that are no options: for a command line, the program and its arguments, untouched.
  public let operands: [String]
  let uses: [String: [OptionUse]]

  /// True if the option stands on the command line, or in the file that it was filled from.
  public func has<Value>(_ option: Option<Value>) -> Bool { has(option.declaration) }

  func has(_ option: OptionDeclaration) -> Bool { uses[option.key] != nil }

  /// The value of an option: the last one given, or the default. Every value was checked when the arguments were
  /// parsed.
  public subscript<Value>(_ option: Option<Value>) -> Value {
    guard let uses = uses[option.declaration.key] else { return option.defaultValue }
    do throws(ValueError) {
      return try option.value(uses)
    } catch {
      preconditionFailure("--\(option.declaration.key) was checked with another kind of value")
    }
  }
}
