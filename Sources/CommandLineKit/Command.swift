/// One command of a tool, as a value: parser, help, man page, completions and README table come from it.
public struct Command: Sendable {
  /// What is typed after the tool's name.
  public let name: String
  /// What it does, in one line without a full stop.
  public let summary: String
  /// A few paragraphs for whoever reads on.
  public let discussion: [String]
  /// Its options, by how often they are needed. `-h, --help` is added to every command by the parser and by help.
  public let groups: [OptionGroup]
  /// Options that need others.
  public let requirements: [Requirement]
  /// What it takes besides options.
  public let operands: Operands
  /// Command lines worth copying.
  public let examples: [Example]
  /// What the exit status means.
  public let exitStatuses: [ExitStatusMeaning]

  /// A command. Two options of the same name, long or short, are a programming error.
  public init(
    name: String, summary: String, discussion: [String] = [], groups: [OptionGroup] = [],
    requirements: [Requirement] = [], operands: Operands = .none, examples: [Example] = [],
    exitStatuses: [ExitStatusMeaning] = []
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.groups = groups
    self.requirements = requirements
    self.operands = operands
    self.examples = examples
    self.exitStatuses = exitStatuses
    var seen: Set<String> = []
    for spelling in options.flatMap(\.spellings) {
      precondition(seen.insert("--\(spelling.long)").inserted, "--\(spelling.long) is declared twice")
      if let short = spelling.short { precondition(seen.insert("-\(short)").inserted, "-\(short) is declared twice") }
    }
  }

  /// Every option in the order of help, `--help` last.
  public var options: [OptionDeclaration] { groups.flatMap(\.options) + [helpOption.declaration] }

  /// What may follow the tool's name: `run [options] -- WORKER [ARG...]`.
  public var usage: String {
    let words = [name, groups.isEmpty ? "" : "[options]", operands.usage]
    return words.filter { !$0.isEmpty }.joined(separator: " ")
  }
}

/// Options that belong together, under one heading.
public struct OptionGroup: Sendable {
  /// The heading, lower case.
  public let title: String
  /// The options in the order of help.
  public let options: [OptionDeclaration]

  /// A heading and its options.
  public init(_ title: String, _ options: [any OptionProtocol]) {
    self.title = title
    self.options = options.map(\.declaration)
  }
}

/// What a command takes besides options.
public enum Operands: Sendable {
  /// Nothing.
  case none
  /// One word out of a list.
  case choice(name: String, choices: [String], isRequired: Bool)
  /// One word of a kind, which `check` refuses with what is wrong with it.
  case value(name: String, check: @Sendable (String) throws(ValueError) -> Void)
  /// A program and its arguments. Its first word ends our own options, with or without a `--` before it.
  case commandLine(program: String, argument: String)

  var usage: String {
    switch self {
    case .none: ""
    case .choice(let name, _, let isRequired): isRequired ? name : "[\(name)]"
    case .value(let name, _): name
    case .commandLine(let program, let argument): "-- \(program) [\(argument)...]"
    }
  }
}

/// A command line worth copying.
public struct Example: Sendable {
  /// What it does, in one line.
  public let explanation: String
  /// What to type.
  public let commandLine: String

  /// An example.
  public init(_ explanation: String, _ commandLine: String) {
    self.explanation = explanation
    self.commandLine = commandLine
  }
}

/// The meaning of an exit status.
public struct ExitStatusMeaning: Sendable {
  /// The status, 0...255.
  public let status: Int32
  /// What it tells.
  public let meaning: String

  /// A status and its meaning.
  public init(_ status: Int32, _ meaning: String) {
    self.status = status
    self.meaning = meaning
  }
}

/// Understood by every command.
let helpOption = Option<Bool>.flag("help", short: "h", help: "show this help and exit")
