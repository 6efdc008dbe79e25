import Text
import Time

/// One assignment of a notification, as sd_notify(3) defines them, as far as it means something to a pool.
public enum Notification: Sendable, Equatable {
  /// `READY=1`: it can take jobs.
  case ready
  /// `STATUS=`: how it is doing, in words.
  case status(String)
  /// `EXTEND_TIMEOUT_USEC=`: its start will take this time from now.
  case extendTimeout(Nanoseconds)
  /// `WATCHDOG=1`: it lives.
  case alive
  /// `WATCHDOG=trigger`: it knows that it is lost.
  case watchdogFailed
  /// `WATCHDOG_USEC=`: from now on it sends `WATCHDOG=1` at least this often.
  case watchdogLimit(Nanoseconds)
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
    case ("STATUS", _): .status(withoutControls(value))
    case ("WATCHDOG", "1"): .alive
    case ("WATCHDOG", "trigger"): .watchdogFailed
    case ("STOPPING", "1"): .stopping
    case ("EXTEND_TIMEOUT_USEC", _): time(value).map { .extendTimeout($0) }
    case ("WATCHDOG_USEC", _): time(value).flatMap { $0 == .zero ? nil : .watchdogLimit($0) }
    default: nil
    }
  }

  /// Microseconds in decimal.
  private static func time(_ microseconds: String) -> Nanoseconds? { UInt64(microseconds).map { .microseconds($0) } }
}
