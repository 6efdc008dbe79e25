import Text

/// A command line that cannot be understood. The caller prints `message` to stderr and ends with status 64 (EX_USAGE of
/// sysexits.h).
public struct UsageError: Error, Sendable {
  /// What is wrong.
  public let problem: UsageProblem
  private let tool: String
  private let command: String?
  /// The forms of the command, in backquotes.
  private let usage: String?
  /// The form of the first command that takes a program, shown when the command is missing.
  private let programForm: String?

  init(_ problem: UsageProblem, of tool: Tool, _ command: Command?) {
    self.problem = problem
    self.tool = tool.name
    self.command = command?.name
    usage = command.map { command in
      let forms = [command.usage, command.usageWithFile].compactMap(\.self)
      return forms.map { "`\(tool.name) \($0)`" }.joined(separator: " or ")
    }
    let takesProgram = tool.commands.first { if case .commandLine = $0.operands { true } else { false } }
    programForm = takesProgram.map { "\(tool.name) \($0.usage)" }
  }

  /// What happened and what to try, in lines that end with a newline.
  public var message: String {
    "\(tool): \(what)\nhint: \(hint)\n"
  }

  private var what: String {
    switch problem {
    case .missingCommand: "no command given"
    case .unknownCommand(let word, let names): "unknown command \(wordText(word))" + didYouMean(names)
    case .optionBeforeCommand(let word, let command):
      "option \(wordText(word)) stands before the command; it belongs behind \(command)"
    case .unknownOption(let word, let bundle, let names, _):
      "unknown option \(wordText(word))" + (bundle.map { " in \(wordText($0))" } ?? "") + didYouMean(names)
    case .missingValue(let option, let placeholder, _, nil): "option \(option) needs a value (\(placeholder))"
    case .missingValue(let option, let placeholder, _, let found?):
      "option \(option) needs a value (\(placeholder)), but \(wordText(found)) follows"
    case .unexpectedValue(let option, let text): "option \(option) takes no value, but was given \(quoted(text))"
    case .badValue(let option, let text, let error): "\(option): \(error.sentence(about: text))"
    case .conflict(let first, let second): "\(first) and \(second) exclude each other; give one of them"
    case .missingCompanion(let option, let needed, _):
      "\(option) means nothing without \(needed.joined(separator: " or "))"
    case .missingOperand(let name): "no \(name) given"
    case .emptyProgram(let name): "\(name) is an empty word; want the name of a program, such as cat"
    case .unexpectedOperand(let word): "unexpected argument \(wordText(word))"
    case .badOperand(let name, let word, let choices, let names):
      "\(name): \(quoted(word)) is not one of \(choices.joined(separator: ", "))" + didYouMean(names)
    }
  }

  private var hint: String {
    switch problem {
    case .missingCommand: "try `\(tool) help`"
    case .unknownCommand(_, []):
      programForm.map { "a program goes behind a command: `\($0)`" } ?? "`\(tool) help` lists the commands"
    case .unknownCommand, .optionBeforeCommand: "`\(tool) help` lists the commands"
    case .missingValue(let option, _, let example, _):
      "for example `\(option)\(option.hasPrefix("--") ? "=" : " ")\(example)`"
    case .missingCompanion(_, let needed, let values):
      "for example " + zip(needed, values).map { "`\($0)=\($1)`" }.joined(separator: " or ")
    case .missingOperand, .unexpectedOperand, .emptyProgram: usage.map { "the form is \($0)" } ?? "try `\(tool) help`"
    case .unknownOption(_, _, _, let advice?): advice
    case .unknownOption, .unexpectedValue, .badValue, .conflict, .badOperand:
      command.map { "`\(tool) \($0) --help` shows what it takes" } ?? "try `\(tool) help`"
    }
  }

  private func didYouMean(_ names: [String]) -> String {
    names.isEmpty ? "" : "; did you mean \(names.joined(separator: " or "))?"
  }
}

/// What is wrong with a command line. Options are named as they were written.
public enum UsageProblem: Error, Equatable, Sendable {
  /// Nothing was given at all.
  case missingCommand
  /// The first word is no command.
  case unknownCommand(String, suggestions: [String])
  /// An option of `command` stands before it.
  case optionBeforeCommand(String, command: String)
  /// No such option. `in` is the word that contains it, if that holds more; `advice` is set for an option of another
  /// program.
  case unknownOption(String, in: String? = nil, suggestions: [String], advice: String? = nil)
  /// An option that takes a value has none; `found` is the word that shows it was forgotten, nil at the end.
  case missingValue(option: String, placeholder: String, example: String, found: String?)
  /// A switch was given a value.
  case unexpectedValue(option: String, text: String)
  /// A value that cannot be read.
  case badValue(option: String, text: String, ValueError)
  /// Two switches that exclude each other.
  case conflict(String, String)
  /// An option was given without one of those that it needs. `values`: a legal value for each of these.
  case missingCompanion(String, needs: [String], values: [String])
  /// A required operand is missing.
  case missingOperand(String)
  /// The program to run is the empty word.
  case emptyProgram(String)
  /// One operand too many.
  case unexpectedOperand(String)
  /// An operand that is none of its choices.
  case badOperand(String, String, choices: [String], suggestions: [String])
}
