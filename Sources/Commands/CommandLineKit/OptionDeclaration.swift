/// An option without the type of its value.
public struct OptionDeclaration: Sendable {
  /// The ways to write it: one, or one for each switch of a group of switches. The first one's name is its key.
  public let spellings: [OptionSpelling]
  /// What stands for the value; nil for switches, which take none.
  public let placeholder: String?
  /// Every legal value, if they can be listed.
  public let choices: [String]
  /// A legal value; empty for switches.
  public let example: String
  /// What happens without the option; nil for switches and repeatable options.
  public let defaultText: String?
  /// Several values count, in order; else the last one wins.
  public let isRepeatable: Bool
  /// Two different spellings are an error.
  let isExclusive: Bool
  /// Throws what is wrong with the uses.
  let check: @Sendable (_ uses: [OptionUse]) throws(ValueError) -> Void

  /// Names the option in the parsed arguments.
  var key: String { spellings[0].long }

  /// An option that takes a value.
  init<Value, Result>(
    _ name: String, _ short: Character?, _ kind: ValueKind<Value>, defaultText: String?, isRepeatable: Bool = false,
    _ help: String, check: @escaping @Sendable ([OptionUse]) throws(ValueError) -> Result
  ) {
    spellings = [OptionSpelling(long: name, short: short, help: help, isDefault: false)]
    placeholder = kind.placeholder
    choices = kind.choices
    example = kind.example
    self.defaultText = defaultText
    self.isRepeatable = isRepeatable
    isExclusive = false
    self.check = { uses throws(ValueError) in _ = try check(uses) }
  }

  /// Switches.
  init(_ spellings: [OptionSpelling], isExclusive: Bool) {
    precondition(!spellings.isEmpty, "an option needs a name")
    self.spellings = spellings
    placeholder = nil
    choices = []
    example = ""
    defaultText = nil
    isRepeatable = false
    self.isExclusive = isExclusive
    check = { _ throws(ValueError) in }
  }
}

/// One way to write an option.
public struct OptionSpelling: Sendable {
  /// The name without its two dashes.
  public let long: String
  /// The one-letter name without its dash.
  public let short: Character?
  /// What it does, in one sentence without a full stop.
  public let help: String
  /// True for the switch that stands for what happens anyway.
  public let isDefault: Bool

  /// `-w, --workers`, or `    --workers` when `aligned` without a short name.
  func label(aligned: Bool) -> String {
    if let short { return "-\(short), --\(long)" }
    return (aligned ? "    " : "") + "--\(long)"
  }
}

/// One occurrence of an option on the command line or in a file.
struct OptionUse: Sendable {
  /// Which of the option's spellings.
  let spelling: Int
  /// Its value; empty for switches.
  let text: String
  /// Where it stands in the file; nil for the command line.
  var place: FilePlace?
}
