/// An option of another program that users type by habit, and the advice for what does the same here.
public struct ForeignOption: Sendable {
  /// As they are written: `-j`, `--jobs`.
  public let spellings: [String]
  /// What to do instead, as a sentence without a capital letter and a full stop.
  public let advice: String

  /// Options that mean the same, and the advice for them. One that the command has, too, is never looked up.
  public init(_ spellings: [String], _ advice: String) {
    self.spellings = spellings
    self.advice = advice
  }
}

extension Command {
  /// The advice for an option that this command does not have, such as `-j` or `--jobs`; nil if there is none.
  func advice(for option: String) -> String? {
    foreignOptions.first { $0.spellings.contains(option) }?.advice
  }
}
