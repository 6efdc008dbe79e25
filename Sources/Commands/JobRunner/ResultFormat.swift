import WireFormats

/// How results stand on stdout.
public enum ResultFormat: Sendable, Equatable {
  /// As they are, framed: result n answers job n, an empty one if it did not end ok.
  case framed(Framing)
  /// Each as one line of JSON that holds more than the bytes.
  case records
  /// As they are, in any number of lines, the last of which is ended if it is not. A job that did not end ok, or whose
  /// reply is empty, has none.
  case text

  /// What separates one result from the next.
  var framing: Framing {
    switch self {
    case .framed(let framing): framing
    case .records, .text: .lines
    }
  }
}
