import CommandLineKit
import Text

/// A configuration that cannot be used. Nothing of it has had any effect.
public enum ConfigurationError: Error, Equatable, Sendable {
  /// The file cannot be read (exit status 66, EX_NOINPUT of sysexits.h): why.
  case unreadable(path: String, reason: String)
  /// Its content is wrong (exit status 78, EX_CONFIG): the first mistakes in the order of the file, and how many more
  /// there are.
  case mistakes(path: String, [SettingMistake], others: Int)

  /// What is wrong, for stderr: lines that end with a newline, each beginning with `tool`, then the place as compilers
  /// write it.
  ///
  ///     prefork: pool.yaml:7:5: unknown key "wrokers" in pool "resize"; did you mean "workers"?
  public func message(of tool: String) -> String {
    switch self {
    case .unreadable(let path, let reason): return "\(tool): \(wordText(path)): \(reason)\n"
    case .mistakes(let path, let mistakes, let others):
      var lines = mistakes.map { mistake in
        let place = mistake.place.map { "\(wordText(path)):\($0.line):\($0.column): " } ?? ""
        return "\(tool): \(place)\(mistake.sentence)\n"
      }
      if others > 0 { lines.append("\(tool): \(wordText(path)): and \(others) more of the kind\n") }
      return lines.joined()
    }
  }
}
