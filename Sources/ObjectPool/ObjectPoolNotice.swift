import Text

/// Something about a pool that people should know.
public enum ObjectPoolNotice: Sendable, CustomStringConvertible {
  /// An object could not be made, for the `failures`-th time in a row in its place; the next try comes after the wait.
  case creationFailed(any Error, failures: Int, retryAfter: Duration)
  /// The restart budget is spent: clients that wait for a new object get the error. The next try comes after the
  /// wait, or sooner if a client asks for an object.
  case breakerOpened(failures: Int, retryAfter: Duration)
  /// Objects can be made again.
  case breakerClosed
  /// An object was found unsound, or could not be validated in time: it is disposed of.
  case validationFailed((any Error)?)
  /// An object could not be prepared for a lease, or not in time: it is disposed of.
  case preparationFailed((any Error)?)
  /// An object could not be reset, or not in time: it is disposed of.
  case resetFailed((any Error)?)
  /// A lease is held longer than `leaseReportTime`. It may be a leak.
  case leaseOverdue(acquiredAt: SourcePlace, limit: Duration)
  /// `dispose` threw.
  case disposalFailed(any Error)
  /// A call of the factory did not come back in time, not even when it was cancelled: the object's place is free again.
  case abandoned
  /// `recycle()` has stopped: the first new object could not be made, and the old ones go on serving.
  case recyclingAborted
  /// A defect in this library; please report it.
  case internalError(String)

  /// The notice as a sentence.
  public var description: String {
    switch self {
    case .creationFailed(let error, let failures, let wait):
      "an object could not be made "
        + "(failure \(failures) in a row, next try in \(roundDurationText(wait.nanoseconds))): \(error)"
    case .breakerOpened(let failures, let wait):
      "objects cannot be made: \(plural(failures, "failure")); next try in \(roundDurationText(wait.nanoseconds))"
    case .breakerClosed: "objects can be made again"
    case .validationFailed(let error): "an object is not sound" + (error.map { ": \($0)" } ?? "")
    case .preparationFailed(let error): "an object could not be prepared" + (error.map { ": \($0)" } ?? " in time")
    case .resetFailed(let error): "an object could not be reset" + (error.map { ": \($0)" } ?? " in time")
    case .leaseOverdue(let place, let limit):
      "a lease taken at \(place) is held for more than \(roundDurationText(limit.nanoseconds))"
    case .disposalFailed(let error): "an object could not be disposed of: \(error)"
    case .abandoned: "a call of the factory does not come back; its object is abandoned"
    case .recyclingAborted: "the objects are not replaced: a new one could not be made"
    case .internalError(let what): "internal error: \(what)"
    }
  }
}

/// A place in the source of a program.
public struct SourcePlace: Sendable, CustomStringConvertible {
  /// The file, as `Module/File.swift`.
  public let file: StaticString
  /// The line, from 1.
  public let line: UInt

  /// Names the place.
  @inlinable public init(file: StaticString, line: UInt) {
    self.file = file
    self.line = line
  }

  /// `Module/File.swift:12`
  public var description: String { "\(file):\(line)" }
}
