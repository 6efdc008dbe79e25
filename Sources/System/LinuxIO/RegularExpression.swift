import Glibc

/// An extended regular expression of POSIX (regex(7)), which is searched for in bytes, whatever their encoding.
public final class RegularExpression: Sendable, Equatable, CustomStringConvertible {
  /// Why a pattern cannot be used, as the C library puts it.
  public struct Defect: Error, Equatable, CustomStringConvertible {
    /// A few words: `Unmatched ( or \\(`.
    public let description: String
  }

  /// The pattern.
  public let description: String
  /// Only read after its making; regexec(3) may be called from several threads.
  private nonisolated(unsafe) let compiled: UnsafeMutablePointer<regex_t>

  /// Compiles a pattern.
  public init(_ pattern: String) throws(Defect) {
    let place = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
    place.initialize(to: regex_t())
    let error = regcomp(place, pattern, REG_EXTENDED)
    if error == 0 {
      (description, compiled) = (pattern, place)
      return
    }
    // Nothing is set yet: there is no deinit.
    let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      regerror(error, place, buffer.baseAddress, buffer.count)
      return String(cString: buffer.baseAddress!)
    }
    place.deallocate()
    throw Defect(description: reason)
  }

  deinit {
    regfree(compiled)
    compiled.deallocate()
  }

  /// Whether it matches anywhere in these bytes, which may contain NUL bytes.
  public func matches(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var place = regmatch_t(rm_so: 0, rm_eo: regoff_t(bytes.count))
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { empty in
        empty[0] = 0
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(empty.baseAddress!)
        return regexec(compiled, start, 1, &place, REG_STARTEND) == 0
      }
    }
  }

  /// The same pattern.
  public static func == (left: RegularExpression, right: RegularExpression) -> Bool {
    left.description == right.description
  }
}
