/// Two options that cannot be used together.
public struct Exclusion: Sendable {
  /// The option of which a file is told what is wrong.
  let option: OptionDeclaration
  /// How both are written: `--stderr inherit`.
  let subjects: (String, String)
  /// Whether both are given so.
  let applies: @Sendable (ParsedArguments) -> Bool

  /// `first` and `second` exclude each other, if `condition` holds for their values. `value` is such a value of the
  /// second one, if its value matters.
  public init<First, Second>(
    _ first: Option<First>, _ second: Option<Second>, _ value: String? = nil,
    when condition: @escaping @Sendable (First, Second) -> Bool = { _, _ in true }
  ) {
    let declarations = (first.declaration, second.declaration)
    option = declarations.0
    subjects = ("--\(declarations.0.key)", "--\(declarations.1.key)" + (value.map { " \($0)" } ?? ""))
    applies = { arguments in
      arguments.has(declarations.0) && arguments.has(declarations.1) && condition(arguments[first], arguments[second])
    }
  }

  /// The same, unless `third` has a value for which `allows` holds.
  public init<First, Second, Third>(
    _ first: Option<First>, _ second: Option<Second>, _ value: String? = nil,
    when condition: @escaping @Sendable (First, Second) -> Bool, unless third: Option<Third>,
    is allows: @escaping @Sendable (Third) -> Bool
  ) {
    let exclusion = Exclusion(first, second, value, when: condition)
    (option, subjects) = (exclusion.option, exclusion.subjects)
    applies = { exclusion.applies($0) && !allows($0[third]) }
  }
}
