/// Whether something that was asked for is really enforced on this machine. What is not must be reported, never
/// dropped.
public enum Enforcement: Equatable, Sendable {
  /// It is.
  case enforced
  /// It is not; why, and what to try, in words for a person.
  case notEnforced(String)

  /// Why it is not enforced; nil if it is.
  public var reason: String? {
    switch self {
    case .enforced: nil
    case .notEnforced(let reason): reason
    }
  }
}
