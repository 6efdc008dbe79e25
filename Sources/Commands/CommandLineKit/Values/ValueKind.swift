import Text

/// What the value of an option may look like, and how its text becomes a `Value`.
public struct ValueKind<Value: Sendable>: Sendable {
  /// The word that stands for the value in help: `N`, `DUR`, `lines|nul`.
  public let placeholder: String
  /// Every legal text, for completions; empty when there are too many to list.
  public let choices: [String]
  /// A legal text, for error messages.
  public let example: String
  /// Turns the text into the value. Pure: the same text gives the same value.
  public let parse: @Sendable (_ text: String) throws(ValueError) -> Value

  /// A kind of value. `example` must be a text that `parse` accepts.
  public init(
    placeholder: String, choices: [String] = [], example: String,
    parse: @escaping @Sendable (_ text: String) throws(ValueError) -> Value
  ) {
    self.placeholder = placeholder
    self.choices = choices
    self.example = example
    self.parse = parse
  }
}

/// Why a text is no value of its kind. Together with the text it makes a whole sentence:
/// `"4x" is not a whole number; want a whole number from 1 to 64, such as 4`.
public struct ValueError: Error, Equatable, Sendable {
  /// What is wrong, to be read after the text: `is not a whole number`.
  public let problem: String
  /// What would be right: `a whole number from 1 to 64`.
  public let wanted: String
  /// A text that is right.
  public let example: String
  /// Legal texts close to the given one.
  public let suggestions: [String]

  /// An error that reads: `"TEXT" problem; want wanted, such as example`.
  public init(problem: String, wanted: String, example: String, suggestions: [String] = []) {
    self.problem = problem
    self.wanted = wanted
    self.example = example
    self.suggestions = suggestions
  }

  /// The sentence about `text`, which is quoted and made safe to print.
  public func sentence(about text: String) -> String {
    if text.isEmpty { return "the value is empty; want \(wanted), such as \(example)" }
    let start = "\(quoted(text)) \(problem)"
    if !suggestions.isEmpty { return "\(start); did you mean \(suggestions.joined(separator: " or "))?" }
    return "\(start); want \(wanted), such as \(example)"
  }
}

extension ValueKind where Value == String {
  /// Any text but the empty one.
  public static func text(placeholder: String, example: String) -> ValueKind {
    ValueKind(placeholder: placeholder, example: example) { text throws(ValueError) in
      if text.isEmpty { throw ValueError(problem: "is empty", wanted: "a text", example: example) }
      return text
    }
  }
}

extension ValueKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of the cases of an enum, spelled like its raw value.
  public static var choice: ValueKind {
    let choices = Value.allCases.map(\.rawValue)
    let example = choices.first ?? ""
    return ValueKind(placeholder: choices.joined(separator: "|"), choices: choices, example: example) {
      text throws(ValueError) in
      if let value = Value(rawValue: text) { return value }
      throw ValueError(
        problem: "is not one of the choices",
        wanted: "one of \(choices.joined(separator: ", "))",
        example: example, suggestions: nearestNames(to: text, among: choices))
    }
  }
}
