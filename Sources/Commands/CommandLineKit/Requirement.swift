/// An option that means nothing without another one: a message is better than to see nothing happen.
public struct Requirement: Sendable {
  /// What means nothing alone.
  let option: OptionDeclaration
  /// The value of the option, if that matters.
  let words: String?
  /// What must be given, too.
  let needed: OptionDeclaration
  /// The value that it must have, if that matters.
  let neededValue: String?
  /// Whether the option is given so.
  let applies: @Sendable (ParsedArguments) -> Bool
  /// Whether what it needs is given so.
  let isMet: @Sendable (ParsedArguments) -> Bool

  /// `option` needs `needed`.
  public init<Value, Needed>(_ option: Option<Value>, needs needed: Option<Needed>) {
    let declaration = option.declaration
    self.option = declaration
    words = nil
    let other = needed.declaration
    self.needed = other
    neededValue = nil
    applies = { $0.has(declaration) }
    isMet = { $0.has(other) }
  }

  /// `option` needs `needed` with a value for which `condition` holds; `value` is one of them.
  public init<Value, Needed>(
    _ option: Option<Value>, needs needed: Option<Needed>, _ value: String,
    where condition: @escaping @Sendable (Needed) -> Bool
  ) {
    let declaration = option.declaration
    self.option = declaration
    words = nil
    self.needed = needed.declaration
    neededValue = value
    applies = { $0.has(declaration) }
    isMet = { condition($0[needed]) }
  }

  /// `option` needs `needed` with those values for which `condition` holds; `words` are one of them.
  public init<Value, Needed>(
    _ option: Option<Value>, _ words: String, needs needed: Option<Needed>,
    when condition: @escaping @Sendable (Value) -> Bool
  ) {
    let other = needed.declaration
    self.option = option.declaration
    self.words = words
    self.needed = other
    neededValue = nil
    isMet = { $0.has(other) }
    applies = { $0.has(option.declaration) && condition($0[option]) }
  }

  /// `option` needs `needed` with those values for which `condition` holds, `words` for one, and with a value of it for
  /// which `other` holds, `value` for one.
  public init<Value, Needed>(
    _ option: Option<Value>, _ words: String, needs needed: Option<Needed>, _ value: String,
    when condition: @escaping @Sendable (Value) -> Bool, where other: @escaping @Sendable (Needed) -> Bool
  ) {
    self.option = option.declaration
    self.words = words
    self.needed = needed.declaration
    neededValue = value
    isMet = { other($0[needed]) }
    applies = { $0.has(option.declaration) && condition($0[option]) }
  }

  /// The option as it is written on the command line, with its value if that matters: `--ready probe`.
  var subject: String { "--\(option.key)" + (words.map { " \($0)" } ?? "") }
}
