/// An option that means nothing without another one: a message is better than to see nothing happen.
public struct Requirement: Sendable {
  /// What means nothing alone.
  let option: OptionDeclaration
  /// The value of the option, if that matters.
  let words: String?
  /// What must be given, too.
  let needed: OptionDeclaration
  /// Whether it is given so.
  let applies: @Sendable (ParsedArguments) -> Bool

  /// `option` needs `needed`.
  public init<Value, Needed>(_ option: Option<Value>, needs needed: Option<Needed>) {
    let declaration = option.declaration
    self.option = declaration
    words = nil
    self.needed = needed.declaration
    applies = { $0.has(declaration) }
  }

  /// `option` needs `needed` with those values for which `condition` holds; `words` are one of them.
  public init<Value, Needed>(
    _ option: Option<Value>, _ words: String, needs needed: Option<Needed>,
    when condition: @escaping @Sendable (Value) -> Bool
  ) {
    self.option = option.declaration
    self.words = words
    self.needed = needed.declaration
    applies = { $0.has(option.declaration) && condition($0[option]) }
  }

  /// The option as it is written on the command line, with its value if that matters: `--ready probe`.
  var subject: String { "--\(option.key)" + (words.map { " \($0)" } ?? "") }
}
