/// What an option belongs to, where a command keeps several pools.
public enum SettingScope: Sendable {
  /// To the process: it stands at the top of a configuration file.
  case process
  /// To each pool: it stands in a pool, or among the defaults that all pools share.
  case pool
}

/// How a file can set the options of a command. Declared with the command, so that the file knows no other names
/// and no other values than the command line.
///
/// A command line that names a file needs no program, and what its options need (``Requirement``) may stand in the
/// file: that is checked when the file has been read.
public struct SettingsFile: Sendable {
  /// The option that names the file.
  let option: OptionDeclaration
  /// Names of options of the whole process.
  let process: Set<String>
  /// Names of options that mean something only on a command line.
  let commandLineOnly: Set<String>

  /// - Parameters:
  ///   - option: names the file.
  ///   - process: options of the whole process; all others are those of a pool.
  ///   - commandLineOnly: options that no file can give, besides `option` and `--help`.
  public init(
    _ option: Option<String?>, process: [any OptionProtocol], commandLineOnly: [any OptionProtocol] = []
  ) {
    self.option = option.declaration
    self.process = Set(process.map(\.declaration.key))
    let onlyThere = commandLineOnly.map(\.declaration) + [option.declaration, helpOption.declaration]
    self.commandLineOnly = Set(onlyThere.map(\.key))
  }

  func scope(of option: OptionDeclaration) -> SettingScope { process.contains(option.key) ? .process : .pool }
}
