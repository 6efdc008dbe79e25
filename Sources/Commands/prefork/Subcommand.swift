import CommandLineKit

/// The commands of prefork.
enum Subcommand: String, CaseIterable {
  case run, serve, submit, check
  case status, top, jobs, metrics, scale, recycle, reload, cancel, drain, stop
  case help, completions, man

  private static let forReaders = "help of a command, shell completions, manual page"

  /// The declaration that everything about the command comes from.
  var declaration: Command {
    switch self {
    case .run: RunOptions.command
    case .serve: ServeOptions.command
    case .submit: SubmitOptions.command
    case .check: CheckOptions.command
    case .status: ControlOptions.status
    case .top: TopOptions.command
    case .jobs: ControlOptions.jobs
    case .metrics: ControlOptions.metrics
    case .scale: ControlOptions.scale
    case .recycle: ControlOptions.recycle
    case .reload: ControlOptions.reload
    case .cancel: ControlOptions.cancel
    case .drain: ControlOptions.drain
    case .stop: ControlOptions.stop
    case .help:
      Command(
        name: "help", summary: "show the help of prefork or of a command",
        operands: .choice(name: "COMMAND", choices: Self.allCases.map(\.rawValue), isRequired: false),
        family: Self.forReaders)
    case .completions:
      Command(
        name: "completions", summary: "print a completion script for a shell",
        discussion: ["The first lines of the script say where to put it."],
        operands: .choice(name: "SHELL", choices: Shell.allCases.map(\.rawValue), isRequired: true),
        examples: [Example("complete in this shell, now", "source <(prefork completions bash)")],
        family: Self.forReaders)
    case .man:
      Command(
        name: "man", summary: "print the manual page", examples: [Example("read it", "prefork man | man -l -")],
        family: Self.forReaders)
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
  commandNames: Subcommand.allCases.map(\.rawValue),
  declaration: { Subcommand(rawValue: $0)!.declaration })
