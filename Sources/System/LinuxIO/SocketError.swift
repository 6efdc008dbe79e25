import Glibc
import Time

/// Why nobody can listen at an address, or connect to it.
public enum SocketError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Somebody listens there already.
  case inUse(SocketAddress)
  /// What stands at the path is no socket, and is left alone.
  case notASocket(path: String)
  /// It can be reached from other machines (the numeric address is the second one), and nobody has allowed that.
  case remote(SocketAddress, resolved: SocketAddress)
  /// The name of the host cannot be resolved, with the reason of getaddrinfo(3).
  case unresolved(SocketAddress, reason: String)
  /// No answer within this time.
  case timedOut(SocketAddress, after: Nanoseconds)
  /// An inherited descriptor of this number is not a stream socket that listens.
  case notListening(descriptor: CInt)
  /// A port is needed to connect to.
  case noPort(SocketAddress)
  /// Another process, which is named if it is known, holds the lock of the same socket file.
  case locked(path: String, holder: String?)
  /// Listening failed.
  case listen(SocketAddress, SystemError)
  /// Connecting failed.
  case connect(SocketAddress, SystemError)

  /// One line for a person, without a hint.
  public var description: String {
    switch self {
    case .inUse(let address): "cannot listen on \(address): somebody listens there already"
    case .notASocket(let path): "cannot listen on unix:\(path): what stands there is no socket"
    case .remote(let address, let resolved):
      "will not listen on \(address)" + (address == resolved ? "" : " (\(resolved))")
        + ": other machines could reach it, and any client that reaches it may run jobs"
    case .unresolved(let address, let reason): "cannot resolve \(address): \(reason)"
    case .timedOut(let address, let time):
      "cannot connect to \(address): no answer within \(time.milliseconds) ms"
    case .notListening(let descriptor): "descriptor \(descriptor) is not a stream socket that listens"
    case .noPort(let address): "cannot connect to \(address): port 0 is nobody's"
    case .locked(let path, let holder):
      "cannot listen on unix:\(path): \(holder ?? "another process") holds the lock \(path).lock"
    case .listen(let address, let error): "cannot listen on \(address): \(error.operation): \(error.reason)"
    case .connect(let address, let error): "cannot connect to \(address): \(error.reason)"
    }
  }

  /// What to try, if anything is known.
  public var hint: String? {
    switch self {
    case .inUse(.unix(let path)): "stop the other one, or listen on another path; to find it: ss -xlp src \(path)"
    case .inUse: "stop the other one, or listen on another address; to find it: ss -ltxp"
    case .notASocket(let path): "listen on another path, or remove \(path) yourself"
    case .remote: "use tcp:127.0.0.1:PORT, or allow it with --allow-remote if the network is trusted"
    case .unresolved: "an address in numbers needs no lookup: tcp:127.0.0.1:PORT"
    case .timedOut: "is it overloaded or stopped? A longer wait may help"
    case .notListening: "in the .socket unit, use ListenStream= and Accept=no"
    case .noPort: "give the port that the server has reported"
    case .locked(let path, nil): "find the process that holds it: fuser \(path).lock"
    case .locked: "end that process, or listen on another path"
    case .listen(let address, let error): Self.hint(address, error.code)
    case .connect(let address, let error): Self.hint(connecting: address, error.code)
    }
  }

  private static func hint(_ address: SocketAddress, _ code: CInt) -> String? {
    switch (address, code) {
    case (.unix, ENOENT): "its folder must exist"
    case (.unix, EACCES), (.unix, EROFS): "its folder must be writable for this user"
    case (.unix, EPERM): "only root, or a member of the group, may give a socket to a group"
    case (.tcp, EACCES): "ports below 1024 are for root, or need CAP_NET_BIND_SERVICE"
    case (.tcp, EADDRNOTAVAIL): "this machine has no such address"
    case (_, EMFILE): "raise the limit on open files (ulimit -n)"
    default: nil
    }
  }

  private static func hint(connecting address: SocketAddress, _ code: CInt) -> String? {
    switch (address, code) {
    case (.unix, ENOENT): "is the server running, and is this the path it was started with?"
    case (_, ECONNREFUSED): "nobody listens there: is the server running?"
    case (.unix, EACCES): "the socket's mode does not let this user in (--socket-mode, --socket-group)"
    case (.unix, ENOTSOCK), (.unix, EPROTOTYPE): "this is not the socket of a server"
    case (_, EMFILE): "raise the limit on open files (ulimit -n)"
    default: nil
    }
  }
}
