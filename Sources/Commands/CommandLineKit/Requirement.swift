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
  /// What does as well, with this value.
  let alternative: (option: OptionDeclaration, value: String)?
  /// Whether the option is given so.
  let applies: @Sendable (ParsedArguments) -> Bool
  /// Whether what it needs is given so.
  let isMet: @Sendable (ParsedArguments) -> Bool

  /// `option` needs `needed`: with those values for which `condition` holds, of which `words` are one; and `needed`
  /// with a value for which `isEnough` holds, of which `value` is one.
  public init<Value, Needed>(
    _ option: Option<Value>, _ words: String? = nil, needs needed: Option<Needed>, _ value: String? = nil,
    when condition: @escaping @Sendable (Value) -> Bool = { _ in true },
    where isEnough: @escaping @Sendable (Needed) -> Bool = { _ in true }
  ) {
    let (declaration, other) = (option.declaration, needed.declaration)
    self.option = declaration
    self.words = words
    self.needed = other
    neededValue = value
    alternative = nil
    applies = { $0.has(declaration) && condition($0[option]) }
    isMet = { $0.has(other) && isEnough($0[needed]) }
  }

  /// The same, if `alternative` with a value for which `suffices` holds, of which `otherValue` is one, does as well as
  /// `needed`.
  public init<Value, Needed, Alternative>(
    _ option: Option<Value>, needs needed: Option<Needed>, _ value: String,
    where isEnough: @escaping @Sendable (Needed) -> Bool, or alternative: Option<Alternative>,
    _ otherValue: String, where suffices: @escaping @Sendable (Alternative) -> Bool
  ) {
    let (declaration, other, second) = (option.declaration, needed.declaration, alternative.declaration)
    self.alternative = (second, otherValue)
    self.option = declaration
    words = nil
    self.needed = other
    neededValue = value
    applies = { $0.has(declaration) }
    isMet = { $0.has(other) && isEnough($0[needed]) || $0.has(second) && suffices($0[alternative]) }
  }

  /// Each of which is enough, with a legal value.
  var companions: [(option: OptionDeclaration, value: String)] {
    [(needed, neededValue ?? needed.example)] + [alternative].compactMap(\.self)
  }

  /// The option as it is written on the command line, with its value if that matters: `--ready probe`.
  var subject: String { "--\(option.key)" + (words.map { " \($0)" } ?? "") }
}
