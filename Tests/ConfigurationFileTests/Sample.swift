import CommandLineKit
import Glibc
import TestSupport
import Time

@testable import ConfigurationFile

/// A small server with an option of every kind, of the process and of a pool.
enum Sample {
  enum Readiness: String, CaseIterable { case none, probe }
  enum Order: Equatable { case kept, free }

  static let config = Option.optional(
    "config", .text(placeholder: "FILE", example: "pool.yaml"), unset: "none", help: "the file")
  static let checkConfig = Option.flag("check-config", help: "only look at the file")
  static let control = Option.optional(
    "control", .text(placeholder: "ADDRESS", example: "unix:/x"), unset: "none", help: "where to be controlled")
  static let controlMode = Option.optional(
    "control-mode", .integer(in: 0...511, example: 6), unset: "none", help: "who may")
  static let workers = Option(
    "workers", short: "w", .countRange(in: 0...64, example: "4"), default: "2", help: "how many")
  static let timeout = Option.optional("timeout", .duration(atLeast: 1), unset: "no limit", help: "how long")
  static let listen = Option.repeated("listen", .text(placeholder: "ADDRESS", example: "unix:/x"), help: "where")
  static let order = Option.switches(
    [Switch("keep-order", Order.kept, help: "in order"), Switch("unordered", .free, help: "as they come")],
    default: .kept, exclusive: true)
  static let joblog = Option.optional(
    "joblog", .text(placeholder: "FILE", example: "run.log"), unset: "none", help: "a log")
  static let resume = Option.flag("resume", help: "go on")
  static let ready = Option<Readiness>("ready", .choice, default: "none", help: "when")
  static let probe = Option.optional("probe", .text(placeholder: "TEXT", example: "ping"), unset: "none", help: "what")

  static let serve = Command(
    name: "serve", summary: "serve jobs",
    groups: [
      OptionGroup("all", [config, checkConfig, control, controlMode]),
      OptionGroup("pool", [workers, timeout, listen, order, joblog, resume, ready, probe]),
    ],
    requirements: [
      Requirement(resume, needs: joblog), Requirement(ready, "probe", needs: probe) { $0 == .probe },
      Requirement(controlMode, needs: control),
    ],
    settingsFile: SettingsFile(config, process: [control, controlMode], commandLineOnly: [checkConfig]),
    operands: .commandLine(program: "WORKER", argument: "ARG"))
  static let tool = Tool(name: "prefork", version: "1", summary: "a pool", discussion: [], commands: [serve])

  static func commandLine(_ words: [String] = []) throws -> ParsedArguments {
    guard case .command(let parsed) = try tool.parse(["serve", "--config=pool.yaml"] + words) else {
      throw NotACommand()
    }
    return parsed
  }

  /// What a file says that must be right.
  static func read(_ text: String, _ words: String...) throws -> ServeSettings {
    try configuration(from: Array(text.utf8), at: "pool.yaml", for: serve, commandLine: try commandLine(words))
  }

  /// What is said about a file that must be wrong, line by line; nothing if it is not.
  static func mistakes(_ text: String, _ words: String...) throws -> [String] {
    try mistakes(Array(text.utf8), words)
  }

  static func mistakes(_ text: [UInt8], _ words: [String] = []) throws -> [String] {
    let commandLine = try commandLine(words)
    do throws(ConfigurationError) {
      _ = try configuration(from: text, at: "pool.yaml", for: serve, commandLine: commandLine)
      return []
    } catch {
      return error.message(of: "prefork").split(separator: "\n").map(String.init)
    }
  }

  struct NotACommand: Error {}
}
