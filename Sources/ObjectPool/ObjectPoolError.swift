import Text

/// Why a pool did not do what it was asked to.
public enum ObjectPoolError: Error, CustomStringConvertible {
  /// Nobody released an object within the time that the caller wanted to wait (zero: not at all), nor could one be
  /// made. With how many of at most `maximum` were leased at the end, and the last failure to make an object, if the
  /// last try failed.
  case timedOut(after: Duration, leased: Int, maximum: Int, creationError: (any Error)?)
  /// All `maximum` objects are leased, and the caller did not want to wait.
  case exhausted(maximum: Int)
  /// Objects cannot be made, and there is none to wait for. The error is what `make` threw last.
  case creationFailed(any Error)
  /// `make` took longer than `creationTimeout`.
  case creationTimedOut(after: Duration)
  /// `prepare` took longer than `validationTimeout` for a new object.
  case preparationTimedOut(after: Duration)
  /// The pool is closing or closed.
  case closed
  /// The lease has ended before: it was released or disposed of. Nothing was changed.
  case leaseEnded
  /// The lease was given by another pool. Nothing was changed.
  case foreignLease

  /// What happened, and what to try.
  public var description: String {
    switch self {
    case .timedOut(let time, let leased, let maximum, let error):
      (time <= .zero ? "no object was free at once: " : "no object within \(roundDurationText(time.nanoseconds)): ")
        + inVain(leased: leased, maximum: maximum, error, waited: time > .zero)
    case .exhausted(let maximum): maximum == 1 ? "the only object is leased" : "all \(maximum) objects are leased"
    case .creationFailed(let error): "no object can be made: \(error)"
    case .creationTimedOut(let time):
      "an object was not made within \(roundDurationText(time.nanoseconds)) (creationTimeout)"
    case .preparationTimedOut(let time):
      "a new object was not prepared within \(roundDurationText(time.nanoseconds)) (validationTimeout)"
    case .closed: "the pool is closed"
    case .leaseEnded: "this lease has ended before; nothing was changed"
    case .foreignLease: "this lease was given by another pool; nothing was changed"
    }
  }

  private func inVain(leased: Int, maximum: Int, _ error: (any Error)?, waited: Bool) -> String {
    let all = maximum == .max ? "any number" : plural(maximum, "object")
    if let error { return "\(leased) of \(all) leased, and the last one could not be made: \(error)" }
    let be = maximum == 1 ? "is" : "are"
    if leased == 0, !waited { return "one must first be made, validated, reset or disposed of" }
    if leased == 0 { return "none of \(all) \(be) leased; to make, validate, reset or dispose of one takes too long" }
    return "\(leased) of \(all) \(be) leased; is one never released (leaseReportTime tells), or the maximum too small?"
  }
}
