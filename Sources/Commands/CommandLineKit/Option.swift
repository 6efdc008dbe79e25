/// One option of a command, declared once: the parser, help, man page and completions all come from it.
///
/// The value is read with `parsed[option]`. Without an occurrence on the command line it is the default; of several
/// occurrences the last one wins.
public struct Option<Value: Sendable>: OptionProtocol {
  /// What help, completions and the parser need to know, without the type of the value.
  public let declaration: OptionDeclaration
  /// The value when the option is not given.
  public let defaultValue: Value
  /// The value for what stands on the command line: at least one use, in order.
  let value: @Sendable (_ uses: [OptionUse]) throws(ValueError) -> Value

  /// An option `--name VALUE`. The default is given as a text of the same kind, so that the value and the help
  /// cannot differ; a text that `kind` refuses is a programming error.
  public init(_ name: String, short: Character? = nil, _ kind: ValueKind<Value>, default text: String, help: String) {
    do throws(ValueError) {
      defaultValue = try kind.parse(text)
    } catch {
      preconditionFailure("the default of --\(name): \(error.sentence(about: text))")
    }
    value = { uses throws(ValueError) in try kind.parse(uses[uses.count - 1].text) }
    declaration = OptionDeclaration(name, short, kind, defaultText: text, help, check: value)
  }

  private init(
    _ declaration: OptionDeclaration, defaultValue: Value,
    value: @escaping @Sendable (_ uses: [OptionUse]) throws(ValueError) -> Value
  ) {
    self.declaration = declaration
    self.defaultValue = defaultValue
    self.value = value
  }

  /// An option `--name VALUE` that is nil when it is not given. `unset` is what then applies: `no limit`.
  public static func optional<Wrapped>(
    _ name: String, short: Character? = nil, _ kind: ValueKind<Wrapped>, unset: String, help: String
  ) -> Option where Value == Wrapped? {
    let value: @Sendable ([OptionUse]) throws(ValueError) -> Value = { uses throws(ValueError) in
      try kind.parse(uses[uses.count - 1].text)
    }
    let declaration = OptionDeclaration(name, short, kind, defaultText: unset, help, check: value)
    return Option(declaration, defaultValue: nil, value: value)
  }

  /// An option `--name VALUE` that may be given several times: every value counts, in order.
  public static func repeated<Element>(
    _ name: String, short: Character? = nil, _ kind: ValueKind<Element>, help: String
  ) -> Option where Value == [Element] {
    let value: @Sendable ([OptionUse]) throws(ValueError) -> Value = { uses throws(ValueError) in
      var elements: [Element] = []
      for use in uses { elements.append(try kind.parse(use.text)) }
      return elements
    }
    let declaration = OptionDeclaration(
      name, short, kind, defaultText: nil, isRepeatable: true, help, check: value)
    return Option(declaration, defaultValue: [], value: value)
  }

  /// Several switches for one value, such as `--keep-order` and `--unordered`.
  ///
  /// - Parameter exclusive: two different ones are an error; otherwise the last one wins.
  public static func switches(_ switches: [Switch<Value>], default defaultValue: Value, exclusive: Bool = false)
    -> Option where Value: Equatable
  {
    let spellings = switches.map {
      OptionSpelling(long: $0.name, short: $0.short, help: $0.help, isDefault: $0.value == defaultValue)
    }
    return Option(OptionDeclaration(spellings, isExclusive: exclusive), defaultValue: defaultValue) {
      uses throws(ValueError) in switches[uses[uses.count - 1].spelling].value
    }
  }
}

extension Option where Value == Bool {
  /// A switch that is false unless it is given.
  public static func flag(_ name: String, short: Character? = nil, help: String) -> Option {
    .switches([Switch(name, short: short, true, help: help)], default: false)
  }
}

/// One of the switches that stand for a value.
public struct Switch<Value: Sendable>: Sendable {
  let name: String
  let short: Character?
  let value: Value
  let help: String

  /// A switch `--name` that sets the option to `value`.
  public init(_ name: String, short: Character? = nil, _ value: Value, help: String) {
    self.name = name
    self.short = short
    self.value = value
    self.help = help
  }
}

/// An option of any type of value.
public protocol OptionProtocol: Sendable {
  /// What help, completions and the parser need to know.
  var declaration: OptionDeclaration { get }
}
