import LinuxIO

/// Why a text is no resource limit: `nofile=many` `has a value that is not a number`; `wanted` and `example` tell what
/// is.
public struct ResourceLimitError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text as it was given.
  public let text: String
  /// What is wrong with it, to be read after it.
  public let problem: String
  /// What is right.
  public let wanted: String
  /// Something that is right.
  public var example: String { "nofile=1024" }

  /// One line for a person.
  public var description: String { "'\(text)' \(problem); wanted is \(wanted), such as \(example)" }
}

extension ResourceLimit {
  /// Reads `NAME=VALUE`. NAME as in setrlimit(2), in lower or upper case, with or without `RLIMIT_`; VALUE for both
  /// limits, or `SOFT:HARD`; each a number or `unlimited`, with K, M, G or T (powers of 1024) where bytes are meant.
  public static func parse(_ text: String) throws(ResourceLimitError) -> ResourceLimit {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    func failure(_ problem: String, _ wanted: String = "NAME=VALUE or NAME=SOFT:HARD") -> ResourceLimitError {
      ResourceLimitError(text: text, problem: problem, wanted: wanted)
    }
    guard parts.count == 2 else { throw failure("has no value") }
    guard let resource = Resource(named: parts[0]) else {
      throw failure("names no resource", "one of \(Resource.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let values = parts[1].split(separator: ":", omittingEmptySubsequences: false)
    guard values.count <= 2 else { throw failure("has more than two values") }
    var numbers: [UInt64] = []
    for value in values {
      guard let number = resource.value(of: value) else {
        throw failure("has a value that is not valid", "'unlimited' or \(resource.wantedValue)")
      }
      numbers.append(number)
    }
    if numbers[0] > numbers[numbers.count - 1] { throw failure("has a soft limit over its hard limit") }
    return ResourceLimit(resource, soft: numbers[0], hard: numbers[numbers.count - 1])
  }
}

extension ResourceLimit.Resource {
  /// `RLIMIT_NOFILE`.
  public var officialName: String { "RLIMIT_\(rawValue.uppercased())" }

  fileprivate init?(named name: Substring) {
    let lower = name.lowercased()
    self.init(rawValue: lower.hasPrefix("rlimit_") ? String(lower.dropFirst("rlimit_".count)) : lower)
  }

  private var isCountedInBytes: Bool {
    switch self {
    case .as, .core, .data, .fsize, .memlock, .msgqueue, .rss, .stack: true
    case .cpu, .locks, .nice, .nofile, .nproc, .rtprio, .rttime, .sigpending: false
    }
  }

  fileprivate var wantedValue: String {
    switch self {
    case .cpu: "a whole number of seconds"
    case .rttime: "a whole number of microseconds"
    case _ where isCountedInBytes: "a size in bytes, or with K, M, G or T (powers of 1024)"
    default: "a whole number"
    }
  }

  fileprivate func value(of text: Substring) -> UInt64? {
    if text.lowercased() == "unlimited" { return ResourceLimit.unlimited }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text[digits.endIndex...].lowercased()
    guard let shift = ["": 0, "k": 10, "m": 20, "g": 30, "t": 40][unit], shift == 0 || isCountedInBytes,
      let number = UInt64(digits)
    else { return nil }
    let (value, overflow) = number.multipliedReportingOverflow(by: 1 << UInt64(shift))
    // The greatest number of all means: unlimited.
    return overflow || value == ResourceLimit.unlimited ? nil : value
  }
}
