/// One assignment of a notification, as sd_notify(3) defines them, as far as it means something to a pool.
public enum Notification: Sendable, Equatable {
  /// `READY=1`: it can take jobs.
  case ready
  /// `STATUS=`: how it is doing, in words.
  case status(String)
  /// `EXTEND_TIMEOUT_USEC=`: its start will take so many nanoseconds from now.
  case extendTimeout(UInt64)
  /// `WATCHDOG=1`: it lives.
  case alive
  /// `WATCHDOG=trigger`: it knows that it is lost.
  case watchdogFailed
  /// `WATCHDOG_USEC=`: from now on it says `WATCHDOG=1` at least so often, in nanoseconds.
  case watchdogLimit(UInt64)
  /// `STOPPING=1`: it is about to end by itself.
  case stopping

  /// A status longer than this is cut, in bytes: it is one line for people.
  private static let longestStatus = 200

  /// The assignments of one datagram, in order. What is unknown, malformed or none of our business is left out.
  public static func fields(of datagram: [UInt8]) -> [Notification] {
    datagram.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      let value = String(decoding: line[(equals + 1)...].prefix(longestStatus), as: UTF8.self)
      return field(String(decoding: line[..<equals], as: UTF8.self), value)
    }
  }

  private static func field(_ name: String, _ value: String) -> Notification? {
    switch (name, value) {
    case ("READY", "1"): .ready
    case ("STATUS", _): .status(printable(value))
    case ("WATCHDOG", "1"): .alive
    case ("WATCHDOG", "trigger"): .watchdogFailed
    case ("STOPPING", "1"): .stopping
    case ("EXTEND_TIMEOUT_USEC", _): nanoseconds(value).map { .extendTimeout($0) }
    case ("WATCHDOG_USEC", _): nanoseconds(value).flatMap { $0 == 0 ? nil : .watchdogLimit($0) }
    default: nil
    }
  }

  /// Microseconds in decimal, as nanoseconds; at most 292 years, so that adding them to a clock cannot overflow.
  private static func nanoseconds(_ microseconds: String) -> UInt64? {
    guard let number = UInt64(microseconds) else { return nil }
    return min(number, UInt64(Int64.max) / 1000) * 1000
  }

  /// Without control characters: it is shown on terminals.
  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
  }
}
