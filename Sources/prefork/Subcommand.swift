import CommandLineKit

/// The commands of prefork.
enum Subcommand: String, CaseIterable {
  case run, submit, check, help, completions, man

  /// The declaration that everything about the command comes from.
  var declaration: Command {
    switch self {
    case .run: RunOptions.command
    case .submit: SubmitOptions.command
    case .check: CheckOptions.command
    case .help:
      Command(
        name: "help", summary: "show the help of prefork or of a command",
        operands: .choice(name: "COMMAND", choices: Self.allCases.map(\.rawValue), isRequired: false))
    case .completions:
      Command(
        name: "completions", summary: "print a completion script for a shell",
        discussion: ["The first lines of the script say where to put it."],
        operands: .choice(name: "SHELL", choices: Shell.allCases.map(\.rawValue), isRequired: true),
        examples: [Example("complete in this shell, now", "source <(prefork completions bash)")])
    case .man:
      Command(
        name: "man", summary: "print the manual page", examples: [Example("read it", "prefork man | man -l -")])
    }
  }
}

/// The whole program, as help, man page and completions show it.
let preforkTool = Tool(
  name: "prefork", version: "0.1.0",
  summary: "run jobs through a pool of warm worker processes",
  discussion: [
    "prefork is xargs for programs that are expensive to start: a model that takes seconds to load, a virtual machine, "
      + "a database session. It starts N of them once, streams any number of jobs through, gives the results in the "
      + "order of the input, and replaces workers that die."
  ],
  commands: Subcommand.allCases.map(\.declaration))
