// The `contains` and `split` that take a String come from a library for regular expressions, which would be linked for
// them: 1.4 MB, and a tenth of what a start takes.
extension String {
  /// What stands before and behind the first place of `mark`, which is ASCII; nil if it stands nowhere.
  public func cut(at mark: String) -> (before: Substring, after: Substring)? {
    var place = utf8.startIndex
    while place < utf8.endIndex {
      if utf8[place...].starts(with: mark.utf8) {
        return (self[..<place], self[utf8.index(place, offsetBy: mark.utf8.count)...])
      }
      utf8.formIndex(after: &place)
    }
    return nil
  }
}
