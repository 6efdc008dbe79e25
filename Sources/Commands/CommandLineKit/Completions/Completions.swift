/// A shell that can complete our command lines.
public enum Shell: String, CaseIterable, Sendable {
  /// GNU Bash 4.4 or later, with or without the bash-completion package.
  case bash
  /// The Z shell.
  case zsh
  /// fish 3 or later.
  case fish
}

/// A script that teaches the shell to complete the tool's commands, options and values, and the worker behind them.
public func completionScript(for tool: Tool, shell: Shell) -> String {
  switch shell {
  case .bash: bashCompletion(for: tool)
  case .zsh: zshCompletion(for: tool)
  case .fish: fishCompletion(for: tool)
  }
}

extension Command {
  /// Every way to write an option that takes a value: its next word is no operand.
  var spellingsWithValue: [String] {
    options.filter { $0.placeholder != nil }.flatMap { $0.spellings.flatMap(\.words) }
  }
}

extension OptionSpelling {
  /// `-w` and `--workers`.
  var words: [String] { (short.map { ["-\($0)"] } ?? []) + ["--\(long)"] }
}
