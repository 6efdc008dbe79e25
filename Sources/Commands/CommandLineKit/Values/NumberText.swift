/// A text taken apart into a decimal number and the unit behind it: `1.5h` is `1`, `5` and `h`.
/// Only ASCII digits count; there is no sign, no exponent and no grouping, so that nothing is read that was not meant.
struct NumberText {
  /// The digits before the point; may be empty only if there are some behind it.
  let whole: Substring
  /// The digits behind the point; nil without a point.
  let fraction: Substring?
  /// What follows the number.
  let unit: Substring

  /// Nil if `text` does not begin with a number.
  init?(_ text: some StringProtocol) {
    let text = Substring(text)
    let whole = text.prefix(while: Self.isDigit)
    var rest = text[whole.endIndex...]
    if rest.first == "." {
      let digits = rest.dropFirst().prefix(while: Self.isDigit)
      if digits.isEmpty { return nil }
      fraction = digits
      rest = rest[digits.endIndex...]
    } else {
      if whole.isEmpty { return nil }
      fraction = nil
    }
    self.whole = whole
    unit = rest
  }

  private static func isDigit(_ character: Character) -> Bool { "0"..."9" ~= character && character.isASCII }
}

/// True for `-` followed by a number: worth a message of its own.
func looksNegative(_ text: some StringProtocol) -> Bool {
  text.first == "-" && NumberText(text.dropFirst()) != nil
}
