import LinuxIO
import Text
import Time
import WorkerPoolDriver

/// Why there is no connection any more, or none comes about.
package enum Loss: Equatable {
  /// Nobody can be reached there.
  case unreachable(SocketError)
  /// Connected, but no greeting came within this time.
  case silent(limit: Nanoseconds)
  /// The server has closed the connection.
  case closed
  /// It has closed in the middle of an answer.
  case cut
  /// The connection broke.
  case broken(SystemError)
  /// The server does not want us, with its words and its code of sysexits.h.
  case refused(reason: String, code: Int)
  /// What came is nothing that a prefork server sends: whatever else comes cannot be trusted.
  case nonsense(String)

  /// What the whole run ends as, if it ends with this.
  package enum Verdict: Equatable, Sendable {
    /// The pool cannot be reached, or not any more.
    case unreachable
    /// It has no room for us at the moment.
    case busy
    /// We may not use it.
    case notPermitted
    /// It is no such server.
    case protocolBroken
  }

  package var verdict: Verdict {
    switch self {
    case .unreachable(let error): error.isRefusal ? .notPermitted : .unreachable
    case .silent, .closed, .broken: .unreachable
    case .cut, .nonsense: .protocolBroken
    case .refused(_, 75): .busy
    case .refused(_, 77): .notPermitted
    case .refused: .unreachable
    }
  }

  /// Whether it may be otherwise next time. A connection that is cut in the middle of an answer, by a server that was
  /// killed, casts doubt on the answers received only if no further attempt is made.
  var isWorthRetrying: Bool {
    switch self {
    case .unreachable(let error): !error.isRefusal
    case .silent, .closed, .cut, .broken: true
    case .refused(_, let code): code == 75
    case .nonsense: false
    }
  }

  /// What happened, about the server at `address`.
  func words(_ address: SocketAddress) -> String {
    switch self {
    case .unreachable(let error): "\(error)"
    case .silent(let limit): "\(address) has not greeted us within \(durationText(limit))"
    case .closed: "\(address) has closed the connection"
    case .cut: "\(address) has closed the connection in the middle of an answer"
    case .broken(let error): "the connection to \(address) is broken: \(error.reason)"
    case .refused(let reason, _): "\(address) does not take us: \(reason)"
    case .nonsense(let what): "\(address) is no prefork server, or a broken one: \(what)"
    }
  }

  /// What to try, if anything is known.
  var hint: String? {
    switch self {
    case .unreachable(let error): error.hint
    case .silent: "is it the job socket of prefork serve? If it is overloaded, a longer --connect-timeout may help"
    case .refused(_, 75): "try it later, or with --reconnect 1s..30s"
    case .refused(_, 77): "the operator of the server can allow this user (--allow-user, --socket-mode, --socket-group)"
    case .nonsense: "the address must be that of a job socket of prefork serve"
    case .closed, .cut, .broken, .refused: nil
    }
  }
}

extension SocketError {
  /// We are kept out, and will be the next time.
  fileprivate var isRefusal: Bool {
    if case .connect(_, let error) = self { error.isDenied } else { false }
  }
}
