import JSON

/// Finds the end of a JSON object in a stream in which nothing needs to separate objects. It looks at each byte once.
struct JSONCutter {
  enum Step: Equatable {
    /// A whole object; what stands before it means nothing.
    case object(Range<Int>)
    case needMore(consumed: Int)
    case violation(String)
  }

  private var start = 0
  private var searched = 0
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// Goes on in `bytes`, from the front of which what was consumed is gone.
  mutating func next(in bytes: RawSpan) -> Step {
    while searched < bytes.byteCount {
      let byte = bytes.byte(at: searched)
      searched += 1
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if depth == 0 {
          guard byte == UInt8(ascii: "{") else { return .violation("a message must be a JSON object") }
          start = searched - 1
        }
        depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { return .violation("a bracket too many") }
        depth -= 1
        guard depth == 0 else { continue }
        let place = start..<searched
        (start, searched) = (0, 0)
        return .object(place)
      case UInt8(ascii: "\""):
        guard depth > 0 else { return .violation("a message must be a JSON object") }
        isInString = true
      case 0x20, 0x09, 0x0A, 0x0D: break
      default: guard depth > 0 else { return .violation("a message must be a JSON object") }
      }
    }
    guard depth == 0 else { return .needMore(consumed: 0) }
    let consumed = searched
    searched = 0
    return .needMore(consumed: consumed)
  }
}
