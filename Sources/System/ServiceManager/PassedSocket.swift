import Glibc
import LinuxIO
import Systemd

/// A socket that the service manager has opened for us (systemd.socket(5)).
public struct PassedSocket: Equatable, Sendable {
  /// Its purpose, by its name (`FileDescriptorName=` in the unit).
  public enum Purpose: Equatable, Sendable {
    /// `jobs`, or `jobs-NAME` for the pool of that name.
    case jobs(pool: String?)
    /// `control`.
    case control
    /// `metrics`.
    case metrics
    /// Nobody has named it: its name is that of its unit, or the one that stands for none.
    case unnamed
    /// A name that means nothing to us.
    case unknown

    /// The purpose that a name stands for.
    init(name: String) {
      switch name {
      case "jobs": self = .jobs(pool: nil)
      case "control": self = .control
      case "metrics": self = .metrics
      case "unknown": self = .unnamed
      case _ where name.hasSuffix(".socket"): self = .unnamed
      case _ where name.hasPrefix("jobs-") && name.utf8.count > 5: self = .jobs(pool: String(name.dropFirst(5)))
      default: self = .unknown
      }
    }
  }

  /// The descriptor, close-on-exec, which is now the caller's: `ListeningSocket(inherited:)` takes it over.
  public let descriptor: CInt
  /// Its name as it was given.
  public let name: String
  /// What it is for.
  public var purpose: Purpose { Purpose(name: name) }
}

/// The sockets that were passed to this process by sd_listen_fds(3), in their order; none if that was meant for another
/// process. To be called once, before any thread is started and anything is opened: it changes the environment, so that
/// none of our children takes them for its own.
public func takePassedSockets() throws(SystemError) -> [PassedSocket] { try passedSockets(leavingEnvironment: false) }

/// Whether one of the sockets that are passed to this process, and were not taken yet, is for control.
public func passesControlSocket() -> Bool {
  let sockets = try? passedSockets(leavingEnvironment: true)
  return sockets?.contains { $0.purpose == .control } ?? false
}

private func passedSockets(leavingEnvironment: Bool) throws(SystemError) -> [PassedSocket] {
  let variables: [String] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
  guard variables.contains(where: { getenv($0) != nil }) else { return [] }
  let library = try Systemd.load()
  var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  let count = library.listen_fds_with_names(leavingEnvironment ? 0 : 1, &names)
  if count < 0 { throw SystemError("sd_listen_fds", -count) }
  guard let names else { return [] }
  defer {
    for index in 0..<Int(count) { free(names[index]) }
    free(names)
  }
  // SD_LISTEN_FDS_START is 3.
  return (0..<count).map { index in
    PassedSocket(descriptor: 3 + index, name: names[Int(index)].map { String(cString: $0) } ?? "unknown")
  }
}
