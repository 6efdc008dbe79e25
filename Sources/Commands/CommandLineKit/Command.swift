/// One command of a tool, as a value: parser, help, man page, completions and README table come from it.
public struct Command: Sendable {
  /// What is typed after the tool's name.
  public let name: String
  /// What it does, in one line without a full stop.
  public let summary: String
  /// A few paragraphs of detail.
  public let discussion: [String]
  /// Its options, by how often they are needed. `-h, --help` is added to every command by the parser and by help.
  public let groups: [OptionGroup]
  /// Options that need others.
  public let requirements: [Requirement]
  /// Options that cannot be used together.
  public let exclusions: [Exclusion]
  /// The option that names a program, so that `operands` can do without; nil if there is none.
  let programOption: OptionDeclaration?
  /// Options that it does not have, and what does the same.
  public let foreignOptions: [ForeignOption]
  /// How a file can give its options; nil if none can.
  public let settingsFile: SettingsFile?
  /// What it takes besides options.
  public let operands: Operands
  /// Command lines worth copying.
  public let examples: [Example]
  /// What the exit status means.
  public let exitStatuses: [ExitStatusMeaning]
  /// Commands of the same family, which is what they do in one line, share an entry in the help of the tool; nil for
  /// one of its own.
  public let family: String?

  /// A command. Two options of the same name, long or short, are a programming error; so is an option of `settingsFile`
  /// that is none of `groups`.
  public init(
    name: String, summary: String, discussion: [String] = [], groups: [OptionGroup] = [],
    requirements: [Requirement] = [], exclusions: [Exclusion] = [], programOption: (any OptionProtocol)? = nil,
    foreignOptions: [ForeignOption] = [], settingsFile: SettingsFile? = nil,
    operands: Operands = .none, examples: [Example] = [], exitStatuses: [ExitStatusMeaning] = [], family: String? = nil
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.groups = groups
    self.requirements = requirements
    self.exclusions = exclusions
    self.programOption = programOption?.declaration
    self.foreignOptions = foreignOptions
    self.settingsFile = settingsFile
    self.operands = operands
    self.examples = examples
    self.exitStatuses = exitStatuses
    self.family = family
    var seen: Set<String> = []
    for spelling in options.flatMap(\.spellings) {
      precondition(seen.insert("--\(spelling.long)").inserted, "--\(spelling.long) is declared twice")
      if let short = spelling.short { precondition(seen.insert("-\(short)").inserted, "-\(short) is declared twice") }
    }
    if let settingsFile {
      let known = Set(options.map(\.key))
      let named = settingsFile.process.union(settingsFile.commandLineOnly)
      precondition(named.isSubset(of: known), "\(named.subtracting(known)) are no options of \(name)")
    }
  }

  /// Every option in the order of help, `--help` last.
  public var options: [OptionDeclaration] { groups.flatMap(\.options) + [helpOption.declaration] }

  /// The groups as help shows them: `--help` is the last option of the group `other`, which is added if there is none.
  var groupsWithHelp: [OptionGroup] {
    guard let last = groups.last else { return [OptionGroup("options", [helpOption])] }
    guard ["options", "other"].contains(last.title) else { return groups + [OptionGroup("other", [helpOption])] }
    return groups.dropLast() + [OptionGroup(last.title, declarations: last.options + [helpOption.declaration])]
  }

  /// What may follow the tool's name: `run [options] -- WORKER [ARG...]`.
  public var usage: String {
    let words = [name, groups.isEmpty ? "" : "[options]", operands.usage]
    return words.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// The other form, of a command whose program may come from a file: `serve [options] --config FILE`.
  var usageWithFile: String? {
    guard let option = settingsFile?.option, case .commandLine = operands else { return nil }
    return "\(name) [options] --\(option.key) \(option.placeholder ?? "")"
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

  init(_ title: String, declarations: [OptionDeclaration]) {
    self.title = title
    options = declarations
  }
}

/// What a command takes besides options.
public enum Operands: Sendable {
  /// Nothing.
  case none
  /// One word out of a list.
  case choice(name: String, choices: [String], isRequired: Bool)
  /// Words of their own kinds, in this order. Only the last one may be given any number of times.
  case words([Operand])
  /// A program and its arguments. Its first word ends our own options, with or without a `--` before it.
  case commandLine(program: String, argument: String)

  var usage: String {
    switch self {
    case .none: ""
    case .choice(let name, _, let isRequired): isRequired ? name : "[\(name)]"
    case .words(let operands): operands.map(\.usage).joined(separator: " ")
    case .commandLine(let program, let argument): "-- \(program) [\(argument)...]"
    }
  }
}

/// One word that a command takes, or any number of them.
public struct Operand: Sendable {
  /// What stands for it in help: `ADDRESS`.
  public let name: String
  /// It may be missing, and given more than once.
  public let isRepeated: Bool
  /// Shells complete it with the names of files.
  public let isFile: Bool
  /// Throws what is wrong with a word.
  let check: @Sendable (_ text: String) throws(ValueError) -> Void

  /// Exactly one word.
  public static func one<Value>(_ name: String, _ kind: ValueKind<Value>, isFile: Bool = false) -> Operand {
    Operand(name, kind, isRepeated: false, isFile: isFile)
  }

  /// Any number of words, or none.
  public static func any<Value>(_ name: String, _ kind: ValueKind<Value>) -> Operand {
    Operand(name, kind, isRepeated: true, isFile: false)
  }

  private init<Value>(_ name: String, _ kind: ValueKind<Value>, isRepeated: Bool, isFile: Bool) {
    self.name = name
    self.isRepeated = isRepeated
    self.isFile = isFile
    check = { text throws(ValueError) in _ = try kind.parse(text) }
  }

  var usage: String { isRepeated ? "[\(name)...]" : name }
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
  /// What it means.
  public let meaning: String

  /// A status and its meaning.
  public init(_ status: Int32, _ meaning: String) {
    self.status = status
    self.meaning = meaning
  }
}

/// Understood by every command.
let helpOption = Option<Bool>.flag("help", short: "h", help: "show this help and exit")
