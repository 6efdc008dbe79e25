import CommandLineKit
import TestSupport
import Time

/// A small tool with an option of every kind.
enum Sample {
  enum Color: String, CaseIterable { case red, green, blue }
  enum Loudness: Equatable { case quiet, normal, loud }

  static let count = Option("count", short: "c", .integer(in: 1...64, example: 4), default: "2", help: "how many")
  static let wait = Option.optional(
    "wait", short: "w", .duration(atLeast: 1), unset: "for ever", help: "how long to wait for an answer")
  static let room = Option<Int>("room", .size(), default: "4K", help: "how much room")
  static let color = Option<Color>("color", .choice, default: "green", help: "the color of the answer")
  static let tag = Option.repeated("tag", .text(placeholder: "TEXT", example: "x"), help: "a tag: may be repeated")
  static let sorted = Option.switches(
    [
      Switch("sorted", short: "s", true, help: "sort the answers"),
      Switch("unsorted", false, help: "do not, and don't ask [again]"),
    ], default: true, exclusive: true)
  static let loudness = Option.switches(
    [
      Switch("quiet", short: "q", Loudness.quiet, help: "say nothing"),
      Switch("loud", short: "l", Loudness.loud, help: "say everything"),
    ], default: .normal)
  static let dry = Option.flag("dry", short: "d", help: "only show what would be done")

  static let go = Command(
    name: "go", summary: "go with a program", discussion: [".It begins with a dot and has a \\ in it."],
    groups: [
      OptionGroup("essential", [count, wait, color, sorted]), OptionGroup("more", [room, tag, loudness, dry]),
    ],
    foreignOptions: [ForeignOption(["-j", "--counts"], "`-c N` is how many")],
    operands: .commandLine(program: "PROGRAM", argument: "ARG"),
    examples: [Example("go with cat", "tool go -c 4 -- cat")],
    exitStatuses: [ExitStatusMeaning(0, "all is well"), ExitStatusMeaning(64, "wrong usage")])
  static let pick = Command(
    name: "pick", summary: "pick one",
    operands: .choice(name: "WHICH", choices: ["first", "second"], isRequired: true))
  static let list = Command(name: "list", summary: "list all")

  static let tool = Tool(
    name: "tool", version: "1.2.3", summary: "does a thing", discussion: ["It does a thing."],
    commands: [go, pick, list])

  /// The arguments of a command line that must be right.
  static func parse(_ arguments: String...) throws -> ParsedArguments {
    guard case .command(let parsed) = try tool.parse(arguments) else { throw NotACommand() }
    return parsed
  }

  /// The message about a command line that must be wrong; nil if it is not.
  static func message(_ arguments: String...) -> String? {
    do throws(UsageError) {
      _ = try tool.parse(arguments)
      return nil
    } catch {
      return error.message
    }
  }

  struct NotACommand: Error {}
}
