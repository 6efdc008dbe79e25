import CommandLineKit
import LinuxIO

/// What a server is to do, by its command line alone or with a configuration file.
public struct ServeSettings: Sendable {
  /// The options of the process. (What else is in it is for the pools: ask them.)
  public let process: ParsedArguments
  /// At least one, in the order of the file, each name once.
  public let pools: [PoolSettings]

  /// The settings of a command line that names no file: one pool.
  public init(commandLine: ParsedArguments) {
    process = commandLine
    pools = [PoolSettings(name: PoolSettings.onlyName, place: nil, arguments: commandLine, command: .commandLine)]
  }

  init(process: ParsedArguments, pools: [PoolSettings]) {
    self.process = process
    self.pools = pools
  }
}

/// A pool and all its settings.
public struct PoolSettings: Sendable {
  /// The name of a pool that is the only one and was given none.
  public static let onlyName = "default"

  /// 1 to 64 of the characters `A-Za-z0-9._-`.
  public let name: String
  /// Where it stands in the file; nil without a file.
  public let place: FilePlace?
  /// Its options and those of the process: from the command line, else its section, else the defaults.
  public let arguments: ParsedArguments
  /// What its workers run.
  public let command: PoolCommand
}

/// What the workers of a pool run.
public enum PoolCommand: Equatable, Sendable {
  /// The operands of the command line, whose bytes need not be UTF-8.
  case commandLine
  /// A program, which is no empty word, and its arguments, from a file.
  case words([String])
}

/// The largest configuration file, in bytes. A hundred pools with every option need about a fifth of it.
public let largestConfiguration = 1 << 20

/// Reads the configuration file of a command and puts it under the options of the command line.
///
/// The format is **YAML**, read by libyaml. It is what people who deploy services write all day. libyaml is kept,
/// small, plain C without variable arguments, in every distribution, and reports where each value stands, to the
/// character, so that every mistake can be placed. What YAML is feared for plays no part here: each value is taken as
/// text and read like that of the command line (`no`, `1:30` and `0x10` stay what they are), and of the rest only
/// sections, lists and texts are taken. Looked at as well: libucl knows the line of an error of syntax, but not that of
/// a value that an option refuses (its issue 32); libinih knows neither lists nor sections in sections.
///
///     control: unix:/run/prefork/control       # options of the process; names as on the command line
///     defaults:                                # what pools share, unless they say otherwise
///       timeout: 30s
///     pools:
///       resize:
///         workers: 2..8
///         listen: [unix:/run/prefork/resize.sock, tcp:127.0.0.1:7001]   # an option that may be repeated takes a list
///         command: [./resize.py, --fast]       # word by word: no shell reads it; a text is one word
///         unordered: true                      # switches take true or false
///
/// Without `pools`, `command` and the options of the only pool stand at the top.
///
/// - Parameters:
///   - command: was declared with a ``CommandLineKit/SettingsFile``.
///   - commandLine: wins over the file, option by option.
/// - Throws: what is wrong, all of it at once. (After an error of syntax the rest cannot be checked.)
public func loadConfiguration(
  _ path: String, for command: Command, commandLine: ParsedArguments
) throws(ConfigurationError) -> ServeSettings {
  let text: [UInt8]?
  do throws(SystemError) {
    text = try contents(ofRegularFile: path, atMost: largestConfiguration + 1)
  } catch {
    throw .unreadable(path: path, reason: error.reason)
  }
  guard let text else {
    throw .unreadable(path: path, reason: "is no regular file, which could be read again on reload")
  }
  return try configuration(from: text, at: path, for: command, commandLine: commandLine)
}

/// The same of a text; `path` is for messages.
func configuration(
  from text: [UInt8], at path: String, for command: Command, commandLine: ParsedArguments
) throws(ConfigurationError) -> ServeSettings {
  var mistakes = MistakeList()
  var configuration: ServeSettings?
  if text.count > largestConfiguration {
    mistakes.add(at: FilePlace(behind: text[..<largestConfiguration]), "the file goes on beyond 1 MiB")
  } else if let tree = yamlTree(text, into: &mistakes) {
    var layout = ServeLayout(command, commandLine, mistakes)
    configuration = layout.read(tree)
    mistakes = layout.mistakes
  }
  guard let configuration, mistakes.isEmpty else {
    throw .mistakes(path: path, mistakes.first, others: mistakes.others)
  }
  return configuration
}
