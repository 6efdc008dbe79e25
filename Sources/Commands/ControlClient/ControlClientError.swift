import ControlProtocol
import Glibc
import LinuxIO
import Time

/// Why a pool does not do what it was asked for.
public enum ControlClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No file stands at this path.
  case noSocket(String)
  /// A file stands at this path, but it is no socket.
  case notASocket(String)
  /// The socket is there, and its process is gone.
  case nobodyListens(String)
  /// We may not connect to it.
  case notPermitted(String)
  /// No answer came in this time.
  case noAnswer(String, after: Nanoseconds)
  /// The server closed the connection without an answer.
  case closed(String)
  /// The system refused something.
  case system(SystemError)
  /// What the server sends is no answer.
  case malformed(String)
  /// The server refuses.
  case refused(ControlError)

  /// What happened, in one sentence for people.
  public var description: String {
    switch self {
    case .noSocket(let path): "no socket at \(path)"
    case .notASocket(let path): "\(path) is not a socket"
    case .nobodyListens(let path): "nobody listens at \(path)"
    case .notPermitted(let path): "not permitted to connect to \(path)"
    case .noAnswer(let path, let time): "no answer from \(path) in \(time.wholeSeconds) s"
    case .closed(let path): "the server at \(path) closed the connection without an answer"
    case .system(let error): error.description
    case .malformed(let reason): "the server answers what makes no sense: \(reason)"
    case .refused(let error): error.description
    }
  }

  /// What to try; nil if there is no advice.
  public var hint: String? {
    switch self {
    case .noSocket, .notASocket:
      "is the pool running? its control socket is the first unix job socket's path with \(ControlAddress.suffix) "
        + "appended"
    case .nobodyListens: "is the pool running? the socket was left by one that is gone"
    case .notPermitted, .refused(.notPermitted), .refused(.permissionDenied):
      "run this as the user that runs the pool, or as one that it allows"
    case .noAnswer, .malformed, .closed: "is this the control socket of a pool, and not the one for its jobs?"
    case .refused(.noSuchPool(nil, _)): "choose one with --pool NAME"
    case .system, .refused: nil
    }
  }

  init(_ error: SystemError, _ path: String) {
    switch error.code {
    case ENOENT, ENOTDIR: self = .noSocket(path)
    case ECONNREFUSED: self = isSocket(path) ? .nobodyListens(path) : .notASocket(path)
    case EACCES, EPERM: self = .notPermitted(path)
    default: self = .system(error)
    }
  }
}
