import LinuxIO

/// Where a pool is controlled: the path of a unix socket.
public struct ControlAddress: Equatable, Sendable {
  /// The path as it was given, without `unix:`.
  public let path: String

  /// Behind the path of a job socket, it names the control socket that belongs to it.
  public static let suffix = ".control"

  /// The address that a text stands for: `unix:/path` or a path. Nil for any other scheme, or none at all: the control
  /// socket is always a unix socket.
  public init?(_ text: String) {
    let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
    guard !path.isEmpty, !path.utf8.contains(0), !text.hasPrefix("tcp:") else { return nil }
    self.path = path
  }

  /// The socket to connect to: if a control socket stands beside what was given, that is a job socket, and it is the
  /// control socket that is wanted.
  var resolved: String {
    let beside = path + Self.suffix
    return isSocket(beside) ? beside : path
  }
}
