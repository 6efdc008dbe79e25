/// How a job ended, by the word that stands in the column `Outcome`. The words are those of `JobCore.Outcome`.
public enum JobLogOutcome: String, Sendable, CaseIterable {
  /// The only one that a resumed run need not try again.
  case ok
  case failed, timeout, crashed, quarantined, cancelled, expired

  /// Reads a column `Outcome`; nil if it is not one.
  init?(column: RawSpan) {
    for outcome in Self.allCases where outcome.isSpelled(column) {
      self = outcome
      return
    }
    return nil
  }

  private func isSpelled(_ column: RawSpan) -> Bool {
    var offset = 0
    for byte in rawValue.utf8 {
      guard offset < column.byteCount, column.byte(at: offset) == byte else { return false }
      offset &+= 1
    }
    return offset == column.byteCount
  }
}
